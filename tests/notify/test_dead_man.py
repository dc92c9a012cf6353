"""The heartbeat goes out each interval while the bot is ready, and stops when it is not."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
from aiohttp import web

from bot.configuration import Configuration, LiveConfiguration
from bot.errors import StoreError
from bot.notify.dead_man import DeadManSwitch
from bot.observability.health import Health
from bot.policy import Policy
from tests.helpers.builders import NOW
from tests.helpers.http_servers import served


async def test_a_heartbeat_goes_out_each_interval_while_the_bot_is_ready() -> None:
    requests: list[str] = []
    now, problem = [NOW], [""]

    async def answer(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.Response(status=500 if len(requests) == 2 else 200)

    async def check() -> None:
        if problem[0]:
            raise StoreError(problem[0])

    async with served(answer) as url, aiohttp.ClientSession() as session:
        notify = {"heartbeat": {"url": f"{url}/ping", "seconds": 60}}
        policy = Policy.model_validate({"notify": notify})
        health = Health(lambda: now[0], interval=1000)
        health.register("store", check)
        config = LiveConfiguration(Configuration(policy=policy))
        switch = DeadManSwitch(session, config, lambda: now[0], health)
        await switch.beat()
        assert requests == [], "nothing was checked yet, so the bot is not ready"
        await health.check()
        for _ in range(25):  # every 5 seconds, as the step runs
            await switch.beat()
            now[0] += timedelta(seconds=5)
        assert requests == ["/ping"] * 3, "one that failed is not repeated before its time"
        problem[0] = "the disk is full"
        await health.check()
        now[0] += timedelta(seconds=600)
        await switch.beat()
        assert len(requests) == 3, "silence calls the people"
        problem[0] = ""
        await health.check()
        await switch.beat()
        assert len(requests) == 4
    await switch.beat()
