"""Every way in which an action could run without a yes, tried; each refusal reaches one person."""

from __future__ import annotations

import asyncio
import json

from bot.approvals.binding import digest_of
from bot.simulator.conversation import Message
from store.rows import approval_from
from tests.scenarios.conftest import StartBot
from tests.scenarios.world import ALERTS, BEN, CHLOE, Clock, Gateway, World


async def proposed(world: World, bot: StartBot, **settings: str) -> Message:
    """An incident whose SOP has proposed a restart."""
    await bot(**settings)
    await world.alert()
    return await world.approval_card("awaiting approval")


async def nothing_ran(world: World, gateway: Gateway) -> None:
    await world.quiet()
    assert gateway.executions() == []
    assert world.patient.restarts == 0


async def refused(world: World, who: str, words: str) -> None:
    """The words reached this person, and nobody else."""
    await world.whisper(who, words)
    everybody = "\n".join(m.text for m in [*world.slack.messages(ALERTS), *thread(world)])
    assert words not in everybody
    for other in {"ana", "ben", "chloe"} - {who}:
        assert not any(words in text for text in world.whispers(other))


def thread(world: World) -> list[Message]:
    return world.slack.thread(ALERTS, world.cards()[0].ts)


async def test_who_is_no_approver_is_told_who_is(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    assert (await world.press(card, "Approve", "ana")).acked
    await refused(
        world, "ana", "Not counted: you are not an approver of this action. Ask @ben, @chloe."
    )
    await world.press(card, "Reject", "ana")
    assert "Approve" in world.replies("approval")[0].buttons, "it still waits"
    await nothing_ran(world, gateway)


async def test_who_asked_for_a_fix_cannot_approve_it_but_another_can(
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
    assert world.patient.restarts == 1


async def test_without_approvers_nobody_may_approve_and_the_card_says_so(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy()
    card = await proposed(world, bot)
    assert "Nobody may approve this: policy.yaml names no approvers." in card.text
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "An operator must name approvers under remediate.approvers")
    await nothing_ran(world, gateway)


async def test_an_approval_that_expired_is_refused_before_and_after_the_card_says_so(
    world: World, bot: StartBot, gateway: Gateway, clock: Clock
) -> None:
    running = await bot()
    await world.alert()
    card = await world.approval_card()
    clock.forward(901)
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Not counted: this approval has expired. Propose it again.")

    await running.response.proposals.tend()
    shown = await world.approval_card("· expired")
    assert "nobody decided in time" in shown.text
    assert shown.buttons == []
    await world.press(card, "Approve", "chloe", stale=True)
    await refused(world, "chloe", "Not counted: this remediation is expired.")
    await nothing_ran(world, gateway)


async def test_fifty_clicks_at_once_are_one_dispatch(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    clicks = [
        world.press(card, "Approve", who, stale=True) for _ in range(25) for who in ("ben", "chloe")
    ]
    await asyncio.gather(*clicks)
    await world.result("Verified")
    await world.quiet()
    assert gateway.executions() == [("service.restart", "checkout-api", "finished")]
    assert world.patient.restarts == 1
    assert len(world.replies("result")) == 1
    await world.slack.wait_for(
        lambda: len(_not_counted(world)) == len(clicks) - 1, why="every other click is answered"
    )


def _not_counted(world: World) -> list[str]:
    whispers = world.whispers("ben") + world.whispers("chloe")
    return [text for text in whispers if "Not counted" in text]


async def test_one_no_ends_it(world: World, bot: StartBot, gateway: Gateway) -> None:
    card = await proposed(world, bot)
    await world.press(card, "Reject", "chloe")
    shown = await world.approval_card("rejected")
    assert "@chloe rejected" in shown.text
    assert shown.buttons == []
    await world.press(card, "Approve", "ben", stale=True)
    await refused(world, "ben", "Not counted: this remediation is rejected.")
    await nothing_ran(world, gateway)


async def test_a_click_after_the_incident_resolved_runs_nothing(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await world.resolves()
    shown = await world.approval_card("revoked")
    assert "the incident resolved" in shown.text
    await world.press(card, "Approve", "ben", stale=True)
    await refused(world, "ben", "Not counted: this remediation is revoked.")
    await nothing_ran(world, gateway)


async def test_two_yeses_are_two_people(world: World, bot: StartBot, gateway: Gateway) -> None:
    world.write_policy(BEN, CHLOE, approvals_required=2)
    card = await proposed(world, bot)
    assert "Needs 2 of @ben, @chloe" in card.text
    await world.press(card, "Approve", "ben")
    await world.approval_card("@ben approved")
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Your vote is counted already.")
    await nothing_ran(world, gateway)
    await world.press(card, "Approve", "chloe")
    await world.result("Verified")
    assert world.patient.restarts == 1


async def test_somebody_of_another_workspace_is_refused(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    approve = next(e for b in card.data["blocks"] for e in b.get("elements", ()) if _is_yes(e))
    delivery = world.slack.deliver(
        "interactive",
        {
            "type": "block_actions",
            "team": {"id": world.slack.team_id, "domain": "local"},
            "user": {"id": BEN, "username": "ben", "team_id": "T0STRANGER"},
            "api_app_id": "A0SOPBOT01",
            "trigger_id": "1.2.3",
            "channel": {"id": ALERTS, "name": "alerts"},
            "container": {"type": "message", "message_ts": card.ts, "channel_id": ALERTS},
            "message": {"ts": card.ts},
            "actions": [{**approve, "block_id": "b", "action_ts": "1.2"}],
        },
    )
    assert await delivery.outcome()
    await refused(world, "ben", "Not done: only people of this workspace can do anything here.")
    await nothing_ran(world, gateway)


async def test_what_is_not_what_was_shown_does_not_run(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await world.quiet()
    assert world.store.tamper(
        "UPDATE approvals SET proposal = replace(proposal, '\"checkout-api\"', '\"payments\"')"
    )
    await world.press(card, "Approve", "ben")
    shown = await world.approval_card("revoked")
    assert "what would run is not what was shown" in shown.text
    await nothing_ran(world, gateway)


async def test_a_plan_that_changed_after_the_yes_was_asked_for_does_not_run(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await world.quiet()
    # As if the gateway's config had changed since: the digest that people saw is another one.
    command, _, effect = json.loads(world.rows("SELECT preview FROM approvals")[0]["preview"])
    other = json.dumps([command, "sha256:" + "0" * 64, effect])
    assert world.store.tamper("UPDATE approvals SET preview = ?", other)
    _sign_again(world)
    await world.press(card, "Approve", "ben")
    shown = await world.approval_card("revoked")
    assert "the gateway would do something else by now than what was shown" in shown.text
    await nothing_ran(world, gateway)


def _sign_again(world: World) -> None:
    """Make the bot's own digest fit, so that the gateway's plan is what is compared."""
    digest = digest_of(approval_from(world.rows("SELECT * FROM approvals")[0], []))
    assert world.store.tamper("UPDATE approvals SET digest = ?", digest)


def _is_yes(element: dict[str, object]) -> bool:
    return element.get("action_id") == "sopbot.approve"
