"""A real sender: Debian's Alertmanager with its own Slack notifier, and its webhook."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World

PROGRAM = "prometheus-alertmanager"
pytestmark = [pytest.mark.services(PROGRAM), pytest.mark.one_engine]

LABELS = {
    "alertname": "HealthCheckFailing",
    "env": "prod",
    "service": "checkout-api",
    "category": "availability",
    "severity": "critical",
}


@dataclass
class Alertmanager:
    """A running Alertmanager; its API is how Prometheus talks to it."""

    url: str
    http: aiohttp.ClientSession

    async def fire(self, **labels: str) -> None:
        await self._post(labels, timedelta(hours=1))

    async def resolve(self, **labels: str) -> None:
        await self._post(labels, timedelta())

    async def _post(self, labels: dict[str, str], ends: timedelta) -> None:
        now = datetime.now(UTC)
        alert = {
            "labels": LABELS | labels,
            "annotations": {"summary": "checkout-api does not answer its health check"},
            "startsAt": (now - timedelta(minutes=1)).isoformat(),
            "endsAt": (now + ends).isoformat(),
            "generatorURL": "http://prometheus.example/graph?g0.expr=up",
        }
        async with self.http.post(f"{self.url}/api/v2/alerts", json=[alert]) as answer:
            assert answer.status == 200, await answer.text()


Start = Callable[[dict[str, Any]], Awaitable[Alertmanager]]


@pytest.fixture
async def alertmanager(
    tmp_path: Path, free_port: Callable[[], int], http: aiohttp.ClientSession
) -> AsyncIterator[Start]:
    """Start the real binary with one receiver; it tells within a fraction of a second."""
    async with AsyncExitStack() as stack:

        async def start(receiver: dict[str, Any]) -> Alertmanager:
            port = free_port()
            file = tmp_path / "alertmanager.yml"
            route = {"receiver": "slack", "group_by": ["alertname", "env", "service"]}
            pace = {"group_wait": "10ms", "group_interval": "300ms", "repeat_interval": "1h"}
            config = {"route": route | pace, "receivers": [{"name": "slack"} | receiver]}
            file.write_text(json.dumps(config))
            process = await asyncio.create_subprocess_exec(
                PROGRAM,
                f"--config.file={file}",
                f"--storage.path={tmp_path}/alertmanager",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )

            async def end() -> None:
                process.terminate()
                async with asyncio.timeout(30):
                    await process.wait()

            stack.push_async_callback(end)
            url = f"http://127.0.0.1:{port}"

            async def is_ready() -> bool:
                assert process.returncode is None, "Alertmanager does not take its config"
                return await _is_ready(http, url)

            await until(is_ready, why="Alertmanager is ready")
            return Alertmanager(url, http)

        yield start


async def _is_ready(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(f"{url}/-/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectorError:
        return False


async def test_its_slack_notifier_opens_a_thread_and_its_resolve_closes_the_same_one(
    world: World, bot: StartBot, alertmanager: Start
) -> None:
    await bot()
    hook = world.slack.webhook_url(ALERTS)
    sender = await alertmanager(
        {"slack_configs": [{"api_url": hook, "channel": "#alerts", "send_resolved": True}]}
    )
    await sender.fire()
    card = await world.card("CRITICAL · HealthCheckFailing")
    assert "checkout-api" in card.text
    assert "sop_checkout_down" in card.text, "the service is read out of the title"
    assert "INC-1" in card.text
    await world.advice("From the SOP")

    await sender.resolve()
    closed = await world.card("RESOLVED")
    assert closed.ts == card.ts
    await world.resolved("INC-1 resolved: the alert cleared")
    await world.quiet()
    assert len(world.cards()) == 1
    posted = [m for m in world.slack.messages(ALERTS) if m.data.get("username") == "Alertmanager"]
    assert ["FIRING" in m.text for m in posted] == [True, False], "both are Alertmanager's own"


async def test_its_webhook_opens_a_thread_and_its_resolve_closes_the_same_one(
    world: World, bot: StartBot, alertmanager: Start
) -> None:
    running = await bot(HTTP_TOKEN="a token of the tests")
    slack_hooks = f"{running.http_url}/alerts/alertmanager"
    bearer = {"authorization": {"type": "Bearer", "credentials": "a token of the tests"}}
    sender = await alertmanager(
        {"webhook_configs": [{"url": slack_hooks, "send_resolved": True, "http_config": bearer}]}
    )
    await sender.fire()
    await sender.fire(instance="10.0.0.7:9090")
    card = await world.card("2 alerts grouped")
    assert "CRITICAL" in card.text
    assert "does not answer its health check" in card.text
    assert "sop_checkout_down" in card.text

    await sender.resolve()
    await until(
        lambda: world.rows("SELECT firing FROM incidents")[0]["firing"] == 1,
        why="the first of the two is resolved",
    )
    assert "RESOLVED" not in (await world.card()).text, "one of the two still fires"
    await sender.resolve(instance="10.0.0.7:9090")
    closed = await world.card("RESOLVED")
    assert closed.ts == card.ts
    await world.quiet()
    assert len(world.cards()) == 1
