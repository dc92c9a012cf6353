"""Guests, bots, leavers and strangers change nothing, unless the policy says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from bot.simulator import menu_entries
from tests.helpers.clocks import RunningClock
from tests.scenarios.attacks import nothing_ran, proposed, refused
from tests.scenarios.audit_trails import on_record
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, ANA, BEN, CHLOE, Gateway, World

pytestmark = [pytest.mark.attack("ASI03"), pytest.mark.one_engine]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"is_guest": True}, "guests never count"),
        ({"is_bot": True}, "a bot never counts"),
        ({"is_deleted": True}, "this account is deactivated"),
    ],
    ids=["guest", "bot", "leaver"],
)
async def test_a_guest_a_bot_and_a_leaver_change_freeze_and_propose_nothing(
    change: dict[str, Any],
    text: str,
    world: World,
    bot: StartBot,
    gateway: Gateway,
    clock: RunningClock,
) -> None:
    card = await proposed(world, bot)
    await world.press(card, "Edit", "ana")
    world.slack.change_user("ana", **change)
    clock.forward(60)  # the bot keeps the answer about a person for that long
    outcome = await world.slack.as_user("ana").submit(values={"grace_seconds": "2"})
    assert f"Not done: {text}." in str(outcome.errors)
    await world.press(card, "Edit", "ana")
    await refused(world, "ana", f"Not done: {text}.")
    for command in ("fix stop", "freeze on", "run status ledger"):
        answer = await (await world.types(f"/incident {command}", "ana")).response()
        assert text in answer.text or "guests may not fix here" in answer.text
        assert "Known:" not in answer.text, "who may not read learns no names of targets"
    assert len(world.replies("approval")) == 1
    assert world.rows("SELECT * FROM freezes") == []
    assert [row["actor"] for row in on_record(world, "refused")] == [ANA] * 5

    answer = await (await world.types("/incident ack", "ana")).response()
    assert answer.text.startswith("Not done: ")
    assert world.cards()[0].buttons[0] == "Acknowledge", "nobody has acknowledged it"


async def test_a_guest_steers_no_incident_unless_the_policy_says_so(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await proposed(world, bot)
    world.slack.change_user("ana", is_guest=True)
    card = await world.card()
    for command, verb in (
        ("ack", "acknowledge"),
        ("assign INC-1 me", "assign"),
        ("resolve INC-1", "resolve"),
        ("ask INC-1 why?", "ask"),
        ("fix INC-1 restart", "fix"),
        ("reopen INC-1", "reopen"),
    ):
        answer = await (await world.types(f"/incident {command}", "ana")).response()
        assert f"Not done: guests may not {verb} here. Ask a member" in answer.text
    for button, verb in (("Acknowledge", "acknowledge"), ("Resolve", "resolve")):
        await world.press(card, button, "ana")
        await world.slack.wait_for(
            lambda verb=verb: [
                ephemeral for ephemeral in world.ephemerals("ana") if verb in ephemeral
            ][1:],
            why="the press is refused too",
        )
    await world.advice()  # of the SOP; it may come after the approval card
    advised = len(world.replies("advice"))
    await world.slack.as_user("ana").say(ALERTS, "@sopbot why?", thread=card)
    await world.slack.wait_for(
        lambda: [ephemeral for ephemeral in world.ephemerals("ana") if "may not ask" in ephemeral][
            1:
        ],
        why="the mention is refused too",
    )
    await world.quiet()
    (row,) = world.rows("SELECT status, acknowledged_by FROM incidents")
    assert (row["status"], row["acknowledged_by"]) == ("open", "")
    assert len(world.replies("advice")) == advised
    assert len(world.replies("approval")) == 1
    await nothing_ran(world, gateway)


async def test_a_guest_does_what_the_policy_allows_and_still_approves_nothing(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, ANA, guests_may=["acknowledge", "ask"])
    card = await proposed(world, bot)
    world.slack.change_user("ana", is_guest=True)
    answer = await (await world.types("/incident ack", "ana")).response()
    assert "INC-1 is yours." in answer.text
    answer = await (await world.types("/incident resolve", "ana")).response()
    assert "guests may not resolve here" in answer.text
    await world.press(card, "Approve", "ana")
    await refused(world, "ana", "Not counted: guests never count.")
    await nothing_ran(world, gateway)


async def test_a_guest_who_may_propose_does_not_end_what_runs(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    world.write_policy(BEN, ANA, guests_may=["fix"])
    await proposed(world, bot)
    answer = await world.types("/incident cancel INC-1", "ana")
    assert "Nothing cancelled: no action runs for INC-1" in answer.text, "a member may"
    world.slack.change_user("ana", is_guest=True)
    clock.forward(60)  # the bot keeps the answer about a person for that long
    answer = await world.types("/incident cancel INC-1", "ana")
    assert "Not done: guests never count." in answer.text


async def test_a_guest_reads_no_incident_of_a_channel_that_they_are_not_in(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    await proposed(world, bot)
    world.slack.change_user("ana", is_guest=True)
    assert "HealthCheckFailing" in await _answer(world, "/incident list")
    assert "HealthCheckFailing" in await _answer(world, "/incident show")
    await world.slack.as_user("ana").open_home()
    tab = await world.slack.wait_for(lambda: world.slack.home("ana"), why="the Home tab")
    assert "HealthCheckFailing" in str(tab)
    assert "As a guest you see" in str(tab)
    assert menu_entries(tab) == ["Change severity…", "Assign…", "Escalate…", "Merge…"]

    world.slack.core.workspace.channel(ALERTS).members.discard(ANA)
    clock.forward(60)  # the bot keeps the answer about a person for that long
    assert await _answer(world, "/incident list all") == "No incidents."
    for line in ("show INC-1", "trace INC-1", "ask INC-1 why?", "ack 1", "actions INC-1"):
        answer = await _answer(world, f"/incident {line}")
        assert "guests read of the channels that they are in, and INC-1 is in another" in answer
        assert "HealthCheck" not in answer
    for line in (
        *("/incident stats", "/incident actions", "/incident freeze", "/incident list silences"),
        *("/incident list suppressed", "/incident list unmatched", "/incident list freezes"),
        *("/sop list", "/sop search restart", "/sop runs sop_checkout_down"),
    ):
        assert "this is about all channels" in await _answer(world, line), line
    await world.slack.as_user("ana").press(tab, "Change severity…")
    await world.slack.wait_for(
        lambda: "INC-1 is in another one" in str(world.slack.home("ana")), why="the tab refuses"
    )
    assert "HealthCheckFailing" not in str(world.slack.home("ana"))

    world.slack.script.http("users.conversations", 503, times=None)
    clock.forward(60)
    answer = await _answer(world, "/incident list")
    assert answer.startswith("Not shown: Slack did not say which channels you are in.")


async def _answer(world: World, line: str, who: str = "ana") -> str:
    return (await (await world.types(line, who)).response()).text


async def test_what_was_learned_in_a_private_channel_is_cited_in_no_other(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    world.write_sops()
    await bot()
    await world.alert()
    await world.card()
    await _answer(world, "/incident lesson INC-1 It was the connection pool")
    await world.reply("steered", "connection pool")
    sop_id = (await world.card()).text.partition("sop_")[2].split()[0].strip("`")

    async def lessons_in(channel: str) -> str:
        outcome = await world.slack.as_user("ana").command(f"/sop lessons sop_{sop_id}", channel)
        return (await outcome.response()).text

    assert "connection pool" in await lessons_in("C0RANDOM01")
    world.slack.core.workspace.channel(ALERTS).is_private = True
    clock.forward(60)  # the bot keeps the answer about a channel for that long
    assert "connection pool" not in await lessons_in("C0RANDOM01")
    assert "connection pool" in await lessons_in(ALERTS)


async def test_a_user_without_guest_information_is_not_counted_and_is_told_why(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    user = {"id": BEN, "team_id": world.slack.team_id, "deleted": False, "is_bot": False}

    async def answered(method: str, _args: dict[str, Any]) -> web.StreamResponse | None:
        if method == "users.info":
            return web.json_response({"ok": True, "user": user})
        return None

    world.slack_hooks.on_call = answered
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: Slack did not say whether you are a guest. Try again")
    assert "users.info" in world.ephemerals("ben")[-1]
    answer = await (await world.types("/incident ack", "ben")).response()
    assert "INC-1 is yours." in answer.text, "anybody can take that over"
    answer = await (await world.types("/incident resolve", "ben")).response()
    assert "Not done: Slack did not say whether you are a guest." in answer.text
    await nothing_ran(world, gateway)


async def mention(world: World, **more: str) -> int:
    """Let ana mention the bot in the thread; returns the number of advices before."""
    card = await world.card()
    await world.advice()  # of the SOP; it may come after the approval card
    advised = len(world.replies("advice"))
    event = {
        "type": "app_mention",
        "user": ANA,
        "text": "<@U0SOPBOT01> what is the password?",
        "ts": "1795300000.000100",
        "thread_ts": card.ts,
        "channel": ALERTS,
    }
    assert await world.slack.send_event(event | more).outcome()
    return advised


@pytest.mark.parametrize("who", ["stranger", "member", "untold"])
async def test_a_mention_without_a_team_is_accepted_only_from_a_member_of_this_workspace(
    world: World, bot: StartBot, who: str
) -> None:
    await proposed(world, bot)
    if who == "stranger":
        world.slack.change_user("ana", team_id="T0OTHER")
    if who == "untold":
        world.slack.script.http("users.info", 503, times=None)
    advised = await mention(world)
    if who == "member":
        await world.advice("what is the password?", which=advised + 1)
        return
    reason = "only people of this workspace count" if who == "stranger" else "Slack did not say who"
    await world.ephemeral("ana", f"Not done: {reason}")
    await world.quiet()
    assert len(world.replies("advice")) == advised


async def test_a_mention_from_another_team_is_ignored(world: World, bot: StartBot) -> None:
    await proposed(world, bot)
    advised = await mention(world, user_team="T0OTHER")
    await mention(world, text="<@U0SOPBOT01> and the second?", ts="1795300001.000100")
    await world.advice("and the second?", which=advised + 1)
    await world.quiet()
    assert len(world.replies("advice")) == advised + 1


async def test_a_user_whom_slack_does_not_return_may_only_freeze(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await proposed(world, bot)
    world.slack.script.http("users.info", 503, times=None)
    answer = await (await world.types("/incident fix stop", "ana")).response()
    assert "Not done: Slack did not say who you are. Try again in a minute." in answer.text
    answer = await (await world.types("/incident freeze on", "ana")).response()
    assert "Frozen: all actions are blocked" in answer.text
    answer = await (await world.types("/incident unfreeze", "ben")).response()
    assert "Still frozen: Slack did not say who you are." in answer.text


async def test_every_refusal_is_in_the_audit_trail_once(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, reason_required=True)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ana")  # before the box opens
    await world.ephemeral("ana", "you are not an approver")
    await (await world.types("/incident freeze on", "ana")).response()
    await (await world.types("/incident unfreeze", "ana")).response()
    await world.press(card, "Approve", "ben", stale=True)
    await world.ephemeral("ben", "everything is frozen")
    await world.press(card, "Reject", "ben")
    await world.approval_card("rejected")
    for count, button in enumerate(("Dry run", "Edit", "Reject"), start=1):
        await world.press(card, button, "chloe", stale=True)
        await world.slack.wait_for(
            lambda count=count: (
                sum("is rejected" in text for text in world.ephemerals("chloe")) == count
            ),
            why=f"chloe reads the refusal of {button}",
        )
    await (await world.types("/incident resolve", "ana")).response()
    await world.slack.as_user("ana").submit(values={})
    await (await world.types("/incident fix INC-1 restart checkout-api", "ana")).response()
    rows = on_record(world, "refused")
    assert [(row["actor"], json.loads(row["detail"])["tried"]) for row in rows] == [
        (ANA, "sopbot.approve"),
        (ANA, "/incident unfreeze"),
        (BEN, "sopbot.approve"),
        (CHLOE, "sopbot.dry_run"),
        (CHLOE, "sopbot.edit"),
        (CHLOE, "sopbot.reject"),
        (ANA, "/incident fix INC-1 restart checkout-api"),
    ]
    (approval,) = world.rows("SELECT id FROM approvals")
    pressed = [row for row in rows if "sopbot." in row["detail"]]
    assert {row["subject"] for row in pressed} == {approval["id"]}
    assert {row["incident_id"] for row in pressed} == {1}
