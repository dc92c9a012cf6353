"""Notices that go out by e-mail and webhook while Slack does not show a message.

A notice is claimed before it is sent. If the target does not answer, it is not sent again. If the
process ends in between, nobody may have been told, so it is sent once more, and says so: at most
twice. Its incident's thread says what may have been sent.

| state | |
|---|---|
| `claimed` | a process sends it |
| `refused` | it was not taken; it is claimed again after `not_before` |
| `interrupted` | its process ended before the outcome; it is claimed as `repeated` later |
| `repeated` | a process sends it for the second time |
| `sent`, `unknown` | it is over |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.operations import incidents
from store.operations.part import Part
from store.statements import Operation, execute, query, to_db_time

MOST_AT_ONCE = 20

_LATE = """
 FROM outbox o JOIN incidents i ON i.id = o.incident_id
 LEFT JOIN approvals a ON o.kind = 'approval' AND a.id = o.subject
 WHERE o.sent_version < o.desired_version AND o.given_up_at IS NULL AND o.ts IS NULL
 AND o.enqueued_at <= ? AND i.status != 'resolved'
 AND ((o.kind IN ('card', 'news') AND i.severity = 'critical' AND i.parent_id IS NULL)
      OR a.state = 'awaiting approval')
"""


@dataclass(frozen=True, slots=True)
class LateMessage:
    """A message about a critical incident or a waiting approval that Slack does not show.

    `kind` and `subject` are those of the outbox; `since` is when it was enqueued.
    """

    key: str
    kind: str
    subject: str
    incident_id: int


@dataclass(frozen=True, slots=True)
class OutsideNotice:
    """A notice that was claimed for one target.

    `is_repeat`: another process ended while it sent it, so the target may have it already.
    """

    message: str
    target: str
    incident_id: int
    attempts: int
    is_repeat: bool


def late(before: datetime, targets: Sequence[str], now: datetime) -> Operation[list[LateMessage]]:
    """The messages that were due by then and that Slack does not show, the oldest first.

    Without those that no target can get now: else the oldest would keep the others from their turn.
    """
    rows = yield query(
        f"SELECT o.key, o.kind, o.subject, o.incident_id {_LATE}"  # noqa: S608 - placeholders
        " AND (SELECT COUNT(*) FROM outside_notices n WHERE n.message = o.key"
        f" AND n.target IN ({', '.join('?' * len(targets))})"
        " AND NOT (n.state IN ('refused', 'interrupted') AND n.not_before <= ?)) < ?"
        " ORDER BY o.id LIMIT ?",
        to_db_time(before),
        *targets,
        to_db_time(now),
        len(targets),
        MOST_AT_ONCE,
    )
    return [LateMessage(r["key"], r["kind"], r["subject"], r["incident_id"]) for r in rows]


def claim(message: LateMessage, target: str, now: datetime) -> Operation[OutsideNotice | None]:
    """Claim the sending to a target; None if it was claimed, or waits after a refusal."""
    rows = yield query(
        "INSERT INTO outside_notices (message, target, incident_id, state, attempts, changed_at,"
        " not_before) VALUES (?, ?, ?, 'claimed', 1, ?, '')"
        " ON CONFLICT (message, target) DO UPDATE SET"
        " state = CASE outside_notices.state WHEN 'refused' THEN 'claimed' ELSE 'repeated' END,"
        " attempts = outside_notices.attempts + 1, changed_at = excluded.changed_at"
        " WHERE outside_notices.state IN ('refused', 'interrupted')"
        " AND outside_notices.not_before <= ?"
        " RETURNING attempts, state",
        message.key,
        target,
        message.incident_id,
        to_db_time(now),
        to_db_time(now),
    )
    if not rows:
        return None
    is_repeat = rows[0]["state"] == "repeated"
    return OutsideNotice(message.key, target, message.incident_id, rows[0]["attempts"], is_repeat)


def finish(
    notice: OutsideNotice, state: str, note: str, retry_at: datetime | None, now: datetime
) -> Operation[None]:
    """Store the end of an attempt; `note` goes into the incident's thread.

    A repeat that was refused stays one: the target may still have the first.
    """
    changed = yield execute(
        "UPDATE outside_notices SET state = ?, not_before = ?, changed_at = ?"
        " WHERE message = ? AND target = ? AND state IN ('claimed', 'repeated') AND attempts = ?",
        "interrupted" if notice.is_repeat and state == "refused" else state,
        to_db_time(retry_at) if retry_at else "",
        to_db_time(now),
        notice.message,
        notice.target,
        notice.attempts,
    )
    if changed and note:
        yield from incidents.note(notice.incident_id, note, "", now)


def give_up_unfinished(before: datetime, now: datetime, text: str) -> Operation[int]:
    """Note each notice whose sender ended before it knew the outcome; return how many.

    The first time it may be claimed once more, the second time it is over.
    """
    rows = yield query(
        "UPDATE outside_notices SET"
        " state = CASE state WHEN 'claimed' THEN 'interrupted' ELSE 'unknown' END, changed_at = ?"
        " WHERE state IN ('claimed', 'repeated') AND changed_at <= ? RETURNING target, incident_id",
        to_db_time(now),
        to_db_time(before),
    )
    for row in rows:
        yield from incidents.note(row["incident_id"], text.format(target=row["target"]), "", now)
    return len(rows)


def claim_returned(now: datetime) -> Operation[Mapping[str, list[int]]]:
    """Claim the notices whose messages Slack shows by now: the incidents of each target.

    Each is returned once, to one caller.
    """
    rows: list[Any] = yield query(
        "UPDATE outside_notices SET returned_at = ? WHERE returned_at IS NULL"
        " AND state IN ('sent', 'unknown', 'interrupted') AND EXISTS (SELECT 1 FROM outbox o"
        " WHERE o.key = outside_notices.message AND o.ts IS NOT NULL)"
        " RETURNING target, incident_id",
        to_db_time(now),
    )
    returned: dict[str, set[int]] = {}
    for row in rows:
        returned.setdefault(row["target"], set()).add(row["incident_id"])
    return {target: sorted(numbers) for target, numbers in returned.items()}


class OutsideNoticesPart(Part):
    """The methods of `Store` for notices by e-mail and webhook."""

    async def late_messages(
        self, before: datetime, targets: Sequence[str], now: datetime
    ) -> list[LateMessage]:
        """The critical incidents and waiting approvals that Slack should show since then, and that
        a target can get now.
        """
        return await self._engine.read(late, before, targets, now)

    async def claim_outside_notice(
        self, message: LateMessage, target: str, now: datetime
    ) -> OutsideNotice | None:
        """Claim the sending to this target: one caller gets it, and another one after a refusal, or
        once if the process of the first one ended.
        """
        return await self._write(claim, message, target, now)

    async def finish_outside_notice(
        self,
        notice: OutsideNotice,
        state: str,
        now: datetime,
        *,
        note: str = "",
        retry_at: datetime | None = None,
    ) -> None:
        """Store the end of an attempt, with a note for the incident's thread."""
        await self._write(finish, notice, state, note, retry_at, now)

    async def give_up_unfinished_notices(self, before: datetime, now: datetime, text: str) -> int:
        """Note in its thread each notice that was claimed by then and has no outcome."""
        return await self._write(give_up_unfinished, before, now, text)

    async def claim_returned_notices(self, now: datetime) -> Mapping[str, list[int]]:
        """The incidents that were sent to each target, and that Slack shows by now; each once."""
        return await self._write(claim_returned, now)
