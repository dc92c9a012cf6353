"""The gateway that answers as a test tells it, and a client of it."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from tests.helpers.scripted_gateway import ScriptedGateway, make


@pytest.fixture
async def gateway():
    scripted = ScriptedGateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield scripted
    scripted.released.set()
    await runner.cleanup()


@pytest.fixture
async def client(gateway):
    async with aiohttp.ClientSession() as session:
        yield make(session, gateway.url)
