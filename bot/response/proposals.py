"""The third and fourth step: a typed action is put before people, and people decide."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.approvals.binding import bound_to, digest_of_text, why_void
from bot.approvals.model import Approval, Choice, Standing, Terms
from bot.approvals.policy import Voter, check_vote
from bot.approvals.rules import Case, Demand, demand, in_window, windows_in_words
from bot.errors import (
    GatewayUnavailable,
    InputError,
    NotFound,
    Refused,
    SopbotError,
    StoreError,
)
from bot.incidents.model import Alert, Incident
from bot.incidents.remediation import Proposal, RemediationStatus
from bot.observability.metrics import Metrics
from bot.remediation import catalogue, intents
from bot.remediation.client import GatewayClient
from bot.response import propose
from bot.response.rulebook import Rulebook
from store.contract import Store
from store.operations.audit import LONGEST_ID, Kind
from store.rows import AdviceRecord

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that a person's command may wait for the gateway; Slack gives it three
AGAIN = "It is revoked; propose it again."

Standings = Callable[[str, Collection[str]], Awaitable[Standing]]
"""What Slack says of a user now: who they are, and which of these user groups they are in."""


class Proposals:
    """What waits for a yes. `home_team` is our workspace's id."""

    def __init__(
        self,
        *,
        store: Store,
        rulebook: Rulebook,
        gateway: GatewayClient,
        standing: Standings,
        clock: Callable[[], datetime],
        metrics: Metrics,
        home_team: str,
    ) -> None:
        self._store = store
        self._rulebook = rulebook
        self._gateway = gateway
        self._standing = standing
        self._clock = clock
        self._metrics = metrics
        self._home_team = home_team

    # Asking

    async def from_sop(self, incident: Incident, alert: Alert, record: AdviceRecord) -> None:
        """Propose what the SOP offers for this alert, once a piece of advice."""
        sop = self._rulebook.sops.get(incident.sop_id)
        if sop is None:
            return
        for place, action in propose.offered(sop, alert):
            given = propose.values_from(sop, action, alert, self._clock())
            try:
                proposal = catalogue.propose(action.action, given, self._rulebook.policy.remediate)
                await self._put(incident, proposal, f"advice:{record.id}:{place}")
            except (Refused, InputError, GatewayUnavailable) as error:
                if await self._is_over(incident):
                    return
                log.info("not proposed: %s", error)
                said = str(error).removeprefix("Not proposed: ")
                text = f"Not proposed: {action.action}. {said}"
                await self._store.note(incident.id, text, "", self._clock())

    async def _is_over(self, incident: Incident) -> bool:
        """Nobody wants to hear about what cannot be proposed any more."""
        return (await self._store.incident(incident.id)).resolved_at is not None

    async def fix(self, incident: Incident, words: str, user: str, cause: str) -> Approval:
        """A person asks for an action; somebody else must approve it. `cause` asks only once."""
        action_id, given = intents.read_fix(words, user=user, default_target=incident.service)
        proposal = catalogue.propose(action_id, given, self._rulebook.policy.remediate)
        return await self._put(incident, proposal, cause, requested_by=user)

    async def edit(self, approval_id: str, values: Mapping[str, str], user: str) -> Approval:
        """A person changes values: another proposal takes its place, and they do not count on it.

        Every vote so far was for other values, so it has none.
        """
        old = await self._undecided(approval_id)
        given = {p.name: (p.value, p.origin) for p in old.proposal.parameters}
        changed = False
        for name, value in values.items():
            if name not in catalogue.editable(old.proposal.action_id):
                raise InputError(f"{name} cannot be edited", field=name)
            if name in given and str(given[name][0]) != value.strip():
                given[name] = (value.strip(), f"edited by @{user}")
                changed = True
        if not changed:
            raise InputError("Nothing was changed.", remedy="Close the box to leave it as it is.")
        proposal = catalogue.propose(old.proposal.action_id, given, self._rulebook.policy.remediate)
        incident = await self._store.incident(old.incident_id)
        fresh = await self._put(
            incident,
            proposal,
            f"edit/{old.id}/{digest_of_text(repr(sorted(values.items())))[:16]}",
            requested_by=old.requested_by,
            editors=(*old.terms.editors, user),
            undoes=old.undoes,
        )
        await self._store.withdraw(
            old.id, f"@{user} changed a value. The new card is below", self._clock()
        )
        await self._store.record(
            Kind.EDITED,
            now=self._clock(),
            incident_id=incident.id,
            subject=old.id,
            actor=user,
            detail={"became": fresh.id, "values": dict(values)},
        )
        return fresh

    async def undo(self, approval_id: str, user: str) -> Approval:
        """Propose the inverse of what ran and did not help, through the same policy."""
        done = await self._store.approval(approval_id)
        execution = await self._store.execution_of(approval_id)
        given = catalogue.inverse_of(done.proposal)
        if execution is None or execution.state is not RemediationStatus.NOT_VERIFIED:
            raise Refused("Not proposed: only what ran and is not verified can be undone.")
        if given is None:
            raise Refused("Not proposed: nothing takes this action back.")
        earlier = [
            one
            for one in await self._store.approvals_of(done.incident_id)
            if one.undoes == execution.id
        ]
        if any(not one.decided for one in earlier):
            raise Refused("It is proposed already: see its card in this thread.")
        inverse = catalogue.CATALOGUE[done.proposal.action_id].inverse
        proposal = catalogue.propose(inverse, given, self._rulebook.policy.remediate)
        incident = await self._store.incident(done.incident_id)
        return await self._put(
            incident,
            replace(proposal, title=f"Undo {done.proposal.title}: {proposal.title}"),
            f"undo/{execution.id}/{len(earlier)}",
            requested_by=user,
            undoes=execution.id,
        )

    async def _put(
        self,
        incident: Incident,
        proposal: Proposal,
        cause: str,
        *,
        requested_by: str = "",
        editors: tuple[str, ...] = (),
        undoes: str = "",
    ) -> Approval:
        call = propose.call_of(incident, proposal)
        by_hand = bool(requested_by or editors)
        preview, targets = await propose.preview_of(
            self._gateway, call, PATIENCE if by_hand else None
        )
        alert = await self._store.latest_alert(incident.id)
        # As it is now: the advice that led here may have taken minutes.
        incident = await self._store.incident(incident.id)
        seen = propose.is_seen(proposal.target, incident, alert)
        wanted = demand(
            self._rulebook.policy.remediate,
            Case(
                action_id=proposal.action_id,
                risk=proposal.risk,
                environment=incident.env,
                targets=targets,
                seen=seen,
                asked_by=requested_by or "".join(editors[-1:]),
            ),
        )
        if wanted.needed == 0:
            self._check_window(wanted.only_in_windows, "Not proposed")
        approval = propose.approval_for(
            incident,
            proposal,
            preview,
            wanted,
            self._terms(incident, wanted, targets, seen, editors),
            requested_by=requested_by,
            undoes=undoes,
            now=self._clock(),
        )
        return await self._store.ask(approval, cause, self._rulebook.limits)

    def _terms(
        self, incident: Incident, wanted: Demand, targets: int, seen: bool, editors: tuple[str, ...]
    ) -> Terms:
        return Terms(
            reason_required=wanted.reason_required,
            only_in_windows=wanted.only_in_windows,
            targets=targets,
            seen=seen,
            editors=editors,
            bound=bound_to(incident, self._rulebook.written(incident.sop_id)),
        )

    # Deciding: one conditional UPDATE.

    async def vote(
        self,
        approval_id: str,
        voter: Voter,
        choice: Choice,
        press: Mapping[str, str] | None = None,
        *,
        reason: str = "",
    ) -> Approval:
        """Count a press, which Slack calls `press`. Refused says why to the person who pressed."""
        try:
            voter = await self._may_vote(approval_id, voter, choice)
            approval = await self._store.vote(
                approval_id,
                voter,
                choice,
                self._home_team,
                self._clock(),
                press,
                reason=reason,
                limits=self._rulebook.limits,
            )
        except (Refused, NotFound) as error:
            facts = {"choice": choice, "team": voter.team, **(press or {})}
            await self.refuse(error, approval_id, voter.user, facts)
            raise
        self._metrics.voted(choice)
        return approval

    async def check(
        self, approval_id: str, voter: Voter, press: Mapping[str, str] | None = None
    ) -> Approval:
        """The approval, when this person's yes would count now; else Refused. Counts nothing."""
        try:
            voter = await self._may_vote(approval_id, voter, Choice.APPROVE)
            approval = await self._store.approval(approval_id)
            check_vote(approval, voter, home_team=self._home_team, now=self._clock())
        except Refused as error:
            await self.refuse(error, approval_id, voter.user, press or {})
            raise
        return approval

    async def refuse(
        self, error: SopbotError, approval_id: str, user: str, facts: Mapping[str, str]
    ) -> None:
        """Put a refusal on record.

        On its own: what was refused was undone, and with it what it would have recorded.
        """
        if isinstance(error, Refused):
            self._metrics.refused()
        try:
            incident_id = None
            with suppress(NotFound):
                incident_id = (await self._store.approval(approval_id)).incident_id
            await self._store.record(
                Kind.REFUSED,
                now=self._clock(),
                incident_id=incident_id,
                subject=approval_id[:LONGEST_ID],
                actor=user,
                detail={"why": error.message, **facts},
            )
        except StoreError as trouble:  # refused it is, on record or not
            log.warning("a refusal is not on record: %s", trouble)

    async def _may_vote(self, approval_id: str, voter: Voter, choice: Choice) -> Voter:
        """The voter with what Slack says of them; Refused when the world is not that one any more.

        What is over is ended at once, for everybody: a clock that is moved back brings nothing
        back to life.
        """
        approval = await self._store.approval(approval_id)
        if approval.decided or voter.team != self._home_team:
            return voter  # the vote itself says so
        now = self._clock()
        if now >= approval.expires_at:
            await self._store.expire_approvals(now)
            raise Refused("Not counted: this approval has expired.", remedy="Propose it again.")
        incident = await self._store.incident(approval.incident_id)
        why = why_void(approval, incident, self._rulebook.written(incident.sop_id))
        if why and await self._store.withdraw(approval.id, why, now):
            raise Refused(f"Not counted: {why}.", remedy=AGAIN)
        if choice is Choice.APPROVE:
            self._check_window(approval.terms.only_in_windows, "Not counted")
        groups = [one for one in approval.approvers if one.startswith("S")]
        return replace(voter, standing=await self._standing(voter.user, groups))

    def _check_window(self, only_in_windows: bool, what: str) -> None:
        windows = self._rulebook.policy.remediate.maintenance_windows
        if only_in_windows and not in_window(windows, self._clock()):
            raise Refused(
                f"{what}: this may run only in a maintenance window.",
                remedy=f"They are: {windows_in_words(windows)}.",
            )

    async def dry_run(self, approval_id: str) -> str:
        """Ask for the plan again, and say whether it is still the one on the card."""
        approval = await self._undecided(approval_id)
        incident = await self._store.incident(approval.incident_id)
        call = propose.call_of(incident, approval.proposal)
        preview, _ = await propose.preview_of(self._gateway, call, PATIENCE)
        if not preview.digest and not approval.preview.digest:
            return "This gateway shows no plans. Nothing was run."
        if preview.digest == approval.preview.digest:
            return f"Still the same plan. Nothing was run. {preview.touches}".strip()
        await self._store.withdraw(approval.id, propose.DRIFTED, self._clock())
        return "The plan is another one by now. Nothing was run. " + AGAIN

    async def tend(self) -> None:
        """End what waits in vain: nobody decided in time, or the world it was for is gone."""
        now = self._clock()
        await self._store.expire_approvals(now)
        for approval in await self._store.approvals_waiting():
            incident = await self._store.incident(approval.incident_id)
            why = why_void(approval, incident, self._rulebook.written(incident.sop_id))
            if why:
                await self._store.withdraw(approval.id, why, now)

    # Freezing: anybody may stop everything; only who may approve lets it go on.

    async def freeze(self, user: str, reason: str) -> bool:
        """Nothing runs from now on. False when it was frozen already."""
        return await self._store.freeze(user, reason, self._clock())

    async def thaw(self, user: str) -> bool:
        """Things may run again. Refused for who is no approver of `remediate.approvers`."""
        await self._check_approver(user, self._rulebook.policy.remediate.approvers, "Still frozen")
        return await self._store.thaw(user, self._clock())

    async def check_decider(self, approval: Approval, user: str) -> None:
        """Refused unless this person is one of the approval's approvers."""
        await self._check_approver(user, approval.approvers, "Not done")

    async def _check_approver(self, user: str, approvers: tuple[str, ...], what: str) -> None:
        groups = [one for one in approvers if one.startswith("S")]
        standing = await self._standing(user, groups)
        if standing.problem:
            raise Refused(f"{what}: {standing.problem}.")
        if not standing.is_one_of(user, approvers):
            raise Refused(f"{what}: only an approver decides that.")

    async def _undecided(self, approval_id: str) -> Approval:
        approval = await self._store.approval(approval_id)
        if approval.decided:
            raise Refused(f"Not done: this remediation is {approval.state}.")
        return approval
