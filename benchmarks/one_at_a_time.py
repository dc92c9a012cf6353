"""Sends 200 requests for one target at the same time: the gateway runs one after the other.

Each runs a program that makes a folder of its own, counts the folders, and removes its own. The
figure is the greatest number of programs that ran at once.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from benchmarks.results import Bar, Result
from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.remediation.client import ActionCall, GatewayClient

REQUESTS = 200
_CALL = ActionCall(action_id="queue.work", target="queue")
_PROGRAM = 'mkdir "$1/now/$$" && ls "$1/now" | wc -l >> "$1/counts" && rmdir "$1/now/$$"'


async def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="sopbot-one-") as name:
        folder = Path(name)
        (folder / "now").mkdir()
        began = time.perf_counter()
        succeeded = await _send(folder)
        seconds = time.perf_counter() - began
        counts = [int(line) for line in (folder / "counts").read_text().split()]
    ran = Result("gateway.one_at_a_time.ran", len(counts), "", None, Bar(REQUESTS, at_least=True))
    answered = Result(
        "gateway.one_at_a_time.answered", succeeded, "", None, Bar(REQUESTS, at_least=True)
    )
    detail = {"requests": REQUESTS, "seconds": round(seconds, 2)}
    most = Result("gateway.one_at_a_time", max(counts), "at once", None, Bar(1), detail)
    return [most, answered, ran]


async def _send(folder: Path) -> int:
    """Return how many requests were answered with success."""
    command = {
        "title": "Work on the queue",
        "argv": ["/bin/sh", "-c", _PROGRAM, "work", str(folder)],
        "targets": ["queue"],
    }
    config = read_config(
        {
            "listen": {"port": 0},
            "state_dir": str(folder / "state"),
            # All wait for the same target, and each for its turn; none for a connection.
            "limits": {"queue_seconds": 60, "connections_per_address": REQUESTS * 2},
            "targets": {"queue": {"executor": "command"}},
            "commands": {"queue.work": command},
        }
    )
    connector = aiohttp.TCPConnector(limit=0)
    async with running(config) as gateway, aiohttp.ClientSession(connector=connector) as session:
        client = GatewayClient(
            session, url=gateway.url, timeout=120, source_id="bench", secret="",
            clock=lambda: datetime.now(UTC),
        )  # fmt: skip
        outcomes = await asyncio.gather(
            *[client.execute(_CALL, key=f"key-{number}") for number in range(REQUESTS)]
        )
    return sum(outcome.state == "succeeded" for outcome in outcomes)
