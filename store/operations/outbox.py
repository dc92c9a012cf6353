"""Messages that Slack should show: wanted, sent, retried, given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from datetime import datetime, timedelta
from enum import StrEnum

from store.operations import leases
from store.operations.part import Part
from store.rows import OutboxMessage, outbox_from
from store.statements import (
    Operation,
    Row,
    Statement,
    execute,
    last,
    notify,
    query,
    run,
    to_db_time,
)
from store.topics import Topic

# The order in a channel. What people did or what turned changes what is there before all else, and
# the bot's own notices are posted before all else: a digest behind the cards that it counts would
# be of no use. Then come cards, the most severe first. What stands in threads comes after
# every card, and when it has waited for a while right behind the cards of its own severity.
NEWS = -1
OWN = -1  # the severity of the bot's own notices, as it were
STEP = 2  # from one severity to the next
BEHIND_ALL = 8
BEHIND_ITS_OWN = 1
PATIENCE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=5)  # nothing waits so long: the clock was set back


class MessageClass(StrEnum):
    """What is asked for: posts are not in Slack yet; of what is, news are asked for by people or
    by a turn of things, and repeats only bring a card up to date.
    """

    NEW = "new"
    STATE_CHANGE = "state_change"
    REFRESH = "refresh"

    @classmethod
    def of(cls, message: OutboxMessage) -> MessageClass:
        """Which of them a message is."""
        if message.ts is None:
            return cls.NEW
        return cls.STATE_CHANGE if message.rank <= NEWS else cls.REFRESH


EVERYTHING = frozenset(MessageClass)

_FROM = """
 FROM outbox o LEFT JOIN outbox card
    ON o.in_thread = 1 AND card.incident_id = o.incident_id AND card.kind = 'card'
"""
_SELECT = f"SELECT o.*, card.ts AS thread_ts {_FROM}"
# A reply waits until its card is posted, or given up. Takes the times of `_when`.
_DUE = """
 o.sent < o.wanted AND o.failed = 0 AND (o.not_before <= ? OR o.not_before > ?)
    AND (o.in_thread = 0 OR card.ts IS NOT NULL OR card.failed = 1)
