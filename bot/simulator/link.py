"""One open WebSocket of the app, and what still has to go out on it."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import WSMsgType, web

from .clock import Clock, Timer
from .faults import Faults

JSON = dict[str, Any]

LAST_SECONDS = 10.0  # how long a link lives on after Slack asked the app to come back on another


class SlackConnection:
    """`number` counts links in the order in which they came, from 1; `sent` counts envelopes."""

    def __init__(
        self,
        number: int,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        faults: Faults,
    ) -> None:
        self.number = number
        self.half_open = False
        self.sent = 0
        self._socket = socket
        self._transport = transport
        self._faults = faults
        self._out: deque[JSON] = deque()
        self._more = asyncio.Event()
        self._last: Timer | None = None

    def send(self, item: JSON) -> None:
        """Queue an envelope or a control message; `write` sends it in order."""
        self._out.append(item)
        self._more.set()

    def ask_to_leave(self, goodbye: JSON, clock: Clock) -> None:
        """Send a `disconnect`, and cut the link when the app has not left in ten seconds."""
        self.send(goodbye)
        if self._last is None:
            self._last = clock.call_later(LAST_SECONDS, self.drop)

    def drop(self) -> None:
        """Cut the link without a goodbye, as a broken network does."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Say goodbye; a client that does not listen is cut off after a second."""
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close()
        except TimeoutError:
            self.drop()

    def over(self) -> None:
        """Nothing more is due on this link."""
        if self._last is not None:
            self._last.cancel()

    async def write(self) -> None:
        """Send what is queued until the socket closes."""
        while not self._socket.closed:
            await self._more.wait()
            self._more.clear()
            while self._out:
                try:
                    await self._write_one(self._out.popleft())
                except (ConnectionError, RuntimeError):
                    return  # the reader of this socket sees the same end and cleans up

    async def _write_one(self, item: JSON) -> None:
        envelope = "envelope_id" in item
        if envelope:
            self.sent += 1
            if not await self._faults.before_send(item):
                return
        if self.half_open:
            return
        await self._socket.send_str(json.dumps(item))
        if envelope and not await self._faults.after_send(item):
            self.drop()

    async def texts(self) -> AsyncIterator[str]:
        """Read the client's frames until the link ends; answer pings unless it is half-open."""
        async for message in self._socket:
            if self.half_open:
                continue
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                yield message.data


def hello(app_id: str, connections: int) -> JSON:
    """The first thing on a new link; `connections` counts it too."""
    return {
        "type": "hello",
        "num_connections": connections,
        "connection_info": {"app_id": app_id},
        "debug_info": _debug_info(),
    }


def goodbye(reason: str, connections: int | None = None) -> JSON:
    """Slack asks the app to come back on another link, or says why there is none for it."""
    item: JSON = {"type": "disconnect", "reason": reason, "debug_info": _debug_info()}
    if connections is not None:
        item["num_connections"] = connections
    return item


def _debug_info() -> JSON:
    return {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060}
