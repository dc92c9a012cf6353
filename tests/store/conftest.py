"""One store for each engine that keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store import Store
from tests.helpers.databases import PostgresDatabase
from tests.helpers.stores import ENGINES, PostgresStorage, Storage


@pytest.fixture
def database(own_database: PostgresDatabase) -> str:
    """The URL of an empty PostgreSQL database."""
    return own_database.url


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The contract holds on SQLite in memory and on PostgreSQL.

    A file is the same engine as memory, so only the tests marked `sqlite_file` run on it too: those
    in which several processes use one store.
    """
    chosen = hasattr(metafunc.module, "storage") or any(
        marker.args[0] == "storage" for marker in metafunc.definition.iter_markers("parametrize")
    )
    if "storage" in metafunc.fixturenames and not chosen:
        engines = ["sqlite-memory", "postgresql"]
        if metafunc.definition.get_closest_marker("sqlite_file"):
            engines.insert(0, "sqlite-file")
        metafunc.parametrize("storage", engines, indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Coverage needs one engine: `test_postgres*.py` measure the lines of the other one."""
    case = getattr(item, "callspec", None)
    if case is not None and case.params.get("storage") == "postgresql":
        item.add_marker(pytest.mark.unmeasured)


@pytest.fixture
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """Yield where an engine keeps its data, opened by the test as often as it likes."""
    if request.param == "postgresql":
        where: Storage = PostgresStorage(request.getfixturevalue("database"))
    else:
        where = ENGINES[request.param](tmp_path)
    yield where
    await where.close()


@pytest.fixture
async def store(storage: Storage) -> Store:
    """The bot's own store: owner bot-a."""
    return await storage.open("bot-a")
