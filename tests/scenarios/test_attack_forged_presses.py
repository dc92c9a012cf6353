"""Forged presses: the gateway gets exactly as many requests as people approved."""

from __future__ import annotations

import asyncio
import copy

import pytest

from tests.helpers.clocks import RunningClock
from tests.scenarios.attacks import (
    button,
    deliver,
    nothing_ran,
    press,
    proposed,
    ran,
    refused,
)
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, BEN, CHLOE, Gateway, World, restart_sop

pytestmark = [pytest.mark.attack("ASI03"), pytest.mark.one_engine]

NOT_ITS_CARD = "Not counted: this button is not on the remediation's own card. Press it there."


@pytest.mark.parametrize(
    "value",
    ["", "0" * 32, "INC-1", "' OR '1'='1", "exec-1", "x" * 5000, "\x00", "../approvals"],
    ids=range(8),
)
async def test_a_forged_value_approves_nothing(
    value: str, world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await deliver(world, press(card, {**button(card), "value": value}))
    await refused(world, "ben", "This approval is not known here. Propose the action again.")
    await nothing_ran(world, gateway)


async def test_the_id_of_another_approval_on_this_card_approves_neither(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    here = await proposed(world, bot)
    await world.alert("payments")
    await world.card("payments", number=2)
    await world.types("/incident fix INC-2 restart checkout-api")
    there = await world.approval_card("awaiting approval", number=2)
    await deliver(world, press(here, button(there)))
    await refused(world, "ben", NOT_ITS_CARD)
    assert "Approve" in world.replies("approval")[0].buttons
    assert "Approve" in world.replies("approval", number=2)[0].buttons
    await nothing_ran(world, gateway)


async def test_a_replayed_payload_counts_once(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, approvals_required=2)
    card = await proposed(world, bot)
    payload = press(card, button(card))
    for _ in range(3):
        await deliver(world, copy.deepcopy(payload))
    await refused(world, "ben", "Your vote is counted already.")
    await nothing_ran(world, gateway)
    await deliver(world, press(card, button(card), CHLOE))
    await world.result("Verified")
    await deliver(world, copy.deepcopy(payload))  # and once more, when all is over
    await world.ephemeral("ben", "Not counted: this remediation is approved.")
    await ran(world, gateway, 1)


@pytest.mark.parametrize("team", ["T0STRANGER", "", None])
async def test_a_press_from_another_workspace_is_refused(
    team: str | None, world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    payload = press(card, button(card))
    payload["user"]["team_id"] = team
    await deliver(world, payload)
    await refused(world, "ben", "Not done: only people of this workspace can do anything here.")
    await nothing_ran(world, gateway)


async def test_a_user_whom_slack_places_in_another_workspace_is_not_counted(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    world.slack.change_user("ben", team_id="T0STRANGER")
    await deliver(world, press(card, button(card)))  # the payload says that they are ours
    await refused(world, "ben", "Not counted: only people of this workspace count.")
    await nothing_ran(world, gateway)


async def test_the_button_of_another_apps_message_approves_nothing(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    stolen = [block for block in card.data["blocks"] if block["type"] == "actions"]
    foreign = await world.slack.post_as_app(
        "Joker", ALERTS, "Free coffee", blocks=stolen, shape="modern"
    )
    await deliver(world, press(foreign, button(card), api_app_id="A0JOKER000"))
    await refused(world, "ben", "Not done: that button is not on a message of this bot.")
    await nothing_ran(world, gateway)


async def test_the_text_of_an_edited_card_is_not_what_runs(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    payload = press(card, button(card))
    forged = copy.deepcopy(card.data)
    for block in forged["blocks"]:
        if block["type"] == "section":
            block["text"]["text"] = block["text"]["text"].replace("checkout-api", "payments")
    payload["message"] = forged | {"text": "Restart payments", "edited": {"user": BEN, "ts": "1"}}
    payload["state"] = {"values": {"target": {"sopbot.value": {"value": "payments"}}}}
    await deliver(world, payload)
    await world.result("Verified")
    assert "Restart checkout-api" in world.replies("approval")[0].text
    await ran(world, gateway, 1)


async def test_a_late_click_is_refused_before_and_after_the_card_says_so(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    card = await proposed(world, bot)
    clock.forward(901)
    await world.press(card, "Approve", "ben", stale=True)
    await world.ephemeral("ben", "Not counted: this")
    shown = await world.approval_card("· expired")
    assert "nobody decided in time" in shown.text
    assert not {"Approve", "Reject", "Dry run", "Edit"} & set(shown.buttons)
    await world.press(card, "Approve", "chloe", stale=True)
    await refused(world, "chloe", "Not counted: this remediation is expired.")
    await nothing_ran(world, gateway)


async def test_a_double_click_times_fifty_is_one_dispatch(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    clicks = [
        world.press(card, "Approve", who, stale=True) for _ in range(25) for who in ("ben", "chloe")
    ]
    await asyncio.gather(*clicks)
    await world.result("Verified")
    assert len(world.replies("result")) == 1
    await world.slack.wait_for(
        lambda: len(_not_counted(world)) == len(clicks) - 1, why="every other click is answered"
    )
    await ran(world, gateway, 1)


async def test_two_approvers_at_once_are_two_votes_and_one_dispatch(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, approvals_required=2)
    card = await proposed(world, bot)
    await asyncio.gather(
        *(world.press(card, "Approve", who, stale=True) for who in ("ben", "chloe"))
    )
    shown = await world.approval_card("verified")
    assert "@ben approved" in shown.text
    assert "@chloe approved" in shown.text
    assert _not_counted(world) == []
    await ran(world, gateway, 1)


async def test_an_approval_and_a_rejection_at_once_are_one_decision(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await asyncio.gather(
        world.press(card, "Reject", "chloe", stale=True),
        world.press(card, "Approve", "ben", stale=True),
    )
    await world.slack.wait_for(lambda: _not_counted(world), why="one of the two is refused")
    await world.quiet()
    (row,) = world.rows("SELECT state FROM approvals")
    await ran(world, gateway, 1 if row["state"] == "approved" else 0)


async def test_a_modal_submitted_without_being_opened_is_still_authorised(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, reason_required=True)
    await proposed(world, bot)
    (row,) = world.rows("SELECT id FROM approvals")
    forged = {
        "type": "view_submission",
        "team": {"id": world.slack.team_id},
        "user": {"id": "U0ANA00001", "team_id": world.slack.team_id},
        "api_app_id": "A0SOPBOT01",
        "trigger_id": "1.2.3",
        "view": {
            "id": "V1",
            "type": "modal",
            "callback_id": "sopbot.reason_modal",
            "private_metadata": row["id"],
            "blocks": [{"type": "input", "block_id": "reason"}],
            "state": {"values": {"reason": {"sopbot.reason": {"value": "because"}}}},
        },
    }
    delivery = world.slack.deliver("interactive", forged, accepts_response_payload=True)
    assert await delivery.outcome()
    assert delivery.ack is not None
    assert "you are not an approver" in str(delivery.ack.payload)
    await nothing_ran(world, gateway)


async def test_one_person_under_two_names_is_one_vote(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_sops(restart_sop(world.probe_url))
    world.write_policy(BEN, "S0SRE00001", approvals_required=2)  # named, and by a group
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Your vote is counted already.")
    await nothing_ran(world, gateway)


def _not_counted(world: World) -> list[str]:
    ephemerals = world.ephemerals("ben") + world.ephemerals("chloe")
    return [text for text in ephemerals if "Not counted" in text or "counted already" in text]
