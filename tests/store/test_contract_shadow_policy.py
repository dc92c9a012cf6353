"""A shadow policy is compared with the one in force, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.incidents.model import Severity
from bot.incidents.sops import SopLibrary
from bot.policy import parse_policy
from store import Store
from tests.helpers.builders import CHANNEL, NOW, alert, deliver, identify, later, resolved
from tests.helpers.silences import silence

DAILY = "[{start: '00:00', end: '00:00'}]"


def use(store: Store, shadow: str, live: str = "") -> None:
    store.config.current = replace(
        store.config.current,
        policy=parse_policy(live, file="policy.yaml"),
        shadow=parse_policy(shadow, file="shadow.yaml"),
    )


async def differences(store: Store) -> list[dict[str, Any]]:
    return [dict(item.facts) for item in await store.policy_differences(NOW)]


async def test_a_policy_that_decides_the_same_differs_in_nothing(store: Store) -> None:
    use(store, "remediate: {approvers: [U0ANA]}\nslo: {fast_path_p95_ms: 7}")
    first = await deliver(store, alert())
    await deliver(store, alert(), at=later(5))
    await deliver(store, resolved(), at=later(10))
    assert await deliver(store, alert(), at=later(20)) == first
    assert await deliver(store, alert(service="db", fingerprint="db"), at=later(30)) != first
    assert await differences(store) == []


async def test_an_alert_that_the_shadow_would_not_reopen_or_would(store: Store) -> None:
    never = "correlate: {reopen_within_seconds: 0, flapping_changes: 0}"
    use(store, never)
    first = await deliver(store, alert())
    await deliver(store, resolved(), at=later(10))
    assert await deliver(store, alert(), at=later(20)) == first, "the policy in force decides"
    assert await differences(store) == [
        {"live": "reopened", "would_be": "opened", "channel": CHANNEL}
    ]
    use(store, "correlate: {reopen_within_seconds: 3600}", never)
    await deliver(store, resolved(), at=later(30))
    second = await deliver(store, alert(), at=later(100))
    assert second != first
    assert (await differences(store))[1:] == [
        {"live": "opened", "would_be": "reopened", "incident": first}
    ]


async def test_an_alert_that_the_shadow_would_suppress_or_would_not(store: Store) -> None:
    window = f"notify: {{maintenance: [{{name: a, match: {{service: web}}, windows: {DAILY}}}]}}"
    use(store, window)
    assert await deliver(store, alert()), "the policy in force decides"
    use(store, "", window)
    db = alert(service="web", category="disk", fingerprint="disk")
    assert await deliver(store, db, at=later(1)) == 0
    assert await differences(store) == [
        {"live": "opened", "would_be": "suppressed"},
        {"live": "suppressed", "would_be": "opened", "channel": CHANNEL},
    ]


async def test_a_silence_of_a_person_holds_for_both(store: Store) -> None:
    use(store, "notify: {storm_limit: 3}")
    await store.silence(silence(service="web"))
    assert await deliver(store, alert(), at=later(1)) == 0
    assert await differences(store) == []


async def test_an_alert_that_the_shadow_would_merge_or_would_not(store: Store) -> None:
    calls = "correlate: {depends_on: {web: [db]}}"
    use(store, calls)
    store.config.current = replace(store.config.current, sops=SopLibrary())
    first = await deliver(store, alert(service="db", name="DbDown", fingerprint="db"))
    second = await deliver(store, alert(name="WebErrors", category="errors"), at=later(20))
    assert (await store.incident(second)).parent_id is None
    assert await differences(store) == [{"live": "opened", "would_be": "merged", "incident": first}]
    use(store, "features: {cascades: false}")
    third = alert(service="db", name="DbSlow", category="latency", fingerprint="slow")
    number = await deliver(store, third, at=later(25))
    assert (await store.incident(number)).parent_id == first
    assert (await differences(store))[1:] == [
        {"live": "merged", "would_be": "opened", "channel": CHANNEL}
    ]


@pytest.mark.parametrize("posted", [False, True])
async def test_an_alert_by_http_that_the_shadow_would_route_elsewhere(
    store: Store, posted: bool
) -> None:
    use(store, "ingest: {routes: [{match: {severity: high}, channel: C0HIGH}]}")
    item = identify(alert(severity=Severity.HIGH))
    receipt = await store.accept("d", [item], channel=CHANNEL, now=NOW, posted=posted)
    assert (await store.incident(receipt.incident_ids[0])).channel == CHANNEL
    routed = [{"live": "opened", "would_be": "routed", "channel": "C0HIGH"}]
    assert await differences(store) == ([] if posted else routed)
