"""Proposals before people: asked once, voted on, decided by one conditional UPDATE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple
from datetime import datetime

from bot.approvals import blocker_text
from bot.approvals.blockers import HOUR, PROPOSE_AGAIN, Blocker, signature
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Approval
from bot.errors import AlreadyProposed, NotFound, Refused
from bot.incidents.model import IncidentStatus
from bot.incidents.news import NewsKind
from bot.incidents.remediation import RemediationStatus
from store.audit.proof import ALERT_FIELDS, sha256_of_alert
from store.operations import audit, guards, incidents, news, proposing
from store.operations.audit import Kind
from store.operations.part import Part
from store.rows import approval_from, dump, proposal_to_json, terms_to_json
from store.statements import Operation, execute, notify, query, run, to_db_time, to_db_time_or_none
from store.topics import Topic

"""What may block those that wait has changed."""

AGAIN_PER_HOUR = 3
"""How often an incident's action is proposed again by itself: every time mentions people."""

TOO_LATE = "nobody decided in time"


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


def waiting_of_incident(incident_id: int) -> Operation[list[Approval]]:
    """Those of an incident that wait for a vote, oldest first; three at most."""
    rows = yield query(
        "SELECT id FROM approvals WHERE incident_id = ? AND state = 'awaiting approval'"
        " ORDER BY requested_at, id LIMIT 3",
        incident_id,
    )
    found = []
    for row in rows:
        found.append((yield from get(row["id"])))
    return found


def ask(approval: Approval, origin: str, limits: Limits) -> Operation[Approval]:
    """Put a proposal before people; the same `origin` asks only once, whatever happens.

    One that needs nobody's yes is queued for dispatch. Refused when the incident is not open any
    more, or it would be of no use (see `guards`).
    """
    yield from incidents.lock_incident(approval.incident_id)
    incident = yield from incidents.get(approval.incident_id)
    known = yield query("SELECT id FROM approvals WHERE origin = ?", origin)
    if known:
        before: Approval = yield from get(known[0]["id"])
        return before
    if incident.status not in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        raise Refused(f"{incident.number} is {incident.status}: nothing is proposed any more.")
    alone = approval.needed == 0
    yield from _refuse_a_second(approval)
    blocker: Blocker | None = yield from guards.blocker(
        approval, incident, limits, approval.requested_at
    )
    if blocker and (alone or blocker.makes_it_useless):
        raise blocker_text.refused(blocker, "Not proposed")
    yield run(
        "INSERT INTO approvals (id, incident_id, origin, state, proposal, preview, requested_by,"
        " requested_at, expires_at, needed, approvers, digest, terms, undoes, action_id, target,"
        " reason, decided_at, drawn)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        approval.id,
        approval.incident_id,
        origin,
        approval.state,
        proposal_to_json(approval.proposal),
        json.dumps(astuple(approval.preview)),
        approval.requested_by,
        to_db_time(approval.requested_at),
        to_db_time(approval.expires_at),
        approval.needed,
        dump(approval.approvers),
        approval.digest,
        terms_to_json(approval.terms),
        approval.undoes,
        approval.proposal.action_id,
        approval.proposal.target,
        approval.reason,
        to_db_time_or_none(approval.decided_at),
        signature(blocker),
    )
    if alone:
        yield from queue(approval, approval.requested_at)
    yield from incidents.append_event(
        incident.id,
        approval.requested_at,
        "proposed",
        f"Proposed: {approval.proposal.title}",
        approval.requested_by,
    )
    yield from incidents.show_approval(incident, approval.id, approval.requested_at)
    yield from audit.record(
        Kind.PROPOSED,
        now=approval.requested_at,
        incident_id=incident.id,
        subject=approval.id,
        actor=approval.requested_by,
        detail={**_as_proposed(approval), "alerts": (yield from _alerts(incident.id))},
    )
    if alone:
        yield from audit.record(
            Kind.APPROVED,
            now=approval.requested_at,
            incident_id=incident.id,
            subject=approval.id,
            detail={"digest": approval.digest, "why": approval.reason},
        )
    return approval


