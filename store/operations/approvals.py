"""Approvals: reads them, draws their cards again, and ends them when they expire or a blocker
begins."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from bot.approvals.blockers import HOUR, PROPOSE_AGAIN, Blocker, signature
from bot.approvals.model import Approval
from bot.approvals.reasons import NOBODY_DECIDED, EndKind, Reason
from bot.approvals.transitions import ApprovalEvent, ExecutionEvent, target
from bot.errors import NotFound
from bot.incidents.model import Incident
from bot.incidents.news import NewsKind
from bot.incidents.remediation import RemediationStatus
from bot.language import deferred
from store.operations import incidents, news, proposing
from store.operations.part import Part
from store.operations.transitions import Change, transition
from store.rows import approval_from, execution_from
from store.statements import Operation, Row, notify, query, run, to_db_time, together
from store.topics import Topic

AGAIN_PER_HOUR = 3
"""The bot proposes an incident's action again at most this often: each time mentions people."""


def get(approval_id: str) -> Operation[Approval]:
    """One approval with its votes, or NotFound."""
    rows = yield query("SELECT * FROM approvals WHERE id = ?", approval_id)
    if not rows:
        raise NotFound(
            deferred("This approval is not known here."),
            remedy=deferred("Propose the action again."),
        )
    votes = yield query("SELECT * FROM votes WHERE approval_id = ? ORDER BY at, voter", approval_id)
    return approval_from(rows[0], votes)


def of_incident(incident_id: int) -> Operation[list[Approval]]:
    """Every approval of an incident, oldest first."""
    rows = yield query(
        "SELECT id FROM approvals WHERE incident_id = ? ORDER BY requested_at", incident_id
    )
    approvals = []
    for row in rows:
        approvals.append((yield from get(row["id"])))
    return approvals


def waiting_of_incident(incident_id: int) -> Operation[list[Approval]]:
    """Return the approvals of an incident and its children that wait for a vote, oldest first.

    Three at most.
    """
    rows = yield query(
        "SELECT id FROM approvals WHERE (incident_id = ?"
        " OR incident_id IN (SELECT id FROM incidents WHERE parent_id = ?))"
        " AND state = 'awaiting approval' ORDER BY requested_at, id LIMIT 3",
        incident_id,
        incident_id,
    )
    approvals = []
    for row in rows:
        approvals.append((yield from get(row["id"])))
    return approvals


def redraw(approval_id: str, blocker: Blocker | None, now: datetime) -> Operation[bool]:
    """Draw the card of a waiting approval again. Return False if it shows this blocker already."""
    rows = yield query(
        "UPDATE approvals SET drawn = ? WHERE id = ? AND state = ? AND drawn != ?"
        " RETURNING incident_id",
        signature(blocker),
        approval_id,
        RemediationStatus.AWAITING_APPROVAL,
        signature(blocker),
    )
    for row in rows:
        incident = yield from incidents.get(row["incident_id"])
        yield from incidents.show_approval(incident, approval_id, now)
    return bool(rows)


def queue(approval: Approval, now: datetime) -> Operation[None]:
    """Enqueue the execution of an approval, once."""
    yield run(
        "INSERT INTO executions (id, approval_id, incident_id, state, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        f"exec-{approval.id}",
        approval.id,
        approval.incident_id,
        target(ExecutionEvent.ENQUEUE),
        to_db_time(now),
    )
    yield notify(Topic.DISPATCH)


def expire(now: datetime) -> Operation[int]:
    """End what waited too long. Returns how many."""
    rows = yield query(
        "SELECT id FROM approvals WHERE state = 'awaiting approval' AND expires_at <= ?"
        " ORDER BY id",
        to_db_time(now),
    )
    count = 0
    for row in rows:
        approval = yield from get(row["id"])
        change = Change(event=ApprovalEvent.EXPIRE, now=now, reason=NOBODY_DECIDED)
        expired: Approval | None = yield from transition(approval, change)
        if expired is not None:
            yield from news.of_approval(expired, NewsKind.EXPIRED, NOBODY_DECIDED, now)
            count += 1
    return count


def end_blocked(
    approval: Approval, blocker: Blocker, now: datetime, owner: str = ""
) -> Operation[bool]:
    """Revoke a blocked approval; queue it to be proposed again if only a new approval is needed.

    Return False if it is too late: another replica than `owner` has claimed it and may have sent
    it.
    """
    ended: bool = yield from revoke(approval, blocker, now, owner)
    if ended and blocker.kind in PROPOSE_AGAIN:
        incident = yield from incidents.get(approval.incident_id)
        if (yield from _proposed_again(approval, now - HOUR)) >= AGAIN_PER_HOUR:
            text = deferred(
                "Not proposed again: {title}. That was done {count} times within an hour. Use"
                " `/incident fix` to propose it.",
                title=approval.proposal.title,
                count=AGAIN_PER_HOUR,
            )
            yield from incidents.note(incident.id, text, "", now)
            return ended
        by_sop = not approval.requested_by and not approval.interested
        yield from proposing.enqueue(
            incident.id,
            incident.severity,
            f"again:{approval.id}",
            now,
            "" if by_sop else approval.id,
        )
        yield notify(Topic.PROPOSE)
    return ended


def _proposed_again(approval: Approval, since: datetime) -> Operation[int]:
    """Count how often the bot itself proposed this action again for its incident since then."""
    rows = yield query(
        "SELECT count(*) AS n FROM proposing p JOIN approvals a ON p.origin = 'again:' || a.id"
        " WHERE p.incident_id = ? AND a.action_id = ? AND p.at > ?",
        approval.incident_id,
        approval.proposal.action_id,
        to_db_time(since),
    )
    return int(rows[0]["n"])


