"""Reads from a channel's history the messages that Slack did not deliver as events.

Slack delivers an event four times in six minutes and then gives it up. It delivers nothing while no
connection is open, and nothing while it withholds events. The history has every message. The
backfill passes each message to the receiver that events go to, so a message that the bot has
received already changes nothing. It reads after a gap, and periodically.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.configuration import LiveConfiguration
from bot.errors import SlackRefused, SopbotError
from bot.observability.events import Event, emit
from bot.observability.metrics import Metrics
from bot.observability.throttled_logger import ThrottledLogger
from handlers.inbound.alert_receiver import AlertReceiver
from handlers.outbound.posted_messages import PAGE, pages
from handlers.outbound.slack_client import SlackClient
from store import Store

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)  # is read again: Slack may still deliver events of that time
PAUSE = 5.0  # seconds between two backfills at least: a flapping connection requests many
RETRY = 30.0  # seconds until a backfill that failed is tried again
WITHHELD = 70.0  # seconds after which Slack delivers again what it withholds now
LATE = timedelta(minutes=5)


@dataclass(slots=True)
class _Request:
    """A requested backfill: since when, and why the last try failed."""

    since: datetime
    edits_too: bool = False
    why: str = ""


class HistoryBackfill:
    """Reads the alert channels whenever Slack may not have delivered a message.

    `run` is a task that goes on until it is cancelled.
    """

    def __init__(
        self,
        slack: SlackClient,
        store: Store,
        receiver: AlertReceiver,
        channels: Sequence[str],
        clock: Callable[[], datetime],
        metrics: Metrics,
        config: LiveConfiguration,
    ) -> None:
        self._config = config
        self._slack = slack
        self._store = store
        self._receiver = receiver
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._requests: dict[str, _Request] = {}
        self._second_request: asyncio.TimerHandle | None = None
        self._failures = ThrottledLogger(
            log, logging.WARNING, "Slack's history is not read back yet: %s"
        )

    async def set_first_cursors(self) -> None:
        """Set the cursor of each new channel, before the first connection opens.

        The bot does not handle messages that are older than its first start in that channel.
        """
        for channel in self._channels:
            if await self._store.cursor(channel) is None:
                await self._store.advance_cursor(
                    channel, await self._newest(channel), edits_too=True
                )

    async def _newest(self, channel: str) -> str:
        """The ts of the newest message, by Slack's clock; by our own if Slack does not answer."""
        try:
            answer = await self._slack.call("conversations_history", channel=channel, limit=1)
        except SopbotError as error:
            self._failures.log(error)
            return _ts(self._clock())
        messages = answer.get("messages") or [{}]
        return str(messages[0].get("ts") or _ts(self._clock() - OVERLAP))

    def on_connect(self, after_gap: bool) -> None:
        """Request a backfill if no connection was open before this one: Slack delivered nothing."""
        if after_gap:
            self._request(edits_too=True)

    def request(self) -> None:
        """Request a backfill now and once more in WITHHELD seconds.

        Slack withholds events for the rest of a minute, or gives some up within a few.
        """
        self._request(edits_too=True)
        if self._second_request is not None:
            self._second_request.cancel()
        loop = asyncio.get_running_loop()
        self._second_request = loop.call_later(WITHHELD, lambda: self._request(edits_too=True))

    async def periodic(self) -> None:
        """Request what is new, in case Slack did not deliver a message and nobody noticed."""
        self._request(edits_too=False)

    def _request(self, *, edits_too: bool) -> None:
        """Read every channel soon; `edits_too` reads old messages too, for edits and replies."""
        for channel in self._channels:
            request = self._requests.setdefault(channel, _Request(self._clock()))
            request.edits_too = request.edits_too or edits_too
        self._wake.set()

    async def check(self) -> None:
        """Raise SopbotError if a requested backfill is not done after five minutes."""
        now = self._clock()
        late = {c: request for c, request in self._requests.items() if now - request.since > LATE}
        if late:
            whys = ", ".join(sorted({request.why for request in late.values()} - {""}))
            raise SopbotError(
                f"The history of {', '.join(late)} is not read back: {whys or 'slow'}"
            )

    async def run(self) -> None:
        """Do each requested backfill, and try again the one that failed."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY if self._requests else None):
                    await self._wake.wait()
            self._wake.clear()
            for channel in list(self._requests):
                await self._try(channel)
            await asyncio.sleep(PAUSE)

    async def _try(self, channel: str) -> None:
        # Removed while it is done: a request that arrives meanwhile is another backfill.
        request = self._requests.pop(channel)
        try:
            backfilled = await self._read(channel, request.edits_too)
        except Exception as error:  # the request is kept and tried again after any error
            if isinstance(error, SopbotError):
                request.why = str(error)
                self._failures.log(error)
            else:
                request.why = type(error).__name__
                log.exception(
                    "the history of %s could not be read back; it is tried again", channel
                )
            if newer := self._requests.get(channel):
                request.edits_too = request.edits_too or newer.edits_too
            self._requests[channel] = request
            return
        self._metrics.backfilled(backfilled)
        if backfilled:
            emit(Event.SLACK_BACKFILLED, messages=backfilled, channel=channel)

    async def _read(self, channel: str, edits_too: bool) -> int:
        """Read from before the cursor on; returns how many messages Slack had not delivered."""
        cursor = await self._store.cursor(channel)
        if cursor is None:
            return 0
        answered_since = _time(cursor.edits_ts if edits_too else cursor.ts) - OVERLAP
        since = _time(cursor.ts) - OVERLAP
        if edits_too:
            # An edit keeps the time of its message, which may be as old as an open incident.
            opened = await self._store.open_since(channel)
            edits_since = min(answered_since, opened - OVERLAP) if opened else answered_since
            hours = self._config.current.policy.ingest.read_back_hours
            farthest = self._clock() - timedelta(hours=hours)
            since = min(since, max(edits_since, farthest))
        backfilled, newest = 0, cursor.ts
        oldest = max(_ts(since), cursor.began)
        async for messages in self._history(
            channel, oldest, max(_ts(answered_since), cursor.began)
        ):
            backfilled += await self._receiver.receive_history(channel, messages)
            newest = max([newest, *(str(m["ts"]) for m in messages if _is_root(m))])
        await self._store.advance_cursor(channel, newest, edits_too=edits_too)
        return backfilled

    async def _history(
        self, channel: str, oldest: str, answered: str
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Messages since `oldest` and replies since `answered`, the newest page first.

        The messages of a page are in the order of time. One page is yielded at a time, so that a
        day's history need not fit into memory. The receiver recognises by its time an alert that
        follows its own resolve.
        """
        where: dict[str, Any] = {"channel": channel, "limit": PAGE, "include_all_metadata": True}
        async for page, _ in pages(self._call, "conversations_history", oldest=oldest, **where):
            messages = list(page)
            for message in page:
                if str(message.get("latest_reply", "")) <= answered:
                    continue
                if self._receiver.may_have_alert_replies(message):
                    thread: dict[str, Any] = {"ts": str(message["ts"]), "oldest": answered, **where}
                    async for replies, _ in pages(self._call, "conversations_replies", **thread):
                        messages += (r for r in replies if r.get("ts") != message["ts"])
            yield sorted(messages, key=lambda message: str(message.get("ts", "")))

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One page; waits while Slack limits the rate."""
        while True:
            try:
                return await self._slack.call(method, **arguments)
            except SlackRefused as error:
                if error.error != "ratelimited":
                    raise
                await asyncio.sleep(min(error.retry_after or 1.0, RETRY))


def _is_root(message: dict[str, Any]) -> bool:
    ts = message.get("ts")
    return isinstance(ts, str) and message.get("thread_ts", ts) == ts


def _ts(at: datetime) -> str:
    return f"{at.timestamp():.6f}"


def _time(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
