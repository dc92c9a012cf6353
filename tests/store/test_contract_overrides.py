"""Overrides decide in the store: reopening, staleness, reminders, cascades."""

from __future__ import annotations

from dataclasses import replace

from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.news import NewsKind
from bot.policy import parse_policy
from bot.response.upkeep import Upkeep
from store import Store
from tests.helpers.builders import CHANNEL, alert, deliver, identify, later, resolved
from tests.helpers.news import news_of, shown

SHOP = """
correlate: {stale_after_hours: 2, reopen_within_seconds: 900}
remediate: {approvers: [U0ANA]}
overrides:
  - name: slow-shop
    match: {service: "shop-*", env: live}
    correlate: {reopen_within_seconds: 60, stale_after_hours: 5}
    features: {cascades: false}
  - name: europe
    match: {region: ["eu-*", "EU"]}
    correlate: {reopen_within_seconds: 7, flapping_window_seconds: 60}
    notify: {unanswered_seconds: 30, mentions: [S0EUROPE]}
  - name: never
    match: {service: sandbox}
    correlate: {stale_after_hours: 0, reopen_within_seconds: 0}
    notify: {unanswered_seconds: 0}
"""


def use(store: Store, text: str = SHOP) -> None:
    store.config.current = replace(
        store.config.current, policy=parse_policy(text, file="policy.yaml")
    )


async def test_an_override_decides_what_reopens_and_the_trace_names_it(
    store: Store,
) -> None:
    use(store)
    api = {"service": "shop-api", "fingerprint": "api"}
    web = {"service": "web", "fingerprint": "web"}
    first = [await deliver(store, alert(**each)) for each in (api, web)]
    await deliver(store, resolved(**api), resolved(**web), at=later(10))
    later_ids = [await deliver(store, alert(**each), at=later(100)) for each in (api, web)]
    assert later_ids[0] != first[0], "60 s of slow-shop are over"
    assert later_ids[1] == first[1], "900 s of the policy are not"
    cart = {"service": "shop-cart", "fingerprint": "cart"}
    number = await deliver(store, alert(**cart), at=later(200))
    await deliver(store, resolved(**cart), at=later(210))
    last = identify(alert(**cart), tracking_id="req-again")
    receipt = await store.accept("again", [last], channel=CHANNEL, now=later(260))
    assert receipt.incident_ids == (number,)
    [traced] = await store.trace("req-again")
    assert traced.facts["override"] == "slow-shop"
    stages = await store.stages("req-again", None)
    assert [stage.text for stage in stages if stage.name == "decided"] == [
        "firing: fires again soon after its incident was resolved (override slow-shop)"
    ]


async def test_overrides_decide_when_an_incident_is_stale(store: Store) -> None:
    use(store)
    names = ("web", "shop-api", "sandbox")
    ids = {name: await deliver(store, alert(service=name, fingerprint=name)) for name in names}

    async def open_after(hours: float) -> set[str]:
        await upkeep(store, hours * 3600).end_stale()
        incidents = {name: await store.incident(number) for name, number in ids.items()}
        return {n for n, i in incidents.items() if i.status is not IncidentStatus.RESOLVED}

    assert await open_after(1.9) == {"web", "shop-api", "sandbox"}
    assert await open_after(2.1) == {"shop-api", "sandbox"}
    assert await open_after(5.1) == {"sandbox"}
    texts = {n: [e.text for e in await store.timeline(ids[n])] for n in ("web", "shop-api")}
    by_override = "The override slow-shop says after how long it is stale"
    assert [by_override in texts[name] for name in texts] == [False, True]
    assert await open_after(100) == {"sandbox"}


async def test_overrides_decide_when_people_are_reminded(store: Store) -> None:
    use(store)
    for service, region in (("web", ""), ("db", "eu-west-1"), ("sandbox", "")):
        item = alert(service=service, region=region, fingerprint=service, severity=Severity.HIGH)
        await shown(store, f"card:{await deliver(store, item)}")

    async def reminded(seconds: float) -> list[str]:
        await upkeep(store, seconds).report_unanswered()
        news = [item for item in await news_of(store) if item.kind is NewsKind.UNANSWERED]
        return [(await store.incident(item.incident_id)).service for item in news]

    assert await reminded(29) == []
    assert await reminded(31) == ["db"]
    assert await reminded(301) == ["db", "web"]
    assert await reminded(9000) == ["db", "web"]
    mentioned = [item.mentions for item in await news_of(store)]
    assert mentioned == [("S0EUROPE",), ("U0ANA",)]


def upkeep(store: Store, seconds: float) -> Upkeep:
    return Upkeep(store, store.config, lambda: later(seconds), None, "C0OPS")  # type: ignore[arg-type]


async def test_without_cascades_each_incident_has_its_own_card(store: Store) -> None:
    use(store, "features: {cascades: false}\ncorrelate: {depends_on: {shop-web: [shop-db]}}")
    first = await deliver(store, alert(service="shop-db", name="DbDown", fingerprint="db"))
    slow = alert(service="shop-db", name="Slow", category="latency", fingerprint="x")
    second = await deliver(store, slow, at=later(5))
    assert (await store.incident(second)).parent_id is None
    use(store, "features: {cascades: true}")
    errors = alert(service="shop-db", name="Errors", category="errors", fingerprint="y")
    third = await deliver(store, errors, at=later(9))
    assert (await store.incident(third)).parent_id == first