def revoke(
    approval: Approval, reason: Reason, now: datetime, owner: str = "", *, ping: bool = True
) -> Operation[bool]:
    """End an approval that waits, or is approved and not sent; `owner` may have claimed it.

    Return False if it is too late: another replica has claimed it and may have sent it. Without
    `ping` the message in the thread mentions nobody.
    """
    revoked: Approval | None = yield from end(approval, reason, now, owner)
    if revoked is not None:
        yield from news.of_approval(revoked, NewsKind.REVOKED, reason, now, ping=ping)
    return revoked is not None


def end(
    approval: Approval,
    reason: Reason,
    now: datetime,
    owner: str = "",
    actor: str = "",
    incident: Incident | None = None,
) -> Operation[Approval | None]:
    """Do the same without a message of its own in the thread. Returns None if it is too late."""
    cancelled: Approval | None = yield from cancel(approval, reason, now, actor, incident)
    if cancelled is not None:
        return cancelled
    rows = yield query("SELECT * FROM executions WHERE approval_id = ?", approval.id)
    for row in rows:
        unsent = Change(
            event=ExecutionEvent.REVOKE,
            now=now,
            values={"finished_at": to_db_time(now)},
            only_if=("(state = 'approved' OR owner = ?)", owner),
        )
        if (yield from transition(execution_from(row), unsent)):
            change = Change(event=ApprovalEvent.REVOKE, now=now, actor=actor, reason=reason)
            revoked: Approval | None = yield from transition(approval, change, incident)
            return revoked
    return None


def cancel(
    approval: Approval,
    reason: Reason,
    now: datetime,
    actor: str = "",
    incident: Incident | None = None,
) -> Operation[Approval | None]:
    """Cancel a waiting approval; None if it does not wait."""
    change = Change(
        event=ApprovalEvent.REVOKE,
        now=now,
        actor=actor,
        reason=reason,
        only_if=("state = 'awaiting approval'",),
    )
    cancelled: Approval | None = yield from transition(approval, change, incident)
    return cancelled


def revoke_siblings(claimed: Approval, now: datetime) -> Operation[None]:
    """Revoke the incident's other approvals of the claimed approval's target.

    Nothing went wrong and nobody has to act, so nobody is mentioned.
    """
    rows = yield query(
        "SELECT a.id, a.action_id FROM approvals a LEFT JOIN executions e ON e.approval_id = a.id"
        " WHERE a.incident_id = ? AND a.target = ?"
        " AND (a.state = 'awaiting approval' OR e.state = 'approved')"
        " ORDER BY a.requested_at, a.id",
        claimed.incident_id,
        claimed.proposal.target,
    )
    for row in rows:
        verb = row["action_id"].rpartition(".")[2]
        is_same = row["action_id"] == claimed.proposal.action_id
        reason = Reason(
            kind=EndKind.ANOTHER_APPROVED,
            subject=claimed.proposal.target,
            reason=verb if is_same and verb in ("restart", "start", "stop") else "",
        )
        sibling = yield from get(row["id"])
        yield from revoke(sibling, reason, now, ping=False)


def drawn() -> Operation[dict[str, str]]:
    """Return the blocker that the card of each waiting approval shows; see `blockers.signature`."""
    rows = yield query("SELECT id, drawn FROM approvals WHERE state = 'awaiting approval'")
    return {row["id"]: row["drawn"] for row in rows}


def waiting() -> Operation[list[Approval]]:
    """Return every approval that waits for a vote, the first to expire first."""
    rows, votes = yield from together(
        query("SELECT * FROM approvals WHERE state = 'awaiting approval' ORDER BY expires_at, id"),
        query(
            "SELECT v.* FROM votes v JOIN approvals a ON a.id = v.approval_id"
            " WHERE a.state = 'awaiting approval' ORDER BY v.at, v.voter"
        ),
    )
    votes_of: dict[str, list[Row]] = defaultdict(list)
    for vote in votes:
        votes_of[vote["approval_id"]].append(vote)
    return [approval_from(row, votes_of[row["id"]]) for row in rows]


class ApprovalsPart(Part):
    """The methods of `Store` for approvals."""

    async def approval(self, approval_id: str) -> Approval:
        """One approval with its votes, or NotFound."""
        return await self._engine.read(get, approval_id)

    async def approvals_of(self, incident_id: int) -> list[Approval]:
        """Every approval of an incident, oldest first."""
        return await self._engine.read(of_incident, incident_id)

    async def approvals_waiting(self) -> list[Approval]:
        """Every approval that waits for a vote."""
        return await self._engine.read(waiting)

    async def drawn_blockers(self) -> dict[str, str]:
        """The blocker with which each waiting approval's card was drawn, by approval id."""
        return await self._engine.read(drawn)

    async def redraw(self, approval_id: str, blocker: Blocker | None, now: datetime) -> bool:
        """Draw the card of a waiting approval again; False if it shows this blocker already."""
        return await self._write(redraw, approval_id, blocker, now)

    async def expire_approvals(self, now: datetime) -> int:
        """End what waited too long. Returns how many."""
        return await self._write(expire, now)

    async def end_blocked(self, approval: Approval, blocker: Blocker, now: datetime) -> bool:
        """Revoke a blocked approval; it is proposed again if only a new approval is needed.

        False if it is too late: only the replica that claimed it may revoke it.
        """
        return await self._write(end_blocked, approval, blocker, now, self.owner)
