"""The life of an incident, step by step:

receive → (correlate, match SOP: in the store's transaction) → advise → propose (`proposals`) →
vote (`decisions`) → dispatch → verify (`dispatches`) → resolve.

Every step claims its work from the store, so that after a kill -9 the next process goes on where
this one stopped. Nothing here knows Slack: what people should see is asked of the outbox, in the
same transaction as the change itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.advice.advisor import Advisor
from bot.advice.model import Advice, Subject
from bot.approvals.model import Approval
from bot.configuration import LiveConfiguration
from bot.errors import InputError, StoreError
from bot.incidents.model import Alert, Incident, IncidentChange
from bot.incidents.sops import SopLibrary
from bot.observability.events import Event, emit
from bot.observability.metrics import Metrics
from bot.policy import Policy
from bot.remediation.client import GatewayClient
from bot.response import advise, dispatch, verify
from bot.response.decisions import Decisions, Standings
from bot.response.dispatches import Dispatches
from bot.response.proposal_queue import ProposalQueue
from bot.response.proposals import Proposals
from bot.response.receive import Delivery, name_all, named_in_steps
from bot.serving.logs import bound
from store import Store
from store.rows import AdviceRecord, Receipt

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ResolveWarning:
    """What closing an incident would end: how many alerts fire, which approvals wait."""

    firing: int
    waiting: tuple[Approval, ...]


class IncidentService:
    """Everything that happens to an incident. `home_team` is our workspace's id.

    `standing` tells what Slack says of a person; without it nobody's yes counts. A dispatch that
    has no outcome after `dispatch_patience` seconds is looked up; it must be longer than the
    gateway's timeout.
    """

    def __init__(
        self,
        *,
        store: Store,
        config: LiveConfiguration,
        advisor: Advisor,
        gateway: GatewayClient,
        probe: verify.Probe,
        standing: Standings,
        clock: Callable[[], datetime],
        metrics: Metrics,
        home_team: str = "",
        dispatch_patience: float = 120.0,
    ) -> None:
        self.store = store
        self.config = config
        self.home_team = home_team
        self.decisions = Decisions(
            store=store,
            config=config,
            gateway=gateway,
            standing=standing,
            clock=clock,
            metrics=metrics,
            home_team=home_team,
        )
        self.proposals = Proposals(
            store=store,
            config=config,
            gateway=gateway,
            check_person=self.decisions.check_person,
            clock=clock,
        )
        self.proposal_queue = ProposalQueue(
            store=store, config=config, proposals=self.proposals, clock=clock
        )
        self.dispatches = Dispatches(
            store=store,
            config=config,
            gateway=gateway,
            probe=probe,
            standing=standing,
            clock=clock,
            metrics=metrics,
            patience=timedelta(seconds=dispatch_patience),
        )
        self._advisor = advisor
        self._clock = clock
        self._metrics = metrics
        self._advising: set[int] = set()  # advice that is being given

    @property
    def sops(self) -> SopLibrary:
        """The SOPs as they are now."""
        return self.config.current.sops

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return self.config.current.policy

    # 1. Receive: written before it is acknowledged.

    async def receive(self, delivery: Delivery) -> Receipt:
        """Write the alerts and fold them; the same delivery twice changes nothing."""
        now = self._clock()
        named = await named_in_steps(
            name_all(delivery, self.sops, now, self.policy.ingest.same_sender)
        )
        receipt = await self.store.accept(
            delivery.key, named, channel=delivery.channel, now=now, posted=delivery.posted
        )
        source = delivery.alerts[0].source if delivery.alerts else "none"
        self._metrics.received(source, receipt.accepted, receipt.duplicates, len(receipt.opened))
        return receipt

    # 2. Advise: after the card, never in its way.

    async def claim_advice(self) -> AdviceRecord | None:
        """Claim the advice of the most severe incident that has none yet."""
        record = await self.store.claim_advice(self._clock(), tuple(self._advising))
        if record is not None:
            self._advising.add(record.id)
        return record

    async def advise(self, record: AdviceRecord) -> None:
        """Give the advice that was claimed."""
        try:
            await self._advise(record)
            await self.store.advice_done(record.id)
        except BaseException:
            with suppress(StoreError):  # it stays ours and not in hand, so it is claimed again
                await self.store.release_advice(record.id)
            raise
        finally:
            self._advising.discard(record.id)

    async def _advise(self, record: AdviceRecord) -> None:
        incident = await self.store.incident(record.incident_id)
        alert = await self.store.latest_alert(incident.id)
        with bound(
            incident=incident.number, sop_id=incident.sop_id, tracking_id=incident.tracking_id
        ):
            await self._advise_on(incident, alert, record)

    async def _advise_on(
        self, incident: Incident, alert: Alert | None, record: AdviceRecord
    ) -> None:
        if record.body is None:
            subject = await advise.subject_of(
                self.store, self.sops, incident, alert, record.question, self._clock()
            )
            emit(Event.ADVICE_ASKED, asked_by=record.asked_by or None)
            given = await self._advisor.advise(subject)
            if given.failure:
                emit(Event.ADVICE_FAILED, why=given.failure, seconds=round(given.seconds, 1))
            give = partial(self.store.give_advice, record.id, asdict(given), given.answer)
            await dispatch.written(lambda: give(self._clock()))

    async def ask(self, incident: Incident, question: str, user: str, *, once: str = "") -> None:
        """Queue a person's question, one a key `once`; the answer is posted in the thread."""
        if not question.strip():
            raise InputError("What is the question?", remedy="`/incident ask INC-1 why now?`")
        await self.decisions.check_person(user, "ask")
        await self.store.enqueue_advice(incident, question.strip(), user, self._clock(), once)

    async def answer(self, subject: Subject) -> Advice:
        """Answer now, for POST /incident; AdvisorError says why there is no answer."""
        advice = await self._advisor.ask(subject)
        now = self._clock()
        await self.store.remember(subject.sop_id, None, "person", subject.question, now)
        await self.store.remember(subject.sop_id, None, "advisor", advice.answer, now)
        return advice

    # People steer.

    async def acknowledge(self, incident_id: int, user: str) -> IncidentChange:
        """The user takes ownership, if nobody has it yet."""
        await self.decisions.check_person(user, "acknowledge")
        return await self.store.acknowledge(incident_id, user, self._clock())

    async def assign(self, incident_id: int, assignee: str, by: str) -> IncidentChange:
        """Change the owner; Refused if the policy does not let that user have it."""
        await self.decisions.check_person(by, "assign")
        if assignee != by:
            await self.decisions.check_person(assignee, "acknowledge")
        return await self.store.assign(incident_id, assignee, by, self._clock())

    async def resolve(self, incident_id: int, user: str) -> Incident:
        """A person closes it."""
        await self.decisions.check_person(user, "resolve")
        return await self.store.resolve(incident_id, user, self._clock())

    async def report_unanswered(self) -> None:
        """Post in the threads of incidents that nobody acknowledged in time."""
        seconds = self.policy.notify.unanswered_seconds
        if seconds:
            now = self._clock()
            before = now - timedelta(seconds=seconds)
            await self.store.report_unanswered(before, self.policy.remediate.approvers, now)

    async def what_resolving_ends(self, incident: Incident) -> ResolveWarning | None:
        """What a person must confirm before closing it; None if nothing."""
        approvals = await self.store.approvals_of(incident.id)
        waiting = tuple(one for one in approvals if not one.decided)
        if not incident.firing and not waiting:
            return None
        return ResolveWarning(incident.firing, waiting)

    async def reopen(self, incident_id: int, user: str) -> IncidentChange:
        """A person reopens a resolved incident."""
        await self.decisions.check_person(user, "reopen")
        return await self.store.reopen(incident_id, user, self._clock())

    async def count_backlog(self) -> None:
        """Put the outbox's backlog where it is watched."""
        waiting, failed = await self.store.outbox_backlog()
        self._metrics.outbox_waiting.set(waiting)
        self._metrics.outbox_failed.set(failed)

    async def prune(self) -> dict[str, int]:
        """Forget what the policy does not keep."""
        now = self._clock()
        keep = self.policy.retention
        gone = await self.store.prune(
            now - timedelta(days=keep.deliveries_days), now - timedelta(days=keep.alerts_days)
        )
        audit = await self.store.prune_audit(now - timedelta(days=keep.audit_days), now)
        return {**gone, "audit": audit}
