"""Debian's Alertmanager with its own Slack notifier, as a process."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from tests.helpers.ports import kept_port

PROGRAM = "prometheus-alertmanager"
START_SECONDS = 30.0


def is_there() -> bool:
    """Return True if this machine has it."""
    return shutil.which(PROGRAM) is not None


class Alertmanager:
    """A running Alertmanager; its API is the one that Prometheus calls."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def fire(self, alerts: Sequence[dict[str, str]]) -> None:
        """Fire all alerts at once, each by its labels."""
        now = datetime.now(UTC)
        body = [
            {
                "labels": labels,
                "annotations": {"summary": "Error rate above 5 %"},
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(hours=1)).isoformat(),
            }
            for labels in alerts
        ]
        async with self._http.post(f"{self._url}/api/v2/alerts", json=body) as answer:
            answer.raise_for_status()

    async def groups(self, count: int) -> list[list[dict[str, str]]]:
        """Return the labels of the alerts of each group, once it has grouped so many alerts."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                async with self._http.get(f"{self._url}/api/v2/alerts/groups") as answer:
                    groups = await answer.json()
                labels = [[alert["labels"] for alert in group["alerts"]] for group in groups]
                if sum(map(len, labels)) >= count:
                    return labels
                await asyncio.sleep(0.05)

    async def is_ready(self) -> bool:
        """Return True if it answers."""
        try:
            async with self._http.get(f"{self._url}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectorError:
            return False


@asynccontextmanager
async def alertmanager(
    folder: Path, slack: dict[str, Any], *, group_interval: str
) -> AsyncIterator[Alertmanager]:
    """Run one that notifies for each group at once, and retries after `group_interval`.

    `slack` is its receiver's slack_config.
    """
    file = _configured(folder, slack, group_interval)
    with kept_port() as port:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            f"--config.file={file}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as http:
                started = Alertmanager(f"http://127.0.0.1:{port}", http)
                async with asyncio.timeout(START_SECONDS):
                    while not await started.is_ready():
                        if process.returncode is not None:
                            raise RuntimeError("Alertmanager does not take its config")
                        await asyncio.sleep(0.05)
                yield started
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _configured(folder: Path, slack: dict[str, Any], group_interval: str) -> Path:
    folder.mkdir()
    route = {
        "receiver": "slack",
        "group_by": ["alertname", "env", "service"],
        "group_wait": "0s",
        "group_interval": group_interval,
        "repeat_interval": "4h",
    }
    receivers = [{"name": "slack", "slack_configs": [slack]}]
    file = folder / "alertmanager.yml"
    file.write_text(json.dumps({"route": route, "receivers": receivers}))
    return file
