"""A real sender: Debian's Alertmanager, started with one receiver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from tests.helpers.waiting import until

PROGRAM = "prometheus-alertmanager"
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


@asynccontextmanager
async def running_alertmanager(
    folder: Path, port: int, http: aiohttp.ClientSession, receiver: dict[str, Any]
) -> AsyncIterator[Alertmanager]:
    """The real binary with one receiver, which it notifies within a fraction of a second."""
    file = folder / "alertmanager.yml"
    route = {"receiver": "slack", "group_by": ["alertname", "env", "service"]}
    pace = {"group_wait": "10ms", "group_interval": "300ms", "repeat_interval": "1h"}
    config = {"route": route | pace, "receivers": [{"name": "slack"} | receiver]}
    file.write_text(json.dumps(config))
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        f"--config.file={file}",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    async def is_ready() -> bool:
        assert process.returncode is None, "Alertmanager does not take its config"
        return await _is_ready(http, url)

    try:
        await until(is_ready, why="Alertmanager is ready")
        yield Alertmanager(url, http)
    finally:
        process.terminate()
        async with asyncio.timeout(30):
            await process.wait()


async def _is_ready(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(f"{url}/-/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectorError:
        return False
