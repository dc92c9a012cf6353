"""Storages of each engine for tests: in memory, in a file, in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.approvals.model import Execution
from bot.configuration import Configuration, LiveConfiguration
from bot.policy import Correlate, Policy
from store import Store, open_store
from store.operations import idempotency
from store.rows import execution_from
from store.statements import Operation, query
from tests.helpers.builders import AUDIT_KEY


def gathering(seconds: float) -> LiveConfiguration:
    """A configuration by which repeats of an alert gather for so long before the card changes."""
    correlate = Correlate(card_update_seconds=seconds)
    return LiveConfiguration(Configuration(Policy(correlate=correlate)))


async def write_key(store: Store, key: str, now: datetime) -> bool:
    """The smallest write there is. True the first time that the store sees the key."""
    return await store._write(idempotency.first_time, key, now)


async def executions_of(store: Store, incident_id: int) -> list[Execution]:
    """Every execution of an incident, oldest first."""
    return await store._engine.read(_executions_of, incident_id)


def _executions_of(incident_id: int) -> Operation[list[Execution]]:
    rows = yield query(
        "SELECT * FROM executions WHERE incident_id = ? ORDER BY created_at", incident_id
    )
    return [execution_from(row) for row in rows]


class Storage(Protocol):
    """The data of an engine; every store that a test opens on it sees the same rows."""

    async def open(self, owner: str = "bot-a", *, card_update_seconds: float = 1.0) -> Store: ...

    async def close(self) -> None: ...


@dataclass
class SqliteFileStorage:
    """A file; each store is a process of its own as far as SQLite can tell."""

    folder: Path
    stores: list[Store] = field(default_factory=list)

    async def open(self, owner: str = "bot-a", *, card_update_seconds: float = 1.0) -> Store:
        url = f"sqlite:///{self.folder / 'sopbot.db'}"
        store = await open_store(
            url, owner=owner, config=gathering(card_update_seconds), audit_key=AUDIT_KEY
        )
        self.stores.append(store)
        return store

    async def close(self) -> None:
        for store in self.stores:
            await store.close()


@dataclass
class SqliteMemoryStorage:
    """One connection in memory, shared by the stores of a test."""

    folder: Path
    stores: list[Store] = field(default_factory=list)

    async def open(self, owner: str = "bot-a", *, card_update_seconds: float = 1.0) -> Store:
        if self.stores:
            engine = self.stores[0]._engine
            return Store(
                engine, owner=owner, config=gathering(card_update_seconds), audit_key=AUDIT_KEY
            )
        store = await open_store(
            "sqlite://", owner=owner, config=gathering(card_update_seconds), audit_key=AUDIT_KEY
        )
        self.stores.append(store)
        return store

    async def close(self) -> None:
        for store in self.stores:
            await store.close()


@dataclass
class PostgresStorage:
    """A PostgreSQL database; each store is a process of its own as far as it can tell."""

    url: str
    stores: list[Store] = field(default_factory=list)

    async def open(self, owner: str = "bot-a", *, card_update_seconds: float = 1.0) -> Store:
        store = await open_store(
            self.url, owner=owner, config=gathering(card_update_seconds), audit_key=AUDIT_KEY
        )
        self.stores.append(store)
        return store

    async def close(self) -> None:
        for store in self.stores:
            await store.close()


ENGINES: dict[str, Callable[[Path], Storage]] = {
    "sqlite-file": SqliteFileStorage,
    "sqlite-memory": SqliteMemoryStorage,
}
"""One more engine is one more line here."""
