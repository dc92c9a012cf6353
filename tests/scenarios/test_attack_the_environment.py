"""An alert names another environment: the environment of the target decides."""

from __future__ import annotations

import aiohttp
import pytest

from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.attacks import nothing_ran, proposed
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, CHLOE, SERVICE, Gateway, World, restart_sop

RULES = [{"environments": ["production"], "approvals_required": 2, "reason_required": True}]

pytestmark = [pytest.mark.attack("ASI03"), pytest.mark.one_engine]


@pytest.mark.parametrize("text", ["dev", "staging-2"])
async def test_an_alert_that_says_dev_does_not_restart_production_by_itself(
    world: World, bot: StartBot, gateway: Gateway, text: str
) -> None:
    world.write_policy(BEN, CHLOE, auto_approve=["*"], rules=RULES)
    card = await proposed(world, bot, env=text)
    assert "Needs 2 approvals: @ben, @chloe" in card.text
    assert "Environment: production (from the target; the alert says" in card.text
    await nothing_ran(world, gateway)


@pytest.mark.parametrize("key", ["an SOP's key", "an action's when"])
async def test_without_rules_an_alert_that_says_dev_chooses_nothing_that_restarts_production(
    world: World, bot: StartBot, gateway: Gateway, key: str
) -> None:
    world.write_policy(BEN, CHLOE, auto_approve=["service.restart"])
    sop = restart_sop(world.probe_url)
    if key == "an SOP's key":
        sop["keys"] = [f"svc:{SERVICE}", "env:dev"]
    else:
        sop["actions"][0]["when"] = "env:dev"
    world.write_sops(sop)
    card = await proposed(world, bot, env="dev")
    assert "Needs 1 approval" in card.text
    await nothing_ran(world, gateway)


@pytest.mark.parametrize("text", ["", "staging"])
async def test_an_alert_that_does_not_name_the_targets_environment_lets_nothing_run_by_itself(
    world: World, bot: StartBot, gateway: Gateway, text: str
) -> None:
    world.write_policy(BEN, CHLOE, auto_approve=["service.restart"])
    card = await proposed(world, bot, env=text)
    assert "Needs 1 approval" in card.text
    await nothing_ran(world, gateway)


async def test_a_key_for_one_part_of_production_lets_nothing_run_in_another_part(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, auto_approve=["service.restart"])
    world.write_sops(restart_sop(world.probe_url, keys=[f"svc:{SERVICE}", "env:prod-test-bed"]))
    card = await proposed(world, bot, env="prod-test-bed")
    assert "Environment: production (from the target)" in card.text
    assert "Needs 1 approval" in card.text
    await nothing_ran(world, gateway)


async def test_a_remediation_that_needs_approval_is_not_revoked_and_proposed_in_a_loop(
    world: World, bot: StartBot, gateway: Gateway, http: aiohttp.ClientSession
) -> None:
    world.write_policy(BEN, auto_approve=["*"])
    sop = restart_sop(world.probe_url, keys=[f"svc:{SERVICE}", "cat:memory"])
    world.write_sops(sop)
    started = await bot()
    named = {"sop_id": sop["sop_id"], "service": SERVICE, "category": "cpu", "env": "prod"}
    alert = {"title": "please restart", "severity": "high"} | named
    async with http.post(f"{started.http_url}/alerts/generic", json=alert) as answer:
        assert answer.status == 202
    await world.approval_card("awaiting approval")
    await started.service.decisions.expire_and_revoke()
    await world.quiet()
    assert [row["state"] for row in world.rows("SELECT state FROM approvals")] == [
        "awaiting approval"
    ]
    await nothing_ran(world, gateway)


def _waiting(world: World) -> int:
    """The number of proposals while the newest of them waits, else 0."""
    states = [row["state"] for row in world.rows("SELECT state FROM approvals")]
    return len(states) if states.count("awaiting approval") == 1 else 0


async def test_the_same_action_is_proposed_again_by_itself_three_times_an_hour_at_most(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN)
    running = await bot()
    await world.alert()
    for times in range(1, 5):
        await until(lambda n=times: _waiting(world) == n, why="the newest of so many waits")
        world.write_policy(BEN, approvals_required=1 + times % 2, rules=[])
        running.reload()
        await running.service.decisions.expire_and_revoke()
    assert "done 3 times within an hour" in (await world.reply("note", "Not proposed again")).text
    assert _waiting(world) == 0
    await nothing_ran(world, gateway)


async def test_the_card_says_where_the_environment_is_from(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, auto_approve=["*"], rules=RULES)
    card = await proposed(world, bot, env="production")
    assert "Environment: production (from the target)" in card.text
    assert "Needs 2 approvals: @ben, @chloe" in card.text
    await nothing_ran(world, gateway)


async def test_a_fix_of_production_from_a_dev_incident_falls_under_the_rule_of_production(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, rules=RULES)
    world.write_sops()
    await bot()
    await world.alert("playground", env="dev")
    await world.card("playground")
    await world.types(f"/incident fix restart {SERVICE}", "ana")
    card = await world.approval_card(f"Restart {SERVICE}")
    assert "Needs 2 approvals: @ben, @chloe" in card.text
    assert "asks for a reason" in card.text
    await nothing_ran(world, gateway)


async def test_where_a_gateway_names_no_environment_the_strictest_rule_holds(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        world.gateway_url = gateway_proxy.url
        gateway_proxy.alter = lambda request, status, body: (
            (404, b"{}") if request.path == "/plan" else (status, body)
        )
        weak = {"environments": ["dev"], "approvals_required": 1}
        world.write_policy(BEN, CHLOE, auto_approve=["*"], rules=[weak, *RULES])
        card = await proposed(world, bot, env="dev")
        assert "Needs 2 approvals: @ben, @chloe" in card.text
        assert "Environment: unknown (the gateway does not report it" in card.text
        await nothing_ran(world, gateway)


async def _posted(
    world: World, bot: StartBot, http: aiohttp.ClientSession, alert: dict[str, object]
) -> None:
    started = await bot()
    async with http.post(f"{started.http_url}/alerts/generic", json=alert) as answer:
        assert answer.status == 202


async def test_an_alert_that_names_an_sop_for_another_service_lets_nothing_run_by_itself(
    world: World, bot: StartBot, gateway: Gateway, http: aiohttp.ClientSession
) -> None:
    world.write_policy(BEN, auto_approve=["*"])
    sop = restart_sop(world.probe_url, keys=["svc:checkout-api", "cat:memory"])
    world.write_sops(sop)
    named = {"sop_id": sop["sop_id"], "service": SERVICE, "category": "cpu"}
    await _posted(world, bot, http, {"title": "please restart", "severity": "high"} | named)
    card = await world.approval_card("awaiting approval")
    assert "Needs 1" in card.text
    await nothing_ran(world, gateway)


async def test_a_label_that_mentions_a_target_does_not_make_the_alert_about_it(
    world: World, bot: StartBot, gateway: Gateway, http: aiohttp.ClientSession
) -> None:
    world.write_policy(BEN, auto_approve=["*"])
    sop = restart_sop(world.probe_url, keys=["svc:playground"])
    sop["actions"][0]["parameters"]["target"] = SERVICE
    world.write_sops(sop)
    alert = {"title": "x", "service": "playground", "severity": "high"}
    await _posted(world, bot, http, alert | {"labels": {"note": SERVICE}})
    card = await world.approval_card("awaiting approval")
    assert f"No alert of this incident names {SERVICE}." in card.text
    await nothing_ran(world, gateway)
