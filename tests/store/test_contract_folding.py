"""Folding in every store: the incident that an alert joins, its severity, its end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.incidents.model import Alert, IncidentStatus, Severity
from store import Store
from tests.helpers.builders import (
    CHANNEL,
    NOW,
    alert,
    deliver,
    identify,
    later,
    resolved,
)
from tests.helpers.stores import Storage

# Folding


@pytest.mark.parametrize(
    ("second", "sop_id", "reason"),
    [
        (
            alert(service="", category="other", env=" PROD "),
            None,
            "same fingerprint",
        ),
        (
            alert(fingerprint="fp-2", name="Other", severity=Severity.LOW, service=" Web "),
            None,
            "same env, service and category",
        ),
        (
            alert(fingerprint="fp-2", category="latency"),
            "web-procedure",
            "same SOP ID, env and service",
        ),
    ],
    ids=["fingerprint", "scope whatever the severity", "SOP ID, env and service"],
)
async def test_an_alert_joins_the_open_incident_that_is_about_the_same(
    store: Store, second: Alert, sop_id: str | None, reason: str
) -> None:
    incident_id = await deliver(store, alert(), sop_id=sop_id)
    receipt = await store.accept(
        "d2",
        [identify(second, sop_id=sop_id, tracking_id="req-second")],
        channel=CHANNEL,
        now=NOW,
    )
    assert receipt.incident_ids == (incident_id,)
    assert receipt.opened == ()
    traced = await store.trace("req-second")
    assert [(item.incident_id, item.reason) for item in traced] == [(incident_id, reason)]


@pytest.mark.parametrize(
    ("second", "sop_id"),
    [
        (alert(fingerprint="fp-2", env="test"), None),
        (alert(fingerprint="fp-2", service="api"), None),
        (alert(fingerprint="fp-2", category="latency"), None),
        (alert(fingerprint="fp-2", service="api", category="latency"), "web-procedure"),
    ],
    ids=["env", "service", "category", "only the SOP ID is the same"],
)
async def test_an_alert_about_something_else_opens_its_own_incident(
    store: Store, second: Alert, sop_id: str | None
) -> None:
    first = await deliver(store, alert(), sop_id=sop_id)
    other = await deliver(store, second, sop_id=sop_id)
    assert other not in (0, first)
    assert len(await store.open_incidents()) == 2


async def test_strangers_that_name_no_service_do_not_fold_into_one_incident(store: Store) -> None:
    bare = {"env": "", "service": "", "category": ""}
    first = await deliver(store, alert(**bare, name="Disk", fingerprint="fp-1"))
    second = await deliver(store, alert(**bare, name="Mail", fingerprint="fp-2"))
    third = await deliver(store, alert(**bare, name="", fingerprint="fp-3"))
    fourth = await deliver(store, alert(**bare, name="", fingerprint="fp-4"))
    assert len({first, second, third, fourth}) == 4


@pytest.mark.sqlite_file
async def test_fifty_alerts_of_one_scope_at_once_open_one_incident(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    ids = await asyncio.gather(
        *(
            deliver(store, alert(fingerprint=f"fp-{number}-{store.owner}"))
            for number in range(25)
            for store in (here, there)
        )
    )
    assert len(set(ids)) == 1
    incident = await here.incident(ids[0])
    assert (incident.alert_count, incident.firing) == (50, 50)
    assert await here.incident_counts() == {"open": 1}


async def test_repeats_raise_the_count_and_keep_the_last_value(store: Store) -> None:
    incident_id = await deliver(store, alert(value="91 %"))
    await deliver(store, alert(value="97 %"), at=later(5))
    await deliver(store, alert(value=""), at=later(6))
    incident = await store.incident(incident_id)
    assert (incident.alert_count, incident.firing, incident.value) == (3, 1, "97 %")
    assert incident.updated_at == later(6)


# Severity


async def test_a_graver_alert_raises_the_severity_and_the_story_says_so(store: Store) -> None:
    incident_id = await deliver(store, alert(severity=Severity.MEDIUM))
    await deliver(store, alert(fingerprint="fp-2", severity=Severity.CRITICAL), at=later(1))
    assert (await store.incident(incident_id)).severity is Severity.CRITICAL
    items = [(entry.kind, entry.text) for entry in await store.timeline(incident_id)]
    assert ("severity", "Severity medium → critical") in items


async def test_of_equally_severe_alerts_the_longest_firing_is_shown(store: Store) -> None:
    incident_id = await deliver(store, alert(title="first", starts_at=later(-60)), at=NOW)
    other = {"fingerprint": "fp-2", "name": "Other"}
    await deliver(store, alert(**other, title="older", starts_at=later(-480)), at=later(1))
    third = {"fingerprint": "fp-3", "name": "Third"}
    await deliver(store, alert(**third, title="no start"), at=later(2))
    incident = await store.incident(incident_id)
    assert (incident.title, incident.display.since) == ("older", later(-480))
    await deliver(store, resolved(**other), at=later(3))
    incident = await store.incident(incident_id)
    assert (incident.title, incident.display.since) == ("first", later(-60))


async def test_an_alert_without_a_start_is_shown_since_it_first_came(store: Store) -> None:
    incident_id = await deliver(store, alert(title="first"))
    await deliver(store, alert(title="first", severity=Severity.CRITICAL), at=later(60))
    assert (await store.incident(incident_id)).display.since == NOW


async def test_the_alert_that_fires_alone_may_calm_down(store: Store) -> None:
    incident_id = await deliver(store, alert(severity=Severity.CRITICAL))
    await deliver(store, alert(severity=Severity.LOW))
    assert (await store.incident(incident_id)).severity is Severity.LOW


async def test_another_alert_never_hides_that_something_graver_fires(store: Store) -> None:
    incident_id = await deliver(store, alert(severity=Severity.CRITICAL))
    calm = alert(fingerprint="fp-2", severity=Severity.LOW)
    await deliver(store, calm)
    await deliver(store, calm)
    assert (await store.incident(incident_id)).severity is Severity.CRITICAL


async def test_once_the_graver_alert_is_over_the_other_one_may_calm_it(store: Store) -> None:
    incident_id = await deliver(store, alert(severity=Severity.CRITICAL))
    calm = alert(fingerprint="fp-2", severity=Severity.LOW)
    await deliver(store, calm)
    await deliver(store, resolved())
    await deliver(store, calm)
    assert (await store.incident(incident_id)).severity is Severity.LOW


# Resolving


async def test_an_incident_resolves_when_nothing_fires_any_more(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await deliver(store, resolved(), at=later(60))
    incident = await store.incident(incident_id)
    assert incident.status is IncidentStatus.RESOLVED
    assert (incident.resolved_at, incident.resolved_by, incident.firing) == (later(60), "", 0)
    items = [entry.text for entry in await store.timeline(incident_id)]
    assert items[-1] == "Resolved: the alert cleared"
    assert await store.outbox_message(f"resolved:{incident_id}") is not None


async def test_one_of_two_alerts_that_resolves_leaves_the_incident_open(store: Store) -> None:
    incident_id = await deliver(store, alert(), alert(fingerprint="fp-2"))
    await deliver(store, resolved())
    incident = await store.incident(incident_id)
    assert (incident.status, incident.firing) == (IncidentStatus.OPEN, 1)
    await deliver(store, resolved(fingerprint="fp-2"))
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED


async def test_a_resolve_whose_fingerprint_differs_closes_by_the_alerts_name(store: Store) -> None:
    incident_id = await deliver(store, alert(fingerprint="fp-firing"))
    await deliver(store, resolved(fingerprint="fp-resolved"))
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED


async def test_an_alert_that_was_renamed_is_closed_by_its_new_name_alone(store: Store) -> None:
    await deliver(store, alert(name="HighCpu", fingerprint="one"))
    await deliver(store, alert(name="HighLoad", fingerprint="one"))
    await deliver(store, resolved(name="HighCpu", fingerprint="other"))
    assert len(await store.open_incidents()) == 1
    await deliver(store, resolved(name="HighLoad", fingerprint="another"))
    assert await store.open_incidents() == []


async def test_a_resolve_of_another_name_closes_nothing(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await deliver(store, resolved(fingerprint="fp-2", name="Other"))
    incident = await store.incident(incident_id)
    assert (incident.status, incident.firing) == (IncidentStatus.OPEN, 1)


async def test_a_resolve_without_an_open_incident_is_kept_and_opens_nothing(store: Store) -> None:
    receipt = await store.accept(
        "d1", [identify(resolved(), tracking_id="req-late")], channel=CHANNEL, now=NOW
    )
    assert (receipt.accepted, receipt.incident_ids) == (1, ())
    assert [item.incident_id for item in await store.trace("req-late")] == [None]
    assert await store.open_incidents() == []


async def test_an_acknowledged_incident_is_still_the_one_to_join_and_to_resolve(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert())
    await store.acknowledge(incident_id, "U0ANA", NOW)
    assert await deliver(store, alert()) == incident_id
    assert await deliver(store, resolved()) == incident_id
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED


async def test_an_alert_long_after_the_resolve_opens_a_new_incident(store: Store) -> None:
    first = await deliver(store, alert())
    await deliver(store, resolved())
    second = await deliver(store, alert(), at=later(900))
    assert second not in (0, first)
    assert (await store.incident(first)).status is IncidentStatus.RESOLVED
    assert [item.id for item in await store.open_incidents()] == [second]


async def test_firing_and_resolved_in_one_delivery_open_and_close_it(store: Store) -> None:
    incident_id = await deliver(store, alert(), resolved())
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED


async def test_a_resolve_that_reads_differently_clears_only_the_single_alert_of_its_name(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert(fingerprint="pod-a"), alert(fingerprint="pod-b"))
    await deliver(store, resolved(fingerprint="pod-c"))
    incident = await store.incident(incident_id)
    assert incident.firing == 2, "which of the two resolved is not known, so neither is cleared"
    assert incident.status is IncidentStatus.OPEN


# Fingerprints and edits


async def test_a_fingerprint_of_another_source_is_another_alert(store: Store) -> None:
    ours = await deliver(store, alert(fingerprint="1"))
    theirs = await deliver(
        store, alert(fingerprint="1", source="zabbix", service="api", name="Other")
    )
    assert theirs not in (0, ours)
    await deliver(store, resolved(fingerprint="1", source="zabbix", service="", name="Other"))
    assert [item.id for item in await store.open_incidents()] == [ours]


@pytest.mark.parametrize("changes", [{"env": "test"}, {"service": "api"}])
async def test_the_same_fingerprint_about_something_else_is_another_alert(
    store: Store, changes: dict[str, str]
) -> None:
    first = await deliver(store, alert())
    second = await deliver(store, alert(**changes))
    assert second not in (0, first)
    await deliver(store, resolved(**changes))
    assert [item.id for item in await store.open_incidents()] == [first]


# Reminders


async def remind(store: Store, item: Alert, at: float = 0) -> int:
    """A webhook tells of an alert that stands, or stood, since NOW; 1 when that was news."""
    result = identify(replace(item, starts_at=NOW))
    begins = f"{item.source}/{item.fingerprint}/1/"
    result = replace(result, series_key=begins, dedup_key=f"{begins}{result.dedup_key}")
    receipt = await store.accept(result.dedup_key, [result], channel=CHANNEL, now=later(at))
    assert receipt.accepted + receipt.duplicates == 1
    return receipt.accepted


async def test_a_reminder_of_what_stands_unchanged_is_a_repetition(store: Store) -> None:
    assert [await remind(store, alert()) for _ in range(3)] == [1, 0, 0]
    assert [await remind(store, resolved()) for _ in range(3)] == [1, 0, 0]


async def test_a_changed_severity_and_firing_again_after_the_resolve_are_news(
    store: Store,
) -> None:
    low, high = alert(severity=Severity.LOW), alert(severity=Severity.HIGH)
    items = [low, high, high, low, resolved(), low, low, resolved()]
    assert [await remind(store, item) for item in items] == [1, 1, 0, 1, 1, 1, 0, 1]
    assert await store.incident_counts() == {"open": 1}, "it flaps, so it is held open"


async def test_a_resolve_told_twice_clears_no_other_alert_of_its_name(store: Store) -> None:
    for fingerprint in ("pod-a", "pod-b"):
        assert await remind(store, alert(fingerprint=fingerprint))
    assert [await remind(store, resolved(fingerprint="pod-a")) for _ in range(2)] == [1, 0]
    assert [item.firing for item in await store.open_incidents()] == [1]


async def test_a_person_who_resolved_is_believed_for_a_quarter_of_an_hour(store: Store) -> None:
    await remind(store, alert())
    (incident,) = await store.open_incidents()
    await store.resolve(incident.id, "U0ANA", later(60))
    assert await remind(store, alert(), at=60 + 15 * 60 - 1) == 0
    assert await store.open_incidents() == []
    assert await remind(store, alert(), at=60 + 15 * 60) == 1
    assert len(await store.open_incidents()) == 1
