"""The life of an incident, step by step:

receive → (correlate, match SOP: in the store's transaction) → advise (`advice_queue`) →
propose (`proposals`) → vote (`decisions`) → dispatch → verify (`dispatches`) → resolve.

Every step claims its work from the store, so that after a kill -9 the next process goes on where
this one stopped. Nothing here knows Slack: what people should see is asked of the outbox, in the
same transaction as the change itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from bot.incidents.deploys import deploy_in
from bot.incidents.model import Incident, IncidentChange
from bot.incidents.sops import SopLibrary
from bot.intake.deploy_request import DeployRequest
from bot.language import N_
from bot.policy import Policy
from bot.response.advice_queue import AdviceQueue
from bot.response.cancellations import Cancellations
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies
from bot.response.dispatches import Dispatches
from bot.response.enrichment import Enrichment
from bot.response.exports import Exports
from bot.response.gateway_offers import GatewayOffers
from bot.response.gateway_reads import GatewayReads
from bot.response.handover import Handovers
from bot.response.lessons import Lessons
from bot.response.memory import Memory
from bot.response.postmortems import Postmortems
from bot.response.progress import ProgressReports
from bot.response.proposal_queue import ProposalQueue
from bot.response.proposals import Proposals
from bot.response.raised_severity import with_raised_severities
from bot.response.readers import Readers
from bot.response.receive import (
    Delivery,
    deploy_of,
    identify_activities,
    name_all,
    named_in_steps,
)
from bot.response.remarks import Remarks
from bot.response.reports import Report, Reported, delivery_of
from bot.response.runbooks import Runbooks
from bot.response.service_levels import ServiceLevelWatch
from bot.response.silences import Silences
from bot.response.stakeholders import StakeholderUpdates
from bot.response.suggestions import Suggestions
from bot.response.upkeep import Upkeep
from store.receipts import Receipt

log = logging.getLogger(__name__)


class IncidentService:
    """Everything that happens to an incident."""

    def __init__(self, dependencies: Dependencies) -> None:
        self.store = dependencies.store
        self.config = dependencies.config
        self.home_team = dependencies.home_team
        self._alert_channels = dependencies.alert_channels
        self.decisions = Decisions(dependencies)
        self.gateway_offers = GatewayOffers(dependencies)
        self.proposals = Proposals(dependencies, self.decisions.check_person)
        self.suggestions = Suggestions(dependencies, self.proposals)
        self.gateway_reads = GatewayReads(dependencies, self.decisions.check_person)
        self.cancellations = Cancellations(dependencies, self.decisions)
        self.proposal_queue = ProposalQueue(dependencies, self.proposals)
        self.dispatches = Dispatches(dependencies)
        self.progress = ProgressReports(dependencies, lambda: self.dispatches.under_way)
        self.silences = Silences(dependencies, self.decisions)
        self.readers = Readers(dependencies)
        self.names_of = dependencies.directory.names
        self.remarks = Remarks(dependencies, self.decisions.check_person)
        self.postmortems = Postmortems(dependencies, self.decisions)
        self.exports = Exports(dependencies, self.decisions)
        self.stakeholders = StakeholderUpdates(dependencies, self.decisions)
        self.handovers = Handovers(dependencies, self.decisions)
        self.upkeep = Upkeep(
            dependencies.store,
            dependencies.config,
            dependencies.clock,
            dependencies.metrics,
            dependencies.ops_channel,
        )
        self.runbooks = Runbooks(dependencies, self.decisions)
        self.lessons = Lessons(dependencies, self.decisions, self.readers)
        memory = Memory(dependencies, self.readers)
        enrichment = Enrichment(dependencies, self.runbooks, self.lessons, memory)
        self.advice_queue = AdviceQueue(dependencies, enrichment, self.decisions)
        self._clock = dependencies.clock
        self._metrics = dependencies.metrics
        self.service_levels = ServiceLevelWatch(self.store, self._metrics, self._clock)

    @property
    def sops(self) -> SopLibrary:
        """The SOPs as they are now."""
        return self.config.current.sops

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return self.config.current.policy

    # Receive: written before it is acknowledged.

    async def receive(self, delivery: Delivery) -> Receipt:
        """Write the alerts and fold them; the same delivery twice changes nothing.

        Activity at the sender reaches the incident of its alert.
        """
        now = self._clock()
        ingest = self.policy.ingest
        named = await named_in_steps(
            name_all(delivery, self.sops, now, ingest.same_sender, ingest.routes)
        )
        named = await with_raised_severities(self.store, named, now)
        receipt = await self.store.accept(
            delivery.key,
            named,
            channel=delivery.channel,
            now=now,
            posted=delivery.posted,
            arrived_at=delivery.arrived_at,
            clock=self._clock,
            activities=identify_activities(delivery, ingest.same_sender),
        )
        if deploys := [deploy for item in named if (deploy := deploy_in(item, now))]:
            await self.store.record_deploys(deploys, now)
        sources = [alert.source for alert in delivery.alerts[:1]]
        sources += [activity.source for activity in delivery.activities[:1]]
        source = next(iter(sources), "none")
        self._metrics.received(source, receipt.accepted, receipt.duplicates, len(receipt.opened))
        return receipt

    async def report(self, report: Report) -> Reported:
        """A person opens an incident, or joins an open one; the same key twice is the same report.

        InputError without a title. The thread quotes a report that joins.
        """
        await self.decisions.check_person(report.user, "open")
        receipt = await self.receive(delivery_of(report, self._alert_channels))
        outcome = receipt.outcomes[0]
        if outcome.incident_id is None:
            return Reported(None, opened=False)
        if not outcome.is_repeat:
            text = "Opened this incident" if outcome.opened else f"{report.title}\n{report.text}"
            await self.store.note(outcome.incident_id, text.strip(), report.user, self._clock())
        return Reported(await self.store.incident(outcome.incident_id), outcome.opened)

    async def record_deploy(self, report: DeployRequest) -> int:
        """Store a deploy; returns 0 if it is known."""
        return await self.store.record_deploys([deploy_of(report, self.sops)], self._clock())

    # People steer.

    async def acknowledge(self, incident_id: int, user: str) -> IncidentChange:
        """The user takes ownership, if nobody has it yet."""
        await self.decisions.check_person(user, "acknowledge")
        return await self.store.acknowledge(incident_id, user, self._clock())

    async def assign(
        self, incident_id: int, assignee: str, by: str, seen: str | None = None
    ) -> IncidentChange:
        """Change the owner; Refused if the policy does not let that user have it.

        `seen` is the owner that the modal showed. SubmitAgain if it is another one by now.
        """
        await self.decisions.check_person(by, "assign")
        if assignee != by:
            await self.decisions.check_person(assignee, "acknowledge")
        return await self.store.assign(incident_id, assignee, by, self._clock(), seen)

    async def resolve(self, incident_id: int, user: str) -> Incident:
        """A person closes it."""
        await self.decisions.check_person(user, "resolve")
        return await self.store.resolve(incident_id, user, self._clock())

    async def reopen(self, incident_id: int, user: str) -> IncidentChange:
        """A person reopens a resolved incident."""
        await self.decisions.check_person(user, "reopen")
        return await self.store.reopen(incident_id, user, self._clock())

    async def split(self, incident_id: int, user: str) -> IncidentChange:
        """A person makes an child a root of its own."""
        await self.decisions.check_person(user)
        return await self.store.split(incident_id, user, self._clock())

    async def link_sop(self, incident: Incident, sop_id: str, user: str) -> IncidentChange:
        """The owner of an incident, or an approver, chooses its SOP."""
        await self.decisions.check_person(user)
        if user != incident.acknowledged_by:
            await self.decisions.check_approver(user, N_("Not linked"))
        return await self.store.link_sop(incident.id, sop_id, user, self._clock())

    async def merge(self, incident_id: int, into_id: int, user: str) -> IncidentChange:
        """A person makes an incident a child of another one."""
        await self.decisions.check_person(user)
        return await self.store.merge(incident_id, into_id, user, self._clock())

    async def still_going_on(self, incident_id: int, user: str) -> IncidentChange:
        """A person says that an incident goes on though no alert of it came for long."""
        await self.decisions.check_person(user, "acknowledge")
        return await self.store.still_going_on(incident_id, user, self._clock())

    # By time alone.

    @property
    def timed(self) -> dict[str, Callable[[], Awaitable[object]]]:
        """The functions that do what is due by time alone, each by the name of its step."""
        return {
            "recover": self.dispatches.recover,
            "look_up_unknown": self.dispatches.look_up_unknown,
            "verify": self.dispatches.verify_due,
            "expire_approvals": self.decisions.expire_and_revoke,
            "report_unanswered": self.upkeep.report_unanswered,
            "end_flapping": self.upkeep.end_flapping,
            "end_stale": self.upkeep.end_stale,
            "end_silences": self.silences.settle,
            "remind_of_actions": self.postmortems.remind,
            "report_late_handovers": self.handovers.report_late,
            "export_postmortems": self.postmortems.export,
            "retry_outbox": self.upkeep.retry_outbox,
            "post_audit_head": self.upkeep.close_audit_day,
            "summarise_hours": self.upkeep.summarise_hours,
            "prune": self.upkeep.prune,
        }

    async def settle(self) -> None:
        """Do everything that is due by time alone, once. The clock runs each by its own interval.

        StoreError: not everything is done; call it again.
        """
        for run in self.timed.values():
            await run()
