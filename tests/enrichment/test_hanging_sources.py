"""A source that hangs holds few connections of the session that all sources share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from bot.enrichment.gathering import gather
from bot.enrichment.segment import EvidenceSource
from tests.helpers.http_servers import served, vector


async def test_sources_that_hang_leave_connections_for_the_others() -> None:
    release = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(vector(({"job": "web"}, "1")))

    async with served(answer) as url, served(hang) as late:
        queries = {f"q{number}": f"up + {number}" for number in range(8)}
        sources = [
            EvidenceSource(name=f"s{number}", kind="prometheus", url=address, queries=queries)
            for number, address in enumerate([late, late, late, url, url, url])
        ]
        async with aiohttp.ClientSession() as session:
            gathered = await gather(session, sources, {}, datetime.now(UTC), seconds=3)
        release.set()
    assert [failure.source for failure in gathered.failures] == ["s0", "s1", "s2"]
    assert len(gathered.facts) == 24
