"""The outbox: messages that Slack should show are enqueued here, and counted.

`outbox_fetch` reads the messages to send next, `outbox_results` records what became of them. The
order in a channel is (class, severity, promoted, turn, not_before): see `OrderClass`. A message
whose try failed has a later `not_before`, so that it does not hold up the others of its severity.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.incidents.model import Severity
from store.messages import OrderClass, OutboxMessage, outbox_from
from store.operations.part import Part
from store.statements import Operation, notify, query, run, to_db_time
from store.topics import Topic

FROM = """
 FROM outbox o LEFT JOIN outbox card
    ON o.in_thread = 1 AND card.incident_id = o.incident_id AND card.kind = 'card'
"""
SELECT = f"SELECT o.*, card.ts AS thread_ts {FROM}"
PENDING = "sent_version < desired_version AND given_up_at IS NULL"
"""A query that should use the outbox's partial indexes must repeat their WHERE in exactly these
words."""

_IS_PENDING = "outbox.sent_version < outbox.desired_version AND outbox.given_up_at IS NULL"

# A card gets the turn after its sender's last waiting card of this severity, else the lowest
# waiting turn: a sender of a thousand cards gets one place in each round, and a sender's only card
# gets a place in the first round.
_NEXT_TURN = f"""COALESCE(
    (SELECT MAX(turn) + 1 FROM outbox WHERE channel = ? AND class = {OrderClass.CARD:d}
        AND severity = ? AND promoted = 0 AND sender = ? AND {PENDING} AND ts IS NULL),
    (SELECT MIN(turn) FROM outbox WHERE channel = ? AND class = {OrderClass.CARD:d}
        AND severity = ? AND promoted = 0 AND {PENDING} AND ts IS NULL),
    0)"""  # noqa: S608 - constants
# The messages of a child belong to the thread of its root, and its card is the root's.
_ROOT = "COALESCE((SELECT parent_id FROM incidents WHERE id = ?), ?)"
_OF_THE_CARD = f"""COALESCE(
    (SELECT sender FROM outbox WHERE incident_id = {_ROOT} AND kind = 'card' LIMIT 1), '')"""  # noqa: S608 - constants


def _kept_place(column: str, of_state_change: int, is_change: str) -> str:
    """SQL: the value of an order column of a message that is enqueued again. A change of a posted
    message (`is_change` is true) gets `of_state_change`. A waiting message keeps its place if that
    is earlier than the new one; any other message gets the new place."""
    order = "{0}.class, {0}.severity, {0}.promoted".format
    return (
        f"{column} = CASE WHEN {is_change} THEN {of_state_change}"
        f" WHEN {_IS_PENDING} AND ({order('outbox')}) < ({order('excluded')})"
        f" THEN outbox.{column} ELSE excluded.{column} END"
    )


def _upsert(turn: str, is_change: str, key: str, subject: str) -> str:
    return f"""
        INSERT INTO outbox (key, kind, incident_id, subject, channel, in_thread, class, severity,
            promoted, not_before, enqueued_at, created_at, desired_version, rank, sender, turn)
        VALUES ({key}, ?, {_ROOT}, {subject}, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, {turn})
        ON CONFLICT (key) DO UPDATE SET desired_version = outbox.desired_version + 1,
            {_kept_place("class", OrderClass.STATE_CHANGE, is_change)},
            {_kept_place("severity", 0, is_change)},
            {_kept_place("promoted", 0, is_change)},
            turn = CASE WHEN (excluded.class, excluded.severity, excluded.promoted)
                < (outbox.class, outbox.severity, outbox.promoted) THEN 0 ELSE outbox.turn END,
            enqueued_at = CASE WHEN {_IS_PENDING} AND outbox.enqueued_at < excluded.enqueued_at
                THEN outbox.enqueued_at ELSE excluded.enqueued_at END,
            not_before = CASE WHEN {_IS_PENDING}
                AND (outbox.attempts > 0 OR outbox.not_before < excluded.not_before)
                THEN outbox.not_before ELSE excluded.not_before END,
            attempts = CASE WHEN outbox.given_up_at IS NULL THEN outbox.attempts ELSE 0 END,
            revived = CASE WHEN outbox.given_up_at IS NULL THEN outbox.revived ELSE 1 END,
            given_up_at = NULL
        """  # noqa: S608 - constants


# By (whether it has a sender of its own, whether it is due at once, whether it is a card). A
# delayed change is no state change, hence `1 = 0`. Only bots of before migration m019 read `rank`.
_UPSERTS = {
    (has_sender, is_due, is_card): _upsert(
        f"?, {_NEXT_TURN}" if has_sender else f"{_OF_THE_CARD}, 0",
        "outbox.ts IS NOT NULL" if is_due else "1 = 0",
        f"'card:' || {_ROOT}" if is_card else "?",
        f"CAST({_ROOT} AS TEXT)" if is_card else "?",
    )
    for has_sender in (True, False)
    for is_due in (True, False)
    for is_card in (True, False)
}


def enqueue(
    *,
    kind: str,
    subject: object,
    channel: str,
    incident_id: int | None,
    in_thread: bool,
    severity: Severity | None,
    now: datetime,
    delay: float = 0.0,
    soon: bool = False,
    sender: str = "",
) -> Operation[None]:
    """Enqueue a message, or a change of a message that is enqueued or posted already.

    Any number of changes before the next send become one send. `delay` (seconds) lets repeats
    gather; a change without delay overtakes a delayed one, but does not shorten the wait after a
    failed try. A message that was given up is tried again after each change.

    `severity` None is a notice of the bot itself. A reply comes after all cards, or, with `soon`,
    after the cards of its own severity. A waiting message keeps its place when it is enqueued
    again. Within a severity the cards of different senders take turns: `sender` is the sender of
    the alerts that the card shows. Replies belong to the sender of their card. What is enqueued for
    a child of a cascade goes to its root's thread; its card is the root's.
    """
    order = OrderClass.NOTICE if severity is None else OrderClass.CARD
    if in_thread and not soon:
        order = OrderClass.REPLY
    rank = severity.rank if severity else 0
    due = to_db_time(now + timedelta(seconds=delay) if delay else now)
    root = (incident_id, incident_id)
    of_sender: tuple[object, ...] = root
    if sender:
        of_sender = (sender, channel, rank, sender, channel, rank)
    is_card = kind == "card"
    yield run(
        _UPSERTS[bool(sender), not delay, is_card],
        *(root if is_card else (f"{kind}:{subject}",)),
        kind,
        *root,
        *(root if is_card else (str(subject),)),
        channel,
        int(in_thread),
        int(order),
        rank,
        int(in_thread and soon),
        due,
        due,
        to_db_time(now),
        *of_sender,
    )
    if not delay:  # what is due later is found when it is due; to wake for it now would be in vain
        yield notify(Topic.OUTBOX)


def overdue(before: datetime) -> Operation[list[str]]:
    """Channels with a message that was due by then and is neither shown nor given up."""
    rows = yield query(
        f"SELECT DISTINCT o.channel {FROM} WHERE o.sent_version < o.desired_version"
        " AND o.given_up_at IS NULL AND o.enqueued_at <= ?"
        " AND (o.in_thread = 0 OR card.ts IS NOT NULL) ORDER BY o.channel",
        to_db_time(before),
    )
    return [row["channel"] for row in rows]


UNPOSTED = f"""
 FROM outbox WHERE channel = ? AND {PENDING} AND kind = 'card' AND ts IS NULL AND revived = 0
