"""A small application behind the limits of a server, and raw sockets to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from bot.serving.arrivals import HELD_BYTES
from bot.serving.limits import ConnectionLimits
from bot.serving.listening import Listening, listening

LIMITS = ConnectionLimits(
    total=16,
    arrivals=16,
    per_address=4,
    head=0.3,
    body=0.3,
    idle=0.3,
    write=0.3,
    body_bytes=400_000,
)
LONG = replace(LIMITS, head=600, body=600, idle=600, write=600)
"""No deadline of these passes during a test: the caps alone close connections."""

GUARD = 20.0
"""Seconds until a test says which bound is missing; the deadlines of LIMITS take 0.3 s."""

SOME = 60_000  # bytes of an answer: fewer than make the server pause
ASKED = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
UNFINISHED_HEAD = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
UNFINISHED_BODY = b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n\r\n{"
UNFINISHED_CHUNKS = (
    b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1234\r\n"
)
LONG_BODY = UNFINISHED_BODY + b"a" * HELD_BYTES
"""So much of a body that its handler has begun."""

UNFINISHED = {
    "head": UNFINISHED_HEAD,
    "body": UNFINISHED_BODY,
    "chunks": UNFINISHED_CHUNKS,
    "long body": LONG_BODY,
}


class Server:
    """A small application behind the limits, and raw sockets to it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.listening: Listening
        self.gone = asyncio.Event()
        self.go_on = asyncio.Event()
        self.answered = 0  # requests of /some

    def app(self) -> web.Application:
        async def health(_: web.Request) -> web.Response:
            return web.json_response({"status": "ok"})

        async def body(request: web.Request) -> web.Response:
            try:
                return web.json_response({"size": len(await request.read())})
            except ConnectionError:
                self.gone.set()
                raise

        async def waits(_: web.Request) -> web.Response:
            await self.go_on.wait()
            return web.Response(text="at last")

        async def few(_: web.Request) -> web.Response:
            self.answered += 1
            return web.Response(body=bytes(SOME))

        async def large(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            try:
                while True:
                    await response.write(b"x" * 65_536)
            except ConnectionError:
                self.gone.set()
                raise

        app = web.Application(client_max_size=1_048_576)
        app.add_routes(
            [
                web.get("/health", health),
                web.post("/body", body),
                web.get("/waits", waits),
                web.get("/some", few),
                web.get("/large", large),
            ]
        )
        return app

    async def connect(
        self, data: bytes = b"", source: str = "127.0.0.1"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = int(self.listening.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        self.stack.callback(writer.close)
        writer.write(data)
        await writer.drain()
        return reader, writer

    async def health(self, source: str = "127.0.0.1") -> bytes:
        """The status line of one honest caller."""
        async with enforced("every cap: an honest caller waits"):
            reader, writer = await self.connect(ASKED, source)
            line = await reader.readline()
        writer.close()
        return line


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack, asyncio.timeout(100):

        async def begin(limits: ConnectionLimits, **options: Any) -> Server:
            server = Server(stack)
            server.listening = await stack.enter_async_context(
                listening(server.app(), "127.0.0.1", 0, limits, **options)
            )
            stack.callback(server.go_on.set)
            return server

        yield begin


@asynccontextmanager
async def enforced(bound: str) -> AsyncIterator[None]:
    """Fail with the name of the bound if the block still waits for it after GUARD."""
    try:
        async with asyncio.timeout(GUARD):
            yield
    except TimeoutError:
        pytest.fail(f"nothing happened in {GUARD:g} s: is {bound} enforced?")


async def everything(reader: asyncio.StreamReader) -> bytes:
    """The bytes that arrive until the server closes."""
    data = b""
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            data += part
    return data


async def first_ended(
    connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]], count: int
) -> None:
    """Wait until the server has closed that many connections."""
    ended = [asyncio.create_task(everything(reader)) for reader, _ in connections]
    try:
        for number, first in enumerate(asyncio.as_completed(ended), 1):
            await first
            if number == count:
                return
    finally:
        for task in ended:
            task.cancel()
