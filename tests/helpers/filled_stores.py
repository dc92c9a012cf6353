"""Stores as wholes: where they are, what they hold, and somebody in the middle of moving one."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from store import open_store
from store.admin import condition
from store.admin.locations import file_of, reading
from store.engines.dialects import statement_for_postgres
from store.engines.tables import kept
from tests.helpers.every_state import fill
from tests.helpers.postgres import PostgresServer

ROOT = Path(__file__).parents[2]

ENGINES = ("sqlite", "postgresql")
MORE = 600  # alerts in a store that travels in several batches


class StoreMaker:
    """Makes stores: empty, or filled. What is filled is filled once, and copied."""

    def __init__(self, folder: Path, server: Callable[[], PostgresServer]) -> None:
        self._folder = folder
        self._server = server
        self._numbers = itertools.count(1)

    def empty(self, engine: str, *, migrated: bool = True) -> str:
        """Return where nothing is; a database has its tables, unless it should not."""
        if engine == "postgresql":
            return self._server().database(migrated=migrated)
        return f"sqlite:///{self._folder / f'store-{next(self._numbers)}.db'}"

    def filled(self, engine: str, more: int = 0) -> str:
        """A store with a bit of everything, and so many alerts."""
        original = self._original(engine, more)
        if engine == "postgresql":
            server = self._server()
            name = next(server._names)
            server._create(name, original.rpartition("/")[2])
            return server.url_of(name)
        url = self.empty(engine)
        shutil.copy(original.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))
        return url

    @cache  # noqa: B019 - it lives as long as the run
    def _original(self, engine: str, more: int) -> str:
        url = self.empty(engine)
        fill(url, more)
        return url


def bot_lives(url: str) -> None:
    """A replica has a lease there, and a claim."""

    async def live() -> None:
        store = await open_store(url, owner="bot-alive", lease_seconds=3600)
        await store.replica.renew(store.clock())
        assert await store.replica.leads("job/prune", store.clock())
        await store.close()

    asyncio.run(live())


def bot_ends(url: str) -> None:
    """It leaves in order."""

    async def leave() -> None:
        store = await open_store(url, owner="bot-alive")
        await store.replica.leave()
        await store.close()

    asyncio.run(leave())


def change(url: str, sql: str, *parameters: object) -> None:
    """Behind everybody's back."""
    file = file_of(url)
    if file:
        with closing(sqlite3.connect(file)) as plain, plain:
            plain.execute(sql, parameters)
    else:
        with psycopg.connect(url) as connection:
            connection.execute(statement_for_postgres(sql), parameters)


def from_the_future(url: str, step: str = "m999_contract_tomorrow") -> None:
    """Pretend that a newer sopbot has changed the schema."""
    if file_of(url):
        sql = (
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('sopbot', ?, '2030-01-01')"
        )
    else:
        sql = "INSERT INTO sopbot_migrations (name) VALUES (?)"
    change(url, sql, step)


class Silent:
    """A Progress that nobody watches; it remembers the stages."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.decided = False

    def begin(self, stage: str, total: int, unit: str) -> None:
        self.stages.append(stage)

    def advance(self, by: int) -> None:
        assert by >= 0

    def decide(self) -> None:
        self.decided = True


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that a store remembers, but for what it notes for itself."""
    with reading(url) as end:
        return {
            table.name: [
                tuple(row)
                for batch in end.rows(table, "1 = 1")
                for row in batch
                if table.name != "deliveries" or not str(row[0]).startswith(("ping", "copied/"))
            ]
            for table in kept()
        }


def is_whole(url: str) -> bool:
    """Return whether every invariant holds there."""
    result = condition.read_condition(url)
    assert not result.broken, [str(item) for item in result.broken.values()]
    return True


@contextmanager
def in_the_middle(verb: str, source: str, target: str) -> Iterator[subprocess.Popen[str]]:
    """A process that moves a store, and waits half way; killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.store_mover", verb, source, target],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        try:
            yield process
        finally:
            process.kill()
