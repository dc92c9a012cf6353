"""Alerts in every store: written once, folded into the right incident."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.incidents.model import AlertStatus, Hyperlink, IncidentStatus, Severity
from store import Store
from store.statements import Operation, query
from tests.helpers.builders import (
    CHANNEL,
    NOW,
    alert,
    deliver,
    identify,
    later,
    open_incident,
    resolved,
)
from tests.helpers.retention import limits
from tests.helpers.stores import Storage, write_key


async def test_a_firing_alert_opens_an_incident_that_says_what_the_alert_said(
    store: Store,
) -> None:
    item = alert(
        region="eu-west-1",
        value="93 %",
        threshold="90 %",
        text="CPU is hot",
        labels={"pod": "web-1"},
        links=(Hyperlink("Graph", "https://graphs.example/1"),),
        starts_at=later(-60),
    )
    receipt = await store.accept(
        "d1", [identify(item, tracking_id="req-mine")], channel=CHANNEL, now=NOW
    )
    assert (receipt.accepted, receipt.duplicates) == (1, 0)
    assert receipt.tracking_ids == ("req-mine",)
    assert receipt.incident_ids == receipt.opened
    incident = await store.incident(receipt.opened[0])
    assert incident.status is IncidentStatus.OPEN
    assert incident.severity is Severity.HIGH
    assert (incident.env, incident.region, incident.service) == ("prod", "eu-west-1", "web")
    assert (incident.value, incident.threshold, incident.text) == ("93 %", "90 %", "CPU is hot")
    assert incident.labels == {"pod": "web-1"}
    assert incident.links == (Hyperlink("Graph", "https://graphs.example/1"),)
    assert (incident.channel, incident.tracking_id) == (CHANNEL, "req-mine")
    assert incident.incident_key == "prod|web|cpu|high"
    assert incident.sop_id == "sop_e3389dc114b9"
    assert incident.opened_at == later(-60)
    assert (incident.alert_count, incident.firing) == (1, 1)
    assert incident.number == f"INC-{incident.id}"


async def test_a_start_time_in_the_future_is_not_believed(store: Store) -> None:
    incident = await open_incident(store, starts_at=later(3600))
    assert incident.opened_at == NOW


@pytest.mark.parametrize("year", [1, 900, 1969, 2026])
async def test_any_start_time_in_the_past_is_kept_and_read_back(store: Store, year: int) -> None:
    began = datetime(year, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    incident = await open_incident(store, starts_at=began)
    assert incident.opened_at == began
    latest = await store.latest_alert(incident.id)
    assert latest is not None
    assert latest.starts_at == began


async def test_the_whole_alert_is_kept_as_it_came(store: Store) -> None:
    item = alert(
        annotations={"summary": "hot"},
        severity_raw="page",
        starts_at=later(-5),
        ends_at=later(5),
        links=(Hyperlink("Graph", "https://graphs.example/1"),),
        raw={"labels": [1, None, {"deep": True}]},
    )
    assert await store.latest_alert(await deliver(store, item)) == item


async def test_the_latest_alert_is_the_newest_one_that_fires(store: Store) -> None:
    incident_id = await deliver(store, alert(value="1"))
    await deliver(store, alert(value="2", fingerprint="fp-2"))
    await deliver(store, resolved(value="3", fingerprint="fp-2"))
    latest = await store.latest_alert(incident_id)
    assert latest is not None
    assert latest.value == "2"
    assert await store.latest_alert(999) is None


async def test_the_same_delivery_key_changes_nothing_the_second_time(store: Store) -> None:
    first = await store.accept(
        "d1", [identify(alert(), dedup_key="a", tracking_id="req-1")], channel=CHANNEL, now=NOW
    )
    receipt = await store.accept(
        "d1",
        [identify(alert(), dedup_key="a", tracking_id="req-2")],
        channel=CHANNEL,
        now=later(5),
    )
    assert (receipt.accepted, receipt.duplicates, receipt.incident_ids, receipt.opened) == (
        0,
        1,
        (),
        (),
    )
    assert receipt.tracking_ids == ("req-1",), "the id that was given before is the one that traces"
    incident = await store.incident(first.opened[0])
    assert (incident.alert_count, incident.updated_at) == (1, NOW)


async def test_the_same_dedup_key_in_another_delivery_changes_nothing(store: Store) -> None:
    first = await store.accept("d1", [identify(alert(), dedup_key="a")], channel=CHANNEL, now=NOW)
    receipt = await store.accept(
        "d2",
        [identify(alert(), dedup_key="a"), identify(alert(fingerprint="fp-2"), dedup_key="b")],
        channel=CHANNEL,
        now=NOW,
    )
    assert (receipt.accepted, receipt.duplicates) == (1, 1)
    assert len(receipt.tracking_ids) == 1
    assert (await store.incident(first.opened[0])).alert_count == 2


async def test_a_delivery_without_alerts_is_remembered_and_opens_nothing(store: Store) -> None:
    receipt = await store.accept("d1", [], channel=CHANNEL, now=NOW)
    assert (receipt.accepted, receipt.duplicates) == (0, 0)
    assert await store.known_deliveries(["d1"]) == {"d1"}


@pytest.mark.sqlite_file
async def test_a_key_is_seen_for_the_first_time_exactly_once(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    answers = await asyncio.gather(
        *(write_key(store, "press-1", NOW) for store in (here, there) for _ in range(10))
    )
    assert answers.count(True) == 1
    assert await write_key(here, "press-2", NOW)


async def test_a_new_incident_gets_its_card_and_its_advice_wished_once(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await deliver(store, alert(fingerprint="fp-2"))
    card = await store.outbox_message(f"card:{incident_id}")
    assert card is not None
    assert (card.kind, card.channel, card.in_thread) == ("card", CHANNEL, False)
    first = await store.claim_advice(NOW)
    assert first is not None
    assert (first.incident_id, first.question) == (incident_id, "")
    assert await store.claim_advice(NOW) is None


# Tracing and memory


async def test_a_trace_shows_every_alert_of_a_tracking_id_oldest_first(store: Store) -> None:
    await store.accept("d1", [identify(alert(), tracking_id="req-1")], channel=CHANNEL, now=NOW)
    await store.accept(
        "d2", [identify(resolved(), tracking_id="req-1")], channel=CHANNEL, now=later(9)
    )
    traced = await store.trace("req-1")
    assert [(item.status, item.received_at) for item in traced] == [
        (AlertStatus.FIRING, NOW),
        (AlertStatus.RESOLVED, later(9)),
    ]
    assert (traced[0].source, traced[0].name, traced[0].severity) == (
        "alertmanager",
        "HighCpu",
        "high",
    )
    assert await store.trace("req-unknown") == []


async def test_the_sop_of_an_incident_key_is_the_one_it_was_mapped_to_last(store: Store) -> None:
    await deliver(store, alert(), sop_id="first-procedure")
    await deliver(store, resolved())
    await deliver(store, alert(), sop_id="second-procedure", at=later(900))
    assert await store.sop_of_key("prod|web|cpu|high") == "second-procedure"
    assert await store.sop_of_key("never|seen") is None


async def test_an_alert_that_brings_its_own_sop_id_takes_no_key_over(store: Store) -> None:
    await deliver(store, alert(), sop_id="our-procedure")
    await deliver(store, resolved())
    await deliver(store, alert(sop_id="their-procedure"), at=later(900))
    assert await store.sop_of_key("prod|web|cpu|high") == "our-procedure"


async def test_pruning_forgets_deliveries_and_raw_alerts_but_no_incident(store: Store) -> None:
    old = await deliver(store, alert())
    await deliver(store, resolved())
    still_open = await deliver(store, alert(service="api", fingerprint="fp-api"))
    month = NOW + timedelta(days=30)
    fresh = await deliver(store, alert(service="db", fingerprint="fp-db"), at=month)
    await deliver(store, resolved(service="db", fingerprint="fp-db"), at=month)

    gone = await store.prune(limits(later(1), later(1)))

    assert (gone["deliveries"], gone["alerts"]) == (3, 2)
    assert (await store.incident(old)).status is IncidentStatus.RESOLVED
    assert [entry.kind for entry in await store.timeline(old)] == ["opened", "resolved"]
    assert await store.latest_alert(old) is None
    assert await store.latest_alert(still_open) is not None
    assert await store.latest_alert(fresh) is not None
    assert not any((await store.prune(limits(later(1), later(1)))).values())


# Hostile text

HOSTILE = {
    "40,000 characters": "ö" * 40_000,
    "quotes and SQL": "'; DROP TABLE incidents; -- \" ? % :x",
    "every plane": "\U0010ffff\u202e\ufeff",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_any_storable_text_survives_in_every_field(store: Store, text: str) -> None:
    item = alert(
        title=text,
        text=text,
        name=text,
        service=text,
        value=text,
        fingerprint=text,
        labels={text: text},
        raw={text: text},
    )
    incident_id = await deliver(store, item)
    incident = await store.incident(incident_id)
    assert (incident.title, incident.text, incident.value) == (text, text, text)
    assert incident.labels == {text: text}
    assert await store.latest_alert(incident_id) == item
    assert await deliver(store, item) == incident_id, "the odd fingerprint still folds"


@pytest.mark.parametrize(
    ("broken", "kept"),
    [("half \ud83d emoji", "half \\ud83d emoji"), ("before\x00after", "before\\x00after")],
    ids=["a lone surrogate", "a NUL"],
)
async def test_what_no_database_takes_is_stored_as_an_escape_and_loses_no_alert(
    store: Store, broken: str, kept: str
) -> None:
    item = alert(title=broken, text=broken, name=broken, fingerprint=broken, labels={"a": broken})
    incident_id = await deliver(store, item)
    incident = await store.incident(incident_id)
    assert (incident.title, incident.text) == (kept, kept)
    assert await store.latest_alert(incident_id) == item, "JSON keeps it as it came"
    assert await deliver(store, item) == incident_id, "the same odd fingerprint folds"
    await store.note(incident_id, broken, broken, NOW)
    assert (await store.timeline(incident_id))[-1].text == kept
    assert await write_key(store, broken, NOW)
    assert not await write_key(store, broken, NOW)
    assert await store.trace(broken) == []


def _shared_parts() -> Operation[list[str]]:
    rows = yield query("SELECT body FROM shared_parts ORDER BY digest")
    return [row["body"] for row in rows]


async def test_what_alerts_of_a_delivery_share_is_kept_once_and_as_long_as_they_are(
    store: Store,
) -> None:
    shared = '{"externalURL":"http://am"}'
    for number in range(3):
        await deliver(
            store, alert(service=f"s{number}", fingerprint=f"f{number}", raw_shared=shared)
        )
    assert await store._engine.read(_shared_parts) == [shared]
    await store.prune(limits(later(86_400), later(86_400)))
    assert await store._engine.read(_shared_parts) == [shared], "their incidents are open"
    for number in range(3):
        await store.resolve(number + 1, "U0CAT", later(9))
    await store.prune(limits(later(86_400), later(86_400)))
    assert await store._engine.read(_shared_parts) == []


async def test_the_list_of_alerts_names_the_fields_that_were_guessed(store: Store) -> None:
    guessed = alert(read_from={"service": "guess", "env": "label env", "status": "guess"})
    incident_id = await deliver(store, guessed)
    [item] = (await store.grouped_alerts(incident_id, limit=5)).alerts
    assert item.guessed == ("service",)
