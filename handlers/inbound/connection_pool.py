"""The bot's Socket Mode links: several, so that one that goes leaves no gap.

Slack hands each envelope to any one of them. When it asks for a link back, the new one is open
before the old one is left. A link that died, was refused or says nothing is replaced, each time
with a fresh ticket, at most 18 s after the last try, or when Slack says.
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
from bot.observability.trouble import Trouble
from handlers.inbound.socket_connection import Envelope, Socket, Why
from handlers.outbound.slack_client import seconds_to_wait

log = logging.getLogger(__name__)

TICKET = 15.0  # seconds that Slack may take to give a ticket
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between tries for a link
CROWDED_PAUSE = 60.0  # seconds until one more link is tried where Slack had no place for it
LINGER = 3.0  # seconds that an old link is listened to beside its successor

Take = Callable[[Socket, Envelope], Awaitable[None]]


class Sockets:
    """Keeps `count` links open. `take` is given every envelope, and the link it came on.

    `in_touch(after_gap)` is told of each new link; after a gap there was none before it.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        app_token: str,
        take: Take,
        in_touch: Callable[[bool], None],
        *,
        count: int,
    ) -> None:
        self._client = client
        self._session = session
        self._app_token = app_token
        self._take = take
        self._in_touch = in_touch
        self._count = count
        self._open: set[Socket] = set()
        self._seats: list[asyncio.Task[None]] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._why = "not connected yet"
        self._ticket_at = 0.0  # when Slack gives a ticket again, by the loop's time
        self._trouble = Trouble(log, logging.WARNING, "no Socket Mode link: %s")

    async def start(self) -> None:
        """Open the first link, and keep the others. SlackApiError, SlackRefused,
        aiohttp.ClientError or TimeoutError when the first one cannot be had.
        """
        first = await self._connect()
        self._seats = [
            asyncio.create_task(self._keep(first if seat == 0 else None), name=f"socket {seat}")
            for seat in range(self._count)
        ]

    @property
    def live(self) -> int:
        """How many links listen."""
        return sum(socket.alive for socket in self._open)

    def check(self) -> None:
        """SlackRefused when no link listens, with the reason."""
        if not self.live:
            raise SlackRefused("socket_not_connected", permanent=False, detail=self._why)

    async def answer(self, socket: Socket, said: dict[str, Any]) -> bool:
        """Say it on that link, or on another where it is over; False when there is none."""
        for one in [socket, *(other for other in self._open if other is not socket)]:
            if not one.alive:
                continue
            try:
                await one.send(said)
            except (ConnectionError, RuntimeError):
                continue
            return True
        return False

    async def close(self) -> None:
        """Leave every link."""
        for task in [*self._seats, *self._leaving]:
            task.cancel()
        await asyncio.gather(*self._seats, *self._leaving, return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in self._open), return_exceptions=True)
        self._open.clear()

    async def _keep(self, socket: Socket | None) -> None:
        """One seat: a link, and then the next."""
        while True:
            if socket is None:
                socket = await self._connect_somehow()
            why = await asyncio.shield(socket.over)
            self._why = f"the last link: {why}"
            if why is not Why.REFRESH:
                emit(Event.SLACK_DISCONNECTED, why=str(why), left=self.live)
            if why is Why.CROWDED and self.live:
                await asyncio.sleep(CROWDED_PAUSE)
            successor = await self._connect_somehow()
            self._leave(socket)
            socket = successor

    def _leave(self, socket: Socket) -> None:
        """Let go of an old link, beside everything else."""

        async def linger() -> None:
            try:
                await socket.linger(LINGER)
            finally:
                self._open.discard(socket)

        leaving = asyncio.create_task(linger(), name="leave socket")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _connect_somehow(self) -> Socket:
        """A link, however long it takes. Each try has a ticket of its own."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._connect()
            except SlackApiError as error:
                response: Any = error.response
                self._trouble.came(SlackRefused(_name_of(response), permanent=False))
                if getattr(response, "status_code", None) == 429:
                    wait = seconds_to_wait(response.headers)
                    self._ticket_at = asyncio.get_running_loop().time() + wait
            except (SlackRefused, aiohttp.ClientError, TimeoutError, OSError) as error:
                self._trouble.came(_without_ticket(error))
                if isinstance(error, SlackRefused) and error.error == Why.CROWDED and self.live:
                    pause = CROWDED_PAUSE
            except Exception:  # whatever it is, a bot without a link hears nothing more
                log.exception("a Socket Mode link could not be opened; it is tried again")
            limited = self._ticket_at - asyncio.get_running_loop().time()
            spread = random.uniform(1.0, 1.2)  # noqa: S311 - so that replicas do not come at once
            await asyncio.sleep(max(pause, limited) * spread)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _connect(self) -> Socket:
        async with asyncio.timeout(TICKET):
            answer = await self._client.apps_connections_open(app_token=self._app_token)
        how: dict[str, Any] = {"proxy": self._client.proxy}
        if self._client.ssl is not None:
            how["ssl"] = self._client.ssl
        socket = await Socket.open(self._session, str(answer["url"]), self._take, **how)
        after_gap = not self.live
        self._open = {one for one in self._open if one.alive} | {socket}
        emit(Event.SLACK_CONNECTED, connections=self.live, after_gap=after_gap)
        self._in_touch(after_gap)
        return socket


def _name_of(response: Any) -> str:
    data = getattr(response, "data", None)
    name = data.get("error") if isinstance(data, dict) else None
    return name if isinstance(name, str) else "without a reason"


def _without_ticket(error: Exception) -> Exception:
    """The error as a log may show it: aiohttp's own words hold the ticket."""
    if isinstance(error, SlackRefused):
        return error
    status = getattr(error, "status", None)
    return SlackRefused(f"{type(error).__name__}{f' {status}' if status else ''}", permanent=False)