"""


def _when(now: datetime) -> tuple[str, str]:
    return to_db_time(now), to_db_time(now + LONGEST_WAIT)


# Behind the sender's last card that waits in this rank, else beside whose turn it is: who sends a
# thousand gets one place in each round, and who sends one is in the first.
_NEXT_TURN = """COALESCE(
    (SELECT MAX(turn) + 1 FROM outbox WHERE channel = ? AND rank = ? AND sender = ?
        AND sent < wanted AND failed = 0 AND ts IS NULL),
    (SELECT MIN(turn) FROM outbox WHERE channel = ? AND rank = ?
        AND sent < wanted AND failed = 0 AND ts IS NULL),
    0)"""
_OF_THE_CARD = """COALESCE(
    (SELECT sender FROM outbox WHERE incident_id = ? AND kind = 'card' LIMIT 1), '')"""


def enqueue(
    *,
    kind: str,
    subject: object,
    channel: str,
    incident_id: int | None,
    in_thread: bool,
    rank: int,
    now: datetime,
    delay: float = 0.0,
    soon: bool = False,
    sender: str = "",
) -> Operation[None]:
    """Ask for a message, or for a change of the one that is there.

    Any number of wishes before the next send become one send. `delay` (seconds) lets repeats
    gather; an undelayed wish overtakes a delayed one, but never a wait that Slack imposed. What
    was given up is tried again: a new wish is a new chance.

    A reply comes after every card, or, when it should come `soon`, right behind those of its own
    severity. `rank` is the severity's, 0 being the gravest. The place in the queue that a wish has
    already is not lost by another one. Within a severity the senders' cards take turns: `sender`
    is whose alerts the first card of an incident is about; its thread goes with it.
    """
    key = f"{kind}:{subject}"
    behind = BEHIND_ITS_OWN if soon else BEHIND_ALL
    place = STEP * rank + (behind if in_thread else 0)
    due = to_db_time(now + timedelta(seconds=delay) if delay else now)
    whose = f"?, {_NEXT_TURN}" if sender else f"{_OF_THE_CARD}, 0"
    of_whom: tuple[object, ...] = (incident_id,)
    if sender:
        of_whom = (sender, channel, place, sender, channel, place)
    yield run(
        f"""
        INSERT INTO outbox (key, kind, incident_id, subject, channel, in_thread, rank,
            not_before, due_since, created_at, sender, turn)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {whose})
        ON CONFLICT (key) DO UPDATE SET wanted = outbox.wanted + 1,
            rank = CASE WHEN ? = 1 AND outbox.ts IS NOT NULL THEN ?
                WHEN outbox.sent < outbox.wanted AND outbox.failed = 0
                    AND outbox.rank < excluded.rank THEN outbox.rank
                ELSE excluded.rank END,
            turn = CASE WHEN excluded.rank < outbox.rank THEN 0 ELSE outbox.turn END,
            due_since = CASE WHEN outbox.sent < outbox.wanted AND outbox.failed = 0
                AND outbox.due_since IS NOT NULL THEN outbox.due_since
                ELSE excluded.due_since END,
            not_before = CASE WHEN outbox.sent < outbox.wanted AND outbox.failed = 0
                AND (outbox.attempts > 0 OR outbox.not_before < excluded.not_before)
                THEN outbox.not_before ELSE excluded.not_before END,
            attempts = CASE outbox.failed WHEN 0 THEN outbox.attempts ELSE 0 END,
            revived = CASE outbox.failed WHEN 0 THEN outbox.revived ELSE 1 END, failed = 0
        """,  # noqa: S608 - constants
        key,
        kind,
        incident_id,
        str(subject),
        channel,
        int(in_thread),
        place,
        due,
        due,
        to_db_time(now),
        *of_whom,
        int(not delay),
        NEWS,
    )
    if not delay:  # what is due later is found when it is due; to wake for it now would be in vain
        yield notify(Topic.OUTBOX)


_ARE = {
    MessageClass.NEW: "o.ts IS NULL",
    MessageClass.STATE_CHANGE: f"(o.ts IS NOT NULL AND o.rank <= {NEWS})",
    MessageClass.REFRESH: f"(o.ts IS NOT NULL AND o.rank > {NEWS})",
}
_HAS_DUE = ", ".join(
    f"EXISTS (SELECT 1 {_FROM} WHERE o.channel = waiting.channel AND {are} AND {_DUE})"
    f" AS has_{which}"
    for which, are in _ARE.items()
)


def channels_due(now: datetime, owner: str) -> Statement:
    """Reads what each channel has to send now, for `classes_of`.

    Without the channels that another replica looks after.
    """
    return query(
        # From one channel straight to the next: a backlog of thousands in one is not walked over.
        f"""
        WITH RECURSIVE waiting (channel) AS (
            SELECT MIN(channel) FROM outbox WHERE sent < wanted AND failed = 0
            UNION ALL
            SELECT (SELECT MIN(channel) FROM outbox
                WHERE sent < wanted AND failed = 0 AND channel > waiting.channel)
            FROM waiting WHERE waiting.channel IS NOT NULL
        )
        SELECT channel, {_HAS_DUE} FROM waiting
        WHERE waiting.channel IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.name = 'lane/' || waiting.channel
                AND claims.owner != ? AND {leases.alive("claims.owner")})
        """,  # noqa: S608 - constants
        *_when(now) * len(_ARE),
        owner,
        to_db_time(now),
    )


def classes_of(rows: Sequence[Row]) -> dict[str, frozenset[MessageClass]]:
    """Of each channel with something due exactly the classes for which `due` has an answer."""
    found = {
        row["channel"]: frozenset(which for which in _ARE if row[f"has_{which}"]) for row in rows
    }
    return {channel: which for channel, which in found.items() if which}


def _yields(senders: Collection[str]) -> str:
    """The first part of the order: posts of these senders after those of all others.

    What stands in threads follows all cards, as ever.
    """
    if not senders:
        return ""
    marks = ", ".join("?" * len(senders))
    return (
        f"CASE WHEN o.rank >= {BEHIND_ALL} THEN 2 ELSE 0 END"
        f" + CASE WHEN o.ts IS NULL AND o.sender IN ({marks}) THEN 1 ELSE 0 END, "
    )


def due(
    channel: str,
    now: datetime,
    limit: int,
    which: Set[MessageClass],
    yielding: Collection[str] = (),
) -> Operation[list[OutboxMessage]]:
    """What a channel should see next: the most severe first, the senders in turn."""
    return messages_of((yield reading_due(channel, now, limit, which, yielding)))


def messages_of(rows: Sequence[Row]) -> list[OutboxMessage]:
    """The messages that `reading_due` has read."""
    return [outbox_from(row) for row in rows]


def reading_due(
    channel: str, now: datetime, limit: int, which: Set[MessageClass], yielding: Collection[str]
) -> Statement:
    """Reads what a channel should see next, for `messages_of`.

    A reply waits until its card is posted. New posts of the senders in `yielding` come after the
    cards of all others.
    """
    some = (
        "" if which == EVERYTHING else f" AND ({' OR '.join(_ARE[one] for one in sorted(which))})"
    )
    return query(
        f"{_SELECT} WHERE o.channel = ? AND {_DUE}{some}"
        f" ORDER BY {_yields(yielding)}o.rank, o.turn, o.not_before, o.id LIMIT ?",
        channel,
        *_when(now),
        *yielding,
        limit,
    )


# The work of an incident that waits for its card. It was queued with the incident.
_WORK = """
 EXISTS (SELECT 1 FROM advice WHERE advice.incident_id = outbox.incident_id
    AND advice.state = 'wanted') AS advice,
 EXISTS (SELECT 1 FROM proposing WHERE proposing.incident_id = outbox.incident_id
    AND proposing.state = 'wanted') AS proposals
