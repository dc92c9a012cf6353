"""Reads the work of the outbox: its channels, and the first messages of each, in one read.

The same read returns the messages of each channel that is free to send, and the facts that the
first card shows. Three reads, one after the other, would each wait for a thread or a server, while
people wait for the card.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import NotFound
from store.engines.read_ahead import ReadAhead
from store.messages import EVERYTHING, MessageClass, OrderClass, OutboxMessage, outbox_from
from store.operations import cards, leases
from store.operations.cards import CardContent
from store.operations.outbox import FROM, PENDING, SELECT
from store.operations.part import Part
from store.statements import Operation, Row, Statement, query, to_db_time, together
from store.topics import Topic

AHEAD = 3  # channels whose messages are read before the bot knows which channels have some
LONGEST_WAIT = timedelta(minutes=5)  # nothing waits so long: the clock was set back

# A reply waits until its card is posted, or given up. Takes the times of `_when`.
_DUE = """
 o.sent_version < o.desired_version AND o.given_up_at IS NULL
    AND (o.not_before <= ? OR o.not_before > ?)
    AND (o.in_thread = 0 OR card.ts IS NOT NULL OR card.given_up_at IS NOT NULL)
"""
_IS = {
    MessageClass.NEW: "o.ts IS NULL",
    MessageClass.STATE_CHANGE: f"(o.ts IS NOT NULL AND o.class <= {OrderClass.STATE_CHANGE:d})",
    MessageClass.REFRESH: f"(o.ts IS NOT NULL AND o.class > {OrderClass.STATE_CHANGE:d})",
}
_HAS_DUE = ", ".join(
    f"EXISTS (SELECT 1 {FROM} WHERE o.channel = waiting.channel AND {is_of_it} AND {_DUE})"
    f" AS has_{which}"
    for which, is_of_it in _IS.items()
)


def _when(now: datetime) -> tuple[str, str]:
    return to_db_time(now), to_db_time(now + LONGEST_WAIT)


def channels_due(now: datetime, owner: str) -> Statement:
    """Return the statement that reads the classes that each channel must send now, for
    `classes_of`. It omits channels that another replica has claimed.
    """
    return query(
        # From one channel straight to the next: a backlog of thousands in one is not walked over.
        f"""
        WITH RECURSIVE waiting (channel) AS (
            SELECT MIN(channel) FROM outbox WHERE {PENDING}
            UNION ALL
            SELECT (SELECT MIN(channel) FROM outbox WHERE {PENDING} AND channel > waiting.channel)
            FROM waiting WHERE waiting.channel IS NOT NULL
        )
        SELECT channel, {_HAS_DUE} FROM waiting
        WHERE waiting.channel IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.name = 'lane/' || waiting.channel
                AND claims.owner != ? AND {leases.alive("claims.owner")})
        """,  # noqa: S608 - constants
        *_when(now) * len(_IS),
        owner,
        to_db_time(now),
    )


def classes_of(rows: Sequence[Row]) -> dict[str, frozenset[MessageClass]]:
    """Return the classes of the due messages of each channel that has any."""
    classes = {
        row["channel"]: frozenset(which for which in _IS if row[f"has_{which}"]) for row in rows
    }
    return {channel: which for channel, which in classes.items() if which}


def _yields(senders: Collection[str]) -> str:
    """SQL: the first key of the order, which puts posts of these senders after all others.

    Replies still come after all cards.
    """
    if not senders:
        return ""
    placeholders = ", ".join("?" * len(senders))
    return (
        f"CASE WHEN o.class = {OrderClass.REPLY:d} THEN 2 ELSE 0 END"
        f" + CASE WHEN o.ts IS NULL AND o.sender IN ({placeholders}) THEN 1 ELSE 0 END, "
    )


def due(
    channel: str,
    now: datetime,
    limit: int,
    which: Set[MessageClass],
    yielding: Collection[str] = (),
) -> Operation[list[OutboxMessage]]:
    """Return the messages to send next: the most severe first, the senders in turn."""
    return messages_of((yield reading_due(channel, now, limit, which, yielding)))


def messages_of(rows: Sequence[Row]) -> list[OutboxMessage]:
    """Return the messages that `reading_due` has read."""
    return [outbox_from(row) for row in rows]


def reading_due(
    channel: str, now: datetime, limit: int, which: Set[MessageClass], yielding: Collection[str]
) -> Statement:
    """Return the statement that reads the messages to send next, for `messages_of`.

    A reply waits until its card is posted. New posts of the senders in `yielding` come after the
    cards of all others.
    """
    only = (
        "" if which == EVERYTHING else f" AND ({' OR '.join(_IS[item] for item in sorted(which))})"
    )
    return query(
        f"{SELECT} WHERE o.channel = ? AND {_DUE}{only} ORDER BY {_yields(yielding)}"
        "o.class, o.severity, o.promoted, o.turn, o.not_before, o.id LIMIT ?",
        channel,
        *_when(now),
        *yielding,
        limit,
    )


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """The reads of a channel that is free to send: see `due`."""

    limit: int
    which: frozenset[MessageClass]
    yielding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelWork:
    """The messages that one channel must send now.

    `which` are their classes. `messages` is the answer to `ask`; both are None if the channel did
    not ask. `card` has the facts that the first message shows, None if that is no incident's card.
    """

    which: frozenset[MessageClass]
    ask: FetchRequest | None = None
    messages: Sequence[OutboxMessage] | None = None
    card: CardContent | None = None


def fetch(
    now: datetime, owner: str, asks: Mapping[str, FetchRequest]
) -> Operation[dict[str, ChannelWork]]:
    """Return the channels with due messages, and the messages of the channels that ask for them."""
    fields: dict[str, ChannelWork] = {}
    ahead = asks if len(asks) <= AHEAD else {}
    channels, *read = yield from together(
        channels_due(now, owner),
        *(
            reading_due(channel, now, ask.limit, ask.which, ask.yielding)
            for channel, ask in ahead.items()
        ),
    )
    rows_of = dict(zip(ahead, read, strict=True))
    for channel, which in classes_of(channels).items():
        ask = asks.get(channel)
        if ask is None or not which & ask.which:
            fields[channel] = ChannelWork(which)
            continue
        if channel in rows_of:
            messages = messages_of(rows_of[channel])
        else:
            messages = yield from due(channel, now, ask.limit, ask.which, ask.yielding)
        card = None
        if messages and messages[0].kind == "card":
            with suppress(NotFound):  # a missing row stops this card, and no other message
                card = yield from cards.content(int(messages[0].subject))
        fields[channel] = ChannelWork(which, ask, messages, card)
    return fields


class OutboxFetchPart(Part):
    """The methods of `Store` for the messages to send next."""

    async def outbox_channels(
        self, now: datetime, asks: Mapping[str, FetchRequest] | None = None
    ) -> dict[str, ChannelWork]:
        """Return what each channel has to send now, except channels claimed by another replica.

        `asks`: the channels that are free to send; they get their messages in the same read.
        """
        return await self._engine.read(fetch, now, self.owner, asks or {})

    def outbox_read_ahead(
        self,
        asks: Callable[[datetime], Mapping[str, FetchRequest]],
        clock: Callable[[], datetime],
        on_read: Callable[[dict[str, ChannelWork]], None],
    ) -> ReadAhead[dict[str, ChannelWork]]:
        """Read what `outbox_channels` returns before the commits that wake the outbox.

        `asks` returns the channels that are free to send; without any, nothing is read.
        """

        def operation() -> Operation[dict[str, ChannelWork]] | None:
            now = clock()
            requests = asks(now)
            return fetch(now, self.owner, requests) if requests else None

        ahead = ReadAhead(Topic.OUTBOX, operation, on_read)
        self._engine.read_ahead(ahead)
        return ahead

    async def outbox_due(
        self,
        channel: str,
        now: datetime,
        limit: int = 20,
        which: Set[MessageClass] = EVERYTHING,
        yielding: Collection[str] = (),
    ) -> list[OutboxMessage]:
        """The messages of `which` to send next, in this order: the bot's own notices, state
        changes, cards with the most severe first, replies.

        Within a severity the senders take turns, and the message that waits longest comes first; a
        reply comes only after its card, and beside the other cards only when it has waited for a
        minute. New cards of the senders in `yielding` come after those of all others.
        """
        return await self._engine.read(due, channel, now, limit, which, tuple(yielding))
