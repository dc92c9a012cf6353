"""The policy decides on reasons, groups, windows, automatic actions and undo."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from aiohttp import web

from tests.helpers.clocks import RunningClock
from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.attacks import (
    approve_although_it_is_not_there,
    deliver,
    nothing_ran,
    proposed,
    ran,
)
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ANA, BEN, CHLOE, SERVICE, Gateway, World, restart_sop, stop_sop

pytestmark = pytest.mark.one_engine


async def test_where_the_policy_asks_for_a_reason_a_vote_counts_once_it_has_one(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, reason_required=True)
    card = await proposed(world, bot)
    assert "asks for a reason" in card.text
    await world.press(card, "Approve", "ana")
    await world.ephemeral("ana", "Not counted: you are not an approver of this action.")
    assert world.slack.modal("ana") is None, "the box is for those who may"

    await world.press(card, "Approve", "ben")
    await until(lambda: world.slack.modal("ben"), why="the box for the reason")
    assert "Approve" in world.replies("approval")[0].buttons, "not counted yet"
    await nothing_ran(world, gateway)
    outcome = await world.slack.as_user("ben").submit(values={"reason": "the leak is known"})
    assert not outcome.errors
    await world.result("Verified")
    assert "@ben approved" in (await world.approval_card("verified")).text
    assert "the leak is known" in world.replies("approval")[0].text
    await ran(world, gateway, 1)


async def test_a_rule_asks_more_of_what_is_risky(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    rules = [{"risk_at_least": "high", "approvers": ["S0SRE00001"], "approvals_required": 2}]
    world.write_policy(BEN, rules=rules)
    card = await proposed(world, bot)
    assert "Needs 1 approval: @ben" in card.text
    await world.types("/incident fix stop grace_seconds=1", "ana")
    risky = await world.approval_card("Stop checkout-api", which=2)
    assert "Needs 2 approvals: @sre (not @ana)" in risky.text
    assert "grace_seconds" in risky.text
    assert "asked by @ana" in risky.text
    assert "Reversible: yes, by service.start" in risky.text


async def test_outside_of_its_maintenance_window_nothing_is_approved(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    ends = clock() - timedelta(hours=1)
    window = {"start": f"{ends - timedelta(hours=1):%H:%M}", "end": f"{ends:%H:%M}"}
    world.write_policy(BEN, only_in_windows=True, maintenance_windows=[window])
    card = await proposed(world, bot)
    assert "this may run only in a maintenance window, which opens " in card.text
    assert "Approve" not in card.buttons
    await deliver(world, approve_although_it_is_not_there(card))
    await world.ephemeral("ben", "Not counted: this may run only in a maintenance window, which")
    await nothing_ran(world, gateway)


async def test_a_card_gets_its_buttons_when_its_maintenance_window_opens(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    opens = clock() + timedelta(minutes=3)
    window = {"start": f"{opens:%H:%M}", "end": f"{opens + timedelta(hours=1):%H:%M}"}
    world.write_policy(BEN, only_in_windows=True, maintenance_windows=[window])
    card = await proposed(world, bot)
    assert "It can be approved from" in card.text
    assert card.buttons == ["Reject", "Dry run", "Edit"]
    clock.forward(181)
    await until(lambda: "Approve" in world.replies("approval")[0].buttons, why="it is open")
    await world.press(world.replies("approval")[0], "Approve", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_asking_for_an_action_that_is_proposed_already_makes_no_second_card(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    await world.alert()
    await world.advice()
    await world.approval_card("awaiting approval")  # the SOP's own proposal
    values = f"restart {SERVICE} grace_seconds=1"
    await (await world.types(f"/incident fix {values}", "ana")).response()
    card = await world.approval_card("asked by @ana", which=2)
    answer = await (await world.types(f"/incident fix {values}", "chloe")).response()
    assert "Already proposed: Restart checkout-api is awaiting approval." in answer.text
    await world.quiet()
    assert len(world.replies("approval")) == 2
    await world.press(card, "Approve", "chloe")
    await world.result("exit 0")


async def test_an_action_that_the_policy_approves_runs_by_itself_for_a_target_the_alert_names(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, auto_approve=["service.restart"])
    await until(lambda: world.leaky_service.pids, why="the service is up")
    await bot()
    await world.alert()
    await world.result("Verified")
    card = await world.approval_card("verified")
    assert "the policy approves it by itself" in card.text
    await ran(world, gateway, 1)


async def test_for_a_target_that_no_alert_names_people_are_asked_whatever_the_policy_approves(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, auto_approve=["*"])
    sop = restart_sop(world.probe_url, sop_id="sop_other", keys=["svc:billing"])
    sop["actions"][0]["parameters"]["target"] = SERVICE
    world.write_sops(sop)
    await bot()
    await world.alert("billing")
    card = await world.approval_card("awaiting approval")
    assert "No alert of this incident names checkout-api." in card.text
    await nothing_ran(world, gateway)


async def test_a_rule_that_asks_for_people_is_not_overruled_by_what_the_policy_approves(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    rule = {"environments": ["prod*"], "approvals_required": 2, "reason_required": True}
    world.write_policy(BEN, CHLOE, auto_approve=["service.restart"], rules=[rule])
    card = await proposed(world, bot)
    assert "Needs 2 approvals: @ben, @chloe" in card.text
    assert "asks for a reason" in card.text
    await nothing_ran(world, gateway)


async def test_an_action_without_a_plan_exceeds_every_limit_on_targets(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        world.gateway_url = gateway_proxy.url
        gateway_proxy.alter = lambda request, status, body: (
            (404, b"{}") if request.path == "/plan" else (status, body)
        )
        rules = [{"targets_at_least": 2, "approvals_required": 2}]
        world.write_policy(BEN, CHLOE, auto_approve=["*"], rules=rules)
        card = await proposed(world, bot)
        assert "Needs 2 approvals: @ben, @chloe" in card.text
        await nothing_ran(world, gateway)


async def test_a_token_in_a_probe_address_is_used_and_neither_shown_nor_recorded(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.probe_url.rpartition("/")[0]) as probe_proxy:
        called: list[str] = []

        async def listen(request: web.Request) -> bool:
            called.append(request.path_qs)
            return True

        probe_proxy.on_request = listen
        probe = f"{probe_proxy.url}/{world.probe_url.rpartition('/')[2]}?token=s3cret-of-the-probe"
        world.write_sops(restart_sop(probe))
        card = await proposed(world, bot)
        assert "?token=…" in card.text
        await world.press(card, "Approve", "ben")
        await world.result("Verified")
    assert called
    assert all(path.endswith("?token=s3cret-of-the-probe") for path in called)
    thread = "\n".join(m.text for m in world.replies("approval") + world.replies("result"))
    assert "s3cret" not in thread
    details = [row["detail"] for row in world.rows("SELECT detail FROM audit")]
    assert details
    assert not any("s3cret" in detail for detail in details)


async def test_an_action_that_the_operator_took_out_is_not_proposed(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, actions={"service.restart": {"enabled": False}})
    await bot()
    await world.alert()
    note = await world.reply("note", "Not proposed: service.restart.")
    assert "Known: service.stop, service.start" in note.text
    await nothing_ran(world, gateway)


async def test_an_action_that_did_not_help_is_undone_after_another_persons_approval(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    world.write_policy(BEN, CHLOE, verify_deadline_seconds=5)
    world.write_sops(stop_sop())
    await bot()
    await world.alert()
    await world.press(await world.approval_card("Stop checkout-api"), "Approve", "ben")
    result = await world.result("Not verified")
    assert "Undo" in result.buttons

    answer = await world.types("/incident fix stop", "ana")
    assert "did not help in this incident before" in (await answer.response()).text

    world.slack.change_user("ana", is_guest=True)
    clock.forward(60)  # the bot keeps the answer about a person for that long
    await world.press(result, "Undo", "ana")
    await world.ephemeral("ana", "Not done: guests never count.")

    await world.press(result, "Undo", "ben")
    card = await world.approval_card("Undo Stop checkout-api: Start checkout-api", which=2)
    assert "Needs 1 approval: @chloe ·" in card.text
    await world.press(result, "Undo", "chloe")
    await world.ephemeral("chloe", "It is proposed already: see its card in this thread.")
    await world.press(card, "Approve", "ben")
    await world.ephemeral("ben", "Not counted: you asked for this")
    await world.press(card, "Approve", "chloe")
    await world.result("Undone.")
    assert world.replies("result")[0].buttons == []
    await world.approval_card("· undone")
    assert gateway.executions() == [
        ("service.stop", SERVICE, "finished"),
        ("service.start", SERVICE, "finished"),
    ]
    assert world.leaky_service.restarts == 1


async def test_the_freeze_command_says_who_froze_and_since_when(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    assert "Nothing is frozen." in (await (await world.types("/incident freeze")).response()).text
    await world.types("/incident freeze on", "ana")
    result = await (await world.types("/incident freeze", "ben")).response()
    assert "Frozen by @ana" in result.text
    response = await (await world.types("/incident freeze on", "ben")).response()
    assert "It was frozen already. 🧊 Frozen by @ana since" in response.text
    odd = await (await world.types("/incident freeze maybe", "ben")).response()
    assert "On or off?" in odd.text


async def test_an_edit_without_a_change_changes_nothing(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, ANA)
    card = await proposed(world, bot)
    await world.press(card, "Edit", "ana")
    outcome = await world.slack.as_user("ana").submit(values={"grace_seconds": "1"})
    assert "Nothing was changed." in json.dumps(outcome.errors)
    outcome = await world.slack.as_user("ana").submit(values={"grace_seconds": "0"})
    assert "grace_seconds" in json.dumps(outcome.errors)
    assert len(world.replies("approval")) == 1
    await nothing_ran(world, gateway)


async def test_advice_that_is_switched_off_comes_only_to_those_who_ask(
    world: World, bot: StartBot
) -> None:
    world.write_policy(BEN, segments={"features": {"advice": False}})
    await bot()
    await world.alert()
    done = "SELECT 1 FROM advice WHERE state = 'done' AND body IS NULL"
    await until(lambda: world.rows(done), why="the advice that is left out")
    await world.types("/incident ask INC-1 why?")
    await world.advice("why?")
    assert len(world.replies("advice")) == 1
