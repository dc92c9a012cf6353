"""Silences: what they suppress is kept and counted, and only what still fires is left to open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import NotFound, Refused
from bot.incidents.correlation import DeliveryPart
from bot.incidents.model import Severity
from store import Store
from store.admin import invariants
from store.operations import silence_reports, silences
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    NOW,
    OPS,
    alert,
    deliver,
    identify,
    later,
    resolved,
)
from tests.helpers.retention import limits
from tests.helpers.silences import HOURS, silence
from tests.helpers.stores import Storage
from tests.helpers.trail import trail


async def reasons_of(store: Store, tracking_id: str) -> list[tuple[str, int | None]]:
    return [(traced.reason, traced.incident_id) for traced in await store.trace(tracking_id)]


async def firing_suppressed(store: Store) -> list[str]:
    """The titles of what would open if every silence ended now."""
    for report in await store.silences(later(1)):
        await store.end_silence(report.silence.id, BEN, later(2))
    return [row.alert.title for row in await store.due_after_silences()]


@pytest.fixture(autouse=True)
async def the_invariants_hold(store: Store) -> object:
    yield
    assert await store._engine.read(invariants.broken) == []


async def test_an_alert_that_a_silence_matches_is_kept_counted_and_opens_nothing(
    store: Store,
) -> None:
    made = await store.silence(silence())
    item = identify(alert(), tracking_id="req-silenced")
    receipt = await store.accept("d1", [item], channel=CHANNEL, now=later(1))
    assert (receipt.accepted, receipt.opened, receipt.incident_ids) == (1, (), ())
    assert await reasons_of(store, "req-silenced") == [("suppressed by a silence", None)]
    assert await deliver(store, alert(service="shop", fingerprint="s"), at=later(2)) == 1
    (report,) = await store.silences(later(3))
    assert (report.silence, report.suppressed) == (made, 1)
    (shown,) = await store.suppressed_alerts()
    assert (shown.tracking_id, shown.silence.reason) == ("req-silenced", "a planned move")
    assert await store.outbox_due(CHANNEL, later(2)), "the other service has its card"


async def test_a_silence_its_message_and_its_record_are_one(store: Store) -> None:
    made = await store.silence(silence())
    assert await store.silence(silence()) == made, "a command that Slack delivers twice"
    (message,) = await store.outbox_due(OPS, later(1))
    assert (message.kind, message.subject) == ("silence", str(made.id))
    ended, by_this = await store.end_silence(made.id, BEN, later(5))
    assert (ended.ended_by, by_this) == (BEN, True)
    assert await store.end_silence(made.id, ANA, later(6)) == (ended, False)
    assert [(row.kind, row.actor) for row in await trail(store)] == [
        ("silenced", ANA),
        ("silence ended", BEN),
    ]
    with pytest.raises(NotFound):
        await store.end_silence(4711, ANA, later(6))


async def test_the_alerts_of_an_open_incident_keep_joining_it_and_closing_it(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await store.silence(silence())
    assert await deliver(store, alert(fingerprint="second"), at=later(1)) == incident_id
    assert (await store.incident(incident_id)).firing == 2
    await deliver(store, resolved(), resolved(fingerprint="second"), at=later(2))
    assert (await store.incident(incident_id)).resolved_at is not None
    assert await deliver(store, alert(fingerprint="third"), at=later(3)) == 0


@pytest.mark.parametrize(
    ("severity", "match", "opens"),
    [
        (Severity.CRITICAL, {"service": "web"}, True),
        (Severity.CRITICAL, {"service": "web", "severity": ["low", "medium", "high"]}, True),
        (Severity.CRITICAL, {"service": "web", "severity": "critical"}, False),
        (Severity.CRITICAL, {"service": "web", "severity": "*"}, False),
        (Severity.HIGH, {"service": "web", "severity": "critical"}, True),
        (Severity.HIGH, {"service": "web"}, False),
    ],
)
async def test_a_critical_alert_is_suppressed_only_by_a_silence_that_says_so(
    store: Store, severity: Severity, match: dict[str, str | list[str]], opens: bool
) -> None:
    await store.silence(silence(**match))
    assert bool(await deliver(store, alert(severity=severity), at=later(1))) == opens


async def test_an_alert_that_grows_worse_than_its_silence_opens_and_is_not_opened_again(
    store: Store,
) -> None:
    await store.silence(silence(service="web", severity="low"))
    assert await deliver(store, alert(severity=Severity.LOW), at=later(1)) == 0
    assert await deliver(store, alert(severity=Severity.HIGH), at=later(2)) == 1
    assert await firing_suppressed(store) == []


async def test_an_alert_that_resolves_meanwhile_is_not_left_to_open(store: Store) -> None:
    await store.silence(silence())
    await deliver(store, alert(), alert(fingerprint="b", name="B", title="still"), at=later(1))
    await deliver(store, resolved(), at=later(2))
    assert await firing_suppressed(store) == ["still"]


async def test_a_resolve_that_reads_differently_ends_the_only_alert_of_its_name(
    store: Store,
) -> None:
    await store.silence(silence())
    await deliver(store, alert(), at=later(1))
    await deliver(store, resolved(fingerprint="another"), at=later(2))
    assert await firing_suppressed(store) == []


async def test_a_resolve_of_that_name_about_another_service_ends_no_suppressed_alert(
    store: Store,
) -> None:
    await store.silence(silence())
    await deliver(store, alert(), at=later(1))
    await deliver(store, resolved(service="shop", fingerprint="another"), at=later(2))
    assert await firing_suppressed(store) == ["web: CPU at 93 %"]


async def test_another_senders_resolve_ends_no_suppressed_alert(store: Store) -> None:
    await store.silence(silence())
    theirs = replace(identify(alert()), senders=("http:prometheus",))
    await store.accept("d1", [theirs], channel=CHANNEL, now=later(1))
    for sender in ("slack:B0EVIL", "http:evil"):
        forged = replace(identify(resolved()), senders=(sender,))
        await store.accept(sender, [forged], channel=CHANNEL, now=later(2))
    assert await firing_suppressed(store) == ["web: CPU at 93 %"]


async def test_an_edited_message_is_suppressed_once_and_its_resolve_ends_it(store: Store) -> None:
    await store.silence(silence())
    first = identify(alert(fingerprint="v1", name="V1"), dedup_key="slack:C1:1/v1#0")
    edit = identify(alert(fingerprint="v2", name="V2", title="edited"), dedup_key="slack:C1:1/v2#0")
    edit = replace(edit, edit_of=DeliveryPart("slack:C1:1", 0))
    await store.accept("slack:C1:1/v1", [first], channel=CHANNEL, now=later(1))
    await store.accept("slack:C1:1/v2", [edit], channel=CHANNEL, now=later(2))
    (item,) = await store._engine.read(silence_reports.suppressed_alerts, 1)
    assert item.alert.title == "edited"
    over = identify(resolved(fingerprint="v3", name="V3"), dedup_key="slack:C1:1/v3#0")
    over = replace(over, edit_of=DeliveryPart("slack:C1:1", 0))
    await store.accept("slack:C1:1/v3", [over], channel=CHANNEL, now=later(3))
    assert await firing_suppressed(store) == []


async def test_a_silence_that_is_over_by_time_suppresses_nothing_before_anybody_ends_it(
    store: Store,
) -> None:
    await store.silence(silence(hours=1))
    assert await deliver(store, alert(), at=later(HOURS - 1)) == 0
    assert await deliver(store, alert(), at=later(HOURS)) == 1
    assert await store.end_silences(later(HOURS)) == 1
    assert await store.end_silences(later(HOURS)) == 0
    assert [row.alert.title for row in await store.due_after_silences()] == ["web: CPU at 93 %"]


async def test_a_silence_made_by_one_replica_suppresses_at_another_at_once(
    storage: Storage,
) -> None:
    first, second = await storage.open("bot-a"), await storage.open("bot-b")
    made = await first.silence(silence())
    assert await deliver(second, alert(), at=later(1)) == 0
    await first.end_silence(made.id, ANA, later(2))
    assert await deliver(second, alert(), at=later(3)) == 1


@pytest.mark.attack("ASI08")
async def test_only_so_many_silences_are_in_force_and_the_rest_are_refused(store: Store) -> None:
    for number in range(silences.MOST):
        await store.silence(silence(f"command/{number}", service=f"s-{number}"))
    with pytest.raises(Refused, match="100 silences are in force"):
        await store.silence(silence("one more"))
    await store.end_silence(1, ANA, later(1))
    assert await store.silence(replace(silence("one more"), made_at=later(2)))
    assert await deliver(store, alert(), at=later(3)) == 0


async def test_a_suppressed_alert_that_fires_outlives_retention(store: Store) -> None:
    await store.silence(silence())
    await deliver(store, alert(), alert(fingerprint="b", title="over", name="B"), at=later(1))
    await deliver(store, resolved(fingerprint="b", name="B"), at=later(2))
    await store.prune(limits(NOW, later(HOURS)))
    assert [item.alert.title for item in await store.suppressed_alerts()] == ["web: CPU at 93 %"]
