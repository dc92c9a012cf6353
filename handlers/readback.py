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
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.errors import SlackRefused, SopbotError
from bot.observability.metrics import Metrics
from bot.observability.trouble import Trouble
from bot.policy import Ingest
from handlers.alerts import AlertDoor
from handlers.calling import SlackCalls
from handlers.finding import pages
from store.contract import Store

log = logging.getLogger(__name__)

PAGE = 500  # messages asked for at once
OVERLAP = timedelta(minutes=10)  # read again: until then Slack may still deliver by itself
PAUSE = 5.0  # seconds from one reading to the next at least: a flapping link asks again and again
RETRY = 30.0  # seconds until what could not be read is tried again
AGAIN = 70.0  # seconds until Slack does not keep back any more what it kept back now
LATE = timedelta(minutes=5)


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
        policy: Ingest,
    ) -> None:
        self.policy = policy
        self._calls = calls
        self._store = store
        self._door = door
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._asked = asyncio.Event()
        self._thorough = False
        self._unread: dict[str, datetime] = {}  # asked for since then, and not read yet
        self._whys: dict[str, str] = {}
        self._again: asyncio.TimerHandle | None = None
        self._trouble = Trouble(log, logging.WARNING, "Slack's history is not read back yet: %s")

    async def begin(self) -> None:
        """Before the first link: what is in a channel that was never read is not ours to read."""
        for channel in self._channels:
            if not await self._store.read_mark(channel):
                await self._store.mark_read(channel, _ts(self._clock()))

    def in_touch(self, after_gap: bool) -> None:
        """There is a new link; after a gap nothing was delivered before it, nor told of edits."""
        if after_gap:
            self._ask(thorough=True)

    def missed(self) -> None:
        """Slack keeps events back for the rest of a minute, or gives some up in a few."""
        self._ask(thorough=False)
        if self._again is None or self._again.cancelled() or self._again.when() < _time():
            loop = asyncio.get_running_loop()
            self._again = loop.call_later(AGAIN, lambda: self._ask(thorough=False))

    async def now_and_then(self) -> None:
        """Read what is new, in case that something was missed that nobody noticed."""
        self._ask(thorough=False)

    def _ask(self, *, thorough: bool) -> None:
        """Read soon. `thorough` reads what may have been edited too."""
        self._thorough = self._thorough or thorough
        for channel in self._channels:
            self._unread.setdefault(channel, self._clock())
        self._asked.set()

    async def check(self) -> None:
        """SopbotError when what was asked for is not read for five minutes."""
        late = [c for c, since in self._unread.items() if self._clock() - since > LATE]
        if late:
            whys = ", ".join(sorted({self._whys.get(channel, "") for channel in late} - {""}))
            raise SopbotError(
                f"The history of {', '.join(late)} is not read back: {whys or 'slow'}"
            )

    async def run(self) -> None:
        """Read whenever it is asked for, and again what could not be read."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY if self._unread else None):
                    await self._asked.wait()
            self._asked.clear()
            thorough, self._thorough = self._thorough, False
            for channel in list(self._unread):
                await self._try(channel, thorough)
            self._thorough = self._thorough or (thorough and bool(self._unread))
            await asyncio.sleep(PAUSE)

    async def _try(self, channel: str, thorough: bool) -> None:
        asked_at = self._unread[channel]
        try:
            found = await self._read(channel, thorough)
        except SopbotError as error:
            self._whys[channel] = str(error)
            self._trouble.came(error)
            return
        except Exception as error:
            self._whys[channel] = type(error).__name__
            log.exception("the history of %s could not be read back; it is tried again", channel)
            return
        if self._unread.get(channel) == asked_at:
            del self._unread[channel]
        self._metrics.read_back(found)
        if found:
            log.warning("%d messages of %s came only by reading its history", found, channel)

    async def _read(self, channel: str, thorough: bool) -> int:
        """Read from the mark on, a little before it; how many messages had been missed."""
        began = self._clock()
        first, last = await self._store.read_mark(channel) or ("0", _ts(began))
        since = _moment(last) - OVERLAP
        changed_since = since
        if thorough:  # an edit stands where the message does: among those of what is still open
            opened = await self._store.open_since(channel)
            since = min(since, opened - OVERLAP) if opened else since
            since = max(since, began - timedelta(hours=self.policy.read_back_hours))
        found, oldest = 0, max(_ts(since), first)
        async for messages in self._history(channel, oldest, max(_ts(changed_since), first)):
            found += await self._door.take_missed(channel, messages)
        await self._store.mark_read(channel, _ts(began))
        return found

    async def _history(
        self, channel: str, oldest: str, replied: str
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Messages since `oldest`, replies since `replied`: newest page first, each oldest first.

        A page at a time is handed on, so that a day's history need not fit into memory. An alert
        that comes after its own resolve is known by its time.
        """
        where = {"channel": channel, "limit": PAGE, "include_all_metadata": True}
        async for page in pages(self._call, "conversations_history", oldest=oldest, **where):
            read = list(page)
            for message in page:
                if str(message.get("latest_reply", "")) <= replied:
                    continue
                if self._door.may_hold(message):
                    thread = {"ts": str(message["ts"]), "oldest": replied, **where}
                    async for replies in pages(self._call, "conversations_replies", **thread):
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


def _time() -> float:
    return asyncio.get_running_loop().time()


def _ts(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"


def _moment(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
