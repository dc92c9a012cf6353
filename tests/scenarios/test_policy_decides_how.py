"""Reasons, groups, windows, actions that need nobody, and the way back from what did not help."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.scenarios.attacks import nothing_ran, proposed, ran
from tests.scenarios.children import until
from tests.scenarios.conftest import StartBot
from tests.scenarios.world import ANA, BEN, CHLOE, SERVICE, Clock, Gateway, World, restart_sop

NOTHING_LISTENS = "http://127.0.0.1:9/health"


async def test_where_a_reason_is_wanted_the_vote_counts_when_it_is_given(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, reason_required=True)
    card = await proposed(world, bot)
    assert "asks for a reason" in card.text
    await world.press(card, "Approve", "ana")
    await world.whisper("ana", "Not counted: you are not an approver of this action.")
    assert world.slack.modal("ana") is None, "the box is for those who may"

    await world.press(card, "Approve", "ben")
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
    assert "Needs 1 of @ben" in card.text
    await world.types("/incident fix stop grace_seconds=1", "ana")
    risky = await world.approval_card("Stop checkout-api", which=2)
    assert "Needs 2 of @sre, not @ana" in risky.text
    assert "grace_seconds" in risky.text
    assert "asked by @ana" in risky.text
    assert "Reversible: yes, by service.start" in risky.text


async def test_outside_of_its_maintenance_window_nothing_is_approved(
    world: World, bot: StartBot, gateway: Gateway, clock: Clock
) -> None:
    ends = clock() - timedelta(hours=1)
    window = {"start": f"{ends - timedelta(hours=1):%H:%M}", "end": f"{ends:%H:%M}"}
    world.write_policy(BEN, only_in_windows=True, maintenance_windows=[window])
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.whisper("ben", "Not counted: this may run only in a maintenance window.")
    await nothing_ran(world, gateway)


async def test_an_action_that_the_policy_approves_runs_by_itself_for_a_target_the_alert_names(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, auto_approve=["service.restart"])
    await until(lambda: world.patient.pids, why="the service is up")
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


async def test_an_action_that_the_operator_took_out_is_not_proposed(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, actions={"service.restart": {"enabled": False}})
    await bot()
    await world.alert()
    note = await world.reply("note", "Not proposed: service.restart.")
    assert "Known: service.stop, service.start" in note.text
    await nothing_ran(world, gateway)


def stop_sop() -> dict[str, Any]:
    """An SOP that stops the service, and looks at what never answers."""
    sop = restart_sop(NOTHING_LISTENS)
    sop["actions"][0]["action"] = "service.stop"
    return sop


async def test_what_did_not_help_is_undone_by_one_click_and_another_persons_yes(
    world: World, bot: StartBot, gateway: Gateway, clock: Clock
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
    clock.forward(60)  # as long as the bot believes what it was told
    await world.press(result, "Undo", "ana")
    await world.whisper("ana", "Not done: guests never count.")

    await world.press(result, "Undo", "ben")
    card = await world.approval_card("Undo Stop checkout-api: Start checkout-api", which=2)
    assert "not @ben" in card.text
    await world.press(result, "Undo", "chloe")
    await world.whisper("chloe", "It is proposed already: see its card in this thread.")
    await world.press(card, "Approve", "ben")
    await world.whisper("ben", "Not counted: you asked for this")
    await world.press(card, "Approve", "chloe")
    await world.result("Undone.")
    assert world.replies("result")[0].buttons == []
    await world.approval_card("· undone")
    assert gateway.executions() == [
        ("service.stop", SERVICE, "finished"),
        ("service.start", SERVICE, "finished"),
    ]
    assert world.patient.restarts == 1


async def test_a_freeze_is_told_to_whoever_asks(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    assert "Nothing is frozen." in (await (await world.types("/incident freeze")).response()).text
    await world.types("/incident freeze on", "ana")
    told = await (await world.types("/incident freeze", "ben")).response()
    assert "Frozen by @ana" in told.text
    again = await (await world.types("/incident freeze on", "ben")).response()
    assert "It was frozen already." in again.text
    odd = await (await world.types("/incident freeze maybe", "ben")).response()
    assert "On or off?" in odd.text


async def test_nothing_changed_in_the_box_changes_nothing(
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
