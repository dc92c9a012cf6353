"""Bad news: written with the change itself, and said once, as a new message in the thread."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from bot.approvals.model import Approval, Execution
from bot.approvals.reasons import Reason, to_text
from bot.incidents.model import Incident, IncidentStatus, Severity
from bot.incidents.news import News, NewsKind
from bot.incidents.remediation import RemediationStatus
from bot.incidents.subject import Scope
from bot.language import deferred, packed
from store.incident_rows import SCOPE_COLUMNS, scope_from
from store.operations import incidents, mutes, outbox
from store.operations.cutoffs import Cutoff
from store.operations.part import Part
from store.rows import dump
from store.statements import Operation, Row, from_db_time, query, to_db_time

MentionsOf = Callable[[Scope], Sequence[str]]
"""Returns the people whom bad news about an incident of that scope mentions."""

MOST_WAITING = 10
"""Unacknowledged incidents reported at once in a channel; the rest follow later."""

_OF_EXECUTION = {
    NewsKind.FAILED: RemediationStatus.FAILED,
    NewsKind.UNKNOWN: RemediationStatus.OUTCOME_UNKNOWN,
    NewsKind.NOT_HELPED: RemediationStatus.NOT_VERIFIED,
}
# When it was last opened or reopened: a reopened incident is reported again.
_OPENED = (
    "(SELECT MAX(t.at) FROM timeline t WHERE t.incident_id = i.id"
    " AND t.kind IN ('opened', 'reopened'))"
)
_BY_STATE = {state: kind for kind, state in _OF_EXECUTION.items()}


def report(
    incident: Incident,
    kind: NewsKind,
    subject: str,
    now: datetime,
    *,
    facts: Mapping[str, str],
    mentions: Iterable[str],
) -> Operation[bool]:
    """Report bad news once; False when it was reported already.

    1. Store it. 2. Enqueue the reply, unless the thread is muted. 3. Enqueue the card, which says
    so too.
    """
    whom = tuple(dict.fromkeys(who for who in mentions if who))
    rows = yield query(
        "INSERT INTO news (incident_id, kind, subject, facts, mentions, at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        incident.id,
        kind,
        subject,
        dump(dict(facts)),
        dump(whom),
        to_db_time(now),
    )
    if not rows:
        return False
    if not (yield from incidents.is_quiet(incident, now)):
        yield from outbox.enqueue(
            kind="news",
            subject=rows[0]["id"],
            channel=incident.channel,
            incident_id=incident.id,
            in_thread=True,
            severity=incident.severity,
            now=now,
            soon=True,
        )
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    return True


def of_execution(execution: Execution, approval: Approval, now: datetime) -> Operation[None]:
    """Say how it ended, where it ended badly."""
    kind = _BY_STATE.get(execution.state)
    if kind is None:
        return
    incident = yield from incidents.get(execution.incident_id)
    why = execution.verify_note if kind is NewsKind.NOT_HELPED else execution.error
    # An approver may mark an unknown outcome.
    deciders = approval.approvers if kind is NewsKind.UNKNOWN else approval.approved_by
    yield from report(
        incident,
        kind,
        execution.id,
        now,
        facts={"title": approval.proposal.title, "why": why, "message": packed(why)},
        mentions=(incident.acknowledged_by, approval.requested_by, *deciders),
    )


def outcome_is_known(execution: Execution, now: datetime) -> Operation[None]:
    """Let a message that said that the outcome is unknown say what is known by now."""
    if execution.state is RemediationStatus.OUTCOME_UNKNOWN:
        return
    rows = yield query(
        "SELECT id FROM news WHERE incident_id = ? AND kind = ? AND subject = ?",
        execution.incident_id,
        NewsKind.UNKNOWN,
        execution.id,
    )
    for row in rows:
        incident = yield from incidents.get(execution.incident_id)
        yield from incidents.reply(incident, "news", row["id"], now)


def of_approval(
    approval: Approval, kind: NewsKind, reason: Reason, now: datetime, *, ping: bool = True
) -> Operation[None]:
    """Say that it ended without having run; without `ping`, mention nobody."""
    incident = yield from incidents.get(approval.incident_id)
    yield from report(
        incident,
        kind,
        approval.id,
        now,
        facts={"title": approval.proposal.title, "reason": to_text(reason)},
        mentions=(incident.acknowledged_by, approval.requested_by, *approval.approvers)
        if ping
        else (),
    )


def got_worse(
    incident_id: int, before: Severity, after: Severity, now: datetime
) -> Operation[None]:
    """Say that the severity rose: once for each severity, however often it goes up and down."""
    if after.rank >= before.rank:
        return
    change = yield from mutes.unmute(incident_id, deferred("Mute ended: it got worse"), now)
    incident = (
        change.incident
        if change.incident.id == incident_id
        else (yield from incidents.get(incident_id))
    )
    yield from report(
        incident,
        NewsKind.WORSE,
        after,
        now,
        facts={"before": before, "after": after},
        mentions=(incident.acknowledged_by,),
    )


def critical_part(root: Incident, part: Incident, now: datetime) -> Operation[None]:
    """Say that a critical incident became part of a critical one that somebody has or muted."""
    text = deferred("Mute ended: another critical incident joined")
    change = yield from mutes.unmute(root.id, text, now)
    yield from report(
        change.incident,
        NewsKind.CRITICAL_PART,
        part.number,
        now,
        facts={"part": part.number, "title": part.title},
        mentions=(change.incident.acknowledged_by,),
    )


def waiting_by_channel() -> Operation[dict[str, int]]:
    """Return how many pieces of news wait to be posted in each channel."""
    counts = yield query(
        "SELECT channel, COUNT(*) AS n FROM outbox WHERE kind = 'news' AND ts IS NULL"  # noqa: S608 - constants
        f" AND {outbox.PENDING} GROUP BY channel"
    )
    return {row["channel"]: int(row["n"]) for row in counts}


def unanswered(cutoff: Cutoff, mentions: MentionsOf, now: datetime) -> Operation[int]:
    """Report each critical or high incident not acknowledged in time. Returns how many.

    At most MOST_WAITING wait to be posted in a channel: a storm does not become another one.

    1. Find them, the most severe first. 2. Count what waits. 3. Say it while there is room.
    """
    rows = yield query(
        f"SELECT i.id, i.channel, {_OPENED} AS opened, {SCOPE_COLUMNS} FROM incidents i"  # noqa: S608 - constants
        " JOIN outbox card ON card.incident_id = i.id"
        " AND card.kind = 'card' AND card.ts IS NOT NULL"
        " WHERE i.status IN ('open', 'acknowledged') AND i.status = 'open' AND i.muted_by = ''"
        " AND i.parent_id IS NULL"
        " AND i.severity IN (?, ?)"
        f" AND {_OPENED} <= ?"
        " AND NOT EXISTS (SELECT 1 FROM news n WHERE n.incident_id = i.id AND n.kind = ?"
        f"   AND n.subject = {_OPENED})"
        " ORDER BY CASE i.severity WHEN 'critical' THEN 0 ELSE 1 END, i.id LIMIT ?",
        Severity.CRITICAL,
        Severity.HIGH,
        to_db_time(cutoff.latest),
        NewsKind.UNANSWERED,
        cutoff.limit(200),
    )
    due = [row for row in rows if cutoff.if_before(row, row["opened"]) is not None]
    waiting = (yield from waiting_by_channel()) if due else {}
    count = 0
    for row in due:
        if waiting.get(row["channel"], 0) >= MOST_WAITING:
            continue
        if (yield from _report_unanswered(row, mentions(scope_from(row)), now)):
            waiting[row["channel"]] = waiting.get(row["channel"], 0) + 1
            count += 1
    return count


def _report_unanswered(row: Row, mentions: Sequence[str], now: datetime) -> Operation[bool]:
    yield from incidents.lock_incident(row["id"])
    incident = yield from incidents.get(row["id"])
    if incident.status is not IncidentStatus.OPEN:
        return False
    facts = {"since": to_db_time(incident.opened_at)}
    is_new: bool = yield from report(
        incident, NewsKind.UNANSWERED, row["opened"], now, facts=facts, mentions=mentions
    )
    return is_new


def last_activity(incident: Incident) -> str:
    """The subject of news about silence: when an alert or a person last said that it goes on."""
    return to_db_time(incident.last_active_at or incident.updated_at)


def get(news_id: int) -> Operation[News | None]:
    """One piece of news."""
    rows = yield query("SELECT * FROM news WHERE id = ?", news_id)
    return _news_from(rows[0]) if rows else None


def current(incident: Incident, limit: int = 3) -> Operation[list[News]]:
    """The news that still holds, the newest first; what turned out well since is left out."""
    rows = yield query(
        "SELECT n.*, e.state AS ended, (SELECT MAX(a.requested_at) FROM approvals a"  # noqa: S608 - a constant
        f" WHERE a.incident_id = n.incident_id) AS proposed_at, {_OPENED} AS opened FROM news n"
        " JOIN incidents i ON i.id = n.incident_id"
        " LEFT JOIN executions e ON e.id = n.subject WHERE n.incident_id = ?"
        " ORDER BY n.id DESC LIMIT 50",
        incident.id,
    )
    return [_news_from(row) for row in rows if _is_so(row, incident)][:limit]


def _is_so(row: Row, incident: Incident) -> bool:
    kind = NewsKind(row["kind"])
    is_open = incident.status in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED)
    if kind in _OF_EXECUTION:
        return bool(row["ended"] == _OF_EXECUTION[kind])
    if kind is NewsKind.UNANSWERED:
        return incident.status is IncidentStatus.OPEN and bool(row["subject"] == row["opened"])
    if kind is NewsKind.REOPENED:  # it may have cleared since and be held open, as it flaps
        return is_open and incident.firing > 0 and bool(row["subject"] == row["opened"])
    if kind is NewsKind.FLAPPING:
        return is_open and incident.flapping_changes > 0
    if kind is NewsKind.STALE:
        return is_open and row["subject"] == last_activity(incident)
    if kind is NewsKind.CRITICAL_PART:
        return False  # the card lists its parts
    if kind is NewsKind.WORSE:
        return is_open and row["subject"] == incident.severity
    # An approval that came to nothing: until something else is proposed.
    return is_open and (row["proposed_at"] or "") <= row["at"]


def _news_from(row: Row) -> News:
    return News(
        id=row["id"],
        incident_id=row["incident_id"],
        kind=NewsKind(row["kind"]),
        subject=row["subject"],
        facts=json.loads(row["facts"]),
        mentions=tuple(json.loads(row["mentions"])),
        at=from_db_time(row["at"]),
    )


class NewsPart(Part):
    """The methods of `Store` for bad news."""

    async def news(self, news_id: int) -> News | None:
        """One piece of bad news."""
        return await self._engine.read(get, news_id)

    async def report_unanswered(self, cutoff: Cutoff, mentions: MentionsOf, now: datetime) -> int:
        """Report critical and high incidents opened before then that nobody acknowledged.

        Once each, to the `mentions` of its scope; a channel gets a few at a time. Returns how many.
        """
        return await self._write(unanswered, cutoff, mentions, now)
