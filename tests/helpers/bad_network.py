"""Networks that misbehave between a client and a real server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Takes connections and never answers; yields its port."""
    over = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def cutting_proxy(
    server_at: int | str, marker: bytes, *, cuts: bool = True
) -> AsyncIterator[int]:
    """Passes bytes on to the server, and cuts the connection after the client sent `marker`.

    `server_at` is a port, or the path of a unix socket. The server gets what was sent, the client
    gets no answer to it; without `cuts` the connection stays open and silent. Yields the proxy's
    port.
    """
    muted = False
    tasks: set[asyncio.Task[None]] = set()

    async def pump(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        nonlocal muted
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if from_client and marker in data:
                    muted = True
                if from_client or not muted:
                    writer.write(data)
                    await writer.drain()
                if from_client and muted and cuts:
                    return

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(server_at, str):
            its_reader, its_writer = await asyncio.open_unix_connection(server_at)
        else:
            its_reader, its_writer = await asyncio.open_connection("127.0.0.1", server_at)
        there = asyncio.create_task(pump(reader, its_writer, from_client=True))
        back = asyncio.create_task(pump(its_reader, writer, from_client=False))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        for end in (writer, its_writer):
            end.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
