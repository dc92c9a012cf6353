"""The history that an operator drafts the catalogue of services from, on every engine."""

from __future__ import annotations

from store import Store
from tests.helpers.builders import alert, deliver, later, resolved


async def test_firing_alerts_are_read_in_pages_newest_first(store: Store) -> None:
    for number in range(5):
        await deliver(store, alert(service=f"s{number}", fingerprint=f"f{number}"))
    await deliver(store, resolved(service="s0", fingerprint="f0"))
    names: list[str] = []
    before: int | None = None
    pages = 0
    while pages == 0 or before is not None:
        alerts, before = await store.firing_alerts(before, limit=2)
        names += [item.service for item in alerts]
        pages += 1
    assert names == ["s4", "s3", "s2", "s1", "s0"]
    assert pages == 3


async def test_openings_are_the_newest_incidents_in_the_order_in_which_they_began(
    store: Store,
) -> None:
    for number in range(4):
        item = alert(service=f"s{number}", fingerprint=f"f{number}", region="eu-west-1a")
        await deliver(store, item, at=later(number))
    openings = await store.openings(3)
    assert [opening.scope.service for opening in openings] == ["s1", "s2", "s3"]
    assert [opening.at for opening in openings] == [later(1), later(2), later(3)]
    assert {(item.scope.env, item.scope.region) for item in openings} == {
        ("production", "eu_west_1")
    }
