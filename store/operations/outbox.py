"""Messages that Slack should show: wanted, sent, retried, given up."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.rows import OutboxMessage, outbox_from
from store.statements import Operation, execute, notify, query, stamp

TOPIC = "outbox"

_FROM = """
 FROM outbox o LEFT JOIN outbox card
    ON o.in_thread = 1 AND card.incident_id = o.incident_id AND card.kind = 'card'
"""
_SELECT = f"SELECT o.*, card.ts AS thread_ts {_FROM}"
# A reply waits until its card is posted.
_DUE = """
 o.sent < o.wanted AND o.failed = 0 AND o.not_before <= ?
    AND (o.in_thread = 0 OR card.ts IS NOT NULL)
"""


def want(
    *,
    kind: str,
    subject: object,
    channel: str,
    incident_id: int | None,
    in_thread: bool,
    rank: int,
    owner: str,
    now: datetime,
    delay: float = 0.0,
) -> Operation[None]:
    """Ask for a message, or for a change of the one that is there.

    Any number of wishes before the next send become one send. `delay` (seconds) lets repeats
    gather; an undelayed wish overtakes a delayed one, but never a wait that Slack imposed. What
    was given up is tried again: a new wish is a new chance.
    """
    key = f"{kind}:{subject}"
    due = stamp(now + timedelta(seconds=delay) if delay else now)
    known = yield execute(
        """
        UPDATE outbox SET wanted = wanted + 1, rank = ?, not_before = CASE
            WHEN sent < wanted AND failed = 0 AND (attempts > 0 OR not_before < ?)
            THEN not_before ELSE ? END,
            attempts = CASE failed WHEN 0 THEN attempts ELSE 0 END, failed = 0
        WHERE key = ?
        """,
        rank,
        due,
        due,
        key,
    )
    if not known:
        # Still an upsert: with several writers another one may have come first.
        yield execute(
            """
            INSERT INTO outbox (key, kind, incident_id, subject, channel, in_thread, rank, owner,
                not_before, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (key) DO UPDATE SET wanted = outbox.wanted + 1
            """,
            key,
            kind,
            incident_id,
            str(subject),
            channel,
            int(in_thread),
            rank,
            owner,
            due,
            stamp(now),
        )
    if not delay:  # what is due later is found when it is due; to wake for it now would be in vain
        yield notify(TOPIC)


def channels_due(now: datetime) -> Operation[list[str]]:
    """Channels that have something to send now: exactly those for which `due` has an answer."""
    rows = yield query(
        # From one channel straight to the next: a backlog of thousands in one is not walked over.
        f"""
        WITH RECURSIVE waiting (channel) AS (
            SELECT MIN(channel) FROM outbox WHERE sent < wanted AND failed = 0
            UNION ALL
            SELECT (SELECT MIN(channel) FROM outbox
                WHERE sent < wanted AND failed = 0 AND channel > waiting.channel)
            FROM waiting WHERE waiting.channel IS NOT NULL
        )
        SELECT channel FROM waiting
        WHERE EXISTS (SELECT 1 {_FROM} WHERE o.channel = waiting.channel AND {_DUE})
        """,  # noqa: S608 - constants
        stamp(now),
    )
    return [row["channel"] for row in rows]


def due(channel: str, now: datetime, limit: int) -> Operation[list[OutboxMessage]]:
    """What a channel should see next: the gravest first, then the oldest.

    A reply waits until its card is posted.
    """
    rows = yield query(
        f"{_SELECT} WHERE o.channel = ? AND {_DUE} ORDER BY o.rank, o.id LIMIT ?",
        channel,
        stamp(now),
        limit,
    )
    return [outbox_from(row) for row in rows]


def sent(message: OutboxMessage, ts: str) -> Operation[None]:
    """Slack shows this version of it, under `ts`. An incident's first card wakes the advisor."""
    yield execute(
        "UPDATE outbox SET ts = ?, sent = ?, attempts = 0, error = '' WHERE id = ?",
        ts,
        message.wanted,
        message.id,
    )
    yield notify(TOPIC)  # replies may have waited for this ts
    if message.kind == "card" and message.ts is None:
        yield notify("advice")


def retry(message_id: int, not_before: datetime, error: str, owner: str) -> Operation[None]:
    """Not sent: try again then. With owner '' the next try first looks whether it is there."""
    yield execute(
        "UPDATE outbox SET attempts = attempts + 1, not_before = ?, error = ?, owner = ?"
        " WHERE id = ?",
        stamp(not_before),
        error,
        owner,
        message_id,
    )


def give_up(
    message: OutboxMessage, error: str, ops_channel: str, owner: str, now: datetime
) -> Operation[None]:
    """Slack does not take it. Kept, with the reason; people hear of it in the ops channel.

    They hear each reason once, however often it is tried again and given up again.
    """
    # From here on `not_before` says since when it is given up: `revive` goes by it.
    yield execute(
        "UPDATE outbox SET failed = 1, error = ?, not_before = ? WHERE id = ?",
        error,
        stamp(now),
        message.id,
    )
    if not ops_channel or message.channel == ops_channel:
        return
    told = yield query("SELECT 1 FROM outbox WHERE key = ?", f"undelivered:{message.key}")
    if told and message.error == error:
        return
    yield from want(
        kind="undelivered",
        subject=message.key,
        channel=ops_channel,
        incident_id=message.incident_id,
        in_thread=False,
        rank=message.rank,
        owner=owner,
        now=now,
    )


def revive(failed_before: datetime, created_after: datetime, now: datetime) -> Operation[int]:
    """What was given up becomes due again. Returns how many."""
    revived: int = yield execute(
        "UPDATE outbox SET failed = 0, attempts = 0, not_before = ?"
        " WHERE failed = 1 AND sent < wanted AND not_before <= ? AND created_at > ?",
        stamp(now),
        stamp(failed_before),
        stamp(created_after),
    )
    if revived:
        yield notify(TOPIC)
    return revived


def lost(message_id: int, owner: str) -> Operation[None]:
    """Slack does not know it any more: post it anew."""
    yield execute(
        "UPDATE outbox SET ts = NULL, sent = 0, failed = 0, attempts = 0, owner = ? WHERE id = ?",
        owner,
        message_id,
    )


def find(key: str) -> Operation[OutboxMessage | None]:
    """The message of that idempotency key."""
    rows = yield query(_SELECT + " WHERE o.key = ?", key)
    return outbox_from(rows[0]) if rows else None


def backlog() -> Operation[tuple[int, int]]:
    """(waiting, failed) messages. A reply whose card was given up has failed with it."""
    rows = yield query(
        f"""
        SELECT COUNT(*) AS unsent, COALESCE(SUM(
            o.failed OR (o.in_thread AND card.ts IS NULL AND COALESCE(card.failed, 0))
        ), 0) AS failed {_FROM} WHERE o.sent < o.wanted
        """
    )
    return rows[0]["unsent"] - rows[0]["failed"], rows[0]["failed"]
