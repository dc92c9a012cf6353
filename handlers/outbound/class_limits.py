"""Slack's rate limits, by class of messages: when it takes which in a channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.policy import Notify
from handlers.outbound.channel_claim import Channel
from handlers.outbound.rate_limiter import RateLimiter
from handlers.outbound.slack_client import POST, SlackClient
from store.messages import MessageClass, OutboxMessage

# Slack takes 50 changes a minute. Refreshes get 40 of them, and six more after a quiet time, so
# that the result of a press is always shown immediately.
REFRESH_INTERVAL, REFRESH_BURST = 1.5, 6


class ClassLimits:
    """Posts have the pace of their channel; refreshes one for all, as Slack limits changes for the
    workspace."""

    def __init__(self, slack: SlackClient, clock: Callable[[], datetime]) -> None:
        self._slack = slack
        self._clock = clock
        self._refreshes = RateLimiter(burst=REFRESH_BURST)

    def set_pace(self, channel: Channel, policy: Notify) -> None:
        """Post and refresh at the policy's pace from now on."""
        limiter = channel.limiter
        limiter.interval = policy.post_interval_seconds
        limiter.burst = policy.post_burst
        self._refreshes.interval = REFRESH_INTERVAL if limiter.interval else 0.0

    def waits(self, channel: Channel) -> dict[MessageClass, float]:
        """Seconds until Slack takes each class of messages in this channel; 0 for now."""
        now, name = self._clock(), channel.claim.channel
        changes = max(self._slack.wait("chat_update"), channel.changes_wait())
        return {
            MessageClass.NEW: max(channel.limiter.wait(now), self._slack.wait(POST, name)),
            MessageClass.STATE_CHANGE: changes,
            MessageClass.REFRESH: max(changes, self._refreshes.wait(now)),
        }

    def sendable(self, channel: Channel) -> frozenset[MessageClass]:
        """Return the classes that Slack takes now."""
        return frozenset(which for which, wait in self.waits(channel).items() if not wait)

    def delivered(self, message: OutboxMessage, channel: Channel) -> None:
        """Count a message that was just sent."""
        if message.ts is not None:
            channel.changes_from = None
        if MessageClass.of(message) is MessageClass.REFRESH:
            self._refreshes.posted(self._clock())
        if message.ts is not None and self._slack.wait("chat_update"):
            self._refreshes.refused(self._clock())  # the wait must not save up a new burst
