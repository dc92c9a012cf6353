"""Another app or webhook speaks of an alert that it did not send: this is shown, and no more."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.helpers.clocks import RunningClock
from tests.scenarios.attacks import nothing_ran, proposed
from tests.scenarios.starting import StartBot
from tests.scenarios.world import SERVICE, Gateway, World, restart_sop

pytestmark = pytest.mark.one_engine

NOTHING_CLEARED = "but what fires here was sent by another. Nothing is cleared."


@pytest.mark.attack("ASI07")
async def test_another_apps_resolve_neither_ends_the_incident_nor_its_approval(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await proposed(world, bot)
    await world.resolves(app="Joker")
    note = await world.reply("note", NOTHING_CLEARED)
    assert note.text.count("slack:B") == 1
    await world.resolves(app="Joker")
    await world.quiet()
    assert len(world.replies("note")) == 1
    assert "Approve" in world.replies("approval")[0].buttons
    assert world.replies("resolved") == []
    await world.resolves()
    await world.resolved("the alert cleared")
    await nothing_ran(world, gateway)


@pytest.mark.attack("ASI07")
@pytest.mark.parametrize("source", ["alertmanager", "generic"])
async def test_a_resolve_by_http_ends_no_alert_that_came_by_slack(
    source: str, world: World, bot: StartBot, gateway: Gateway
) -> None:
    running = await bot()
    await world.alert()
    await world.approval_card("awaiting approval")
    fields = {
        "status": "resolved",
        "name": "HealthCheckFailing",
        "labels": {"alertname": "HealthCheckFailing", "service": SERVICE, "env": "prod"},
        "service": SERVICE,
        "env": "prod",
        "category": "availability",
        "severity": "critical",
    }
    async with aiohttp.ClientSession() as session:
        url = f"{running.http_url}/alerts/{source}"
        body = {"alerts": [fields]} if source == "alertmanager" else fields
        async with session.post(url, json=body) as answer:
            assert answer.status == 202
    await world.quiet()
    assert len(world.rows("SELECT 1 FROM alerts WHERE status = 'resolved'")) == 1, "it is kept"
    assert world.rows("SELECT status FROM incidents")[0]["status"] == "open"
    assert world.replies("resolved") == []
    await nothing_ran(world, gateway)


@pytest.mark.attack("ASI07")
async def test_another_apps_resolve_does_not_verify_a_remediation(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    sop = restart_sop(world.probe_url)
    del sop["actions"][0]["parameters"]["probe_url"]
    world.write_sops(sop)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.result("exit 0")
    await world.resolves(app="Joker")
    await world.reply("note", NOTHING_CLEARED)
    await world.quiet()
    assert "erified" not in world.replies("result")[0].text
    await world.resolves()
    await world.result("Verified: the alert cleared")


async def test_senders_that_the_policy_declares_to_be_one_clear_each_others_alerts(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    running = await bot()
    await world.alert()
    await world.card()
    await world.resolves(app="Joker")
    note = await world.reply("note", NOTHING_CLEARED)
    joker = note.text.partition("slack:")[2].split()[0]
    (row,) = world.rows("SELECT sender FROM firing")
    policy = world.folder / "policy.yaml"
    same = {"ingest": {"same_sender": [[row["sender"], f"slack:{joker}"]]}}
    policy.write_text(json.dumps(json.loads(policy.read_text()) | same))
    running.reload()
    await world.resolves(app="Joker")
    await world.resolved("the alert cleared")


async def sent_without_a_probe(world: World, bot: StartBot, *strangers: str) -> None:
    """A restart that ran, and that only an alert can verify; these apps fired before it."""
    sop = restart_sop(world.probe_url)
    del sop["actions"][0]["parameters"]["probe_url"]
    world.write_sops(sop)
    card = await proposed(world, bot)
    for app in strangers:
        await world.alert(name="NeverClears", app=app)
        await world.card("2 alerts")
    await world.press(card, "Approve", "ben")
    await world.result("exit 0")


@pytest.mark.attack("ASI07")
async def test_an_alert_that_another_app_never_clears_does_not_hide_that_it_helped(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await sent_without_a_probe(world, bot)
    await world.alert(name="NeverClears", app="Joker")
    await world.card("2 alerts")
    await world.resolves()
    await world.result("Verified: the alert cleared; what still fires began after it was sent")
    assert world.rows("SELECT status FROM incidents")[0]["status"] == "open"


@pytest.mark.attack("ASI07")
async def test_an_alert_that_another_app_fired_before_cannot_make_it_not_verified(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    await sent_without_a_probe(world, bot, "Joker")
    await world.resolves()
    await world.quiet()
    clock.forward(301)
    result = await world.result("every alert of one sender cleared, and those of slack:")
    assert "ot verified" not in result.text
    (row,) = world.rows("SELECT state FROM executions")
    assert row["state"] == "succeeded"


@pytest.mark.attack("ASI07")
async def test_an_alert_that_its_own_sender_still_fires_is_not_verified(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    await sent_without_a_probe(world, bot)
    await world.alert(name="NeverClears", app="Joker")
    await world.resolves(name="NeverClears", app="Joker")
    await world.quiet()
    clock.forward(301)
    await world.result("Not verified: the alert still fires")
