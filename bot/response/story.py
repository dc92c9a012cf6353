"""The story of an incident, one method a step:

receive → (correlate, match SOP: in the store's transaction) → advise → propose → vote →
dispatch → verify → resolve.

Every step claims its work from the store, so that after a kill -9 the next process goes on where
this one stopped. Nothing here knows Slack: what people should see is asked of the outbox, in the
same transaction as the change itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial

from bot.advice.advisor import Advisor
from bot.advice.model import Advice, Subject
from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.policy import Voter
from bot.errors import GatewayUnavailable, InputError, NotFound, Refused, SopbotError, StoreError
from bot.incidents.model import Alert, Incident
from bot.incidents.remediation import Proposal, RemediationStatus
from bot.incidents.sops import SopLibrary
from bot.observability.metrics import Metrics
from bot.policy import Policy
from bot.remediation import catalogue, intents
from bot.remediation.client import GatewayClient
from bot.response import advise, dispatch, propose, verify
from bot.response.receive import Delivery, name_all
from store.contract import Store
from store.operations.audit import LONGEST_ID, Kind
from store.rows import AdviceRecord, Receipt

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that a person's command may wait for the gateway; Slack gives it three
CLAIMING = timedelta(seconds=10)  # what we claimed so long ago and do not hold, nobody sends
UNKNOWN_LOOKUPS = timedelta(minutes=10)  # how long an unknown outcome is looked up by itself


class Response:
    """Everything that happens to an incident. `home_team` is our workspace's id.

    A dispatch that has no outcome after `dispatch_patience` seconds is looked up; it must be longer
    than the gateway's timeout.
    """

    def __init__(
        self,
        *,
        store: Store,
        sops: SopLibrary,
        policy: Policy,
        advisor: Advisor,
        gateway: GatewayClient,
        probe: verify.Probe,
        clock: Callable[[], datetime],
        metrics: Metrics,
        home_team: str = "",
        dispatch_patience: float = 120.0,
    ) -> None:
        self.store = store
        self.sops = sops
        self.policy = policy
        self.home_team = home_team
        self._advisor = advisor
        self._gateway = gateway
        self._probe = probe
        self._clock = clock
        self._metrics = metrics
        self._dispatch_patience = timedelta(seconds=dispatch_patience)
        self._in_hand: set[str] = set()  # executions that `dispatch_next` is sending
        self._advising: set[int] = set()  # advice that is being given
        self._claiming = asyncio.Lock()

    # 1. Receive: written before anybody is told that it arrived.

    async def receive(self, delivery: Delivery) -> Receipt:
        """Write the alerts and fold them; the same delivery twice changes nothing."""
        now = self._clock()
        named = name_all(delivery, self.sops, now)
        receipt = await self.store.accept(delivery.key, named, channel=delivery.channel, now=now)
        source = delivery.alerts[0].source if delivery.alerts else "none"
        self._metrics.received(source, receipt.accepted, receipt.duplicates, len(receipt.opened))
        return receipt

    # 2. Advise: after the card, never in its way.

    async def advise_next(self) -> bool:
        """Give the gravest advice that is wanted, and propose what the SOP offers."""
        async with self._claiming:  # the next claim must know what this one took
            record = await self.store.claim_advice(self._clock(), tuple(self._advising))
            if record is None:
                return False
            self._advising.add(record.id)
        try:
            await self._advise(record)
            await self.store.advice_done(record.id)
        except BaseException:
            with suppress(StoreError):  # then it is ours and not in hand: it comes again
                await self.store.release_advice(record.id)
            raise
        finally:
            self._advising.discard(record.id)
        return True

    async def _advise(self, record: AdviceRecord) -> None:
        incident = await self.store.incident(record.incident_id)
        alert = await self.store.latest_alert(incident.id)
        if record.body is None:
            subject = await advise.subject_of(
                self.store, self.sops, incident, alert, record.question, self._clock()
            )
            given = await self._advisor.advise(subject)
            give = partial(self.store.give_advice, record.id, asdict(given), given.answer)
            await dispatch.written(lambda: give(self._clock()))
        if alert and not record.question and self.policy.remediate.propose_from_sop:
            await self._propose_from_sop(incident, alert, record)

    async def ask(self, incident: Incident, question: str, user: str, *, once: str = "") -> None:
        """Queue a person's question, one a key `once`; the answer comes into the thread."""
        if not question.strip():
            raise InputError("What is the question?", remedy="`/incident ask INC-1 why now?`")
        await self.store.want_advice(incident, question.strip(), user, self._clock(), once)

    async def answer(self, subject: Subject) -> Advice:
        """Answer now, for POST /incident; AdvisorError says why there is no answer."""
        advice = await self._advisor.ask(subject)
        now = self._clock()
        await self.store.remember(subject.sop_id, None, "person", subject.question, now)
        await self.store.remember(subject.sop_id, None, "advisor", advice.answer, now)
        return advice

    # 3. Propose: a typed action before people, with where every value comes from.

    async def _propose_from_sop(
        self, incident: Incident, alert: Alert, record: AdviceRecord
    ) -> None:
        sop = self.sops.get(incident.sop_id)
        if sop is None:
            return
        for place, action in propose.offered(sop, alert):
            given = propose.values_from(sop, action, alert, self._clock())
            try:
                proposal = catalogue.propose(action.action, given)
                await self._put(incident, proposal, "", f"advice:{record.id}:{place}")
            except Refused as error:
                log.info("not proposed: %s", error)
                return
            except (InputError, GatewayUnavailable) as error:
                text = f"Not proposed: {action.action}. {error}"
                await self.store.note(incident.id, text, "", self._clock())

    async def fix(self, incident: Incident, words: str, user: str, cause: str) -> Approval:
        """A person asks for an action; somebody else must approve it. `cause` asks only once."""
        action_id, given = intents.read_fix(words, user=user, default_target=incident.service)
        return await self._put(incident, catalogue.propose(action_id, given), user, cause)

    async def _put(self, incident: Incident, proposal: Proposal, user: str, cause: str) -> Approval:
        call = propose.call_of(incident, proposal)
        preview = await propose.preview_of(self._gateway, call, PATIENCE if user else None)
        approval = propose.approval_for(
            incident,
            proposal,
            preview,
            self.policy.remediate,
            requested_by=user,
            now=self._clock(),
        )
        return await self.store.ask(approval, cause)

    # 4. Approve: one conditional UPDATE decides.

    async def vote(
        self, approval_id: str, voter: Voter, choice: Choice, press: Mapping[str, str] | None = None
    ) -> Approval:
        """Count a press, which Slack calls `press`. Refused says why to the person who pressed."""
        try:
            approval = await self.store.vote(
                approval_id, voter, choice, self.home_team, self._clock(), press
            )
        except (Refused, NotFound) as error:
            if isinstance(error, Refused):
                self._metrics.refused()
            facts = {"choice": choice, "team": voter.team, **(press or {})}
            await self._record_refusal(error, approval_id, voter.user, facts)
            raise
        self._metrics.voted(choice)
        return approval

    async def _record_refusal(
        self, error: SopbotError, approval_id: str, user: str, facts: Mapping[str, str]
    ) -> None:
        """On its own: what was refused was undone, and with it what it would have recorded."""
        try:
            incident_id = None
            with suppress(NotFound):
                incident_id = (await self.store.approval(approval_id)).incident_id
            await self.store.record(
                Kind.REFUSED,
                now=self._clock(),
                incident_id=incident_id,
                subject=approval_id[:LONGEST_ID],
                actor=user,
                detail={"why": error.message, **facts},
            )
        except StoreError as trouble:  # refused it is, on record or not
            log.warning("a refusal is not on record: %s", trouble)

    async def expire(self) -> int:
        """End approvals that nobody decided in time."""
        return await self.store.expire_approvals(self._clock())

    # 5. Run: one request an approval, and what is not known is called unknown.

    async def dispatch_next(self) -> bool:
        """Send the oldest approved execution."""
        execution = await self.store.claim_execution(self._clock(), self._approved_after())
        if execution is None:
            return False
        self._in_hand.add(execution.id)
        try:
            await self._send(execution)
        finally:
            self._in_hand.discard(execution.id)
        return True

    def _approved_after(self) -> datetime:
        """A yes from before then is not acted on: people looked at another world."""
        return self._clock() - timedelta(seconds=self.policy.remediate.approval_ttl_seconds)

    async def recover_dispatches(self) -> None:
        """Find out what became of requests whose sender died.

        Only when the gateway says that it never saw the key, and the yes still holds, is the
        request sent, with that key.
        """
        now = self._clock()
        for orphan in await self.store.orphaned_executions(now - CLAIMING, now):
            if orphan.id in self._in_hand or not await self.store.adopt_execution(orphan, now):
                continue
            execution = replace(orphan, owner=self.store.owner)
            result = await dispatch.look_up(self._gateway, execution.id)
            if result is not None:
                await self._finish(execution, result)
            elif await self.store.still_wanted(execution, self._clock(), self._approved_after()):
                await self._send(execution)

    async def look_again(self, execution: Execution) -> Execution:
        """Ask the gateway once more what became of an unknown outcome."""
        if execution.state is not RemediationStatus.OUTCOME_UNKNOWN:
            return execution
        return await self._look_up(execution)

    async def _look_up(self, execution: Execution) -> Execution:
        result = await dispatch.look_up(self._gateway, execution.id)
        if result is None:
            result = dispatch.Result(
                RemediationStatus.FAILED,
                error="The gateway never saw the request: nothing ran.",
                looked_up=True,
            )
        if result.state is execution.state:
            return execution
        return await self._finish(execution, result)

    async def look_up_unknown(self) -> None:
        """Ask after every unknown outcome of the last minutes, and what was never finished."""
        now = self._clock()
        for execution in await self.store.unknown_outcomes(
            now - UNKNOWN_LOOKUPS, now - self._dispatch_patience
        ):
            await self._look_up(execution)

    async def _send(self, execution: Execution) -> None:
        approval = await self.store.approval(execution.approval_id)
        if propose.digest_of(approval.proposal, approval.preview) != approval.digest:
            await self.store.revoke(
                approval.id, "what would run is not what was shown", self._clock()
            )
            return
        incident = await self.store.incident(execution.incident_id)
        call = propose.call_of(incident, approval.proposal)
        await self.store.record(
            Kind.REQUEST,
            now=self._clock(),
            incident_id=incident.id,
            subject=approval.id,
            detail=self._gateway.request_of(
                call, key=execution.id, digest=approval.preview.digest or None
            ),
        )
        if not self.store.replica.holds:
            return  # we stood still for so long that others look after it by now
        try:
            result = await dispatch.send(self._gateway, call, execution.id, approval.preview.digest)
        except Exception as error:
            # A fault of ours after the claim: whether it was sent is not known.
            why = f"The bot failed while sending ({type(error).__name__})."
            unknown = dispatch.Result(RemediationStatus.OUTCOME_UNKNOWN, error=why)
            await dispatch.written(partial(self._finish, execution, unknown))
            raise
        # Unlike what was looked up, nobody else may be able to tell.
        result = replace(result, finished_at=self._clock())
        await dispatch.written(partial(self._finish, execution, result))

    async def _finish(self, execution: Execution, result: dispatch.Result) -> Execution:
        now = self._clock()
        watch = timedelta(seconds=self.policy.remediate.verify_deadline_seconds)
        succeeded = result.state is RemediationStatus.SUCCEEDED
        finished = await self.store.finish_execution(
            execution,
            result.state,
            answer=result.answer,
            error=result.error,
            now=now,
            finished_at=result.finished_at or now,
            verify_until=now + watch if succeeded else None,
            looked_up=result.looked_up,
        )
        self._metrics.dispatched(finished.state, finished.seconds)
        return finished

    # 6. Verify: a probe or the alert itself, never the exit code.

    async def verify_due(self) -> None:
        """Look at everything that ran and is not verified yet."""
        for execution in await self.store.verifying():
            await self._verify(execution)

    async def _verify(self, execution: Execution) -> None:
        approval = await self.store.approval(execution.approval_id)
        url = verify.probe_url(approval)
        good = 0
        if url:
            probed = await self._probe(url)
            good = await self.store.count_probe(execution.id, probed.good, probed.note)
            execution = await self.store.execution(execution.id)
        incident = await self.store.incident(execution.incident_id)
        verdict = verify.verdict(
            execution,
            incident,
            good_in_a_row=good,
            needed=self.policy.remediate.verify_good_probes,
            now=self._clock(),
        )
        if verdict and await self.store.conclude(execution.id, *verdict, self._clock()):
            self._metrics.concluded(verdict[0])

    # People steer.

    async def acknowledge(self, incident_id: int, user: str) -> Incident:
        """Somebody looks after it."""
        return await self.store.acknowledge(incident_id, user, self._clock())

    async def resolve(self, incident_id: int, user: str) -> Incident:
        """A person closes it."""
        return await self.store.resolve(incident_id, user, self._clock())

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
