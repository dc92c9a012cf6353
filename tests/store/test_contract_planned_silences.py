"""Maintenance windows and quiet hours: silences whose author is the policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.configuration import Configuration
from bot.incidents.model import Severity
from bot.incidents.planned_silences import planned_silences
from bot.policy import Policy
from store import Store
from store.admin import invariants
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    NOW,
    alert,
    deliver,
    identify,
    later,
    resolved,
)
from tests.helpers.silences import HOURS

# NOW is 03:04:05 on a Saturday.
MAINTENANCE: dict[str, Any] = {
    "name": "move",
    "match": {"service": "web"},
    "reason": "moving house",
    "windows": [{"days": ["sat"], "start": "03:00", "end": "04:00"}],
}
QUIET: dict[str, Any] = {"windows": [{"start": "22:00", "end": "06:00"}]}
END = 4 * HOURS - (3 * HOURS + 4 * 60 + 5)
MORNING = 6 * HOURS - (3 * HOURS + 4 * 60 + 5)
LOW: dict[str, Any] = {"severity": Severity.LOW}


@pytest.fixture(autouse=True)
async def the_invariants_hold(store: Store) -> object:
    yield
    assert await store._engine.read(invariants.broken) == []


def with_policy(store: Store, **notify: Any) -> Policy:
    policy = Policy.model_validate({"notify": notify})
    store.config.current = Configuration(policy)
    return policy


async def settle(store: Store, policy: Policy, seconds: float) -> list[str]:
    """End what is over; the titles of what is left to open."""
    notify, now = policy.notify, later(seconds)
    planned = planned_silences(notify.maintenance, notify.quiet_hours, now)
    await store.end_silences(now, [silence.origin for silence in planned])
    return [row.alert.title for row in await store.due_after_silences()]


async def messages(store: Store, seconds: float) -> list[str]:
    return sorted(message.key for message in await store.outbox_due(CHANNEL, later(seconds)))


async def test_an_alert_in_a_maintenance_window_opens_nothing_and_names_the_window(
    store: Store,
) -> None:
    policy = with_policy(store, maintenance=[MAINTENANCE])
    assert await deliver(store, alert()) == 0
    assert await deliver(store, alert(fingerprint="b", name="B"), at=later(1)) == 0
    (report,) = await store.silences(later(2))
    assert (report.suppressed, report.silence.author) == (2, "")
    assert (report.silence.reason, report.silence.ends_at) == ("moving house", later(END))
    assert await deliver(store, alert(service="shop", fingerprint="s"), at=later(3)) == 1
    assert await settle(store, policy, END - 1) == []
    await deliver(store, resolved(fingerprint="b", name="B"), at=later(END - 1))
    assert await settle(store, policy, END) == ["web: CPU at 93 %"]
    assert await messages(store, END) == ["card:1"], "the window posts no message"


@pytest.mark.parametrize(
    ("match", "opens"), [({"service": "web"}, True), ({"service": "web", "severity": "*"}, False)]
)
async def test_a_maintenance_window_is_for_critical_alerts_only_if_it_says_so(
    store: Store, match: dict[str, str], opens: bool
) -> None:
    with_policy(store, maintenance=[MAINTENANCE | {"match": match}])
    assert bool(await deliver(store, alert(severity=Severity.CRITICAL))) == opens


async def test_a_person_ends_a_maintenance_window_early(store: Store) -> None:
    policy = with_policy(store, maintenance=[MAINTENANCE])
    await deliver(store, alert())
    assert (await store.end_silence(1, ANA, later(10)))[1]
    assert await settle(store, policy, 11) == ["web: CPU at 93 %"]
    assert await deliver(store, alert(fingerprint="b"), at=later(12)) == 1


async def test_a_window_that_the_policy_loses_ends(store: Store) -> None:
    policy = with_policy(store, maintenance=[MAINTENANCE])
    await deliver(store, alert())
    assert await settle(store, policy, 10) == []
    assert await settle(store, with_policy(store), 11) == ["web: CPU at 93 %"]


async def test_quiet_hours_hold_low_alerts_and_end_with_one_digest(store: Store) -> None:
    policy = with_policy(store, quiet_hours=QUIET)
    assert await deliver(store, alert(**LOW)) == 0
    assert await deliver(store, alert(**LOW, fingerprint="b"), at=later(1)) == 0
    await deliver(store, resolved(**LOW), resolved(**LOW, fingerprint="b"), at=later(2))
    assert await deliver(store, alert(service="shop", fingerprint="s"), at=later(3)) == 1
    assert await settle(store, policy, MORNING) == []
    assert await store.close_silences(later(MORNING)) == 1
    assert await store.close_silences(later(MORNING)) == 0
    assert await messages(store, MORNING + 1) == ["card:1", "silence_digest:1"]
    report = await store.silence_report(1)
    assert report is not None
    assert [(severity, count) for severity, _, count in report.kept_back] == [(Severity.LOW, 1)] * 2
    assert await deliver(store, alert(**LOW, fingerprint="c"), at=later(MORNING)) == 2


async def test_quiet_hours_hold_only_the_alerts_that_they_match(store: Store) -> None:
    all_night = {"start": "22:00", "end": "06:00"}
    one_hour = {"start": "03:00", "end": "04:00"}
    policy = with_policy(
        store,
        quiet_hours=[
            {"match": {"service": "web"}, "windows": [all_night]},
            {"match": {"service": "batch-*"}, "windows": [one_hour], "post_at_once": ["critical"]},
        ],
    )
    assert await deliver(store, alert(**LOW)) == 0
    batch = alert(service="batch-a", fingerprint="a", title="batch", severity=Severity.HIGH)
    assert await deliver(store, batch, at=later(1)) == 0
    assert await deliver(store, alert(**LOW | {"service": "shop"}, fingerprint="s"), at=later(2))
    assert await settle(store, policy, END - 1) == []
    assert await settle(store, policy, END) == ["batch"], "those of web go on"


async def test_quiet_hours_that_held_nothing_post_nothing(store: Store) -> None:
    policy = with_policy(store, quiet_hours=QUIET)
    await deliver(store, alert())
    await settle(store, policy, MORNING)
    assert await store.close_silences(later(MORNING)) == 0


async def test_an_alert_that_grows_worse_in_quiet_hours_opens_at_once(store: Store) -> None:
    policy = with_policy(store, quiet_hours=QUIET)
    assert await deliver(store, alert(**LOW)) == 0
    assert await deliver(store, alert(severity=Severity.HIGH), at=later(1)) == 1
    assert await settle(store, policy, MORNING) == []


async def test_each_channel_has_its_own_digest(store: Store) -> None:
    policy = with_policy(store, quiet_hours=QUIET)
    for channel in ("C1", "C2"):
        item = identify(alert(**LOW, service=channel, fingerprint=channel))
        await store.accept(channel, [item], channel=channel, now=NOW)
    await settle(store, policy, MORNING)
    assert {row.channel for row in await store.due_after_silences()} == {"C1", "C2"}
    reports = [await store.silence_report(number) for number in (1, 2)]
    assert {report.silence.channel for report in reports if report} == {"C1", "C2"}


async def test_the_next_night_is_another_silence(store: Store) -> None:
    policy = with_policy(store, quiet_hours=QUIET)
    day = timedelta(days=1).total_seconds()
    await deliver(store, alert(**LOW))
    for seconds in range(1, 5):
        await deliver(store, alert(**LOW), at=later(seconds))
    await deliver(store, resolved(**LOW), at=later(6))
    await settle(store, policy, MORNING)
    await deliver(store, alert(**LOW), at=later(day))
    (report,) = await store.silences(later(day))
    assert (report.silence.id, report.suppressed) == (2, 1)
