"""(c) Alerts of 20 groups, one per message through Slack, one per request through HTTP.

Measured from the first one sent until the store has written and folded all. Every alert has its own
fingerprint. The floors are a bare Bolt app and a bare aiohttp server, both with grouped fsynced
writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.bare_writer import open_rows
from benchmarks.results import Bar, Result
from benchmarks.senders import slack_event, word
from benchmarks.stage import (
    CHANNEL,
    ROOT,
    Child,
    bare_gateway,
    bare_settings,
    bot_settings,
    child,
    clean_environment,
    local_slack,
    workspace,
)
from bot.simulator import LocalSlack

ALERTS = 10_000
GROUPS = 20
ROUNDS = 2
LONG = 25.0  # seconds: no further round starts after that
UNACKED = 500  # unacknowledged envelopes at most: Slack redelivers an envelope after 3 s
CONNECTIONS = 64
WAIT = 180.0  # a slow machine's storm is a slow figure, not a failure
LOOK = 0.01  # seconds between reads of the store

FOLDED = "SELECT COALESCE(SUM(alert_count), 0), COUNT(*) FROM incidents"
WRITTEN = "SELECT COALESCE(MAX(id), 0), 0 FROM rows"


@dataclass(frozen=True, slots=True)
class Storm:
    """One storm: alerts per second, the program's peak memory in MB and processor time in s."""

    per_second: float
    rss_mb: float
    cpu_seconds: float
    detail: dict[str, Any]


class Watch:
    """Reads a program's database from outside until all alerts are there."""

    def __init__(self, file: Path, sql: str, alerts: int) -> None:
        self._connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        self._sql = sql
        self._alerts = alerts

    async def until_all(self) -> tuple[float, int]:
        """Return (time, number of groups). TimeoutError with the count reached."""
        deadline = time.time() + WAIT
        while (row := self._connection.execute(self._sql).fetchone())[0] < self._alerts:
            if time.time() > deadline:
                raise TimeoutError(f"{row[0]} of {self._alerts} after {WAIT:g} s")
            await asyncio.sleep(LOOK)
        self._connection.close()
        return time.time(), row[1]


async def through_slack(slack: LocalSlack, alerts: int) -> float:
    """Send the alerts, at most UNACKED unacknowledged. Returns the time of the first."""
    links, more = slack.core.links, asyncio.Event()
    events = [
        slack_event(
            CHANNEL,
            slack.core.workspace.next_ts(),
            service=f"shop-{word(number % GROUPS)}",
            instance=word(number),
        )
        for number in range(alerts)
    ]
    links.on_change = more.set
    began = time.time()
    for event in events:
        while links.unacknowledged() >= UNACKED:
            more.clear()
            await more.wait()
        slack.send_event(event)
    return began


async def through_http(url: str, alerts: int) -> dict[str, Any]:
    """Send the alerts from another process. Returns that process's report."""
    where = urlsplit(url)
    arguments = [where.hostname or "", where.port or 0, alerts, CONNECTIONS, GROUPS]
    sender = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.http_sender",
        *map(str, arguments),
        env=clean_environment(),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(sender.communicate(), WAIT)
    return dict(json.loads(output))


async def storm(endpoint: str, side: str, alerts: int) -> Storm:
    """Run one storm against a new program on a new store.

    `endpoint` is slack or http; `side` is bot or bare.
    """
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(workspace())
        slack, _ = await parts.enter_async_context(local_slack())
        file, sql = ("bot.db", FOLDED) if side == "bot" else ("bare.db", WRITTEN)
        if side == "bare":
            open_rows(folder / file).close()
        program = await parts.enter_async_context(_program(endpoint, side, slack, folder))
        before = program.cpu_seconds()
        watch = Watch(folder / file, sql, alerts)
        sending = asyncio.create_task(watch.until_all())
        detail: dict[str, Any] = {}
        try:
            if endpoint == "slack":
                began = await through_slack(slack, alerts)
            else:
                detail = await through_http(program.url, alerts)
                began = detail.pop("began")
            ended, groups = await sending
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        if side == "bot":
            assert groups == GROUPS, f"{groups} incidents"
        cpu = program.cpu_seconds() - before
        return Storm(alerts / (ended - began), program.peak_rss_mb(), cpu, detail)


@asynccontextmanager
async def _program(
    endpoint: str, side: str, slack: LocalSlack, folder: Path
) -> AsyncIterator[Child]:
    async with AsyncExitStack() as parts:
        if side == "bot":
            gateway = await parts.enter_async_context(bare_gateway())
            started = child(["bot"], bot_settings(slack, gateway, folder))
        elif endpoint == "slack":
            settings = bare_settings(slack, "", folder)
            started = child(["benchmarks.bare_bolt", "write"], settings)
        else:
            started = child(["benchmarks.bare_http"], bare_settings(slack, "", folder))
        yield await parts.enter_async_context(started)


async def run() -> list[Result]:
    """Measure bot and floor in turn, through each endpoint."""
    done: dict[tuple[str, str], list[Storm]] = {}
    began = time.monotonic()
    for _ in range(ROUNDS):
        if time.monotonic() - began > LONG:
            break  # this machine is slow: one round is enough
        for endpoint in ("slack", "http"):
            for side in ("bot", "bare"):
                done.setdefault((endpoint, side), []).append(await storm(endpoint, side, ALERTS))
    return results(done)


def results(done: dict[tuple[str, str], list[Storm]]) -> list[Result]:
    """Return the faster of the rounds for each; for memory the worst of all."""
    lines = []
    for endpoint in ("slack", "http"):
        best = max(done[endpoint, "bot"], key=lambda measured: measured.per_second)
        floor = max(measured.per_second for measured in done[endpoint, "bare"])
        detail = {
            "alerts": ALERTS,
            "rounds_per_s": [measured.per_second for measured in done[endpoint, "bot"]],
            "floor_rounds_per_s": [measured.per_second for measured in done[endpoint, "bare"]],
            "cpu_us_per_alert": best.cpu_seconds / ALERTS * 1e6,
            **best.detail,
        }
        bar = Bar(2000, "/s", at_least=True)
        lines.append(
            Result(f"spine.storm.{endpoint}", best.per_second, "alerts/s", floor, bar, detail)
        )
    held = {
        side: [measured for key in done if key[1] == side for measured in done[key]]
        for side in ("bot", "bare")
    }
    value, floor = (max(measured.rss_mb for measured in held[side]) for side in ("bot", "bare"))
    lines.append(Result("spine.storm.rss", value, "MB", floor, Bar(120, "MB")))
    slowest = min(lines[:2], key=lambda measured: measured.value)
    whole = Result(
        "spine.storm", slowest.value, "alerts/s", slowest.floor, slowest.bar, covers=tuple(lines)
    )
    return [whole, *lines]


async def growth(sizes: tuple[int, ...] = (1_000, 10_000, 50_000)) -> list[dict[str, Any]]:
    """Run one storm of each size through each endpoint: does an alert cost more in a larger one?"""
    rows = []
    for alerts in sizes:
        for endpoint in ("slack", "http"):
            measured = await storm(endpoint, "bot", alerts)
            rows.append(
                {
                    "alerts": alerts,
                    "door": endpoint,
                    "per_second": round(measured.per_second),
                    "cpu_us": round(measured.cpu_seconds / alerts * 1e6),
                    "rss_mb": round(measured.rss_mb, 1),
                }
            )
    return rows