"""


def sent(
    message: OutboxMessage, ts: str, owner: str, paced_until: datetime | None
) -> Operation[bool]:
    """Slack shows this version of it, under `ts`. An incident's first card wakes the advisor
    and the worker that proposes, where something waits for them: each wakes in every replica.

    False when another replica posted it too, and wrote that down first: this copy is one too many.
    """
    if paced_until is not None:
        yield run(
            "UPDATE claims SET paced_until = ? WHERE name = ? AND owner = ?",
            to_db_time(paced_until),
            leases.channel_claim_name(message.channel),
            owner,
        )
    if message.error:  # what stands in its place elsewhere says where it is now
        yield run(
            "UPDATE outbox SET wanted = wanted + 1 WHERE key = ?", f"undelivered:{message.key}"
        )
    is_first = message.kind == "card" and (message.ts is None or bool(message.error))
    rows = yield last(
        query(
            "UPDATE outbox SET ts = ?, turn = 0, sent = CASE WHEN sent > ? THEN sent ELSE ? END,"  # noqa: S608 - constants
            " attempts = 0, unsure = 0, error = '', due_since = NULL"
            f" WHERE id = ? AND (ts IS NULL OR ts = ?) RETURNING {_WORK if is_first else 'id'}",
            ts,
            message.wanted,
            message.wanted,
            message.id,
            ts,
        )
    )
    # Replies may have waited for this ts; one that is being enqueued now is in no snapshot yet.
    if is_first or message.error:
        yield notify(Topic.OUTBOX)
    if is_first and rows and rows[0]["advice"]:
        yield notify(Topic.ADVICE)
    if is_first and rows and rows[0]["proposals"]:
        yield notify(Topic.PROPOSE)
    return bool(rows)


def requeue(message_id: int) -> Operation[None]:
    """What Slack shows may be older than what was sent last: send it once more."""
    yield run("UPDATE outbox SET wanted = wanted + 1 WHERE id = ?", message_id)
    yield notify(Topic.OUTBOX)


def retry(message_id: int, not_before: datetime, error: str, maybe_posted: bool) -> Operation[None]:
    """Not sent: try again then. After `maybe_posted` a try first looks whether it is there."""
    yield run(
        "UPDATE outbox SET attempts = attempts + 1, not_before = ?, error = ?,"
        " unsure = CASE WHEN ? = 1 THEN 1 ELSE unsure END WHERE id = ?",
        to_db_time(not_before),
        error,
        int(maybe_posted),
        message_id,
    )


def give_up(message: OutboxMessage, error: str, ops_channel: str, now: datetime) -> Operation[None]:
    """Slack does not take it. Kept, with the reason; the ops channel shows it in its place.

    There it is one message, however often it is tried again and given up again.
    """
    # From here on `not_before` says since when it is given up: `revive` goes by it.
    yield run(
        "UPDATE outbox SET failed = 1, error = ?, not_before = ? WHERE id = ?",
        error,
        to_db_time(now),
        message.id,
    )
    if not ops_channel or message.channel == ops_channel:
        return
    yield from enqueue(
        kind="undelivered",
        subject=message.key,
        channel=ops_channel,
        incident_id=message.incident_id,
        in_thread=False,
        rank=max(0, min(message.rank, BEHIND_ALL - 1)) // STEP,
        now=now,
    )


def retry_failed(failed_before: datetime, created_after: datetime, now: datetime) -> Operation[int]:
    """What was given up becomes due again, which makes no storm. Returns how many."""
    revived: int = yield execute(
        "UPDATE outbox SET failed = 0, attempts = 0, revived = 1, not_before = ?"
        " WHERE failed = 1 AND sent < wanted AND not_before <= ? AND created_at > ?",
        to_db_time(now),
        to_db_time(failed_before),
        to_db_time(created_after),
    )
    if revived:
        yield notify(Topic.OUTBOX)
    return revived


def make_due_now(channel: str, now: datetime) -> Operation[None]:
    """Slack is well again: what waits only because it failed before is due now, in its order."""
    yield run(
        "UPDATE outbox SET not_before = ? WHERE channel = ? AND sent < wanted AND failed = 0"
        " AND attempts > 0 AND not_before > ?",
        to_db_time(now),
        channel,
        to_db_time(now),
    )
    yield notify(Topic.OUTBOX)


def raise_priority(now: datetime) -> Operation[None]:
    """What waited for long gets its turn: replies behind their cards, changes among the gravest.

    A channel takes fewer changes than many cards that change again and again would have.
    """
    since = to_db_time(now - PATIENCE)
    yield run(
        "UPDATE outbox SET rank = rank - ? WHERE in_thread = 1 AND ts IS NULL AND rank >= ?"
        " AND sent < wanted AND failed = 0 AND created_at <= ?",
        BEHIND_ALL - BEHIND_ITS_OWN,
        BEHIND_ALL,
        since,
    )
    yield run(
        "UPDATE outbox SET rank = 0 WHERE ts IS NOT NULL AND rank > 0"
        " AND sent < wanted AND failed = 0 AND not_before <= ?",
        since,
    )


def overdue(before: datetime) -> Operation[list[str]]:
    """Channels with a message that was due by then and is neither shown nor given up."""
    rows = yield query(
        f"SELECT DISTINCT o.channel {_FROM} WHERE o.sent < o.wanted AND o.failed = 0"
        " AND COALESCE(o.due_since, o.not_before) <= ?"
        " AND (o.in_thread = 0 OR card.ts IS NOT NULL) ORDER BY o.channel",
        to_db_time(before),
    )
    return [row["channel"] for row in rows]


UNPOSTED = """
 FROM outbox WHERE channel = ? AND sent < wanted AND failed = 0
    AND kind = 'card' AND ts IS NULL AND revived = 0
