"""People's votes on a proposal: counted once, and decided by one conditional UPDATE."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.approvals import blocker_text
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Approval, Choice
from bot.approvals.policy import Voter, check_vote, outcome
from bot.errors import Refused
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from store.operations import approvals, audit, guards, incidents
from store.operations.audit import Kind
from store.operations.part import Part
from store.statements import Operation, execute, query, to_db_time


def vote(
    approval_id: str,
    voter: Voter,
    choice: Choice,
    home_team: str,
    now: datetime,
    press: Mapping[str, str],
    *,
    reason: str,
    limits: Limits,
) -> Operation[Approval]:
    """Count one person's word; the deciding one claims the approval and queues its dispatch.

    Refused says why to the person who pressed. However often and however concurrently this is
    called, one approval leads to one execution.
    """
    # Of two who press at once, each counts the other; nor is the incident closed meanwhile, which
    # would leave behind a yes that it has not seen.
    rows = yield query("SELECT incident_id FROM approvals WHERE id = ?", approval_id)
    for row in rows:
        yield from incidents.lock_incident(row["incident_id"])
    approval = yield from approvals.get(approval_id)
    check_vote(approval, voter, home_team=home_team, now=now, choice=choice)
    yield from audit.check_clock(now)
    incident = yield from incidents.get(approval.incident_id)
    if choice is Choice.REJECT and voter.user in (approval.requested_by, *approval.said_yes):
        over: Approval = yield from _take_back(approval, incident, voter.user, now, press)
        return over
    if choice is Choice.APPROVE:
        if approval.terms.reason_required and not reason.strip():
            raise Refused("Not counted: this needs a reason.", remedy="Press Approve again.")
        blocker = yield from guards.blocker(approval, incident, limits, now)
        if blocker:
            raise blocker_text.refused(blocker, "Not counted")
    count = yield execute(
        "INSERT INTO votes (approval_id, voter, choice, at, reason) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (approval_id, voter) DO NOTHING",
        approval_id,
        voter.user,
        choice,
        to_db_time(now),
        reason.strip(),
    )
    if not count:
        raise Refused("Your vote is counted already.")
    state = outcome(approval, choice)
    if state is not None:
        claimed = yield execute(
            "UPDATE approvals SET state = ?, decided_by = ?, decided_at = ?"
            " WHERE id = ? AND state = ? AND expires_at > ?",
            state,
            voter.user,
            to_db_time(now),
            approval_id,
            RemediationStatus.AWAITING_APPROVAL,
            to_db_time(now),
        )
        if not claimed:
            raise Refused("Not counted: this was decided a moment ago.")
        if state is RemediationStatus.APPROVED:
            yield from approvals.queue(approval, now)
    word = "Approved" if choice is Choice.APPROVE else "Rejected"
    yield from incidents.append_event(
        incident.id, now, choice, f"{word}: {approval.proposal.title}", voter.user
    )
    yield from incidents.show_approval(incident, approval_id, now)
    decided: Approval = yield from approvals.get(approval_id)
    facts = {**press, "choice": choice, "digest": approval.digest}
    if reason.strip():
        facts["reason"] = reason.strip()
    for kind in (Kind.VOTED, *((Kind(state),) if state else ())):
        yield from audit.record(
            kind,
            now=now,
            incident_id=incident.id,
            subject=approval_id,
            actor=voter.user,
            detail=facts if kind is Kind.VOTED else {"digest": approval.digest},
        )
    return decided


def _take_back(
    approval: Approval, incident: Incident, user: str, now: datetime, press: Mapping[str, str]
) -> Operation[Approval]:
    """Cancel or revoke it for the person who asked for it or approved it.

    That is no vote of who asked, and a yes that counted stays on record as it was said: so there is
    no row in `votes` for it, and the trail has the press where it says that this is rejected.
    """
    asked = user == approval.requested_by
    reason = f"withdrawn by who asked, @{user}" if asked else f"@{user} took the yes back"
    claimed = yield execute(
        "UPDATE approvals SET state = ?, decided_by = ?, decided_at = ?, reason = ?"
        " WHERE id = ? AND state = ? AND expires_at > ?",
        RemediationStatus.REJECTED,
        user,
        to_db_time(now),
        reason,
        approval.id,
        RemediationStatus.AWAITING_APPROVAL,
        to_db_time(now),
    )
    if not claimed:
        raise Refused("Not counted: this was decided a moment ago.")
    yield from incidents.append_event(
        incident.id, now, Choice.REJECT, f"Rejected: {approval.proposal.title}", user
    )
    yield from incidents.show_approval(incident, approval.id, now)
    over: Approval = yield from approvals.get(approval.id)
    yield from audit.record(
        Kind.REJECTED,
        now=now,
        incident_id=incident.id,
        subject=approval.id,
        actor=user,
        detail={"digest": approval.digest, "why": reason, **press},
    )
    return over


class VotesPart(Part):
    """The methods of `Store` for votes."""

    async def vote(
        self,
        approval_id: str,
        voter: Voter,
        choice: Choice,
        home_team: str,
        now: datetime,
        press: Mapping[str, str] | None = None,
        *,
        reason: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Approval:
        """Count one person's word. One approval leads to at most one execution, whatever races.

        `press` is what Slack calls the press; it goes on record with the vote. Refused says why, to
        the person who pressed; NotFound for an id that is not ours. A yes is refused too while the
        limits, or a freeze, would not let it run.
        """
        return await self._write(
            vote,
            approval_id,
            voter,
            choice,
            home_team,
            now,
            press or {},
            reason=reason,
            limits=limits,
        )
