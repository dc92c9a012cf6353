"""Helpers of the attack tests: payloads of presses, and the exact count of what ran."""

from __future__ import annotations

from typing import Any

from bot.simulator import Message
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, BEN, Gateway, World

JSON = dict[str, Any]
RESTARTED = ("service.restart", "checkout-api", "finished")


async def proposed(world: World, bot: StartBot, *, env: str = "prod", **settings: str) -> Message:
    """Open an incident whose SOP proposes a restart; returns the approval card."""
    # Else a restart could end a service that is not yet counted.
    await until(lambda: world.leaky_service.pids, why="the service is up")
    await bot(**settings)
    await world.alert(env=env)
    return await world.approval_card("awaiting approval")


async def nothing_ran(world: World, gateway: Gateway) -> None:
    await ran(world, gateway, 0)


async def ran(world: World, gateway: Gateway, times: int = 1) -> None:
    """Assert that the gateway restarted exactly so often, and did nothing else."""
    await world.quiet()
    assert gateway.executions() == [RESTARTED] * times
    assert world.leaky_service.restarts == times


async def refused(world: World, who: str, sentence: str) -> None:
    """Assert that the text reached this person, and nobody else."""
    await world.ephemeral(who, sentence)
    everybody = "\n".join(m.text for m in [*world.slack.messages(ALERTS), *thread(world)])
    assert sentence not in everybody
    for other in {"ana", "ben", "chloe"} - {who}:
        assert not any(sentence in text for text in world.ephemerals(other))


def thread(world: World) -> list[Message]:
    return world.slack.thread(ALERTS, world.cards()[0].ts)


def button(card: Message, action_id: str = "sopbot.approve") -> JSON:
    """The button as it stands on the card."""
    elements = [e for block in card.data["blocks"] for e in block.get("elements", ())]
    return next(dict(element) for element in elements if element.get("action_id") == action_id)


def press(card: Message, action: JSON, user: str = BEN, **changes: Any) -> JSON:
    """The payload of a press, as Slack sends it, with what the attacker changes."""
    return {
        "type": "block_actions",
        "team": {"id": "T0TEAM0001", "domain": "local"},
        "user": {"id": user, "username": "x", "team_id": "T0TEAM0001"},
        "api_app_id": "A0SOPBOT01",
        "trigger_id": "1.2.3",
        "channel": {"id": card.channel, "name": "alerts"},
        "container": {"type": "message", "message_ts": card.ts, "channel_id": card.channel},
        "message": card.data,
        "actions": [{**action, "block_id": "b", "action_ts": "1.2"}],
    } | changes


def approve_although_it_is_not_there(card: Message, user: str = BEN) -> JSON:
    """A press of Approve on a card that does not have it."""
    return press(card, button(card, "sopbot.reject") | {"action_id": "sopbot.approve"}, user)


async def deliver(world: World, payload: JSON) -> None:
    """Send it by the socket, and wait until the bot has answered."""
    assert await world.slack.deliver("interactive", payload).outcome()
