"""The only sender to Slack: durable, one lane a channel, the gravest first.

A row says what should be seen, not what to send: it is rendered at the moment of sending, so any
number of changes that waited become one call. A message that may have been posted already (the
process died, the connection broke) is looked for by the idempotency key in its metadata before it
is posted again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import OutcomeUnknown, SlackRefused, SopbotError, StoreError
from bot.observability.metrics import Metrics
from bot.observability.trouble import Trouble
from bot.policy import Notify
from handlers.calling import SlackCalls
from handlers.finding import find_posted
from handlers.pace import Pace
from handlers.rendering import Rendered, Renderer
from store.contract import Store
from store.operations.leases import Lane
from store.rows import OutboxMessage

log = logging.getLogger(__name__)

FALLBACK_POLL = 1.0  # seconds; the signal is what wakes us, this is for what fell due by time
LATE = timedelta(minutes=5)  # what was due so long ago and is not sent is a fault
LANE_PAUSE = 1.0  # seconds a whole channel waits when Slack is not well
LANE_REST = 5.0  # seconds until a lane that stopped by a fault of ours starts again
FIRST_BACKOFF = 0.5
MAX_BACKOFF = 60.0
GIVE_UP_AFTER = 8  # tries of one message; with the doubling pauses that is about a minute

# The message is at fault, but its plain text may still be taken.
_TOO_RICH = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
)
# No message is at fault: Slack is away, or does not take our token. Never given up.
_EVERYBODYS = frozenset(
    {
        "ratelimited",
        "not_reached",
        "account_inactive",
        "invalid_auth",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
_GONE = frozenset({"message_not_found"})


class Outbox:
    """Sends what the store says should be seen. `run` until cancelled; `drain` at the end."""

    def __init__(
        self,
        client: AsyncWebClient,
        store: Store,
        renderer: Renderer,
        clock: Callable[[], datetime],
        metrics: Metrics,
        *,
        policy: Notify,
        ops_channel: str,
        own_bot_id: str = "",
    ) -> None:
        self.policy = policy
        self._call = SlackCalls(client, metrics).call
        self._ops_channel = ops_channel
        self._store = store
        self._renderer = renderer
        self._clock = clock
        self._own_bot_id = own_bot_id
        self._runner: asyncio.Task[None] | None = None
        self._unsure: set[int] = set()  # may be posted although the store does not say so
        self._gone: set[int] = set()  # was posted, and Slack does not know it any more
        self._lanes: dict[str, Lane] = {}
        self._paces: dict[str, Pace] = {}
        self._moving: dict[str, asyncio.Task[None]] = {}
        self._missed: set[str] = set()  # due again while their lane moved
        self._paused: dict[str, datetime] = {}
        self._trouble = Trouble(log, logging.WARNING, "the outbox waits for the store: %s")

    async def run(self) -> None:
        """Send until cancelled."""
        self._runner = asyncio.current_task()
        signal = self._store.signal("outbox")
        while True:
            signal.clear()
            try:
                await self._start_lanes()
            except StoreError as error:
                self._trouble.came(error)
            except Exception:  # whatever it is: nobody else sends, so it goes on at the next turn
                log.exception("the outbox could not see what is due; it goes on")
            # Not wait_for: on Python 3.11 it can swallow the cancellation that ends this loop.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._next_look()):
                    await signal.wait()

    def _next_look(self) -> float:
        """Seconds until something may be due again: soon, where a pause ends before the poll."""
        now = self._clock()
        ends = [(until - now).total_seconds() for until in self._paused.values() if until > now]
        return max(0.01, min([FALLBACK_POLL, *ends]))

    async def check(self) -> None:
        """SopbotError when nothing is being sent: the loop ended, or a message is long overdue."""
        if self._runner is None or self._runner.done():
            raise SopbotError("Nothing is sent to Slack: the outbox does not run.")
        if late := await self._store.outbox_channels(self._clock() - LATE):
            minutes = LATE.total_seconds() / 60
            raise SopbotError(f"Messages for {', '.join(late)} are {minutes:g} minutes overdue.")

    async def drain(self, timeout: float) -> None:
        """Let what is being sent finish, for at most `timeout` seconds; the rest stays written."""
        lanes = list(self._moving.values())
        if lanes:
            await asyncio.wait(lanes, timeout=timeout)
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    async def whisper(self, body: dict[str, Any], text: str) -> None:
        """Tell the person who pressed, where they did, now or never: not part of the story."""
        channel = (body.get("channel") or {}).get("id")
        user = (body.get("user") or {}).get("id")
        if not channel or not user:
            return
        thread = (body.get("container") or {}).get("thread_ts")
        try:
            await self._call(
                "chat_postEphemeral", channel=channel, user=user, text=text, thread_ts=thread
            )
        except (SlackRefused, OutcomeUnknown) as error:
            log.warning("could not answer a press: %s", error)

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal; SlackRefused when the trigger has expired."""
        await self._call("views_open", trigger_id=trigger_id, view=view)

    async def permalink(self, channel: str, ts: str) -> str:
        """The message's address, or '' when Slack does not say."""
        try:
            answer = await self._call("chat_getPermalink", channel=channel, message_ts=ts)
        except (SlackRefused, OutcomeUnknown):
            return ""
        return str(answer.get("permalink", ""))

    async def _start_lanes(self) -> None:
        now = self._clock()
        for channel in await self._store.outbox_channels(now):
            if channel in self._moving:
                self._missed.add(channel)
                continue
            if self._paused.get(channel, now) > now:
                continue
            if lane := await self._take(channel):
                moving = asyncio.create_task(self._move(lane), name=channel)
                self._moving[channel] = moving
                moving.add_done_callback(self._left)

    async def _take(self, channel: str) -> Lane | None:
        """The channel's lane, where no other replica has it."""
        lane = self._lanes.get(channel)
        if lane is None or not self._store.replica.has_lane(lane):
            lane = await self._store.replica.take_lane(channel, self._clock())
            if lane is None:
                return None
            self._lanes[channel] = lane
            self._paces[channel] = Pace(lane.paced_until)
        return lane

    def _left(self, lane: asyncio.Task[None]) -> None:
        channel = lane.get_name()
        del self._moving[channel]
        if not lane.cancelled() and (error := lane.exception()):
            if isinstance(error, StoreError):
                self._trouble.came(error)
            else:
                log.error("the outbox lane of %s stopped", channel, exc_info=error)
            self._pause(channel, LANE_REST)  # not at once: it would stop again
            return
        if channel in self._missed:  # something came, perhaps while the lane was ending
            self._missed.remove(channel)
            self._store.signal("outbox").set()

    def _pause(self, channel: str, seconds: float) -> datetime:
        """Send nothing to the channel for so long. Returns when that is over."""
        self._paused[channel] = until = self._clock() + timedelta(seconds=seconds)
        return until

    async def _move(self, lane: Lane) -> None:
        """Everything due in one channel, one message after the other, as long as it is ours."""
        channel, pace = lane.channel, self._paces[lane.channel]
        pace.interval, pace.burst = self.policy.post_interval_seconds, self.policy.post_burst
        while True:
            wait = pace.wait(self._clock())
            messages = await self._store.outbox_due(channel, self._clock(), only_changes=wait > 0)
            if not messages:
                if wait:
                    self._pause(channel, wait)
                return
            for message in messages:
                if message.ts is None and pace.wait(self._clock()):
                    break  # changes of what is posted may still go
                if not self._store.replica.has_lane(lane):
                    return
                try:
                    await self._deliver(message, lane)
                except Exception as error:  # a bug in one message is not the end of its channel
                    self._unsure.add(message.id)
                    if isinstance(error, StoreError) and not error.permanent:
                        raise  # of no message could be noted now that it is shown
                    log.exception("%s cannot be shown now", message.key)
                    await self._later(message, type(error).__name__, maybe_posted=True)
                if self._paused.get(channel, self._clock()) > self._clock():
                    return

    async def _deliver(self, message: OutboxMessage, lane: Lane) -> None:
        try:
            rendered = await self._renderer.render(message)
        except SopbotError as error:
            await self._later(message, str(error), maybe_posted=False)
            return
        if rendered is None:
            await self._store.outbox_give_up(message, "nothing to show", "", self._clock())
            return
        try:
            ts = await self._show(message, rendered, lane)
        except OutcomeUnknown as error:
            self._unsure.add(message.id)
            await self._later(
                message,
                str(error),
                maybe_posted=True,
                not_before=self._pause(message.channel, LANE_PAUSE),
            )
        except SlackRefused as error:
            await self._refused(message, error)
        else:
            if ts is None:
                return  # the lane's new owner shows it
            await self._shown(message, ts, lane)
            self._unsure.discard(message.id)
            self._gone.discard(message.id)

    async def _shown(self, message: OutboxMessage, ts: str, lane: Lane) -> None:
        """Note what Slack shows now, and put right what another replica did meanwhile."""
        if message.ts is not None:
            if self._store.replica.has_lane(lane):
                await self._store.outbox_sent(message, ts)
            else:  # whoever has the lane now may have shown a newer version before this one
                await self._store.outbox_again(message)
            return
        paced_until = self._paces[message.channel].posted(self._clock())
        if not await self._store.outbox_sent(message, ts, paced_until):
            log.warning("%s was posted by another replica too; this copy goes", message.key)
            await self._call("chat_delete", channel=message.channel, ts=ts)

    async def _show(self, message: OutboxMessage, rendered: Rendered, lane: Lane) -> str | None:
        """Post or change the message; its ts, or None when that is another's to do by now."""
        ts = message.ts
        # What was wished for before the lane was ours, its owner of then may have posted.
        old = message.id <= lane.newest and message.id not in self._gone
        if ts is None and (old or message.unsure or message.id in self._unsure):
            ts = await find_posted(self._call, message, self._own_bot_id)
            if ts is None and not self._store.replica.has_lane(lane):
                return None  # to look took so long that another may have posted it since
        try:
            return await self._put(message, rendered.text, rendered.blocks, rendered, ts)
        except SlackRefused as error:
            if error.error not in _TOO_RICH:
                raise
            log.error("Slack refused the blocks of %s: %s", message.key, error)
            return await self._put(message, rendered.text, [], rendered, ts)

    async def _put(
        self,
        message: OutboxMessage,
        text: str,
        blocks: Sequence[dict[str, Any]],
        rendered: Rendered,
        ts: str | None,
    ) -> str:
        shared: dict[str, Any] = {
            "channel": message.channel,
            "text": text[:3900],
            "blocks": list(blocks),
            "metadata": {
                "event_type": f"sopbot.{message.kind}",
                "event_payload": {"key": message.key, "incident": message.incident_id},
            },
        }
        if ts is not None:
            answer = await self._call("chat_update", ts=ts, **shared)
        else:
            answer = await self._call(
                "chat_postMessage",
                thread_ts=message.thread_ts,
                reply_broadcast=rendered.broadcast and message.in_thread,
                unfurl_links=False,
                unfurl_media=False,
                **shared,
            )
        posted = answer.get("ts")
        if not isinstance(posted, str) or not posted:
            raise OutcomeUnknown(f"Slack did not say where {message.key} is.")
        return posted

    async def _refused(self, message: OutboxMessage, error: SlackRefused) -> None:
        tired = error.error not in _EVERYBODYS and message.attempts + 1 >= GIVE_UP_AFTER
        if error.error in _GONE and message.ts:
            await self._lost(message)
        elif error.permanent or tired:
            await self._give_up(message, error)
        elif error.error == "ratelimited":
            until = self._pause(message.channel, max(error.retry_after or 0, FIRST_BACKOFF))
            await self._later(message, str(error), maybe_posted=False, not_before=until, wait=0)
        elif error.error in _EVERYBODYS:
            until = self._pause(message.channel, LANE_PAUSE)
            await self._later(message, str(error), maybe_posted=False, not_before=until)
        else:
            # Once only: a thread that is not found beneath a fresh card either is another fault.
            if error.error == "thread_not_found" and error.error not in message.error:
                await self._card_lost(message)
            await self._later(message, str(error), maybe_posted=False)

    async def _give_up(self, message: OutboxMessage, error: SlackRefused) -> None:
        told = "nobody is told" if message.channel == self._ops_channel else "the ops channel hears"
        log.error("%s cannot be shown in %s, %s: %s", message.key, message.channel, told, error)
        await self._store.outbox_give_up(message, str(error), self._ops_channel, self._clock())

    async def _card_lost(self, reply: OutboxMessage) -> None:
        """The card above a reply is gone: post it anew, unless that was done meanwhile."""
        card = await self._store.outbox_message(f"card:{reply.incident_id}")
        if card and card.ts and card.ts == reply.thread_ts:
            await self._lost(card)

    async def _lost(self, message: OutboxMessage) -> None:
        """Slack does not know it any more: it is posted anew, and not looked for."""
        self._gone.add(message.id)
        await self._store.outbox_lost(message)

    async def _later(
        self,
        message: OutboxMessage,
        why: str,
        *,
        maybe_posted: bool,
        not_before: datetime | None = None,
        wait: float | None = None,
    ) -> None:
        """Try this message again: `wait` seconds, else a doubling pause, after `not_before`.

        A message that waits longer than its channel lets the others go first.
        """
        if wait is None:
            wait = min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** min(message.attempts, 10))
        until = (not_before or self._clock()) + timedelta(seconds=wait)
        log.warning("%s waits until %s: %s", message.key, until.isoformat(), why)
        await self._store.outbox_retry(message, until, why, maybe_posted=maybe_posted)