def _refuse_a_second(approval: Approval) -> Operation[None]:
    """AlreadyProposed when the same is put before people, or approved and not sent, already."""
    rows = yield query(
        "SELECT a.id FROM approvals a LEFT JOIN executions e ON e.approval_id = a.id"
        " WHERE a.incident_id = ? AND a.action_id = ? AND a.target = ? AND a.undoes = ?"
        " AND (a.state = 'awaiting approval' OR e.state = 'approved') ORDER BY a.requested_at",
        approval.incident_id,
        approval.proposal.action_id,
        approval.proposal.target,
        approval.undoes,
    )
    for row in rows:
        other: Approval = yield from get(row["id"])
        if _values_of(other) == _values_of(approval):
            raise AlreadyProposed(other.proposal.title, str(other.state))


def _values_of(approval: Approval) -> dict[str, object]:
    return {p.name: p.value for p in approval.proposal.parameters}


def redraw(approval_id: str, blocker: Blocker | None, now: datetime) -> Operation[bool]:
    """Draw the card of what waits again, unless it was drawn with this blocker. False then."""
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


def _as_proposed(approval: Approval) -> dict[str, object]:
    """What the yes will be a yes to."""
    proposal = approval.proposal
    return {
        "action": proposal.action_id,
        "target": proposal.target,
        "parameters": [(p.name, p.shown, p.origin) for p in proposal.parameters],
        "plan": approval.preview.digest,
        "digest": approval.digest,
        "needed": approval.needed,
        "approvers": approval.approvers,
        "expires_at": to_db_time(approval.expires_at),
        "terms": asdict(approval.terms),
        "undoes": approval.undoes,
    }


_ALERTS = 50  # whose SHA-256 go on record; a storm has thousands


def _alerts(incident_id: int) -> Operation[dict[str, str]]:
    """SHA-256 of the alerts that people knew, by their ids: the first one and the latest."""
    columns = ", ".join(("id", *ALERT_FIELDS))
    rows = yield query(
        f"SELECT {columns} FROM alerts WHERE incident_id = ? AND (id IN"  # noqa: S608 - constants
        " (SELECT id FROM alerts WHERE incident_id = ? ORDER BY id DESC LIMIT ?)"
        " OR id = (SELECT MIN(id) FROM alerts WHERE incident_id = ?)) ORDER BY id",
        incident_id,
        incident_id,
        _ALERTS - 1,
        incident_id,
    )
    return {
        str(row["id"]): sha256_of_alert(
            {name: row[name] for name in ALERT_FIELDS} | {"body": json.loads(row["body"])}
        )
        for row in rows
    }


def queue(approval: Approval, now: datetime) -> Operation[None]:
    """It is to be sent, once."""
    yield run(
        "INSERT INTO executions (id, approval_id, incident_id, state, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        f"exec-{approval.id}",
        approval.id,
        approval.incident_id,
        RemediationStatus.APPROVED,
        to_db_time(now),
    )
    yield notify(Topic.DISPATCH)


def edit(
    old_id: str,
    fresh: Approval,
    origin: str,
    editor: str,
    values: Mapping[str, str],
    limits: Limits,
) -> Operation[Approval]:
    """Put `fresh` in the place of what waits: one of the two can be approved, never both.

    The same `origin` edits once. Refused when the old one waits no more: of two people who change
    it at once the second one's values are not what the first one's card shows.
    """
    yield from incidents.lock_incident(fresh.incident_id)
    if (yield query("SELECT 1 FROM approvals WHERE origin = ?", origin)):
        before: Approval = yield from ask(fresh, origin, limits)
        return before
    now, reason = fresh.requested_at, f"@{editor} changed a value. The new card is below"
    incident_id = yield from _end_waiting(old_id, reason, now)
    if incident_id is None:
        old: Approval = yield from get(old_id)
        raise Refused(
            f"Not done: this remediation is {old.state}.",
            remedy="Somebody was faster; see the newest card in this thread.",
        )
    asked: Approval = yield from ask(fresh, origin, limits)
    yield from audit.record(
        Kind.REVOKED, now=now, incident_id=incident_id, subject=old_id, detail={"why": reason}
    )
    yield from audit.record(
        Kind.EDITED,
        now=now,
        incident_id=incident_id,
        subject=old_id,
        actor=editor,
        detail={"became": asked.id, "values": dict(values)},
    )
    return asked


