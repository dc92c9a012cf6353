"""A step is logged once it is durable: never when it was undone, once when it was run again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bot.errors import Refused, StoreError
from bot.observability.events import Event
from store import Store
from store.log_events import log_event
from store.statements import Operation, run, to_db_time
from tests.helpers.builders import NOW, alert, identify, open_incident


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    caplog.set_level(logging.DEBUG, "bot.events")

    def events(name: Event) -> list[dict[str, Any]]:
        items = [record for record in caplog.records if record.getMessage() == name]
        return [record.__dict__["fields"] for record in items]

    return events


def works(key: str) -> Operation[None]:
    yield log_event(Event.FREEZE_SET, actor=key)
    yield run("INSERT INTO deliveries (key, seen_at) VALUES (?, ?)", key, to_db_time(NOW))


def is_refused() -> Operation[None]:
    yield log_event(Event.FREEZE_SET, actor="refused")
    raise Refused("no")


def breaks() -> Operation[None]:
    yield log_event(Event.FREEZE_SET, actor="broken")
    yield run("INSERT INTO deliveries (key, seen_at) VALUES ('broken', NULL)")


async def test_a_step_that_was_undone_is_not_logged(store: Store, logged: Any) -> None:
    with pytest.raises(Refused):
        await store._write(is_refused)
    with pytest.raises(StoreError):
        await store._write(breaks)
    assert logged(Event.FREEZE_SET) == []


async def test_a_step_that_is_run_again_beside_one_that_breaks_is_logged_once(
    store: Store, logged: Any
) -> None:
    done = await asyncio.gather(
        store._write(works, "a"),
        store._write(breaks),
        store._write(works, "b"),
        return_exceptions=True,
    )
    assert isinstance(done[1], StoreError)
    assert sorted(fields["actor"] for fields in logged(Event.FREEZE_SET)) == ["a", "b"]


async def test_a_step_of_an_incident_is_logged_with_its_number_sop_and_tracking_id(
    store: Store, logged: Any
) -> None:
    receipt = await store.accept("k", [identify(alert())], channel="C1", now=NOW)
    (incident_id,) = receipt.opened
    await store.acknowledge(incident_id, "U1", NOW)
    incident = await store.incident(incident_id)
    (opened,), (acknowledged,) = (
        logged(Event.INCIDENT_OPENED),
        logged(Event.INCIDENT_ACKNOWLEDGED),
    )
    for fields in (opened, acknowledged):
        assert fields["incident"] == f"INC-{incident_id}"
        assert fields["sop_id"] == incident.sop_id
        assert fields["tracking_id"] == incident.tracking_id
    assert acknowledged["actor"] == "U1"
    await store.acknowledge(incident_id, "U2", NOW)
    assert len(logged(Event.INCIDENT_ACKNOWLEDGED)) == 1, "a second one changes nothing"


async def test_the_log_says_what_advice_took_and_whether_it_is_used_again(
    store: Store, logged: Any
) -> None:
    incident = await open_incident(store)
    taken = await store.claim_advice(NOW)
    assert taken is not None
    body = {"source": "Amazon Q", "seconds": 8.25, "answered_at": "2026-11-27T14:02:00Z"}
    await store.give_advice(taken.id, body, "text", NOW)
    [fields] = logged(Event.ADVICE_GIVEN)
    assert (fields["advice_ms"], fields["answered_at"]) == (8250, "2026-11-27T14:02:00Z")
    assert fields["tracking_id"] == incident.tracking_id
    assert await store.turns(incident.sop_id) == [], "what is used again is no new turn"
