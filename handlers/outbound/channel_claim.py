"""One channel as its sender sees it: its claim, its pace, and when it may go again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handlers.outbound.rate_limiter import Pace
from store.operations.leases import ChannelClaim
from store.rows import OutboxMessage

LONGEST_PAUSE = 15.0  # seconds a channel waits at most when Slack is not well
# Alerts of one outage come in one after the other, and Slack may take no second post for a second.
# So the first card waits as long as more alerts come in each GATHER, at most GATHERS times.
QUIET = timedelta(seconds=3)  # without a post; a backlog is posted about every second
GATHER, GATHERS = 0.005, 20  # seconds; times
# A press changes its card three times within milliseconds. Changes wait this long, so that they are
# one call, and so that showing them does not hold up the request that the press is for. A post does
# not wait, and takes the changes along.
GATHER_CHANGES = 0.02  # seconds
MINUTE = timedelta(minutes=1)
HEAD = 5  # critical cards of a storm that are posted before its digest


@dataclass(slots=True)
class Channel:
    """One channel in the outbox, while this process has its claim.

    A channel either moves, or is paused (Slack or the store is not well), or waits for `wake_at`
    (Slack takes nothing of what is due before), or has nothing to do.
    """

    claim: ChannelClaim
    pace: Pace
    moving: asyncio.Task[None] | None = None
    missed: bool = False  # something became due while it moved: it checks once more
    paused_until: datetime | None = None  # nothing is sent until then
    wake_at: datetime | None = None  # then Slack takes what it does not take now
    troubles: int = 0  # in a row: Slack was not well
    changes_from: float | None = None  # by the loop's time: the changes that have come in may go
    storm_at: datetime | None = None  # when the storm's digest was last updated
    storm_cards: int = 0  # posted since that storm began
    cards_of: dict[str, deque[datetime]] = field(default_factory=dict)  # posted lately, by sender
    posted_at: datetime | None = None  # when the last post was sent
    gathered: tuple[int, ...] = ()  # what waited for the first place at the last look
    gathers_left: int = GATHERS

    def is_paused(self, now: datetime) -> bool:
        """Whether nothing may be sent now."""
        # No pause is longer than the longest: then the clock was set back.
        longest = timedelta(seconds=LONGEST_PAUSE)
        return self.paused_until is not None and timedelta() < self.paused_until - now <= longest

    def pause(self, now: datetime, seconds: float) -> None:
        """Send nothing for so long."""
        self.paused_until = now + timedelta(seconds=seconds)

    def gather_changes(self, *, alone: bool) -> None:
        """Let the changes that are due wait for those that follow, unless a post is due too."""
        if not alone:
            self.changes_from = None
        elif self.changes_from is None:
            self.changes_from = asyncio.get_running_loop().time() + GATHER_CHANGES

    def changes_wait(self) -> float:
        """Seconds until the changes that have come in may go; 0 for now."""
        if self.changes_from is None:
            return 0.0
        return max(0.0, self.changes_from - asyncio.get_running_loop().time())

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing was posted for a while."""
        return self.posted_at is None or now - self.posted_at >= QUIET

    def gathers(self, messages: Sequence[OutboxMessage], now: datetime) -> bool:
        """Whether to wait a moment, for something more severe may be coming in right now.

        A critical card never waits, nor does anything in a channel that is not quiet.
        """
        first = messages[0] if messages else None
        waiting = tuple(message.id for message in messages)
        if (
            first is None
            or first.ts is not None
            or first.kind != "card"
            or first.rank <= 0
            or not self.is_quiet(now)
            or waiting == self.gathered
            or not self.gathers_left
        ):
            self.gathered, self.gathers_left = (), GATHERS
            return False
        self.gathered = waiting
        self.gathers_left -= 1
        return True

    def in_turn(self, messages: Sequence[OutboxMessage]) -> list[OutboxMessage]:
        """The messages in the order in which they go.

        What the bot says of itself comes first; only a storm's digest lets the first critical cards
        go before it, so that the last of five is not a second later than it must be.
        """
        ahead = max(0, HEAD - self.storm_cards)
        if not ahead or not any(_is_new(message, "storm") for message in messages):
            return list(messages)
        cards = [one for one in messages if _is_new(one, "card") and one.rank == 0][:ahead]
        return [*cards, *(message for message in messages if message not in cards)]

    def posted(self, message: OutboxMessage, now: datetime) -> None:
        """Note that this message was posted."""
        self.posted_at = now
        if message.kind == "card":
            self.storm_cards += 1
            self.cards_of.setdefault(message.sender, deque()).append(now)

    def over(self, cap: int, now: datetime) -> list[str]:
        """The senders with at least that many new incidents shown within the last minute."""
        for sender, cards in list(self.cards_of.items()):
            while cards and not timedelta() <= now - cards[0] < MINUTE:
                cards.popleft()
            if not cards:
                del self.cards_of[sender]
        return sorted(sender for sender, cards in self.cards_of.items() if len(cards) >= cap)


def _is_new(message: OutboxMessage, kind: str) -> bool:
    return message.kind == kind and message.ts is None
