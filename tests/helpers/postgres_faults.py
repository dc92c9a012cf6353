"""Stores on PostgreSQL that a test disturbs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psycopg

from bot.errors import StoreError
from store import Store
from store.engines.postgres import PostgresEngine
from tests.helpers.builders import (
    NOW,
)
from tests.helpers.stores import PostgresStorage

SOON = 60  # seconds after which what must happen surely never will


@asynccontextmanager
async def two_stores(database: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two processes on one database."""
    storage = PostgresStorage(database)
    yield await storage.open("bot-a"), await storage.open("bot-b")
    await storage.close()


@asynccontextmanager
async def impatient(url: str) -> AsyncIterator[Store]:
    """A store that gives up waiting after two seconds."""
    engine = PostgresEngine(url, timeout=2.0)
    try:
        await engine.start()
        yield Store(engine, owner="bot-impatient")
    finally:
        await engine.close()


def beside(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the test's own, to another database of the same server."""
    return psycopg.connect(url, dbname="postgres", autocommit=True)


def terminate(url: str, query: str = "%") -> int:
    """End the backends whose last statement is like this, and see them gone. Returns how many."""
    with beside(url) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s AND query LIKE %s AND backend_type = 'client backend'",
            (urlsplit(url).path[1:], query),
        ).fetchall()
    return len(rows)


async def answers(store: Store) -> bool:
    try:
        await store.ping(NOW)
    except StoreError:
        return False
    return True