"""


def unposted_cards(channel: str) -> Operation[int]:
    """Return how many incidents have no card in the channel yet; a deleted card does not count."""
    rows = yield query(f"SELECT COUNT(*) AS n {UNPOSTED}", channel)
    waiting: int = rows[0]["n"]
    return waiting


def find(key: str) -> Operation[OutboxMessage | None]:
    """The message of that idempotency key."""
    rows = yield query(SELECT + " WHERE o.key = ?", key)
    return outbox_from(rows[0]) if rows else None


def backlog() -> Operation[tuple[int, int]]:
    """Return the numbers of waiting and of given-up messages. A reply counts as given up if its
    card is."""
    rows = yield query(
        f"""
        SELECT COUNT(*) AS unsent, COUNT(CASE WHEN o.given_up_at IS NOT NULL
            OR (o.in_thread = 1 AND card.ts IS NULL AND card.given_up_at IS NOT NULL) THEN 1 END)
            AS given_up
        {FROM} WHERE o.sent_version < o.desired_version
        """
    )
    return rows[0]["unsent"] - rows[0]["given_up"], rows[0]["given_up"]


class OutboxPart(Part):
    """The methods of `Store` for the messages of the outbox."""

    async def outbox_overdue(self, before: datetime) -> list[str]:
        """Channels with a message that was due by then and is neither shown nor given up."""
        return await self._engine.read(overdue, before)

    async def outbox_message(self, key: str) -> OutboxMessage | None:
        """The message with that idempotency key."""
        return await self._engine.read(find, key)

    async def outbox_backlog(self) -> tuple[int, int]:
        """Return the numbers of waiting and of given-up messages. A reply counts as given up if its
        card is."""
        return await self._engine.read(backlog)