def expire(now: datetime) -> Operation[int]:
    """End what waited too long. Returns how many."""
    rows = yield query(
        "UPDATE approvals SET state = ?, decided_at = ?, reason = ?"
        " WHERE state = 'awaiting approval' AND expires_at <= ? RETURNING id, incident_id",
        RemediationStatus.EXPIRED,
        to_db_time(now),
        TOO_LATE,
        to_db_time(now),
    )
    for row in rows:
        incident = yield from incidents.get(row["incident_id"])
        yield from incidents.append_event(incident.id, now, "expired", "The approval expired")
        yield from incidents.show_approval(incident, row["id"], now)
        yield from news.of_approval((yield from get(row["id"])), NewsKind.EXPIRED, TOO_LATE, now)
    for row in rows:
        yield from audit.record(
            Kind.EXPIRED,
            now=now,
            incident_id=row["incident_id"],
            subject=row["id"],
            detail={"why": TOO_LATE},
        )
    return len(rows)


def end_blocked(
    approval: Approval, blocker: Blocker, now: datetime, owner: str = ""
) -> Operation[bool]:
    """Revoke what may not run, and have it proposed again where it would need another approval.

    False when it is too late: what another than `owner` has claimed may be on its way.
    """
    reason = blocker_text.sentence(blocker)
    ended: bool = yield from withdraw(approval.id, reason, now, owner)
    if ended and blocker.kind in PROPOSE_AGAIN:
        incident = yield from incidents.get(approval.incident_id)
        if (yield from _proposed_again(approval, now - HOUR)) >= AGAIN_PER_HOUR:
            text = (
                f"Not proposed again: {approval.proposal.title}. That was done {AGAIN_PER_HOUR}"
                " times within an hour. Use `/incident fix` to propose it."
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
    """How often this action was proposed again by itself for its incident since then."""
    rows = yield query(
        "SELECT count(*) AS n FROM proposing p JOIN approvals a ON p.origin = 'again:' || a.id"
        " WHERE p.incident_id = ? AND a.action_id = ? AND p.at > ?",
        approval.incident_id,
        approval.proposal.action_id,
        to_db_time(since),
    )
    return int(rows[0]["n"])


def revoke(
    approval_id: str, reason: str, now: datetime, owner: str = "", *, ping: bool = True
) -> Operation[bool]:
    """Take an approved remediation back while nobody sends it, or only `owner` would.

    False when it is too late: what another has claimed may be on its way. Without `ping` the
    message in the thread mentions nobody.
    """
    count = yield execute(
        "UPDATE executions SET state = ?, error = ?, finished_at = ? WHERE approval_id = ?"
        " AND (state = ? OR (state = ? AND owner = ?))",
        RemediationStatus.REVOKED,
        reason,
        to_db_time(now),
        approval_id,
        RemediationStatus.APPROVED,
        RemediationStatus.DISPATCHING,
        owner,
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
    yield from incidents.append_event(incident.id, now, "revoked", f"Revoked: {reason}")
    yield from incidents.show_approval(incident, approval_id, now)
    yield from news.of_approval(approval, NewsKind.REVOKED, reason, now, ping=ping)
    yield from audit.record(
        Kind.REVOKED,
        now=now,
        incident_id=incident.id,
        subject=approval_id,
        detail={"why": reason},
    )
    return True


def withdraw(
    approval_id: str, reason: str, now: datetime, owner: str = "", *, ping: bool = True
) -> Operation[bool]:
    """Revoke what waits for a yes, or has it and is not sent yet; False when it is too late."""
    incident_id = yield from _end_waiting(approval_id, reason, now)
    if incident_id is None:
        revoked: bool = yield from revoke(approval_id, reason, now, owner, ping=ping)
        return revoked
    approval = yield from get(approval_id)
    yield from news.of_approval(approval, NewsKind.REVOKED, reason, now, ping=ping)
    yield from audit.record(
        Kind.REVOKED,
        now=now,
        incident_id=incident_id,
        subject=approval_id,
        detail={"why": reason},
    )
    return True


def _end_waiting(approval_id: str, reason: str, now: datetime) -> Operation[int | None]:
    """Revoke what waits for a yes; its incident, or None when it does not wait. Not on record yet.

    Whoever calls this puts it there, last.
    """
    rows = yield query(
        "UPDATE approvals SET state = ?, reason = ?, decided_at = ? WHERE id = ? AND state = ?"
        " RETURNING incident_id",
        RemediationStatus.REVOKED,
        reason,
        to_db_time(now),
        approval_id,
        RemediationStatus.AWAITING_APPROVAL,
    )
    if not rows:
        return None
    incident = yield from incidents.get(rows[0]["incident_id"])
    yield from incidents.append_event(incident.id, now, "revoked", f"Revoked: {reason}")
    yield from incidents.show_approval(incident, approval_id, now)
    ended: int = incident.id
    return ended


def withdraw_siblings(claimed: Approval, now: datetime) -> Operation[None]:
    """Revoke what else the incident would do to the target of the approval that is claimed.

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
        other = f"Another action on {claimed.proposal.target} was approved"
        if row["action_id"] == claimed.proposal.action_id and verb in ("restart", "start", "stop"):
            other = f"Another {verb} of {claimed.proposal.target} was approved"
        yield from withdraw(row["id"], f"{other}; this one was not run", now, ping=False)


def drawn() -> Operation[dict[str, str]]:
    """With which blocker the card of each was drawn that waits; see `blockers.signature`."""
    rows = yield query("SELECT id, drawn FROM approvals WHERE state = 'awaiting approval'")
    return {row["id"]: row["drawn"] for row in rows}


def waiting() -> Operation[list[Approval]]:
    """Every approval that waits for a yes, the first to expire first."""
    rows = yield query(
        "SELECT id FROM approvals WHERE state = 'awaiting approval' ORDER BY expires_at"
    )
    found = []
    for row in rows:
        found.append((yield from get(row["id"])))
    return found


class ApprovalsPart(Part):
    """The methods of `Store` for approvals."""

    async def ask(
        self, approval: Approval, origin: str, limits: Limits = DEFAULT_LIMITS
    ) -> Approval:
        """Put a proposal before people. The same `origin` asks once; Refused when resolved.

        AlreadyProposed when the same waits for approval in that incident. Refused, too, when it
        would be of no use. One that `needed` nobody's approval is approved at once, or Refused.
        """
        return await self._write(ask, approval, origin, limits)

    async def edit(
        self,
        old_id: str,
        fresh: Approval,
        origin: str,
        editor: str,
        values: Mapping[str, str],
        limits: Limits = DEFAULT_LIMITS,
    ) -> Approval:
        """Put `fresh` before people in the place of the old one, which is revoked by that.

        The same `origin` edits once. Refused when the old one waits no more, and as `ask` refuses.
        """
        return await self._write(edit, old_id, fresh, origin, editor, values, limits)

    async def approval(self, approval_id: str) -> Approval:
        """One approval with its votes, or NotFound."""
        return await self._engine.read(get, approval_id)

    async def approvals_of(self, incident_id: int) -> list[Approval]:
        """Every approval of an incident, oldest first."""
        return await self._engine.read(of_incident, incident_id)

    async def approvals_waiting(self) -> list[Approval]:
        """Every approval that waits for a yes."""
        return await self._engine.read(waiting)

    async def drawn_blockers(self) -> dict[str, str]:
        """The blocker with which each waiting approval's card was drawn, by approval id."""
        return await self._engine.read(drawn)

    async def redraw(self, approval_id: str, blocker: Blocker | None, now: datetime) -> bool:
        """Draw the card of what waits again; False when it was drawn with this blocker."""
        return await self._write(redraw, approval_id, blocker, now)

    async def expire_approvals(self, now: datetime) -> int:
        """End what waited too long. Returns how many."""
        return await self._write(expire, now)

    async def revoke(self, approval_id: str, reason: str, now: datetime) -> bool:
        """Take an approved remediation back before it is sent. False when it is too late.

        What another replica has claimed is its own to take back.
        """
        return await self._write(revoke, approval_id, reason, now, self.owner)

    async def end_blocked(self, approval: Approval, blocker: Blocker, now: datetime) -> bool:
        """Revoke what may not run; it is proposed again where it needs another approval now.

        False when it is too late: what another replica has claimed is its own to take back.
        """
        return await self._write(end_blocked, approval, blocker, now, self.owner)

    async def withdraw(self, approval_id: str, reason: str, now: datetime) -> bool:
        """Revoke what waits for a yes, or has it and is not claimed. False when it is too late."""
        return await self._write(withdraw, approval_id, reason, now)