"""


def unposted_cards(channel: str) -> Operation[int]:
    """How many incidents the channel does not show yet, and never did."""
    rows = yield query(f"SELECT COUNT(*) AS n {UNPOSTED}", channel)
    waiting: int = rows[0]["n"]
    return waiting


def mark_deleted(message: OutboxMessage) -> Operation[None]:
    """Slack does not know it any more: post it anew."""
    yield run(
        "UPDATE outbox SET ts = NULL, sent = 0, failed = 0, attempts = 0, unsure = 0, revived = 1"
        " WHERE id = ? AND ts = ?",
        message.id,
        message.ts,
    )
    yield notify(Topic.OUTBOX)


def find(key: str) -> Operation[OutboxMessage | None]:
    """The message of that idempotency key."""
    rows = yield query(_SELECT + " WHERE o.key = ?", key)
    return outbox_from(rows[0]) if rows else None


def backlog() -> Operation[tuple[int, int]]:
    """(waiting, failed) messages. A reply whose card was given up has failed with it."""
    rows = yield query(
        f"""
        SELECT COUNT(*) AS unsent, COUNT(CASE WHEN o.failed = 1
            OR (o.in_thread = 1 AND card.ts IS NULL AND card.failed = 1) THEN 1 END) AS failed
        {_FROM} WHERE o.sent < o.wanted
        """
    )
    return rows[0]["unsent"] - rows[0]["failed"], rows[0]["failed"]


class OutboxPart(Part):
    """The methods of `Store` for messages."""

    async def outbox_due(
        self,
        channel: str,
        now: datetime,
        limit: int = 20,
        which: Set[MessageClass] = EVERYTHING,
        yielding: Collection[str] = (),
    ) -> list[OutboxMessage]:
        """What of `which` to send next: news, the bot's own notices, the most severe cards, then
        what stands in threads.

        Within a severity the senders take turns, and of each what waits longest; a reply only after
        its card, and beside the other cards only when it has waited for a minute. New cards of the
        senders in `yielding` come after those of all others.
        """
        return await self._engine.read(due, channel, now, limit, which, tuple(yielding))

    async def outbox_overdue(self, before: datetime) -> list[str]:
        """Channels with a message that was due by then and is neither shown nor given up."""
        return await self._engine.read(overdue, before)

    async def outbox_make_due_now(self, channel: str, now: datetime) -> None:
        """Slack is well again: what waits only because it failed before is due at once."""
        await self._write(make_due_now, channel, now)

    async def outbox_raise_priority(self, now: datetime) -> None:
        """What waits for a minute gets its turn: replies behind their cards, changes among the
        gravest.
        """
        await self._write(raise_priority, now)

    async def outbox_sent(
        self, message: OutboxMessage, ts: str, paced_until: datetime | None = None
    ) -> bool:
        """Slack shows this version of the message under `ts`; that is how far its channel is paced.

        False when another replica posted it as well and said so first: then `ts` is one too many.
        """
        return await self._write(sent, message, ts, self.owner, paced_until)

    async def outbox_requeue(self, message: OutboxMessage) -> None:
        """What Slack shows of it may be an older version: it is to be sent once more."""
        await self._write(requeue, message.id)

    async def outbox_retry(
        self, message: OutboxMessage, not_before: datetime, error: str, *, maybe_posted: bool
    ) -> None:
        """Try again then. `maybe_posted` makes the next try look before it posts."""
        await self._write(retry, message.id, not_before, error, maybe_posted)

    async def outbox_give_up(
        self, message: OutboxMessage, error: str, ops_channel: str, now: datetime
    ) -> None:
        """Slack does not take it; the row stays, and `ops_channel` ('' for none) shows it instead.

        There it is one message, with the reason, that is changed in place.
        """
        await self._write(give_up, message, error, ops_channel, now)

    async def outbox_retry_failed(
        self,
        now: datetime,
        older_than: timedelta = timedelta(minutes=10),
        younger_than: timedelta = timedelta(hours=24),
    ) -> int:
        """What was given up `older_than` ago is due again, if wished less than `younger_than` ago.

        Somebody may have invited the bot meanwhile. Returns how many.
        """
        return await self._write(retry_failed, now - older_than, now - younger_than, now)

    async def outbox_mark_deleted(self, message: OutboxMessage) -> None:
        """Somebody deleted it in Slack: it is to be posted anew."""
        await self._write(mark_deleted, message)

    async def outbox_message(self, key: str) -> OutboxMessage | None:
        """The message with that idempotency key."""
        return await self._engine.read(find, key)

    async def outbox_backlog(self) -> tuple[int, int]:
        """(waiting, given up). A reply fails with its card."""
        return await self._engine.read(backlog)
