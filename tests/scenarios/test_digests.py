"""Digests by the policy: to a channel and to people, once each, and none without content."""

from __future__ import annotations

import asyncio

import pytest

from bot.app import Bot
from handlers.outbound.digests import DigestSender
from tests.helpers.clocks import RunningClock
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, ANA, BEN, World, kind

pytestmark = pytest.mark.one_engine

HOURLY = "0 * * * *"  # the last hour is never too long ago
HOUR = 3600


async def send_due(started: Bot) -> None:
    """Run the step now, not when its clock does."""
    (step,) = [step for step in started.runner.steps if step.name == "send_digests"]
    assert callable(step.run)
    await step.run()


def digests(world: World, channel: str) -> list[str]:
    return [m.text for m in world.slack.messages(channel) if kind(m) == "digest"]


async def test_each_digest_reaches_its_channel_and_its_people_once_and_none_is_empty(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    declared = [
        {"name": "morning", "cron": HOURLY, "channel": ALERTS},
        {"name": "shift", "cron": HOURLY, "people": [ANA, BEN]},
        {"name": "weekly", "kind": "review", "cron": HOURLY, "channel": ALERTS},
    ]
    notify = {"post_interval_seconds": 0, "digests": declared}
    world.write_policy(BEN, segments={"notify": notify})
    started = await bot()
    await send_due(started)
    await world.quiet()
    assert digests(world, ALERTS) == [], "nothing is open, and nothing happened"

    await world.alert()
    await world.card()
    await world.types("/incident ack INC-1", "ana")
    await world.quiet()
    clock.forward(HOUR)
    # Slack opens no conversation with Ana at first; the others get theirs.
    world.slack.script.fail("conversations.open", "internal_error")
    await send_due(started)
    await asyncio.gather(*(send_due(started) for _ in range(3)))
    await world.quiet()

    of_ana, of_ben = (world.slack.core.workspace.direct(user).id for user in (ANA, BEN))
    assert len(digests(world, ALERTS)) == 2
    morning, weekly = sorted(digests(world, ALERTS), key=lambda text: "Review" in text)
    assert "Digest morning: 1 open incident" in morning
    assert "INC-1 HealthCheckFailing" in morning
    assert "Review weekly: 1 incident, 7 days" in weekly
    (text,) = digests(world, of_ana)
    assert "Yours" in text
    (text,) = digests(world, of_ben)
    assert "Yours" not in text
    assert "@ana" in text

    # Another process knows of none of this but from the store.
    sender = DigestSender(started.service, started.outbox.direct, clock)
    await sender.send_due()
    await world.quiet()
    assert len(digests(world, ALERTS)) == 2
    assert len(digests(world, of_ana)) == len(digests(world, of_ben)) == 1
