"""The store keeps deploys once, and finds the one that is the probable cause of an incident."""

from __future__ import annotations

from dataclasses import replace

from bot.incidents.deploys import Deploy
from store import Store
from tests.helpers.builders import NOW, alert, deliver, later
from tests.helpers.retention import limits

MINUTE = 60
HOUR = 3600
DEPLOY = Deploy(
    service="web",
    name="web",
    env="production",
    version="1.4.2",
    at=later(-6 * MINUTE),
    by="ana",
    url="https://ci.example/7",
    source="http",
)


async def test_a_deploy_is_stored_once(store: Store) -> None:
    other = replace(DEPLOY, version="1.4.3")
    assert await store.record_deploys([DEPLOY], NOW) == 1
    assert await store.record_deploys([DEPLOY, other], later(1)) == 1
    incident = await deliver(store, alert(env="prod"))
    deploys, _ = await store.deploys_of(incident)
    assert sorted(deploy.version for deploy in deploys) == ["1.4.2", "1.4.3"]
    assert deploys[0] in (DEPLOY, other)


async def test_the_newest_deploy_of_the_quarter_hour_before_is_the_cause(store: Store) -> None:
    older = replace(DEPLOY, version="1.4.1", at=later(-14 * MINUTE))
    too_old = replace(DEPLOY, version="1.4.0", at=later(-16 * MINUTE))
    after = replace(DEPLOY, version="1.4.3", at=later(MINUTE))
    yesterday = replace(DEPLOY, version="1.3", at=later(-25 * HOUR))
    await store.record_deploys([too_old, DEPLOY, older, after, yesterday], NOW)
    incident = await deliver(store, alert())
    assert (await store.card_content(incident)).deploy == DEPLOY
    deploys, _ = await store.deploys_of(incident)
    assert deploys == [DEPLOY, older, too_old], "of the day before its first alert"


async def test_a_deploy_elsewhere_or_before_a_slow_trouble_is_no_cause(store: Store) -> None:
    staging = replace(DEPLOY, env="staging")
    other = replace(DEPLOY, service="shop")
    await store.record_deploys([staging, other], NOW)
    incident = await deliver(store, alert(env="production"))
    assert (await store.card_content(incident)).deploy is None
    await store.record_deploys([DEPLOY], NOW)
    disk = alert(name="DiskWillFillIn4Days", title="disk", category="disk", fingerprint="fp-disk")
    slow = await deliver(store, disk, at=later(HOUR))
    assert (await store.card_content(slow)).deploy is None


async def test_a_deploy_that_is_reported_after_the_alert_changes_the_card(store: Store) -> None:
    incident = await deliver(store, alert(env="production"))
    before = await store.outbox_message(f"card:{incident}")
    await store.record_deploys([replace(DEPLOY, service="shop")], later(5))
    assert await store.outbox_message(f"card:{incident}") == before
    await store.record_deploys([replace(DEPLOY, env="-")], later(6))
    after = await store.outbox_message(f"card:{incident}")
    assert before is not None
    assert after is not None
    assert after.desired_version == before.desired_version + 1
    assert (await store.card_content(incident)).deploy == replace(DEPLOY, env="-")


async def test_old_deploys_are_deleted(store: Store) -> None:
    await store.record_deploys([DEPLOY], NOW)
    incident = await deliver(store, alert())
    await store.prune(limits(later(HOUR), later(HOUR)))
    assert (await store.deploys_of(incident))[0] == []
