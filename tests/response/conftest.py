"""One bench for all that dispatches; a test file with another gateway overrides `gateway`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from store import open_store
from tests.helpers.builders import AUDIT_KEY
from tests.helpers.incident_bench import Bench, Gateway


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def bench(gateway: Gateway) -> AsyncIterator[Bench]:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    yield Bench(store, gateway)
    await store.close()
