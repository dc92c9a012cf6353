"""An address has so many requests a minute; alerts of known senders are never refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.intake import is_known_source
from bot.web import rate_limit
from bot.web.rate_limit import Buckets, rate_limited
from tests.helpers.clocks import FixedSeconds


def test_tokens_come_back_with_time_and_addresses_do_not_share_them() -> None:
    clock = FixedSeconds()
    buckets = Buckets(60, clock)
    assert [buckets.take("a") for _ in range(60)] == [0.0] * 60
    assert buckets.take("a") == 1.0
    assert buckets.take("b") == 0.0
    clock.forward(0.5)
    assert buckets.take("a") == 0.5
    clock.forward(0.5)
    assert buckets.take("a") == 0.0
    clock.forward(3600)
    assert [buckets.take("a") > 0 for _ in range(61)] == [False] * 60 + [True]


def test_the_memory_of_addresses_is_bounded() -> None:
    buckets = Buckets(60, FixedSeconds())
    for number in range(rate_limit.MOST_ADDRESSES + 5):
        buckets.take(str(number))
    assert len(buckets._buckets) == rate_limit.MOST_ADDRESSES


async def test_a_flood_of_questions_never_starves_a_known_sender() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    clock = FixedSeconds()
    limit = rate_limited(Buckets(2, clock), {"grafana"}.__contains__)
    app = web.Application(middlewares=[limit])
    app.router.add_post("/alerts/{source}", answer)
    app.router.add_post("/webhook/alerts", answer)
    app.router.add_post("/incident", answer)
    app.router.add_get("/metrics", answer)
    async with TestClient(TestServer(app)) as client:

        async def status(path: str) -> int:
            return (await client.post(path)).status

        assert [await status("/incident") for _ in range(3)] == [200, 200, 429]
        refused = await client.post("/incident")
        assert refused.headers["Retry-After"] == "30"
        assert (await refused.json())["error"]["code"] == "rate_limited"
        assert [await status("/alerts/grafana") for _ in range(20)] == [200] * 20
        assert await status("/webhook/alerts") == 200
        assert await status("/alerts/unheard-of") == 429, "it counts like a question"
        assert (await client.get("/metrics")).status == 200, "a busy bot can still be watched"
        clock.forward(30)
        assert await status("/incident") == 200


async def test_neither_addresses_of_one_ipv6_host_nor_paths_without_a_route_evade_it() -> None:
    @web.middleware
    async def called_from(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return await handler(request.clone(remote=request.headers["From-Address"]))

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    limit = rate_limited(Buckets(2, FixedSeconds()), is_known_source)
    app = web.Application(middlewares=[called_from, limit])
    app.router.add_post("/alerts/{source}", answer)
    app.router.add_post("/incident", answer)
    async with TestClient(TestServer(app)) as client:

        async def statuses(path: str, *addresses: str) -> list[int]:
            return [
                (await client.post(path, headers={"From-Address": address})).status
                for address in addresses
            ]

        one_host = [f"2001:db8::{number}" for number in range(1, 4)]
        assert await statuses("/incident", *one_host) == [200, 200, 429]
        assert await statuses("/incident", "2001:db8:0:1::1") == [200], "another network"
        assert await statuses("/alerts/no/such/path", *["192.0.2.1"] * 3) == [404, 404, 429]
        assert await statuses("/alerts/grafana", *one_host) == [200] * 3
