"""The outbox's state of one channel: its claim, its rate limiter, and when it may send again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incidents.model import Severity
from handlers.outbound.rate_limiter import RateLimiter
from store.messages import OutboxMessage
from store.operations.leases import ChannelClaim

LONGEST_PAUSE = 15.0  # seconds a channel waits at most while Slack is unavailable
# The alerts of one outage arrive one after the other, and after a post Slack may refuse the next
# one for a second. So the first card waits for GATHER_SECONDS, and again while more alerts arrive,
# MOST_GATHERS times at most.
QUIET = timedelta(seconds=3)  # without a post; a backlog is posted about every second
GATHER_SECONDS, MOST_GATHERS = 0.005, 20
# A press changes its card three times within milliseconds. Changes wait this long, so that they
# become one call, and so that the update of the card does not delay the request to the gateway. A
# new post does not wait; then the changes are sent too.
GATHER_CHANGES = 0.02  # seconds
MINUTE = timedelta(minutes=1)
CARDS_BEFORE_DIGEST = 5  # critical cards of a burst that are posted before its digest message


@dataclass(slots=True)
class Channel:
    """One channel in the outbox, while this process has its claim.

    A channel either has a running `task`, or is paused (Slack or the store is unavailable), or
    waits for `wake_at` (Slack's rate limits hold every due message until then), or has nothing to
    send.
    """

    claim: ChannelClaim
    limiter: RateLimiter
    task: asyncio.Task[None] | None = None
    has_more: bool = False  # a message became due while the task ran: the task starts once more
    paused_until: datetime | None = None  # nothing is sent until then
    wake_at: datetime | None = None  # until then Slack's limits hold every due message
    failures: int = 0  # in a row, with Slack unavailable
    changes_from: float | None = None  # by the loop's time: when gathered changes may be sent
    digest_at: datetime | None = None  # when the burst's digest message was last updated
    burst_cards: int = 0  # posted since the burst began
    cards_of: dict[str, deque[datetime]] = field(default_factory=dict)  # times, by sender
    posted_at: datetime | None = None  # when the last post was sent
    gathered: tuple[int, ...] = ()  # ids that waited at the last call of `should_gather`
    gathers_left: int = MOST_GATHERS

    def is_paused(self, now: datetime) -> bool:
        """True while nothing may be sent."""
        # No pause is longer than LONGEST_PAUSE; a longer rest means that the clock was set back.
        longest = timedelta(seconds=LONGEST_PAUSE)
        return self.paused_until is not None and timedelta() < self.paused_until - now <= longest

    def pause(self, now: datetime, seconds: float) -> None:
        """Send nothing for `seconds`."""
        self.paused_until = now + timedelta(seconds=seconds)

    def gather_changes(self, *, alone: bool) -> None:
        """Let due changes wait for further ones, unless a new post is due too (`alone` False)."""
        if not alone:
            self.changes_from = None
        elif self.changes_from is None:
            self.changes_from = asyncio.get_running_loop().time() + GATHER_CHANGES

    def changes_wait(self) -> float:
        """Return the seconds until gathered changes may be sent; 0 if they may be sent now."""
        if self.changes_from is None:
            return 0.0
        return max(0.0, self.changes_from - asyncio.get_running_loop().time())

    def is_quiet(self, now: datetime) -> bool:
        """True if nothing was posted for QUIET."""
        return self.posted_at is None or now - self.posted_at >= QUIET

    def should_gather(self, messages: Sequence[OutboxMessage], now: datetime) -> bool:
        """True if the first card should wait a moment: a more severe alert may be arriving.

        A critical card never waits, nor does any message in a channel that is not quiet.
        """
        first = messages[0] if messages else None
        waiting = tuple(message.id for message in messages)
        if (
            first is None
            or first.ts is not None
            or first.kind != "card"
            or _is_most_severe(first)
            or not self.is_quiet(now)
            or waiting == self.gathered
            or not self.gathers_left
        ):
            self.gathered, self.gathers_left = (), MOST_GATHERS
            return False
        self.gathered = waiting
        self.gathers_left -= 1
        return True

    def in_order(self, messages: Sequence[OutboxMessage]) -> list[OutboxMessage]:
        """The messages in the order in which they are sent.

        The bot's own notices come first. Only a burst's digest message comes behind the first
        critical cards: it would cost the last of them the second of one more post.
        """
        ahead = max(0, CARDS_BEFORE_DIGEST - self.burst_cards)
        if not ahead or not any(_is_new(message, "storm") for message in messages):
            return list(messages)
        critical = (m for m in messages if _is_new(m, "card") and _is_most_severe(m))
        cards = list(critical)[:ahead]
        return [*cards, *(message for message in messages if message not in cards)]

    def posted(self, message: OutboxMessage, now: datetime) -> None:
        """Record that this message was posted."""
        self.posted_at = now
        if message.kind == "card":
            self.burst_cards += 1
            self.cards_of.setdefault(message.sender, deque()).append(now)

    def senders_over(self, cap: int, now: datetime) -> list[str]:
        """The senders with at least `cap` new incidents shown within the last minute."""
        for sender, cards in list(self.cards_of.items()):
            while cards and not timedelta() <= now - cards[0] < MINUTE:
                cards.popleft()
            if not cards:
                del self.cards_of[sender]
        return sorted(sender for sender, cards in self.cards_of.items() if len(cards) >= cap)


def _is_new(message: OutboxMessage, kind: str) -> bool:
    return message.kind == kind and message.ts is None


def _is_most_severe(message: OutboxMessage) -> bool:
    return message.severity is Severity.CRITICAL
