"""Keeps several Socket Mode connections open, so that the end of one leaves no gap.

Slack sends each envelope on any one of them. When Slack asks for a new connection, the pool opens
it before it leaves the old one. The pool replaces a connection that died, was refused or is silent:
each time with a fresh ticket, at most 18 s after the last try, or when Slack allows it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackRefused
from bot.observability.events import Event, emit
from bot.observability.throttled_logger import ThrottledLogger
from bot.tasks import cancel_all
from handlers.inbound.socket_connection import CloseReason, Envelope, SocketConnection
from handlers.outbound.slack_client import seconds_to_wait

log = logging.getLogger(__name__)

TICKET = 15.0  # seconds that Slack may take to give a ticket
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between tries to connect
CROWDED_PAUSE = 60.0  # seconds until the next try after Slack refused one connection more
DRAIN = 3.0  # seconds that the bot still reads an old connection beside its successor

OnEnvelope = Callable[[SocketConnection, Envelope], Awaitable[None]]


class ConnectionPool:
    """Keeps `count` connections open. Calls `on_envelope(connection, envelope)` for each envelope.

    Calls `on_connect(after_gap)` for each new connection; `after_gap` if no other one was open.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        app_token: str,
        on_envelope: OnEnvelope,
        on_connect: Callable[[bool], None],
        *,
        count: int,
    ) -> None:
        self._client = client
        self._session = session
        self._app_token = app_token
        self._on_envelope = on_envelope
        self._on_connect = on_connect
        self._count = count
        self._open: set[SocketConnection] = set()
        self._slots: list[asyncio.Task[None]] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._last_reason = "not connected yet"
        self._next_ticket_at = 0.0  # when Slack gives the next ticket, by the loop's time
        self._failures = ThrottledLogger(log, logging.WARNING, "no Socket Mode connection: %s")

    async def start(self) -> None:
        """Open the first connection, then the others in the background.

        Raises SlackApiError, SlackRefused, aiohttp.ClientError or TimeoutError for the first one.
        """
        first = await self._connect()
        self._slots = [
            asyncio.create_task(
                self._fill_slot(first if slot == 0 else None), name=f"socket {slot}"
            )
            for slot in range(self._count)
        ]

    @property
    def live(self) -> int:
        """The number of open connections."""
        return sum(connection.alive for connection in self._open)

    def check(self) -> None:
        """Raise SlackRefused, with the reason, if no connection is open."""
        if not self.live:
            raise SlackRefused("socket_not_connected", permanent=False, detail=self._last_reason)

    async def respond(self, connection: SocketConnection, response: dict[str, Any]) -> bool:
        """Send the response on that connection, else on another; False if none is open."""
        for candidate in [connection, *(other for other in self._open if other is not connection)]:
            if not candidate.alive:
                continue
            try:
                await candidate.send(response)
            except (ConnectionError, RuntimeError):
                continue
            return True
        return False

    async def close(self) -> None:
        """Close every connection."""
        await cancel_all([*self._slots, *self._leaving])
        await asyncio.gather(
            *(connection.close() for connection in self._open), return_exceptions=True
        )
        self._open.clear()

    async def _fill_slot(self, connection: SocketConnection | None) -> None:
        """Keep one slot filled: a connection, and after its end the next."""
        while True:
            if connection is None:
                connection = await self._connect_with_retries()
            reason = await asyncio.shield(connection.ended)
            self._last_reason = f"the last connection: {reason}"
            if reason is not CloseReason.REFRESH:
                emit(Event.SLACK_DISCONNECTED, why=str(reason), left=self.live)
            if reason is CloseReason.CROWDED and self.live:
                await asyncio.sleep(CROWDED_PAUSE)
            successor = await self._connect_with_retries()
            self._leave(connection)
            connection = successor

    def _leave(self, connection: SocketConnection) -> None:
        """Drain and close an old connection in the background."""

        async def drain() -> None:
            try:
                await connection.drain(DRAIN)
            finally:
                self._open.discard(connection)

        leaving = asyncio.create_task(drain(), name="leave socket")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _connect_with_retries(self) -> SocketConnection:
        """A connection, however long it takes. Each try has a ticket of its own."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._connect()
            except SlackApiError as error:
                response: Any = error.response
                self._failures.log(SlackRefused(_name_of(response), permanent=False))
                if getattr(response, "status_code", None) == 429:
                    wait = seconds_to_wait(response.headers)
                    self._next_ticket_at = asyncio.get_running_loop().time() + wait
            except (SlackRefused, aiohttp.ClientError, TimeoutError, OSError) as error:
                self._failures.log(_without_ticket(error))
                if (
                    isinstance(error, SlackRefused)
                    and error.error == CloseReason.CROWDED
                    and self.live
                ):
                    pause = CROWDED_PAUSE
            except Exception:  # a bot without a connection receives nothing more, so it tries again
                log.exception("a Socket Mode connection could not be opened; it is tried again")
            until_ticket = self._next_ticket_at - asyncio.get_running_loop().time()
            spread = random.uniform(1.0, 1.2)  # noqa: S311 - so that replicas do not all connect in the same moment
            await asyncio.sleep(max(pause, until_ticket) * spread)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _connect(self) -> SocketConnection:
        async with asyncio.timeout(TICKET):
            answer = await self._client.apps_connections_open(app_token=self._app_token)
        options: dict[str, Any] = {"proxy": self._client.proxy}
        if self._client.ssl is not None:
            options["ssl"] = self._client.ssl
        url = str(answer["url"])
        connection = await SocketConnection.open(self._session, url, self._on_envelope, **options)
        after_gap = not self.live
        self._open = {old for old in self._open if old.alive} | {connection}
        emit(Event.SLACK_CONNECTED, connections=self.live, after_gap=after_gap)
        self._on_connect(after_gap)
        return connection


def _name_of(response: Any) -> str:
    data = getattr(response, "data", None)
    name = data.get("error") if isinstance(data, dict) else None
    return name if isinstance(name, str) else "without a reason"


def _without_ticket(error: Exception) -> Exception:
    """The error as a log may show it: the text of aiohttp's errors contains the ticket."""
    if isinstance(error, SlackRefused):
        return error
    status = getattr(error, "status", None)
    return SlackRefused(f"{type(error).__name__}{f' {status}' if status else ''}", permanent=False)
