"""A wire to a server that a test can hold: what is sent meanwhile waits, and nobody is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class TcpProxy:
    """Hands bytes on between a free port of ours and the server's, in both directions."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.on_data: Callable[[bytes], None] = lambda _: None
        """Called with what comes, in either direction, before it is handed on."""

    @classmethod
    @asynccontextmanager
    async def to(cls, host: str, port: int) -> AsyncIterator[TcpProxy]:
        """One that listens until the block ends."""
        tcp_proxy = cls(host, port)
        server = await asyncio.start_server(tcp_proxy._connected, "127.0.0.1", 0)
        tcp_proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield tcp_proxy
        finally:
            server.close()
            tcp_proxy._flows.set()
            for writer in list(tcp_proxy._open):
                writer.transport.abort()

    def stall(self) -> None:
        """From now on nothing arrives, and no connection is closed."""
        self._flows.clear()

    def resume(self) -> None:
        """Deliver the bytes that waited."""
        self._flows.set()

    async def _connected(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            there, forth = await asyncio.open_connection(*self._target)
        except OSError:
            back.transport.abort()
            return
        self._open |= {back, forth}
        try:
            await asyncio.gather(self._hand_on(here, forth), self._hand_on(there, back))
        finally:
            self._open -= {back, forth}

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                self.on_data(data)
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        await self._flows.wait()
        writer.close()
