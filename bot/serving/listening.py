"""Listen with the limits of `connections`, for the bot's application and the gateway's alike."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.serving.connections import Connection, Gate, caller_of
from bot.serving.limits import ConnectionLimits, fitted

QUEUE = 4096  # connections that the system may hold until we look
TURNS = 16  # of the event loop, at least, before a flood can close the newest caller again


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that answers at `url`."""

    url: str
    gate: Gate
    server: asyncio.Server

    async def stop_accepting(self) -> None:
        """Take no new connections; those that are open go on."""
        self.gate.closing = True
        loop = asyncio.get_running_loop()
        for sock in self.server.sockets:
            loop.remove_reader(sock.fileno())
        # asyncio leaks a connection that was accepted in the very turn in which its server closes.
        for _ in range(3):
            await asyncio.sleep(0)
        self.server.close()


@contextlib.asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    limits: ConnectionLimits,
    *,
    address_of: Callable[[Any], str] = caller_of,
) -> AsyncIterator[Listening]:
    """The application, listening until the block ends. Port 0 is a free one.

    OSError when the address cannot be used. `address_of` says of a peer whose connection it is.
    """
    gate = Gate(fitted(limits), address_of)
    at_once = max(1, min(64, gate.limits.total // TURNS))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        loop, inner = asyncio.get_running_loop(), runner.server
        if inner is None:
            raise AssertionError("setup() makes the server")

        def connection() -> Connection:
            return Connection(
                gate,
                inner,
                loop=loop,
                access_log=None,
                keepalive_timeout=limits.idle + limits.head,  # ours comes first
                lingering_time=min(2.0, limits.body),
                max_headers=64,
                auto_decompress=False,  # 1 MB may inflate to 1 GB; who sends such is answered 415
            )

        server = await loop.create_server(connection, host, port, backlog=at_once)
        # asyncio has one number for both: the system's queue, and how many it takes in a turn.
        for bound in server.sockets:
            with socket.socket(fileno=os.dup(bound.fileno())) as same:
                same.listen(QUEUE)
        running = Listening(_url(server.sockets[0].getsockname()), gate, server)
        try:
            yield running
        finally:
            await running.stop_accepting()
    finally:
        await runner.cleanup()


def _url(address: tuple[Any, ...]) -> str:
    host, port = address[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
