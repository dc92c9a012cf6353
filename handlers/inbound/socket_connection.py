"""One Socket Mode link: it greets, listens, answers pings, and says why it is over.

Ours rather than the SDK's client, which keeps whatever it reads in a queue without bounds, closes
the old link before it opens the new one, and tries one expired ticket for ever. Here a reader waits
until what it read has been taken on, so that a storm slows Slack down and not the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Self

import aiohttp
from aiohttp import ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from bot.errors import SlackRefused

log = logging.getLogger(__name__)

Envelope = dict[str, Any]

HANDSHAKE = 10.0  # seconds until Slack has said hello on a new link
PING = 5.0  # seconds between our pings
SILENCE = 15.0  # seconds without a word, not even a pong, after which a link is dead
CLOSING = 1.0  # seconds for the closing handshake: Slack does not always finish it
LARGEST = 4 * 1024 * 1024  # bytes of a frame; Slack's are well below


class Why(StrEnum):
    """Why a link is over, or soon will be."""

    REFRESH = "refresh"  # Slack asks us to come back on another, in about ten seconds
    CROWDED = "too_many_websockets"
    DISABLED = "link_disabled"  # somebody switched Socket Mode off
    CLOSED = "closed"
    SILENT = "silent"


_ASKED_TO_LEAVE = {
    "warning": Why.REFRESH,
    "refresh_requested": Why.REFRESH,
    "too_many_websockets": Why.CROWDED,
    "link_disabled": Why.DISABLED,
}


_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR)


class Socket:
    """An open link. `over` is done as soon as another is needed in its place.

    Until `close` it goes on listening as long as Slack lets it: what still comes is taken.
    """

    def __init__(
        self, socket: ClientWebSocketResponse, take: Callable[[Socket, Envelope], Awaitable[None]]
    ) -> None:
        self._socket = socket
        self._take = take
        self._heard = 0.0
        self._waits = False  # for a word of Slack's, rather than for room to take one on
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[Why] = loop.create_future()
        self._life = asyncio.create_task(self._live(), name="socket")

    @classmethod
    async def open(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        take: Callable[[Socket, Envelope], Awaitable[None]],
        **how: Any,
    ) -> Self:
        """A link on which Slack has said hello. `how` is for aiohttp: proxy, ssl.

        `url` is a ticket, good once. SlackRefused or aiohttp.ClientError when nothing comes of it.
        """
        socket: ClientWebSocketResponse | None = None
        try:
            async with asyncio.timeout(HANDSHAKE):
                socket = await session.ws_connect(
                    url,
                    autoping=False,
                    max_msg_size=LARGEST,
                    timeout=ClientWSTimeout(ws_close=CLOSING),
                    **how,
                )
                await _hello(socket)
        except BaseException as error:
            if socket is not None:
                await _close(socket)
            if isinstance(error, TimeoutError):
                raise SlackRefused("no_hello", permanent=False) from error
            raise
        return cls(socket, take)

    @property
    def alive(self) -> bool:
        """Whether it still listens."""
        return not self._life.done()

    async def send(self, said: dict[str, Any]) -> None:
        """Say something to Slack; ConnectionError where the link is over."""
        await self._socket.send_str(json.dumps(said))

    async def close(self) -> None:
        """Listen no more."""
        self._life.cancel()
        await asyncio.gather(self._life, return_exceptions=True)

    async def linger(self, seconds: float) -> None:
        """Listen on until Slack closes it, for at most so many seconds; then close."""
        try:
            await asyncio.wait({self._life}, timeout=seconds)
        finally:
            await self.close()

    async def _live(self) -> None:
        reader = asyncio.create_task(self._read())
        why = Why.CLOSED
        try:
            while not reader.done():
                await asyncio.wait({reader}, timeout=PING)
                if self._is_silent():
                    why = Why.SILENT
                    return
                if not reader.done():
                    await self._ping()
        finally:
            reader.cancel()
            [end] = await asyncio.gather(reader, return_exceptions=True)
            if isinstance(end, Exception):
                log.error("a socket's reader failed", exc_info=end)
            self._is_over(why)
            await _close(self._socket)

    def _is_silent(self) -> bool:
        return self._waits and asyncio.get_running_loop().time() - self._heard > SILENCE

    async def _ping(self) -> None:
        # The reader finds out by itself when the link is closed.
        with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError):
            async with asyncio.timeout(PING):
                await self._socket.ping()

    def _is_over(self, why: Why) -> None:
        if not self.over.done():
            self.over.set_result(why)

    async def _read(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            self._heard, self._waits = time(), True
            message = await self._socket.receive()
            self._waits = False
            if message.type is WSMsgType.TEXT:
                await self._heard_text(message.data)
            elif message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):
                    await self._socket.pong(message.data)
            elif message.type in _ENDS:
                return

    async def _heard_text(self, text: str) -> None:
        said = _object(text)
        if said.get("type") == "disconnect":
            self._is_over(_ASKED_TO_LEAVE.get(str(said.get("reason")), Why.REFRESH))
        elif "envelope_id" in said:
            await self._take(self, said)


async def _hello(socket: ClientWebSocketResponse) -> None:
    """The first word is hello, or Slack has no place for us."""
    while True:
        message = await socket.receive()
        if message.type is WSMsgType.PING:
            await socket.pong(message.data)
            continue
        said = _object(message.data) if message.type is WSMsgType.TEXT else {}
        if said.get("type") == "hello":
            return
        reason = said.get("reason") if said.get("type") == "disconnect" else "closed"
        raise SlackRefused(str(reason), permanent=False)


def _object(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


async def _close(socket: ClientWebSocketResponse) -> None:
    """Say goodbye; where nobody listens any more, only let go."""
    try:
        async with asyncio.timeout(2 * CLOSING):
            await socket.close()
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        log.debug("a socket was not closed in order: %s", type(error).__name__)
