"""The work of the outbox: its channels, and the first messages of each, in one read.

A channel that is free to send asks in the same breath for its messages, and for what the first of
them shows where that is an incident's card. Three reads, one after the other, would each wait for a
thread or a server, and the card is what people wait for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from bot.errors import NotFound
from store.operations import cards, outbox
from store.operations.cards import CardContent
from store.operations.outbox import MessageClass
from store.operations.part import Part
from store.rows import OutboxMessage
from store.statements import Operation, together

AHEAD = 3  # channels whose messages are read before it is known which channel has some


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """The reads of a channel that is free to send: see `outbox.due`."""

    limit: int
    which: frozenset[MessageClass]
    yielding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelWork:
    """The messages that one channel has to send now.

    `which` are the classes of it. `messages` are the answer to `ask`, both None where nothing was
    asked. `card` is what the first of them shows, None where that is no incident's card.
    """

    which: frozenset[MessageClass]
    ask: FetchRequest | None = None
    messages: Sequence[OutboxMessage] | None = None
    card: CardContent | None = None


def fetch(
    now: datetime, owner: str, asks: Mapping[str, FetchRequest]
) -> Operation[dict[str, ChannelWork]]:
    """The channels that have something due, with the messages of those that ask for them."""
    found: dict[str, ChannelWork] = {}
    ahead = asks if len(asks) <= AHEAD else {}
    channels, *read = yield from together(
        outbox.channels_due(now, owner),
        *(
            outbox.reading_due(channel, now, ask.limit, ask.which, ask.yielding)
            for channel, ask in ahead.items()
        ),
    )
    rows_of = dict(zip(ahead, read, strict=True))
    for channel, which in outbox.classes_of(channels).items():
        ask = asks.get(channel)
        if ask is None or not which & ask.which:
            found[channel] = ChannelWork(which)
            continue
        if channel in rows_of:
            messages = outbox.messages_of(rows_of[channel])
        else:
            messages = yield from outbox.due(channel, now, ask.limit, ask.which, ask.yielding)
        card = None
        if messages and messages[0].kind == "card":
            with suppress(NotFound):  # what is missing stops this card, and no other message
                card = yield from cards.content(int(messages[0].subject))
        found[channel] = ChannelWork(which, ask, messages, card)
    return found


class OutboxReadPart(Part):
    """The methods of `Store` for the outbox's work."""

    async def outbox_channels(
        self, now: datetime, asks: Mapping[str, FetchRequest] | None = None
    ) -> dict[str, ChannelWork]:
        """What each channel has to send now, except channels claimed by another replica.

        `asks`: the channels that are free to send; they get their messages in the same read.
        """
        return await self._engine.read(fetch, now, self.owner, asks or {})
