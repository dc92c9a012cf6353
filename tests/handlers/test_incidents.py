"""The card's buttons count only on a message of their incident."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import Refused
from handlers.listeners.incidents import incident_of_press
from store import Store, open_store
from tests.helpers.builders import CHANNEL, NOW, open_incident


class NotedMeanwhile:
    """A store in which the ts of the card is recorded between the two lookups of a press."""

    def __init__(self, store: Store, ts: str) -> None:
        self._store = store
        self._ts = ts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def incident_of_message(self, channel: str, ts: str) -> Any:
        shown = await self._store.incident_of_message(channel, ts)
        (card,) = await self._store.outbox_due(CHANNEL, NOW)
        await self._store.outbox_sent(card, self._ts)
        return shown


class FakeService:
    """The part of the incident service that a press uses."""

    def __init__(self, store: Any) -> None:
        self.store = store


def pressed(ts: str) -> dict[str, Any]:
    return {"channel": {"id": CHANNEL}, "message": {"ts": ts}}


@pytest.fixture
async def store():
    opened_store = await open_store("sqlite://", owner="bot")
    yield opened_store
    await opened_store.close()


async def test_a_press_before_the_ts_of_the_card_is_stored_counts(store: Store) -> None:
    incident = await open_incident(store)
    service: Any = FakeService(NotedMeanwhile(store, "1.000001"))
    shown = await incident_of_press(pressed("1.000001"), {"value": str(incident.id)}, service)
    assert shown.id == incident.id


async def test_a_press_on_another_message_is_refused_before_the_ts_is_stored_too(
    store: Store,
) -> None:
    incident = await open_incident(store)
    service: Any = FakeService(NotedMeanwhile(store, "1.000001"))
    with pytest.raises(Refused, match="not on a message"):
        await incident_of_press(pressed("2.000002"), {"value": str(incident.id)}, service)
