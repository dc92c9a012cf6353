"""The backfill reads an event that Slack never delivered from the history, exactly once."""

from __future__ import annotations

import pytest

from bot.app import Bot
from bot.simulator import Message
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World, alertmanager

pytestmark = pytest.mark.one_engine

ALL = "SELECT COUNT(*) AS n FROM alerts"


def alerts(world: World) -> int:
    count: int = world.rows(ALL)[0]["n"]
    return count


async def lost_alert(world: World, service: str, **how: str) -> Message:
    """Post an alert whose event Slack delivers to nobody."""
    world.slack.script.lose_envelopes("events_api")
    return await world.alert(service, **how)


async def stop(bot: Bot) -> None:
    await bot.__aexit__()


@pytest.fixture(autouse=True)
def quiet_policy(world: World) -> None:
    world.write_sops()


async def test_messages_from_before_the_start_are_found_at_the_start(
    world: World, bot: StartBot
) -> None:
    first = await bot()
    await world.alert("web")
    await world.card()
    await stop(first)
    for service in ("db", "cache"):
        await world.alert(service)
        world.slack.core.links.waiting.clear()  # Slack has given it up
    await bot()
    await until(lambda: len(world.cards()) == 3, why="the cards of what was missed")
    await world.quiet()
    assert alerts(world) == 3, "web was known, and is not counted again"


async def test_messages_from_before_the_bot_joined_are_ignored(world: World, bot: StartBot) -> None:
    await world.alert("old")
    world.slack.core.links.waiting.clear()
    await bot()
    await world.alert("new")
    await world.card("new")
    await world.quiet()
    assert len(world.cards()) == 1


async def test_an_undelivered_resolve_by_edit_resolves(world: World, bot: StartBot) -> None:
    first = await bot()
    message = await world.alert("web")
    await world.card("web")
    await stop(first)
    await world.slack.edit_as_app(
        message,
        attachments=[alertmanager("web", "HealthCheckFailing", "critical", "RESOLVED")],
    )
    world.slack.core.links.waiting.clear()
    await bot()
    await world.card("RESOLVED")
    await world.quiet()
    assert len(world.cards()) == 1


async def test_an_undelivered_resolve_in_a_thread_resolves(world: World, bot: StartBot) -> None:
    first = await bot()
    message = await world.alert("web")
    await world.card("web")
    await stop(first)
    await world.slack.post_as_app(
        "Alertmanager",
        ALERTS,
        thread_ts=message.ts,
        attachments=[alertmanager("web", "HealthCheckFailing", "critical", "RESOLVED")],
    )
    world.slack.core.links.waiting.clear()
    await bot()
    await world.card("RESOLVED")


async def test_if_slack_withholds_events_the_history_is_read(world: World, bot: StartBot) -> None:
    await bot()
    world.slack.script.lose_envelopes("events_api")
    await world.alert("web")
    result = world.slack.send_app_rate_limited()
    assert await result.outcome(), "it is acknowledged"
    await world.card("web")


async def test_an_unreadable_history_is_reported_and_read_later(
    world: World, bot: StartBot
) -> None:
    first = await bot()
    await stop(first)
    await world.alert("web")
    world.slack.core.links.waiting.clear()
    world.slack.script.limit("conversations.history", retry_after=1)
    await bot()
    await world.card("web")


async def test_an_event_delivered_after_its_backfill_changes_nothing(
    world: World, bot: StartBot
) -> None:
    running = await bot()
    await lost_alert(world, "web")
    running._backfill.on_connect(True)
    await world.card("web")
    late = world.slack.deliveries[-1]
    delivery = world.slack.deliver("events_api", late.payload)
    assert await delivery.outcome()
    await world.quiet()
    assert alerts(world) == 1
    assert len(world.cards()) == 1
