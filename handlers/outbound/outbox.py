"""Sends every message of the outbox, durably: one task a channel, the most severe message first.

A row of the outbox says what Slack should show, not what to send. It is rendered when it is sent,
so any number of changes that waited become one call. A message may have been posted already if the
process died or the connection broke; before the bot posts it again, it looks the message up by the
idempotency key in its metadata. If more incidents wait than the policy's storm limit, one digest
message says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta

from bot.configuration import LiveConfiguration
from bot.errors import SlackRefused, SopbotError, StoreError
from bot.observability.throttled_logger import ThrottledLogger
from bot.policy import Notify
from bot.tasks import cancel_all
from handlers.outbound.channel_claim import GATHER_SECONDS, LONGEST_PAUSE, Channel
from handlers.outbound.class_limits import ClassLimits
from handlers.outbound.delivery import Delivery, SlackUnavailable
from handlers.outbound.direct_calls import DirectCalls
from handlers.outbound.metadata import Sender
from handlers.outbound.rate_limiter import RateLimiter
from handlers.outbound.refused_blocks import RefusedBlocks
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import SlackClient
from store import Store
from store.messages import MessageClass, OutboxMessage
from store.operations.cards import CardContent
from store.operations.outbox_fetch import ChannelWork, FetchRequest
from store.topics import Topic

log = logging.getLogger(__name__)

FALLBACK_POLL = 1.0  # seconds; the signal wakes the outbox, the poll is for what fell due by time
LATE = timedelta(minutes=5)  # a message that was due so long ago and is not sent is a fault
CHANNEL_PAUSE = 1.0  # seconds a channel waits while Slack is unavailable; it doubles
RESTART_DELAY = 5.0  # seconds until a channel's task that a bug stopped starts again
BATCH = 20  # messages that one fetch reads
GATHERED = 500  # the same, if the first post of a quiet channel is chosen among them
DIGEST_EVERY = timedelta(seconds=10)  # between two updates of a burst's digest message


class Outbox:
    """Sends what the store says that Slack should show.

    `run` is a task that goes on until it is cancelled; then `drain`. `direct` are the calls that
    people wait for.
    """

    def __init__(
        self,
        slack: SlackClient,
        store: Store,
        renderer: Renderer,
        clock: Callable[[], datetime],
        *,
        config: LiveConfiguration,
        ops_channel: str,
        sender: Sender,
    ) -> None:
        self._config = config
        self.ops_channel = ops_channel
        """The channel for the bot's own notices."""
        refused_blocks = RefusedBlocks(store, clock)
        self.delivery = Delivery(
            slack,
            store,
            renderer,
            clock,
            ops_channel=ops_channel,
            sender=sender,
            refused_blocks=refused_blocks,
        )
        self.direct = DirectCalls(slack, refused_blocks)
        self.full_texts = renderer.full_texts
        self._ahead = store.outbox_read_ahead(self._requests, clock, self.delivery.prepare)
        self._slack = slack
        self._store = store
        self._clock = clock
        self._runner: asyncio.Task[None] | None = None
        self._channels: dict[str, Channel] = {}
        self._limits = ClassLimits(slack, clock)
        self._failures = ThrottledLogger(log, logging.WARNING, "the outbox waits for the store: %s")

    @property
    def _policy(self) -> Notify:
        return self._config.current.policy.notify

    async def run(self) -> None:
        """Send until cancelled."""
        self._runner = asyncio.current_task()
        signal = self._store.signal(Topic.OUTBOX)
        while True:
            signal.clear()
            try:
                await self._start_due_channels()
            except StoreError as error:
                self._failures.log(error)
            except Exception:  # nothing else sends, so the outbox goes on after any error
                log.exception("the outbox could not see what is due; it goes on")
            # Not wait_for: on Python 3.11 it can swallow the cancellation that ends this loop.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds_to_next_check()):
                    await signal.wait()

    def _seconds_to_next_check(self) -> float:
        """Seconds until a message may be due again: a channel's wait may end before the poll."""
        now = self._clock()
        ends = [
            (end - now).total_seconds()
            for channel in self._channels.values()
            for end in (channel.paused_until, channel.wake_at)
            if end and end > now
        ]
        return max(0.01, min([FALLBACK_POLL, *ends]))

    async def check(self) -> None:
        """Raise SopbotError if nothing is sent, the token is refused, or messages are overdue."""
        if not self._is_running():
            raise SopbotError("Nothing is sent to Slack: the outbox does not run.")
        if self._slack.refusal:
            raise SlackRefused(self._slack.refusal, permanent=False, detail="the bot's token")
        if late := await self._store.outbox_overdue(self._clock() - LATE):
            minutes = LATE // timedelta(minutes=1)
            raise SopbotError(f"Messages for {', '.join(late)} are {minutes} minutes overdue.")

    async def drain(self, timeout: float) -> None:
        """Finish the calls in progress, for at most `timeout` seconds; the rest stays enqueued."""
        tasks = [channel.task for channel in self._channels.values() if channel.task]
        tasks += self.direct.sending
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        await cancel_all(tasks)

    async def _start_due_channels(self) -> None:
        """Start every channel in which a message may be sent now.

        A rate-limited channel starts only when its limit ends: no other wake-up may run it in vain.
        """
        now = self._clock()
        due = self._ahead.take()
        if due is None:
            due = await self._store.outbox_channels(now, self._requests(now))
        for name, work in due.items():
            channel = self._channels.get(name)
            if channel and not channel.task:
                channel.gather_changes(alone=MessageClass.NEW not in work.which)
            if channel and (channel.is_paused(now) or self._is_held_back(channel, work.which)):
                continue
            if channel and channel.task:
                channel.has_more = True
            elif channel := await self._claim(name):
                self._start(channel, work)

    def _requests(self, now: datetime) -> dict[str, FetchRequest]:
        """The next fetch of each channel that is free to send."""
        return {
            name: request
            for name, channel in self._channels.items()
            if not channel.task
            and not channel.is_paused(now)
            and (request := self._fetch_request(channel, now))
        }

    def _fetch_request(self, channel: Channel, now: datetime) -> FetchRequest | None:
        """The channel's next fetch; None while Slack takes nothing in it."""
        which = self._limits.sendable(channel)
        if not which:
            return None
        batch = GATHERED if channel.is_quiet(now) else BATCH
        return FetchRequest(
            max(batch, self._policy.storm_limit + 1),
            which,
            tuple(channel.senders_over(self._policy.sender_incidents_per_minute, now)),
        )

    def _is_held_back(self, channel: Channel, due: Set[MessageClass]) -> bool:
        """True if Slack's rate limits hold every due message; then set `wake_at`."""
        if not self._store.replica.holds_channel(channel.claim):
            return False
        waits = self._limits.waits(channel)
        wait = min(waits[which] for which in due)
        if wait:
            channel.wake_at = self._clock() + timedelta(seconds=wait)
        return wait > 0

    def _start(self, channel: Channel, work: ChannelWork | None = None) -> None:
        channel.has_more = False
        sending = self._send_due(channel, work)
        channel.task = asyncio.create_task(sending, name=channel.claim.channel)
        channel.task.add_done_callback(self._on_stop)

    async def _claim(self, name: str) -> Channel | None:
        """The channel with its claim; None while another replica has it."""
        known = self._channels.get(name)
        if known and self._store.replica.holds_channel(known.claim):
            return known
        claim = await self._store.replica.claim_channel(name, self._clock())
        if claim is None:
            return None
        channel = self._channels[name] = Channel(claim, RateLimiter(claim.paced_until))
        # A burst may have begun before we claimed the channel.
        now = self._clock()
        if await self._store.update_burst(name, self._policy.storm_limit, now, remind=False):
            channel.digest_at = now
        return channel

    def _on_stop(self, task: asyncio.Task[None]) -> None:
        channel = self._channels[task.get_name()]
        channel.task = None
        if task.cancelled():
            return
        if error := task.exception():
            if isinstance(error, StoreError):
                self._failures.log(error)
            else:
                log.error("the outbox of %s stopped", task.get_name(), exc_info=error)
            channel.pause(self._clock(), RESTART_DELAY)  # an immediate start would fail again
        elif channel.has_more and not channel.is_paused(self._clock()) and self._is_running():
            self._start(channel)  # a message became due, perhaps while the task was ending

    def _is_running(self) -> bool:
        return self._runner is not None and not self._runner.done()

    async def _send_due(self, channel: Channel, work: ChannelWork | None) -> None:
        """Send every due message of one channel, one after the other, while we have its claim.

        `work` is the fetch that started this task, so that the first one need not be repeated.
        """
        self._limits.set_pace(channel, self._policy)
        while self._store.replica.holds_channel(channel.claim):
            if work and work.ask and work.messages is not None:
                fetch, messages, card = work.ask, work.messages, work.card
            else:
                now, name, card = self._clock(), channel.claim.channel, None
                request = self._fetch_request(channel, now)
                if request is None:
                    break
                fetch = request
                messages = await self._store.outbox_due(
                    name, now, fetch.limit, fetch.which, fetch.yielding
                )
            work = None
            if channel.should_gather(messages, self._clock()):
                await asyncio.sleep(GATHER_SECONDS)
                continue
            if await self._digest_changed(channel, messages):
                continue
            if not messages:
                break
            for message in channel.in_order(messages):
                if MessageClass.of(message) not in self._limits.sendable(channel):
                    break  # fetch again: messages of the other classes may still be sent
                if not self._store.replica.holds_channel(channel.claim):
                    return
                content, card = card if message is messages[0] else None, None
                if not await self._deliver(message, channel, content):
                    return
            else:
                # The next check finds messages that became due since this fetch.
                fetched_all = self._limits.sendable(channel) <= fetch.which
                if fetched_all and len(messages) < fetch.limit and channel.digest_at is None:
                    break
        # Not a pause: a message that Slack does take may become due at any moment.
        held = [wait for wait in self._limits.waits(channel).values() if wait]
        channel.wake_at = self._clock() + timedelta(seconds=min(held)) if held else None

    async def _deliver(
        self, message: OutboxMessage, channel: Channel, content: CardContent | None
    ) -> bool:
        """Deliver one message. True if the channel's next message may follow immediately.

        `content` is what a card shows, if the fetch returned it.
        """

        def back_off() -> float:
            pause = min(CHANNEL_PAUSE * float(2 ** min(channel.failures, 10)), LONGEST_PAUSE)
            channel.failures += 1
            channel.pause(self._clock(), pause)
            return pause

        try:
            shown = await self.delivery.deliver(
                message, content, channel.claim, channel.limiter, back_off
            )
        except SlackUnavailable:
            return False
        except Exception as error:  # a message that fails must not hold up the ones behind it
            self.delivery.unsure[message.id] = self._clock()
            if isinstance(error, StoreError) and not error.permanent:
                raise  # the store could not record any message as sent now
            await self.delivery.handle_bug(message, error)
            return True
        if shown and message.ts is None:
            channel.posted(message, self._clock())
        self._limits.delivered(message, channel)
        if channel.failures:
            channel.failures = 0
            await self._store.outbox_make_due_now(channel.claim.channel, self._clock())
            return False  # the next fetch returns the messages that waited, in their order
        return True

    async def _digest_changed(self, channel: Channel, messages: Sequence[OutboxMessage]) -> bool:
        """True if a burst's digest message began, ended or was updated: it is due now."""
        now, since = self._clock(), channel.digest_at
        if since is None:
            cards = sum(message.kind == "card" and message.ts is None for message in messages)
            if cards <= self._policy.storm_limit:
                return False
        remind = since is None or abs(now - since) >= DIGEST_EVERY
        if not remind and messages:
            return False
        name, limit = channel.claim.channel, self._policy.storm_limit
        burst = await self._store.update_burst(name, limit, now, remind=remind)
        if burst and remind:
            channel.burst_cards = 0 if since is None else channel.burst_cards
            channel.digest_at = now
        elif not burst:
            channel.digest_at = None
        return remind if burst else since is not None
