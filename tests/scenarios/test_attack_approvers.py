"""Votes of people who may not approve. If Slack does not return the user, no vote counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.helpers.clocks import RunningClock
from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.attacks import nothing_ran, proposed, ran, refused
from tests.scenarios.audit_trails import on_record
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ANA, BEN, CHLOE, SERVICE, Gateway, World, restart_sop

pytestmark = [pytest.mark.attack("ASI03"), pytest.mark.one_engine]

SRE = "S0SRE00001"


async def test_the_requester_cannot_approve_but_another_approver_can(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_sops()
    await bot()
    await world.alert()
    await world.card()
    answer = await world.types("/incident fix restart", "ben")
    assert "Somebody else must approve it." in (await answer.response()).text
    card = await world.approval_card("Needs 1 approval: @chloe ·")
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


async def test_an_editor_of_a_value_cannot_approve_and_an_edit_drops_earlier_votes(
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
    assert "Needs 2 approvals: @chloe, @ana ·" in fresh.text

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
    ("change", "text"),
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
    change: dict[str, Any], text: str, world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    world.slack.change_user("ben", **change)
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", text)
    await nothing_ran(world, gateway)


async def test_a_group_member_may_approve_and_a_former_member_may_not(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    world.write_policy(SRE)
    card = await proposed(world, bot)
    assert "Needs 1 approval: @sre" in card.text
    world.slack.change_group("sre", CHLOE)
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: you are not an approver of this action. Ask @sre.")
    await nothing_ran(world, gateway)
    await world.press(card, "Approve", "chloe")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_an_approver_who_left_the_group_before_the_last_approval_does_not_count(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    world.write_policy(SRE, approvals_required=2)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.approval_card("1 more needed")
    world.slack.change_group("sre", CHLOE, ANA)
    clock.forward(60)  # the bot keeps the answer about a person for that long
    await world.press(card, "Approve", "chloe")
    shown = await world.approval_card("revoked")
    why = "the approval by @ben does not count any more: they are not an approver of this action"
    assert why in shown.text
    await nothing_ran(world, gateway)


async def test_if_slack_does_not_answer_at_dispatch_the_card_does_not_claim_that_somebody_left(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    world.write_policy(SRE, approvals_required=2)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.approval_card("1 more needed")
    clock.forward(60)  # the bot keeps the answer about a person for that long

    async def refuse(method: str, args: dict[str, Any]) -> web.StreamResponse | None:
        of_ben = method == "users.info" and args.get("user") == BEN
        return web.Response(status=503) if of_ben else None

    world.slack_hooks.on_call = refuse
    await world.press(card, "Approve", "chloe")
    shown = await world.approval_card("revoked")
    why = "the approval by @ben does not count any more: Slack did not say who they are"
    assert why in shown.text
    await nothing_ran(world, gateway)


async def test_an_empty_group_has_no_approver(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(SRE)
    world.slack.change_group("sre")
    card = await proposed(world, bot)
    for who in ("ana", "ben", "chloe"):
        await world.press(card, "Approve", who)
        await world.ephemeral(who, "Not counted: you are not an approver of this action.")
    await nothing_ran(world, gateway)


@pytest.mark.parametrize("silent", ["users.info", "usergroups.users.list"])
async def test_if_slack_does_not_return_the_user_the_vote_is_not_counted(
    silent: str, world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    world.write_policy(SRE)
    card = await proposed(world, bot)

    async def refuse(method: str, _args: dict[str, Any]) -> web.StreamResponse | None:
        return web.Response(status=503) if method == silent else None

    world.slack_hooks.on_call = refuse
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: Slack did not say who")
    await nothing_ran(world, gateway)
    world.slack_hooks.on_call = None
    clock.forward(5)  # as long as the bot remembers that Slack was silent
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_approvers_named_only_by_rules_may_unfreeze(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(rules=[{"risk_at_least": "critical", "approvers": [BEN]}])
    await bot()
    await (await world.types("/incident freeze on", "ana")).response()
    answer = await world.types("/incident unfreeze", "ana")
    assert (
        "Still frozen: only an approver decides that. Ask @ben." in (await answer.response()).text
    )
    answer = await world.types("/incident unfreeze", "ben")
    assert (
        "Unfrozen: actions may run again. It was frozen by @ana for"
        in (await answer.response()).text
    )


async def test_only_an_approver_unfreezes_and_during_a_freeze_no_approval_counts(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await (await world.types("/incident freeze on the database moves", "ana")).response()
    shown = await world.approval_card("Frozen by @ana, today")
    assert "the database moves" in shown.text
    assert "Approve" not in shown.buttons
    await world.press(card, "Approve", "ben", stale=True)
    await refused(world, "ben", "Not counted: everything is frozen by @ana (the database moves)")
    answer = await world.types("/incident unfreeze", "ana")
    assert "Still frozen: only an approver decides that." in (await answer.response()).text
    await nothing_ran(world, gateway)
    await (await world.types("/incident unfreeze", "chloe")).response()
    await until(lambda: "Approve" in world.replies("approval")[0].buttons, why="it may again")
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


@pytest.mark.parametrize("slow", ["users.info", "usergroups.users.list"])
async def test_many_presses_are_acknowledged_within_three_seconds_while_slack_is_slow(
    slow: str, world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(SRE)
    card = await proposed(world, bot)
    world.slack.script.slow(slow, 6, times=None)
    world.slack.script.slow("chat.postEphemeral", 2, times=None)
    everybody = ("ana", "ben", "chloe")
    outcomes = await asyncio.gather(*(world.press(card, "Approve", who) for who in everybody))
    for outcome in outcomes:
        assert outcome.acked, outcome
        assert outcome.seconds is not None
        assert outcome.seconds < 3
    for who in everybody:
        await world.ephemeral(who, "Not counted: Slack did not say who")
    await nothing_ran(world, gateway)


async def test_a_stranger_is_refused_at_once_while_slack_is_slow(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    world.slack.change_user("ben", team_id="T0ELSEWHERE")
    world.slack.script.slow("chat.postEphemeral", 4, times=None)
    outcome = await world.press(card, "Approve", "ben")
    assert outcome.acked, outcome
    await world.ephemeral("ben", "only people of this workspace")
    await nothing_ran(world, gateway)


async def test_an_approver_may_still_reject(world: World, bot: StartBot, gateway: Gateway) -> None:
    world.write_policy(BEN, CHLOE, approvals_required=2)
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.approval_card("1 more needed")
    await world.press(card, "Reject", "ben")
    over = await world.approval_card("rejected")
    assert "@ben withdrew the approval" in over.text
    assert over.buttons == []
    await world.press(card, "Approve", "chloe", stale=True)
    await refused(world, "chloe", "Not counted: this remediation is rejected.")
    await nothing_ran(world, gateway)


async def test_the_requester_cancels_the_request(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_sops()
    await bot()
    await world.alert()
    await world.card()
    await world.types("/incident fix restart", "ana")  # whom the policy does not name
    await world.press(await world.approval_card("awaiting"), "Reject", "ana")
    over = await world.approval_card("rejected")
    assert "withdrawn by who asked, @ana" in over.text
    assert over.buttons == []
    await nothing_ran(world, gateway)


async def test_of_two_people_with_the_same_edit_neither_approves_their_own(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        world.gateway_url = gateway_proxy.url
        card = await proposed(world, bot)
        await world.press(card, "Edit", "ben")
        await world.press(card, "Edit", "chloe")
        lookups, both = 0, asyncio.Event()

        async def meet(request: web.Request) -> bool:
            nonlocal lookups
            if request.path == "/plan":
                lookups += 1
                if lookups == 2:
                    both.set()
                await both.wait()
            return True

        gateway_proxy.on_request = meet
        names = {"ben": BEN, "chloe": CHLOE}
        outcomes = await asyncio.gather(
            *(world.slack.as_user(who).submit(values={"grace_seconds": "2"}) for who in names)
        )
    (name,) = [who for who, outcome in zip(names, outcomes, strict=True) if outcome.errors]
    (won,) = set(names) - {name}
    assert "Somebody was faster" in str(outcomes[list(names).index(name)].errors)
    await world.approval_card("The new card is below")
    fresh = await world.approval_card(f"Needs 1 approval: @{name} ·", which=2)
    assert len(world.replies("approval")) == 2
    assert [row["actor"] for row in on_record(world, "edited")] == [names[won]]
    await world.press(fresh, "Approve", won)
    await refused(world, won, "Not counted: you changed a value of this")
    await nothing_ran(world, gateway)


@pytest.mark.parametrize("auto_approve", [[], ["service.restart"]])
async def test_the_reporter_of_an_incident_cannot_approve_what_its_sop_proposes(
    world: World, bot: StartBot, gateway: Gateway, auto_approve: list[str]
) -> None:
    world.write_policy(BEN, CHLOE, auto_approve=auto_approve)
    world.write_sops(restart_sop(world.probe_url))
    await bot()
    answer = await world.types(f"/incident open critical Checkout fails service={SERVICE}", "ben")
    assert "Opened" in (await answer.response()).text
    card = await world.approval_card("Needs 1 approval: @chloe ·")
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: you asked for this, so somebody else must approve it")
    await nothing_ran(world, gateway)
    await world.press(card, "Approve", "chloe")
    await world.result("exit 0")
    await ran(world, gateway, 1)
