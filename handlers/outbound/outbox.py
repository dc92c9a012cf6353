"""The only sender to Slack: durable, one task a channel, the most severe first.

A row says what should be seen, not what to send: it is rendered at the moment of sending, so any
number of changes that waited become one call. A message that may have been posted already (the
process died, the connection broke) is looked for by the idempotency key in its metadata before it
is posted again. When more incidents wait than the policy's storm limit, one digest says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from bot.configuration import LiveConfiguration
from bot.errors import OutcomeUnknown, SlackRefused, SopbotError, StoreError
from bot.observability.throttled_logger import ThrottledLogger
from bot.policy import Notify
from handlers.outbound.channel_claim import GATHER, LONGEST_PAUSE, Channel
from handlers.outbound.delivery import Delivery, SlackIsUnwell
from handlers.outbound.metadata import Sender
from handlers.outbound.rate_limiter import Pace
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import POST, SlackCalls
from store import Store
from store.operations.cards import CardContent
from store.operations.outbox import MessageClass
from store.operations.outbox_fetch import ChannelWork, FetchRequest
from store.rows import OutboxMessage
from store.topics import Topic

log = logging.getLogger(__name__)

FALLBACK_POLL = 1.0  # seconds; the signal is what wakes us, this is for what fell due by time
LATE = timedelta(minutes=5)  # what was due so long ago and is not sent is a fault
CHANNEL_PAUSE = 1.0  # seconds a channel waits when Slack is not well; it doubles
RESTART_DELAY = 5.0  # seconds until a channel's task that a bug stopped starts again
# Slack takes 50 changes a minute. Repeats get 40 of them, and six more after a quiet time, so that
# a press is always shown at once.
REPEAT_INTERVAL, REPEAT_BURST = 1.5, 6
BATCH = 20  # messages read from the store at once
GATHERED = 500  # the same where the first post of a quiet channel is chosen among them
DIGEST_EVERY = timedelta(seconds=10)  # until a storm's digest is brought up to date


class Outbox:
    """Sends what the store says should be seen. `run` until cancelled; `drain` at the end."""

    def __init__(
        self,
        calls: SlackCalls,
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
        """Where the bot speaks of itself."""
        self.delivery = Delivery(
            calls, store, renderer, clock, ops_channel=ops_channel, sender=sender
        )
        self._calls = calls
        self._store = store
        self._clock = clock
        self._runner: asyncio.Task[None] | None = None
        self._whispers: set[asyncio.Task[None]] = set()
        self._channels: dict[str, Channel] = {}
        self._repeats = Pace(burst=REPEAT_BURST)  # of all channels: Slack limits the workspace
        self._throttled = ThrottledLogger(
            log, logging.WARNING, "the outbox waits for the store: %s"
        )

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
                await self._look()
            except StoreError as error:
                self._throttled.log(error)
            except Exception:  # whatever it is: nobody else sends, so it goes on at the next turn
                log.exception("the outbox could not see what is due; it goes on")
            # Not wait_for: on Python 3.11 it can swallow the cancellation that ends this loop.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._next_look()):
                    await signal.wait()

    def _next_look(self) -> float:
        """Seconds until something may be due again: soon, where a wait ends before the poll."""
        now = self._clock()
        ends = [
            (end - now).total_seconds()
            for channel in self._channels.values()
            for end in (channel.paused_until, channel.wake_at)
            if end and end > now
        ]
        return max(0.01, min([FALLBACK_POLL, *ends]))

    async def check(self) -> None:
        """SopbotError when nothing is being sent, or a message is long overdue or refused."""
        if not self._runs():
            raise SopbotError("Nothing is sent to Slack: the outbox does not run.")
        if self._calls.refusal:
            raise SlackRefused(self._calls.refusal, permanent=False, detail="the bot's token")
        if late := await self._store.outbox_overdue(self._clock() - LATE):
            minutes = LATE.total_seconds() / 60
            raise SopbotError(f"Messages for {', '.join(late)} are {minutes:g} minutes overdue.")

    async def drain(self, timeout: float) -> None:
        """Let what is being sent finish, for at most `timeout` seconds; the rest stays written."""
        tasks = [channel.moving for channel in self._channels.values() if channel.moving]
        tasks += self._whispers
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def whisper(self, body: dict[str, Any], text: str) -> None:
        """Tell the person who pressed, where they did, now or never: not part of the story."""
        channel = (body.get("channel") or {}).get("id")
        user = (body.get("user") or {}).get("id")
        if not channel or not user:
            return
        container = body.get("container") or {}
        thread = container.get("thread_ts")
        if thread and thread == container.get("message_ts"):
            thread = None  # pressed on the root, in the channel: the thread may be closed
        try:
            await self._calls.call(
                "chat_postEphemeral", channel=channel, user=user, text=text, thread_ts=thread
            )
        except (SlackRefused, OutcomeUnknown) as error:
            log.warning("could not answer a press: %s", error)

    def whisper_soon(self, body: dict[str, Any], text: str) -> None:
        """The same, without waiting for Slack to have taken it."""
        whisper = asyncio.create_task(self.whisper(body, text), name="whisper")
        self._whispers.add(whisper)  # the loop itself does not hold on to a task
        whisper.add_done_callback(self._whispers.discard)

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal; SlackRefused when the trigger has expired."""
        await self._calls.call("views_open", trigger_id=trigger_id, view=view)

    async def update_view(self, view_id: str, view: dict[str, Any]) -> None:
        """Change an open modal; SlackRefused when it is closed."""
        await self._calls.call("views_update", view_id=view_id, view=view)

    async def permalink(self, channel: str, ts: str) -> str:
        """The message's address, or '' when Slack does not say."""
        try:
            answer = await self._calls.call("chat_getPermalink", channel=channel, message_ts=ts)
        except (SlackRefused, OutcomeUnknown):
            return ""
        return str(answer.get("permalink", ""))

    async def _look(self) -> None:
        """Start every channel in which something may go now.

        A rate-limited channel is woken only at its time: any other wake-up of the outbox
        must not run it for nothing.
        """
        now = self._clock()
        asks = {
            name: ask
            for name, known in self._channels.items()
            if not known.moving and not known.is_paused(now) and (ask := self._ask_of(known, now))
        }
        for name, found in (await self._store.outbox_channels(now, asks)).items():
            channel = self._channels.get(name)
            if channel and not channel.moving:
                channel.gather_changes(alone=MessageClass.NEW not in found.which)
            if channel and (channel.is_paused(now) or self._is_held_back(channel, found.which)):
                continue
            if channel and channel.moving:
                channel.missed = True
            elif channel := await self._take(name):
                self._start(channel, found)

    def _ask_of(self, channel: Channel, now: datetime) -> FetchRequest | None:
        """What the channel reads next; None while Slack takes nothing in it."""
        which = self._what_may_go(channel)
        if not which:
            return None
        batch = GATHERED if channel.is_quiet(now) else BATCH
        return FetchRequest(
            max(batch, self._policy.storm_limit + 1),
            which,
            tuple(channel.over(self._policy.sender_incidents_per_minute, now)),
        )

    def _is_held_back(self, channel: Channel, due: Set[MessageClass]) -> bool:
        """Whether Slack's rate limits hold everything that is due; then note when to wake."""
        if not self._store.replica.holds_channel(channel.claim):
            return False
        waits = self._waits(channel)
        wait = min(waits[which] for which in due)
        if wait:
            channel.wake_at = self._clock() + timedelta(seconds=wait)
        return wait > 0

    def _start(self, channel: Channel, found: ChannelWork | None = None) -> None:
        channel.missed = False
        moves = self._move(channel, found)
        channel.moving = asyncio.create_task(moves, name=channel.claim.channel)
        channel.moving.add_done_callback(self._left)

    async def _take(self, name: str) -> Channel | None:
        """The channel with its claim; None while another replica has it."""
        known = self._channels.get(name)
        if known and self._store.replica.holds_channel(known.claim):
            return known
        claim = await self._store.replica.claim_channel(name, self._clock())
        if claim is None:
            return None
        channel = self._channels[name] = Channel(claim, Pace(claim.paced_until))
        # A burst may have begun before we claimed the channel.
        now = self._clock()
        if await self._store.update_burst(name, self._policy.storm_limit, now, remind=False):
            channel.storm_at = now
        return channel

    def _left(self, task: asyncio.Task[None]) -> None:
        channel = self._channels[task.get_name()]
        channel.moving = None
        if task.cancelled():
            return
        if error := task.exception():
            if isinstance(error, StoreError):
                self._throttled.log(error)
            else:
                log.error("the outbox of %s stopped", task.get_name(), exc_info=error)
            channel.pause(self._clock(), RESTART_DELAY)  # not at once: it would stop again
        elif channel.missed and not channel.is_paused(self._clock()) and self._runs():
            self._start(channel)  # something came, perhaps while the channel was ending

    def _runs(self) -> bool:
        return self._runner is not None and not self._runner.done()

    async def _move(self, channel: Channel, found: ChannelWork | None) -> None:
        """Everything due in one channel, one message after the other, as long as it is ours.

        `found` is what the look that started this has read already.
        """
        pace = channel.pace
        pace.interval, pace.burst = self._policy.post_interval_seconds, self._policy.post_burst
        self._repeats.interval = REPEAT_INTERVAL if pace.interval else 0.0
        while self._store.replica.holds_channel(channel.claim):
            if found and found.ask and found.messages is not None:
                ask, messages, card = found.ask, found.messages, found.card
            else:
                now, name, card = self._clock(), channel.claim.channel, None
                asked = self._ask_of(channel, now)
                if asked is None:
                    break
                ask = asked
                messages = await self._store.outbox_due(
                    name, now, ask.limit, ask.which, ask.yielding
                )
            found = None
            if channel.gathers(messages, self._clock()):
                await asyncio.sleep(GATHER)
                continue
            if await self._weather_changed(channel, messages):
                continue
            if not messages:
                break
            for message in channel.in_turn(messages):
                if not self._may_go(message, channel):
                    break  # what may still go is asked for anew
                if not self._store.replica.holds_channel(channel.claim):
                    return
                content, card = card if message is messages[0] else None, None
                if not await self._deliver(message, channel, content):
                    return
            else:
                # Was that all that may go? What has become due since is found by the next look.
                asked_all = self._what_may_go(channel) <= ask.which
                if asked_all and len(messages) < ask.limit and channel.storm_at is None:
                    break
        # Not a pause: what Slack does take may come any moment.
        held = [wait for wait in self._waits(channel).values() if wait]
        channel.wake_at = self._clock() + timedelta(seconds=min(held)) if held else None

    def _waits(self, channel: Channel) -> dict[MessageClass, float]:
        """Seconds until Slack takes each class of messages in this channel; 0 for now."""
        now, name = self._clock(), channel.claim.channel
        changes = max(self._calls.wait("chat_update"), channel.changes_wait())
        return {
            MessageClass.NEW: max(channel.pace.wait(now), self._calls.wait(POST, name)),
            MessageClass.STATE_CHANGE: changes,
            MessageClass.REFRESH: max(changes, self._repeats.wait(now)),
        }

    def _what_may_go(self, channel: Channel) -> frozenset[MessageClass]:
        return frozenset(which for which, wait in self._waits(channel).items() if not wait)

    def _may_go(self, message: OutboxMessage, channel: Channel) -> bool:
        return MessageClass.of(message) in self._what_may_go(channel)

    async def _deliver(
        self, message: OutboxMessage, channel: Channel, content: CardContent | None
    ) -> bool:
        """Whether the channel's next message may follow at once.

        `content` is what a card shows, where that was read just now.
        """

        def unwell() -> float:
            pause = min(CHANNEL_PAUSE * float(2 ** min(channel.troubles, 10)), LONGEST_PAUSE)
            channel.troubles += 1
            channel.pause(self._clock(), pause)
            return pause

        try:
            shown = await self.delivery.deliver(
                message, content, channel.claim, channel.pace, unwell
            )
        except SlackIsUnwell:
            return False
        except Exception as error:
            self.delivery.unsure[message.id] = self._clock()
            if isinstance(error, StoreError) and not error.permanent:
                raise  # of no message could be noted now that it is shown
            await self.delivery.stumbled(message, error)
            return True
        if shown and message.ts is None:
            channel.posted(message, self._clock())
        if message.ts is not None:
            channel.changes_from = None
        if MessageClass.of(message) is MessageClass.REFRESH:
            self._repeats.posted(self._clock())
        if message.ts is not None and self._calls.wait("chat_update"):
            self._repeats.refused(self._clock())  # the wait itself must not save up a new burst
        if channel.troubles:
            channel.troubles = 0
            await self._store.outbox_make_due_now(channel.claim.channel, self._clock())
            return False  # what waited is asked for anew, in its order
        return True

    async def _weather_changed(self, channel: Channel, messages: Sequence[OutboxMessage]) -> bool:
        """Whether a storm's digest began, ended or was brought up to date: it is due now."""
        now, told = self._clock(), channel.storm_at
        if told is None:
            cards = sum(message.kind == "card" and message.ts is None for message in messages)
            if cards <= self._policy.storm_limit:
                return False
        remind = told is None or abs(now - told) >= DIGEST_EVERY
        if not remind and messages:
            return False
        name, limit = channel.claim.channel, self._policy.storm_limit
        storms = await self._store.update_burst(name, limit, now, remind=remind)
        if storms and remind:
            channel.storm_cards = 0 if told is None else channel.storm_cards
            channel.storm_at = now
        elif not storms:
            channel.storm_at = None
        return remind if storms else told is not None
