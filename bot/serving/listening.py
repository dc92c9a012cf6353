"""Listens with the limits of `limits`, for the bot's application and for the gateway's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from bot.serving.arrivals import Arrivals
from bot.serving.connections import Connection
from bot.serving.gate import Gate, caller_of
from bot.serving.limits import ConnectionLimits, fitted
from bot.serving.tls_arrivals import TlsArrivals

QUEUE = 4096  # connections that the kernel may hold until we accept them


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that answers at `url`."""

    url: str
    gate: Gate
    arrivals: Arrivals | TlsArrivals

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
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Listening]:
    """Serve the application until the block ends. Port 0 picks a free port.

    Raises OSError if the address cannot be used. `address_of` returns the address to which a peer's
    connection counts. With `tls` the server answers https only.
    """
    gate = Gate(fitted(limits))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    serving: set[asyncio.Task[Any]] = set()
    try:
        loop, inner = asyncio.get_running_loop(), runner.server
        if inner is None:
            raise AssertionError("setup() makes the server")
        make = partial(_connection, gate, inner, limits)
        arrivals = (
            _tls_arrivals(gate, address_of, make, tls)
            if tls
            else _arrivals(gate, address_of, make, serving)
        )
        # asyncio only binds: otherwise it would build a transport for each accepted connection.
        bound = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
        url = _url(bound.sockets[0].getsockname(), "https" if tls else "http")
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


def _arrivals(
    gate: Gate,
    address_of: Callable[[Any], str],
    make: Callable[[str, bytes], Connection],
    serving: set[asyncio.Task[Any]],
) -> Arrivals:
    loop = asyncio.get_running_loop()

    def serve(sock: socket.socket, address: str, first: bytes) -> None:
        task = loop.create_task(loop.connect_accepted_socket(partial(make, address, first), sock))
        serving.add(task)
        task.add_done_callback(serving.discard)

    return Arrivals(gate, address_of, serve)


def _tls_arrivals(
    gate: Gate,
    address_of: Callable[[Any], str],
    make: Callable[[str, bytes], Connection],
    tls: ssl.SSLContext,
) -> TlsArrivals:
    loop = asyncio.get_running_loop()

    async def serve(sock: socket.socket, address: str) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):  # a caller without TLS
            await loop.connect_accepted_socket(
                partial(make, address, b""),
                sock,
                ssl=tls,
                ssl_handshake_timeout=gate.limits.head,
            )

    return TlsArrivals(gate.limits, address_of, serve)


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


def _url(address: tuple[Any, ...], scheme: str) -> str:
    host, port = address[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
