"""Proxies that a test puts in front of Slack, or of any HTTP service, to disturb calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.simulator import Faults, SystemClock, Timer
from handlers.outbound.metadata import kind_of as kind_name

JSON = dict[str, Any]


def kind_of(args: JSON) -> str:
    """Return which of the bot's messages a call posts or changes: card, advice, approval, …"""
    metadata = args.get("metadata") or {}
    return kind_name(metadata.get("event_type"))


class FastClock(SystemClock):
    """Slack's own patience (3 s for an acknowledgement) six times shorter: many wait for it."""

    def __init__(self) -> None:
        self._began = super().now()

    def now(self) -> float:
        return self._began + 6 * (super().now() - self._began)

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        return super().call_later(seconds / 6, action)


class SlackHooks(Faults):
    """The local Slack's seam; a test hangs its own functions into it."""

    def __init__(self) -> None:
        self.on_call: Callable[[str, JSON], Awaitable[web.StreamResponse | None]] | None = None
        self.on_answer: Callable[[str, JSON], Awaitable[bool]] | None = None
        self.on_envelope: Callable[[JSON], Awaitable[bool]] | None = None

    async def before(self, method: str, args: JSON) -> web.StreamResponse | None:
        return await self.on_call(method, args) if self.on_call else None

    async def after(self, method: str, args: JSON, answer: JSON) -> bool:
        return await self.on_answer(method, args) if self.on_answer else True

    async def before_send(self, envelope: JSON) -> bool:
        return await self.on_envelope(envelope) if self.on_envelope else True


class HttpProxy:
    """Hands every request on to `target`, unchanged; a test may look, hold or drop.

    `on_request` answers False to drop the request, `on_answer` False to drop the answer; `alter`
    makes another answer of it. `twice` answers those paths two times.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self.seen: list[tuple[str, str]] = []
        self.on_request: Callable[[web.Request], Awaitable[bool]] | None = None
        self.on_answer: Callable[[web.Request], Awaitable[bool]] | None = None
        self.alter: Callable[[web.Request, int, bytes], tuple[int, bytes]] | None = None
        self.twice: set[str] = set()

    def count(self, method: str, path: str) -> int:
        """Return how often this was asked."""
        return self.seen.count((method, path))

    @classmethod
    @asynccontextmanager
    async def before(cls, target: str) -> AsyncIterator[HttpProxy]:
        """One that listens in front of `target` (a base URL without a slash at its end)."""
        proxy = cls(target)
        async with aiohttp.ClientSession(auto_decompress=False) as session:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await proxy._hand_on(session, request)

            # When the caller is gone the request must go on: that is what the tests are about.
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=None)
            await site.start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield proxy
            finally:
                await runner.cleanup()

    async def _hand_on(
        self, session: aiohttp.ClientSession, request: web.Request
    ) -> web.StreamResponse:
        self.seen.append((request.method, request.path))
        body = await request.read()
        if self.on_request and not await self.on_request(request):
            return _cut(request)
        headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
        async with session.request(
            request.method, self.target + request.raw_path, data=body or None, headers=headers
        ) as answer:
            content = await answer.read()
            kind = answer.headers.get("Content-Type", "text/plain")
            status = answer.status
        if self.on_answer and not await self.on_answer(request):
            return _cut(request)
        if self.alter:
            status, content = self.alter(request, status, content)
        if request.path in self.twice and request.transport is not None:
            head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: "
            request.transport.write(f"{head}{len(content)}\r\n\r\n".encode() + content)
        return web.Response(status=status, body=content, headers={"Content-Type": kind})


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)
