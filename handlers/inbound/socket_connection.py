"""One Socket Mode connection: it handshakes, reads envelopes, answers pings, says why it ended.

This replaces the SDK's client, which queues without bounds whatever it reads, closes the old
connection before it opens the new one, and tries one expired ticket for ever. Here the reader waits
until an envelope has been accepted, so that a burst slows Slack down and not the bot.
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
from bot.fast_json import loads

log = logging.getLogger(__name__)

Envelope = dict[str, Any]

HANDSHAKE = 10.0  # seconds until Slack has sent `hello` on a new connection
PING = 5.0  # seconds between our pings
SILENCE = 15.0  # seconds without a frame, not even a pong, after which a connection is dead
CLOSING = 1.0  # seconds for the closing handshake: Slack does not always finish it
LARGEST = 4 * 1024 * 1024  # bytes of a frame; Slack's are well below


class CloseReason(StrEnum):
    """The reason why a connection ended, or will end soon."""

    REFRESH = "refresh"  # Slack will close it in about ten seconds
    CROWDED = "too_many_websockets"
    DISABLED = "link_disabled"  # somebody switched Socket Mode off
    CLOSED = "closed"
    SILENT = "silent"


_DISCONNECTS = {
    "warning": CloseReason.REFRESH,
    "refresh_requested": CloseReason.REFRESH,
    "too_many_websockets": CloseReason.CROWDED,
    "link_disabled": CloseReason.DISABLED,
}


_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR)


class SocketConnection:
    """An open connection. `ended` is done as soon as another connection must replace it.

    Until `close` it reads envelopes as long as Slack keeps it open, also after `ended`.
    """

    def __init__(
        self,
        socket: ClientWebSocketResponse,
        on_envelope: Callable[[SocketConnection, Envelope], Awaitable[None]],
    ) -> None:
        self._socket = socket
        self._on_envelope = on_envelope
        self._last_received_at = 0.0
        self._is_receiving = False  # it waits for Slack, and not for a slot for an envelope
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[CloseReason] = loop.create_future()
        self._task = asyncio.create_task(self._run(), name="socket")

    @classmethod
    async def open(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        on_envelope: Callable[[SocketConnection, Envelope], Awaitable[None]],
        **options: Any,
    ) -> Self:
        """A connection on which Slack has sent `hello`. `options` are aiohttp's: proxy, ssl.

        `url` is a ticket that is valid once. Raises SlackRefused or aiohttp.ClientError.
        """
        socket: ClientWebSocketResponse | None = None
        try:
            async with asyncio.timeout(HANDSHAKE):
                socket = await session.ws_connect(
                    url,
                    autoping=False,
                    max_msg_size=LARGEST,
                    timeout=ClientWSTimeout(ws_close=CLOSING),
                    **options,
                )
                await _hello(socket)
        except BaseException as error:
            if socket is not None:
                await _close(socket)
            if isinstance(error, TimeoutError):
                raise SlackRefused("no_hello", permanent=False) from error
            raise
        return cls(socket, on_envelope)

    @property
    def alive(self) -> bool:
        """True while it reads envelopes."""
        return not self._task.done()

    async def send(self, response: dict[str, Any]) -> None:
        """Send a response to Slack; ConnectionError if the connection is closed."""
        await self._socket.send_str(json.dumps(response))

    async def close(self) -> None:
        """Stop reading, and close the socket."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Read on until Slack closes the connection, for at most `seconds`; then close it."""
        try:
            await asyncio.wait({self._task}, timeout=seconds)
        finally:
            await self.close()

    async def _run(self) -> None:
        reader = asyncio.create_task(self._read())
        reason = CloseReason.CLOSED
        try:
            while not reader.done():
                await asyncio.wait({reader}, timeout=PING)
                if self._is_silent():
                    reason = CloseReason.SILENT
                    return
                if not reader.done():
                    await self._ping()
        finally:
            reader.cancel()
            [end] = await asyncio.gather(reader, return_exceptions=True)
            if isinstance(end, Exception):
                log.error("the reader of a Socket Mode connection failed", exc_info=end)
            self._end(reason)
            await _close(self._socket)

    def _is_silent(self) -> bool:
        silence = asyncio.get_running_loop().time() - self._last_received_at
        return self._is_receiving and silence > SILENCE

    async def _ping(self) -> None:
        # The reader notices by itself that the connection is closed.
        with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError):
            async with asyncio.timeout(PING):
                await self._socket.ping()

    def _end(self, reason: CloseReason) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    async def _read(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            self._last_received_at, self._is_receiving = time(), True
            message = await self._socket.receive()
            self._is_receiving = False
            if message.type is WSMsgType.TEXT:
                await self._receive_text(message.data)
            elif message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):
                    await self._socket.pong(message.data)
            elif message.type in _ENDS:
                return

    async def _receive_text(self, text: str) -> None:
        frame = _object(text)
        if frame.get("type") == "disconnect":
            self._end(_DISCONNECTS.get(str(frame.get("reason")), CloseReason.REFRESH))
        elif "envelope_id" in frame:
            await self._on_envelope(self, frame)


async def _hello(socket: ClientWebSocketResponse) -> None:
    """Wait for `hello`; SlackRefused if Slack sends another frame, for example `disconnect`."""
    while True:
        message = await socket.receive()
        if message.type is WSMsgType.PING:
            await socket.pong(message.data)
            continue
        frame = _object(message.data) if message.type is WSMsgType.TEXT else {}
        if frame.get("type") == "hello":
            return
        reason = frame.get("reason") if frame.get("type") == "disconnect" else "closed"
        raise SlackRefused(str(reason), permanent=False)


def _object(text: str) -> dict[str, Any]:
    try:
        frame = loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


async def _close(socket: ClientWebSocketResponse) -> None:
    """Close the socket in order, or drop it if Slack does not answer any more."""
    try:
        async with asyncio.timeout(2 * CLOSING):
            await socket.close()
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        log.debug("a Socket Mode connection was not closed in order: %s", type(error).__name__)
