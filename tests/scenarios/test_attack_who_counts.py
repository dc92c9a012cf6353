"""Yeses of people who may not say yes. Slack is asked who they are; if it is silent, nobody is."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.scenarios.attacks import nothing_ran, proposed, ran, refused
from tests.scenarios.conftest import StartBot
from tests.scenarios.world import ANA, BEN, CHLOE, Clock, Gateway, World

SRE = "S0SRE00001"


async def test_who_asked_for_it_cannot_approve_it_but_another_can(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_sops()
    await bot()
    await world.alert()
    await world.card()
    answer = await world.types("/incident fix restart", "ben")
    assert "Somebody else decides." in (await answer.response()).text
    card = await world.approval_card("not @ben")
    await world.press(card, "Approve", "ben")
    await refused(
        world,
        "ben",
        "Not counted: you asked for this, so somebody else must approve it. Ask @chloe",
    )
    await nothing_ran(world, gateway)
    await world.press(card, "Approve", "chloe")
    await world.result("exit 0")
    await ran(world, gateway, 1)


async def test_who_edited_a_value_cannot_approve_it_and_old_votes_are_gone(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, ANA, approvals_required=2)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "chloe")
    await world.press(card, "Edit", "ben")
    outcome = await world.slack.as_user("ben").submit(values={"grace_seconds": "2"})
    assert not outcome.errors
    old = await world.approval_card("revoked")
    assert "@ben changed a value. The new card is below" in old.text
    assert old.buttons == []
    fresh = await world.approval_card("edited by @ben", which=2)
    assert "not @ben" in fresh.text

    await world.press(card, "Approve", "ana", stale=True)
    await refused(world, "ana", "Not counted: this remediation is revoked.")
    await world.press(fresh, "Approve", "ben")
    await refused(world, "ben", "Not counted: you changed a value of this")
    await world.press(fresh, "Approve", "ana")
    await world.approval_card("1 more needed", which=2)
    await nothing_ran(world, gateway)
    await world.press(fresh, "Approve", "chloe")
    await world.result("Verified")
    await ran(world, gateway, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_guest": True}, "Not counted: guests never count."),
        ({"is_single_channel": True}, "Not counted: guests never count."),
        ({"is_bot": True}, "Not counted: a bot never counts."),
        ({"is_deleted": True}, "Not counted: this account is deactivated."),
        ({"team_id": "T0ELSEWHERE"}, "only people of this workspace"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_a_guest_a_bot_a_leaver_and_a_stranger_never_count_though_the_policy_names_them(
    change: dict[str, Any], words: str, world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    world.slack.change_user("ben", **change)
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", words)
    await nothing_ran(world, gateway)


async def test_who_is_in_the_group_may_approve_and_who_left_a_minute_ago_may_not(
    world: World, bot: StartBot, gateway: Gateway, clock: Clock
) -> None:
    world.write_policy(SRE)
    card = await proposed(world, bot)
    assert "Needs 1 of @sre" in card.text
    world.slack.change_group("sre", CHLOE)
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: you are not an approver of this action. Ask @sre.")
    await nothing_ran(world, gateway)
    await world.press(card, "Approve", "chloe")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_who_said_yes_and_left_the_group_before_the_last_yes_does_not_count(
    world: World, bot: StartBot, gateway: Gateway, clock: Clock
) -> None:
    world.write_policy(SRE, approvals_required=2)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.approval_card("1 more needed")
    world.slack.change_group("sre", CHLOE, ANA)
    clock.forward(60)  # as long as the bot believes what it was told
    await world.press(card, "Approve", "chloe")
    shown = await world.approval_card("revoked")
    why = "the yes of @ben does not count any more: they are not an approver of this action"
    assert why in shown.text
    await nothing_ran(world, gateway)


async def test_while_slack_is_silent_at_dispatch_the_card_says_that_and_not_that_somebody_left(
    world: World, bot: StartBot, gateway: Gateway, clock: Clock
) -> None:
    world.write_policy(SRE, approvals_required=2)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.approval_card("1 more needed")
    clock.forward(60)  # as long as the bot believes what it was told

    async def refuse(method: str, args: dict[str, Any]) -> web.StreamResponse | None:
        of_ben = method == "users.info" and args.get("user") == BEN
        return web.Response(status=503) if of_ben else None

    world.door.on_call = refuse
    await world.press(card, "Approve", "chloe")
    shown = await world.approval_card("revoked")
    why = "the yes of @ben does not count any more: Slack did not say who they are"
    assert why in shown.text
    await nothing_ran(world, gateway)


async def test_an_empty_group_is_nobody(world: World, bot: StartBot, gateway: Gateway) -> None:
    world.write_policy(SRE)
    world.slack.change_group("sre")
    card = await proposed(world, bot)
    for who in ("ana", "ben", "chloe"):
        await world.press(card, "Approve", who)
        await world.whisper(who, "Not counted: you are not an approver of this action.")
    await nothing_ran(world, gateway)


@pytest.mark.parametrize("silent", ["users.info", "usergroups.users.list"])
async def test_while_slack_does_not_say_who_somebody_is_nobody_counts(
    silent: str, world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(SRE)
    card = await proposed(world, bot)

    async def refuse(method: str, _args: dict[str, Any]) -> web.StreamResponse | None:
        return web.Response(status=503) if method == silent else None

    world.door.on_call = refuse
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: Slack did not say who")
    await nothing_ran(world, gateway)
    world.door.on_call = None
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_where_only_rules_name_approvers_they_lift_a_freeze(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(rules=[{"risk_at_least": "critical", "approvers": [BEN]}])
    await bot()
    await (await world.types("/incident freeze on", "ana")).response()
    answer = await world.types("/incident freeze off", "ana")
    assert "Still frozen: only an approver decides that." in (await answer.response()).text
    answer = await world.types("/incident freeze off", "ben")
    assert "The freeze is lifted." in (await answer.response()).text


async def test_only_an_approver_lifts_a_freeze_and_while_it_stands_no_yes_counts(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await (await world.types("/incident freeze on the database moves", "ana")).response()
    shown = await world.approval_card("Frozen by @ana")
    assert "the database moves" in shown.text
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: everything is frozen by @ana (the database moves)")
    answer = await world.types("/incident freeze off", "ana")
    assert "Still frozen: only an approver decides that." in (await answer.response()).text
    await nothing_ran(world, gateway)
    await (await world.types("/incident freeze off", "chloe")).response()
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)
