"""`python -m benchmarks.engine_costs [SIZE …]`: the cost of an alert on each engine, as Markdown.

Milliseconds of `Store.accept`, one at a time, for an alert that opens an incident and for one that
joins; transactions by the server's own count; then rows and bytes on the disk after storms of each
size (100 groups, each fingerprint different).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.senders import slack_event, word
from benchmarks.servers import postgres
from benchmarks.stage import CHANNEL, workspace
from bot.incidents.sops import SopLibrary
from bot.intake import parse_message
from bot.response.receive import Delivery, name_all
from store import Store, open_store
from tests.helpers.databases import Database, PostgresDatabase, SqliteDatabase

SIZES = (1_000, 50_000)
TIMED = 200  # timed alerts of each kind
GROUPS = 100
AT_ONCE = 32
TABLES = ("alerts", "deliveries", "firing", "incidents", "outbox", "timeline", "advice", "sop_map")


async def accept(store: Store, number: int, service: str) -> None:
    """Accept one alert with its own fingerprint."""
    now = store.clock()
    event = slack_event(CHANNEL, f"1.{number:06}", service=service, instance=word(number))
    delivery = Delivery(f"bench-{number}", CHANNEL, parse_message(event).alerts, sent_at=now)
    named = list(name_all(delivery, SopLibrary(), now))
    await store.accept(delivery.key, named, channel=CHANNEL, now=now)


async def timed(url: str) -> tuple[float, float]:
    """Return the median milliseconds of an alert that opens an incident, and of one that joins."""
    store = await open_store(url, owner="bench", exclusive=True)
    taken: tuple[list[float], list[float]] = ([], [])
    try:
        for number in range(TIMED):
            for kind, service in enumerate((f"new-{word(number)}", "shop")):
                began = time.perf_counter()
                await accept(store, number * 2 + kind, service)
                taken[kind].append((time.perf_counter() - began) * 1000)
    finally:
        await store.close()
    return median(taken[0]), median(taken[1])


async def fill(url: str, alerts: int) -> None:
    """Store a storm, a few alerts at once."""
    store = await open_store(url, owner="bench", exclusive=True)
    numbers = iter(range(alerts))

    async def worker() -> None:
        for number in numbers:
            await accept(store, number, f"shop-{word(number % GROUPS)}")

    try:
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    finally:
        await store.close()


def rows(store: Database) -> int:
    """Return the number of rows that a storm left."""
    counts = " + ".join(f"(SELECT COUNT(*) FROM {table})" for table in TABLES)  # noqa: S608 - constants
    return int(store.rows(f"SELECT {counts}")[0][0])


@contextmanager
def sqlite() -> Iterator[SqliteDatabase]:
    """Open a file on the disk of this repository."""
    with workspace() as folder:
        yield SqliteDatabase(folder / "bot.db")


def size_of_file(file: Path) -> int:
    """Return the bytes; an orderly end has merged the log."""
    return file.stat().st_size


def main(sizes: tuple[int, ...]) -> None:
    """Measure, and print two tables."""
    print("| engine | new incident, ms | joins, ms |\n|---|---:|---:|")
    storms = []
    with postgres() as server:
        with sqlite() as file:
            print("| SQLite | {:.2f} | {:.2f} |".format(*asyncio.run(timed(file.url))))
        print("| PostgreSQL | {:.2f} | {:.2f} |".format(*asyncio.run(timed(server.database()))))
        for alerts in sizes:
            with sqlite() as file:
                empty = _made(file)
                asyncio.run(fill(file.url, alerts))
                bytes_each = (size_of_file(file.file) - empty) / alerts
                storms.append(("SQLite", alerts, rows(file) / alerts, bytes_each))
            with closing(PostgresDatabase(server.database())) as there:
                size = "SELECT pg_database_size(current_database())"
                empty = int(there.rows(size)[0][0])
                asyncio.run(fill(there.url, alerts))
                bytes_each = (int(there.rows(size)[0][0]) - empty) / alerts
                storms.append(("PostgreSQL", alerts, rows(there) / alerts, bytes_each))
    print("\n| engine | alerts | rows each | bytes each |\n|---|---:|---:|---:|")
    for engine, alerts, rows_each, bytes_each in storms:
        print(f"| {engine} | {alerts:,} | {rows_each:.2f} | {bytes_each:,.0f} |")


def _made(file: SqliteDatabase) -> int:
    asyncio.run(fill(file.url, 0))
    return size_of_file(file.file)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
