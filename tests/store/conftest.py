"""One store for each engine that keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.contract import Store
from tests.store.shop import ENGINES, Place


@pytest.fixture(params=list(ENGINES))
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Where an engine keeps its data, opened by the test as often as it likes."""
    where = ENGINES[request.param](tmp_path)
    yield where
    await where.close()


@pytest.fixture
async def store(place: Place) -> Store:
    """The bot's own store: owner bot-a."""
    return await place.open("bot-a")
