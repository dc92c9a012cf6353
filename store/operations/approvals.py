"""Proposals before people: asked once, voted on, decided by one conditional UPDATE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime

from bot.approvals.model import Approval, Choice
from bot.approvals.policy import Voter, check_vote, outcome
from bot.errors import NotFound, Refused
from bot.incidents.model import IncidentStatus
from bot.incidents.remediation import RemediationStatus
from store.operations import audit, incidents
from store.operations.audit import Kind
from store.rows import approval_from, dump, proposal_to_json
from store.statements import Operation, execute, notify, query, run, stamp

DISPATCH_TOPIC = "dispatch"


def get(approval_id: str) -> Operation[Approval]:
    """One approval with its votes, or NotFound."""
    rows = yield query("SELECT * FROM approvals WHERE id = ?", approval_id)
    if not rows:
        raise NotFound("This approval is not known here.", remedy="Propose the action again.")
    votes = yield query("SELECT * FROM votes WHERE approval_id = ? ORDER BY at, voter", approval_id)
    return approval_from(rows[0], votes)


def of_incident(incident_id: int) -> Operation[list[Approval]]:
    """Every approval of an incident, oldest first."""
    rows = yield query(
        "SELECT id FROM approvals WHERE incident_id = ? ORDER BY requested_at", incident_id
    )
    found = []
    for row in rows:
        found.append((yield from get(row["id"])))
    return found


def ask(approval: Approval, origin: str) -> Operation[Approval]:
    """Put a proposal before people; the same `origin` asks only once, whatever happens.

    Refused when the incident is not open any more.
    """
    yield from incidents.hold(approval.incident_id)
    incident = yield from incidents.get(approval.incident_id)
    if incident.status not in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        raise Refused(f"{incident.number} is {incident.status}: nothing is proposed any more.")
    count = yield execute(
        "INSERT INTO approvals (id, incident_id, origin, state, proposal, preview, requested_by,"
        " requested_at, expires_at, needed, approvers, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO NOTHING",
        approval.id,
        approval.incident_id,
        origin,
        approval.state,
        proposal_to_json(approval.proposal),
        json.dumps(astuple(approval.preview)),
        approval.requested_by,
        stamp(approval.requested_at),
        stamp(approval.expires_at),
        approval.needed,
        dump(approval.approvers),
        approval.digest,
    )
    if not count:
        rows = yield query("SELECT id FROM approvals WHERE origin = ?", origin)
        known: Approval = yield from get(rows[0]["id"])
        return known
    yield from incidents.tell(
        incident.id,
        approval.requested_at,
        "proposed",
        f"Proposed: {approval.proposal.title}",
        approval.requested_by,
    )
    yield from incidents.reply(incident, "approval", approval.id, approval.requested_at)
    yield from audit.record(
        Kind.PROPOSED,
        now=approval.requested_at,
        incident_id=incident.id,
        subject=approval.id,
        actor=approval.requested_by,
        detail=_as_proposed(approval),
    )
    return approval


def _as_proposed(approval: Approval) -> dict[str, object]:
    """What the yes will be a yes to."""
    proposal = approval.proposal
    return {
        "action": proposal.action_id,
        "target": proposal.target,
        "parameters": [astuple(parameter) for parameter in proposal.parameters],
        "plan": approval.preview.digest,
        "digest": approval.digest,
        "needed": approval.needed,
        "approvers": approval.approvers,
        "expires_at": stamp(approval.expires_at),
    }


def vote(
    approval_id: str,
    voter: Voter,
    choice: Choice,
    home_team: str,
    now: datetime,
    press: Mapping[str, str],
) -> Operation[Approval]:
    """Count one person's word; the deciding one claims the approval and queues its dispatch.

    Refused says why to the person who pressed. However often and however concurrently this is
    called, one approval leads to one execution.
    """
    approval = yield from get(approval_id)
    # Of two who press at once, each counts the other; nor is the incident closed meanwhile, which
    # would leave behind a yes that it has not seen.
    yield from incidents.hold(approval.incident_id)
    approval = yield from get(approval_id)
    check_vote(approval, voter, home_team=home_team, now=now)
    yield from audit.check_clock(now)
    count = yield execute(
        "INSERT INTO votes (approval_id, voter, choice, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (approval_id, voter) DO NOTHING",
        approval_id,
        voter.user,
        choice,
        stamp(now),
    )
    if not count:
        raise Refused("Your vote is counted already.")
    state = outcome(approval, choice)
    incident = yield from incidents.get(approval.incident_id)
    if state is not None:
        claimed = yield execute(
            "UPDATE approvals SET state = ?, decided_by = ?, decided_at = ?"
            " WHERE id = ? AND state = ? AND expires_at > ?",
            state,
            voter.user,
            stamp(now),
            approval_id,
            RemediationStatus.AWAITING_APPROVAL,
            stamp(now),
        )
        if not claimed:
            raise Refused("Not counted: this was decided a moment ago.")
        if state is RemediationStatus.APPROVED:
            yield run(
                "INSERT INTO executions (id, approval_id, incident_id, state, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                f"exec-{approval_id}",
                approval_id,
                approval.incident_id,
                RemediationStatus.APPROVED,
                stamp(now),
            )
            yield notify(DISPATCH_TOPIC)
    word = "Approved" if choice is Choice.APPROVE else "Rejected"
    yield from incidents.tell(
        incident.id, now, choice, f"{word}: {approval.proposal.title}", voter.user
    )
    yield from incidents.reply(incident, "approval", approval_id, now)
    decided: Approval = yield from get(approval_id)
    facts = {"choice": choice, "digest": approval.digest, **press}
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


def expire(now: datetime) -> Operation[int]:
    """End what waited too long. Returns how many."""
    rows = yield query(
        "UPDATE approvals SET state = ?, decided_at = ?, reason = 'nobody decided in time'"
        " WHERE state = 'awaiting approval' AND expires_at <= ? RETURNING id, incident_id",
        RemediationStatus.EXPIRED,
        stamp(now),
        stamp(now),
    )
    for row in rows:
        incident = yield from incidents.get(row["incident_id"])
        yield from incidents.tell(incident.id, now, "expired", "The approval expired")
        yield from incidents.reply(incident, "approval", row["id"], now)
    for row in rows:
        yield from audit.record(
            Kind.EXPIRED, now=now, incident_id=row["incident_id"], subject=row["id"]
        )
    return len(rows)


UNSENT = (RemediationStatus.APPROVED, RemediationStatus.DISPATCHING)


def revoke(
    approval_id: str, reason: str, now: datetime, states: Sequence[str] = UNSENT
) -> Operation[bool]:
    """Take an approved remediation back while it is in one of `states`; False when it is not."""
    count = yield execute(
        "UPDATE executions SET state = ?, error = ?, finished_at = ?"  # noqa: S608 - placeholders
        f" WHERE approval_id = ? AND state IN ({', '.join('?' * len(states))})",
        RemediationStatus.REVOKED,
        reason,
        stamp(now),
        approval_id,
        *states,
    )
    if not count:
        return False
    yield run(
        "UPDATE approvals SET state = ?, reason = ? WHERE id = ?",
        RemediationStatus.REVOKED,
        reason,
        approval_id,
    )
    approval = yield from get(approval_id)
    incident = yield from incidents.get(approval.incident_id)
    yield from incidents.tell(incident.id, now, "revoked", f"Revoked: {reason}")
    yield from incidents.reply(incident, "approval", approval_id, now)
    yield from audit.record(
        Kind.REVOKED,
        now=now,
        incident_id=incident.id,
        subject=approval_id,
        detail={"why": reason},
    )
    return True


def waiting() -> Operation[list[Approval]]:
    """Every approval that waits for a yes, the first to expire first."""
    rows = yield query(
        "SELECT id FROM approvals WHERE state = 'awaiting approval' ORDER BY expires_at"
    )
    found = []
    for row in rows:
        found.append((yield from get(row["id"])))
    return found
