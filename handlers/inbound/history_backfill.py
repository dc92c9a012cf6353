"""Reads back from Slack's history what was never handed over: after a gap, and now and then.

Slack delivers an event four times in six minutes and then gives it up; nothing goes out while no
link is open, and nothing while it withholds events. The history has it all. What is found goes
through the same door as an event, so what was taken in before changes nothing.
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
from bot.observability.trouble import Trouble
from handlers.inbound.alert_receiver import AlertDoor
from handlers.outbound.posted_messages import PAGE, pages
from handlers.outbound.slack_client import SlackCalls
from store import Store

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)  # read again: until then Slack may still deliver by itself
PAUSE = 5.0  # seconds from one reading to the next at least: a flapping link asks again and again
RETRY = 30.0  # seconds until what could not be read is tried again
AGAIN = 70.0  # seconds until Slack does not keep back any more what it kept back now
LATE = timedelta(minutes=5)


@dataclass(slots=True)
class _Wanted:
    """A reading that was asked for, when; and why the last try failed."""

    since: datetime
    edits_too: bool = False
    why: str = ""


class ReadBack:
    """Reads the alert channels whenever something may be missing. `run` until cancelled."""

    def __init__(
        self,
        calls: SlackCalls,
        store: Store,
        door: AlertDoor,
        channels: Sequence[str],
        clock: Callable[[], datetime],
        metrics: Metrics,
        config: LiveConfiguration,
    ) -> None:
        self._config = config
        self._calls = calls
        self._store = store
        self._door = door
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._asked = asyncio.Event()
        self._wanted: dict[str, _Wanted] = {}
        self._again: asyncio.TimerHandle | None = None
        self._trouble = Trouble(log, logging.WARNING, "Slack's history is not read back yet: %s")

    async def begin(self) -> None:
        """Before the first link: what is in a channel that was never read is not ours to read."""
        for channel in self._channels:
            if await self._store.cursor(channel) is None:
                await self._store.advance_cursor(
                    channel, await self._newest(channel), edits_too=True
                )

    async def _newest(self, channel: str) -> str:
        """The ts of its newest message, by Slack's clock; by ours where Slack does not tell."""
        try:
            answer = await self._calls.call("conversations_history", channel=channel, limit=1)
        except SopbotError as error:
            self._trouble.came(error)
            return _ts(self._clock())
        messages = answer.get("messages") or [{}]
        return str(messages[0].get("ts") or _ts(self._clock() - OVERLAP))

    def in_touch(self, after_gap: bool) -> None:
        """There is a new link; after a gap nothing was delivered before it, nor told of edits."""
        if after_gap:
            self._ask(edits_too=True)

    def missed(self) -> None:
        """Slack keeps events back for the rest of a minute, or gives some up in a few."""
        self._ask(edits_too=True)
        if self._again is not None:
            self._again.cancel()
        loop = asyncio.get_running_loop()
        self._again = loop.call_later(AGAIN, lambda: self._ask(edits_too=True))

    async def now_and_then(self) -> None:
        """Read what is new, in case that something was missed that nobody noticed."""
        self._ask(edits_too=False)

    def _ask(self, *, edits_too: bool) -> None:
        """Read every channel soon. `edits_too` reads what may have been edited or answered."""
        for channel in self._channels:
            wanted = self._wanted.setdefault(channel, _Wanted(self._clock()))
            wanted.edits_too = wanted.edits_too or edits_too
        self._asked.set()

    async def check(self) -> None:
        """SopbotError when what was asked for is not read for five minutes."""
        now = self._clock()
        late = {c: wanted for c, wanted in self._wanted.items() if now - wanted.since > LATE}
        if late:
            whys = ", ".join(sorted({wanted.why for wanted in late.values()} - {""}))
            raise SopbotError(
                f"The history of {', '.join(late)} is not read back: {whys or 'slow'}"
            )

    async def run(self) -> None:
        """Read whenever it is asked for, and again what could not be read."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY if self._wanted else None):
                    await self._asked.wait()
            self._asked.clear()
            for channel in list(self._wanted):
                await self._try(channel)
            await asyncio.sleep(PAUSE)

    async def _try(self, channel: str) -> None:
        # Out of the way while it is read: what is asked for meanwhile is another reading.
        wanted = self._wanted.pop(channel)
        try:
            found = await self._read(channel, wanted.edits_too)
        except Exception as error:
            if isinstance(error, SopbotError):
                wanted.why = str(error)
                self._trouble.came(error)
            else:
                wanted.why = type(error).__name__
                log.exception(
                    "the history of %s could not be read back; it is tried again", channel
                )
            if newer := self._wanted.get(channel):
                wanted.edits_too = wanted.edits_too or newer.edits_too
            self._wanted[channel] = wanted
            return
        self._metrics.read_back(found)
        if found:
            emit(Event.SLACK_BACKFILLED, messages=found, channel=channel)

    async def _read(self, channel: str, edits_too: bool) -> int:
        """Read from the marks on, a little before them; how many messages had been missed."""
        mark = await self._store.cursor(channel)
        if mark is None:
            return 0
        answered_since = _moment(mark.edits_ts if edits_too else mark.ts) - OVERLAP
        since = _moment(mark.ts) - OVERLAP
        if edits_too:  # an edit stands where the message does: among those of what is still open
            opened = await self._store.open_since(channel)
            edits_since = min(answered_since, opened - OVERLAP) if opened else answered_since
            hours = self._config.current.policy.ingest.read_back_hours
            farthest = self._clock() - timedelta(hours=hours)
            since = min(since, max(edits_since, farthest))
        found, newest = 0, mark.ts
        oldest = max(_ts(since), mark.began)
        async for messages in self._history(channel, oldest, max(_ts(answered_since), mark.began)):
            found += await self._door.take_missed(channel, messages)
            newest = max([newest, *(str(m["ts"]) for m in messages if _is_root(m))])
        await self._store.advance_cursor(channel, newest, edits_too=edits_too)
        return found

    async def _history(
        self, channel: str, oldest: str, answered: str
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Messages since `oldest`, replies since `answered`: newest page first, each oldest first.

        A page at a time is handed on, so that a day's history need not fit into memory. An alert
        that comes after its own resolve is known by its time.
        """
        where: dict[str, Any] = {"channel": channel, "limit": PAGE, "include_all_metadata": True}
        async for page, _ in pages(self._call, "conversations_history", oldest=oldest, **where):
            read = list(page)
            for message in page:
                if str(message.get("latest_reply", "")) <= answered:
                    continue
                if self._door.may_hold(message):
                    thread: dict[str, Any] = {"ts": str(message["ts"]), "oldest": answered, **where}
                    async for replies, _ in pages(self._call, "conversations_replies", **thread):
                        read += (one for one in replies if one.get("ts") != message["ts"])
            yield sorted(read, key=lambda message: str(message.get("ts", "")))

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One page; waits while Slack says that it is too early."""
        while True:
            try:
                return await self._calls.call(method, **arguments)
            except SlackRefused as error:
                if error.error != "ratelimited":
                    raise
                await asyncio.sleep(min(error.retry_after or 1.0, RETRY))


def _is_root(message: dict[str, Any]) -> bool:
    ts = message.get("ts")
    return isinstance(ts, str) and message.get("thread_ts", ts) == ts


def _ts(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"


def _moment(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
