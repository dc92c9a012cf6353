"""Listens with the limits of `limits`, for the bot's application and for the gateway's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from bot.serving.arrivals import Arrivals
from bot.serving.connections import Connection
from bot.serving.gate import Gate, caller_of
from bot.serving.limits import ConnectionLimits, fitted

QUEUE = 4096  # connections that the kernel may hold until we accept them


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that answers at `url`."""

    url: str
    gate: Gate
    arrivals: Arrivals

    async def stop_accepting(self) -> None:
        """Accept no new connections; open ones continue."""
        self.arrivals.stop_accepting()


@contextlib.asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    limits: ConnectionLimits,
    *,
    address_of: Callable[[Any], str] = caller_of,
) -> AsyncIterator[Listening]:
    """Serve the application until the block ends. Port 0 picks a free port.

    Raises OSError if the address cannot be used. `address_of` returns the address to which a peer's
    connection counts.
    """
    gate = Gate(fitted(limits))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    serving: set[asyncio.Task[Any]] = set()
    try:
        loop, inner = asyncio.get_running_loop(), runner.server
        if inner is None:
            raise AssertionError("setup() makes the server")

        def serve(sock: socket.socket, address: str, first: bytes) -> None:
            connection = partial(_connection, gate, inner, limits, address, first)
            task = loop.create_task(loop.connect_accepted_socket(connection, sock))
            serving.add(task)
            task.add_done_callback(serving.discard)

        arrivals = Arrivals(gate, address_of, serve)
        # asyncio only binds: otherwise it would build a transport for each accepted connection.
        bound = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
        url = _url(bound.sockets[0].getsockname())
        listeners = [socket.socket(fileno=os.dup(each.fileno())) for each in bound.sockets]
        bound.close()
        try:
            for listener in listeners:
                listener.setblocking(False)
                listener.listen(QUEUE)
                arrivals.listen(listener)
            yield Listening(url, gate, arrivals)
        finally:
            arrivals.close()
            await asyncio.gather(*serving, return_exceptions=True)
    finally:
        await runner.cleanup()


def _connection(
    gate: Gate, server: web.Server, limits: ConnectionLimits, address: str, first: bytes
) -> Connection:
    return Connection(
        gate,
        server,
        address=address,
        first=first,
        loop=asyncio.get_running_loop(),
        access_log=None,
        keepalive_timeout=limits.idle + limits.head,  # our own deadline comes first
        lingering_time=min(2.0, limits.body),
        max_headers=64,
        auto_decompress=False,  # 1 MB may inflate to 1 GB; such a body is answered 415
    )


def _url(address: tuple[Any, ...]) -> str:
    host, port = address[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
