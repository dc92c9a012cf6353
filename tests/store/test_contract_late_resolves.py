"""A resolve ends the firing that it belongs to, however late it comes."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.incidents.model import Alert, IncidentStatus
from store import Store
from store.admin import invariants
from tests.helpers.builders import CHANNEL, NOW, alert, deliver, identify, later, resolved


async def reason_of(store: Store, item: Alert, at: float, sent_at: datetime | None = None) -> str:
    """Accept one alert; return the reason that was stored for it."""
    identified = identify(item, sent_at=sent_at)
    await store.accept(identified.dedup_key, [identified], channel=CHANNEL, now=later(at))
    (traced,) = await store.trace(identified.tracking_id)
    return traced.reason


@pytest.mark.parametrize(
    "late",
    [
        resolved(starts_at=NOW, ends_at=later(60)),
        resolved(starts_at=NOW, ends_at=later(700)),
        resolved(starts_at=NOW),
        resolved(ends_at=later(60)),
    ],
    ids=["of the older start", "with a late end", "without an end", "without a start"],
)
async def test_a_late_resolve_of_an_earlier_firing_closes_nothing(
    store: Store, late: Alert
) -> None:
    incident_id = await deliver(store, alert(starts_at=NOW))
    assert await deliver(store, alert(starts_at=later(600)), at=later(600)) == incident_id
    identified = identify(late)
    receipt = await store.accept("late", [identified], channel=CHANNEL, now=later(700))
    (outcome,) = receipt.outcomes
    assert (outcome.incident_id, outcome.reason) == (incident_id, "overtaken by a newer telling")
    incident = await store.incident(incident_id)
    assert (incident.status, incident.firing) == (IncidentStatus.OPEN, 1)
    await deliver(store, resolved(starts_at=later(600), ends_at=later(800)), at=later(800))
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED
    assert await store._engine.read(invariants.broken) == []


async def test_a_resolve_without_times_that_was_sent_before_the_firing_began_closes_nothing(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert(starts_at=later(600)), at=later(600))
    assert await reason_of(store, resolved(), at=700, sent_at=later(599)) == (
        "overtaken by a newer telling"
    )
    assert (await store.incident(incident_id)).firing == 1
    await reason_of(store, resolved(), at=710, sent_at=later(601))
    assert (await store.incident(incident_id)).firing == 0


async def test_a_late_resolve_that_reads_differently_clears_no_newer_alert_of_its_name(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert(starts_at=later(600)), at=later(600))
    await deliver(store, resolved(fingerprint="other", starts_at=NOW), at=later(700))
    assert (await store.incident(incident_id)).firing == 1


async def test_an_alert_that_fires_resolves_and_fires_beside_another_stays_in_its_incident(
    store: Store,
) -> None:
    """A, B, A resolves, A again, and both messages of A's end a second time."""
    a, b = alert(starts_at=NOW), alert(fingerprint="b", starts_at=later(10))
    incident_id = await deliver(store, a)
    assert await deliver(store, b, at=later(10)) == incident_id
    end = resolved(starts_at=NOW, ends_at=later(20))
    await deliver(store, end, at=later(20))
    refired = alert(starts_at=later(30))
    assert await deliver(store, refired, at=later(30)) == incident_id
    await deliver(store, end, at=later(40))
    incident = await store.incident(incident_id)
    assert (incident.firing, incident.alert_count, incident.status) == (2, 3, IncidentStatus.OPEN)
    await deliver(store, resolved(fingerprint="b"), at=later(50))
    await deliver(store, resolved(starts_at=later(30)), at=later(60))
    assert await store.incident_counts() == {"resolved": 1}
    assert await store._engine.read(invariants.broken) == []


async def test_a_resolve_that_came_before_its_firing_leaves_nothing_open(store: Store) -> None:
    end = resolved(starts_at=NOW, ends_at=later(60))
    await deliver(store, end, at=later(61))
    assert await reason_of(store, alert(starts_at=NOW), at=62) == "overtaken by a newer telling"
    assert await store.open_incidents() == []
    await deliver(store, alert(starts_at=later(120)), at=later(120))
    assert len(await store.open_incidents()) == 1, "what fires again is no longer ended by it"


async def test_a_resolve_before_its_firing_counts_for_its_own_start_and_the_reopen_time_only(
    store: Store,
) -> None:
    await deliver(store, resolved(starts_at=NOW, ends_at=later(60)), at=later(61))
    await deliver(store, alert(starts_at=NOW), at=later(61 + 900))
    assert len(await store.open_incidents()) == 1


@pytest.mark.parametrize(
    ("start", "status"),
    [(-480, IncidentStatus.RESOLVED), (-600, IncidentStatus.RESOLVED), (-601, IncidentStatus.OPEN)],
)
async def test_a_resolve_by_a_clock_that_runs_behind_ends_what_fires(
    store: Store, start: float, status: IncidentStatus
) -> None:
    incident_id = await deliver(store, alert(starts_at=NOW))
    behind = resolved(starts_at=later(start), ends_at=later(start + 300))
    await deliver(store, behind, at=later(300))
    assert (await store.incident(incident_id)).status is status
    assert await store._engine.read(invariants.broken) == []
