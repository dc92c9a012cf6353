"""`operate.memory`: the bot's peak memory with 10,000 open incidents in its store.

The store is filled, then a bot starts on it, takes 300 alerts of other services, shows an incident
list and a Home tab, and runs every step by time at least once, but for the hourly one.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from benchmarks.noise_correlation import alert
from benchmarks.open_incidents import open_many
from benchmarks.results import Bar, Result
from benchmarks.senders import slack_event, word
from benchmarks.stage import CHANNEL, child, surroundings
from store import open_store
from tests.helpers.databases import SqliteDatabase
from tests.helpers.waiting import until

OPEN = 10_000  # incidents
ALERTS = 300
SECONDS = 70.0  # every step by time but the hourly one runs each minute
WAIT = 240.0


async def run() -> list[Result]:
    """Return the peak of the resident memory (VmHWM), in MB (10⁶ bytes)."""
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        file = around.folder / "bot.db"
        store = await open_store(f"sqlite:///{file}", owner="bench")
        await open_many(store, alert(0, 1), OPEN, datetime.now(UTC))
        await store.close()
        bot = await parts.enter_async_context(child(["bot"], around.settings()))
        at_start = bot.peak_rss_mb()
        for number in range(ALERTS):
            ts = around.slack.core.workspace.next_ts()
            service = f"shop-{word(number)}"
            around.slack.send_event(slack_event(CHANNEL, ts, service=service, instance="a"))
        await around.slack.as_user("ana").command("/incident list", CHANNEL)
        rows = SqliteDatabase(file)
        opened = f"SELECT COUNT(*) >= {OPEN + ALERTS} AS done FROM incidents"  # noqa: S608 - numbers
        await until(lambda: rows.rows(opened)[0]["done"], WAIT, "every alert is an incident")
        await asyncio.sleep(SECONDS)
        peak = bot.peak_rss_mb()
    detail = {"open": OPEN + ALERTS, "after_start_mb": at_start, "seconds": SECONDS}
    return [Result("operate.memory", peak, "MB", bar=Bar(120, "MB"), detail=detail)]
