"""Slack sends an event twice, changes it, or sends no alert; and Slack answers with errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.simulator import foreign_app, rate_limited
from tests.helpers.slack_faults import SlackHooks, kind_of
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World

PAYLOADS = Path(__file__).parents[1] / "payloads"


def payload(name: str) -> dict[str, Any]:
    return json.loads((PAYLOADS / name).read_text())


def counted(world: World) -> tuple[int, int]:
    """(alerts written, incidents)."""
    row = world.rows(
        "SELECT (SELECT COUNT(*) FROM alerts) AS a, (SELECT COUNT(*) FROM incidents) AS i"
    )[0]
    return row["a"], row["i"]


def envelopes(slack_hooks: SlackHooks) -> list[dict[str, Any]]:
    """Every envelope from now on."""
    seen: list[dict[str, Any]] = []

    async def record(envelope: dict[str, Any]) -> bool:
        seen.append(envelope)
        return True

    slack_hooks.on_envelope = record
    return seen


async def test_the_same_event_twice_is_one_alert(world: World, bot: StartBot) -> None:
    await bot()
    seen = envelopes(world.slack_hooks)
    await world.alert()
    await world.card()
    event = next(e for e in seen if e["payload"]["event"].get("attachments"))
    delivery = world.slack.deliver("events_api", event["payload"])
    assert await delivery.outcome(), "a redelivery is acknowledged too"
    await world.quiet()
    assert counted(world) == (1, 1)
    assert len(world.cards()) == 1
    assert "folded" not in world.cards()[0].text


async def test_a_second_alert_changes_the_card_and_posts_nothing(
    world: World, bot: StartBot
) -> None:
    await bot()
    await world.alert()
    card = await world.card()
    await world.approval_card("awaiting approval")
    await world.quiet()
    replies = len(world.slack.thread(ALERTS, card.ts))
    await world.alert(name="ErrorRateHigh")
    changed = await world.card("2 alerts grouped")
    assert changed.ts == card.ts
    await world.quiet()
    assert len(world.cards()) == 1
    assert len(world.slack.thread(ALERTS, card.ts)) == replies


async def test_zabbix_resolves_by_an_edit_of_its_own_message(world: World, bot: StartBot) -> None:
    await bot()
    problem = payload("zabbix/slack_problem.json")
    edit = payload("zabbix/slack_resolved_by_edit.json")["message"]
    message = await world.slack.post_as_app(
        "Zabbix", ALERTS, problem.get("text", ""), attachments=_as_sent(problem)
    )
    card = await world.card()
    await world.slack.edit_as_app(message, edit.get("text"), attachments=_as_sent(edit))
    closed = await world.card("RESOLVED")
    assert closed.ts == card.ts
    await world.resolved("the alert cleared")
    await world.quiet()
    assert len(world.cards()) == 1


def _as_sent(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in a.items() if k != "id"} for a in message["attachments"]]


async def test_an_unfurl_is_not_an_alert(world: World, bot: StartBot) -> None:
    await bot()
    message = await world.alert()
    await world.card()
    seen = envelopes(world.slack_hooks)
    world.slack.unfurl(message)
    await world.quiet()
    assert any(e["payload"]["event"].get("subtype") == "message_changed" for e in seen)
    assert counted(world) == (1, 1)


async def test_a_deleted_message_is_not_an_alert_and_resolves_nothing(
    world: World, bot: StartBot
) -> None:
    await bot()
    message = await world.alert()
    await world.card()
    await world.slack.delete_as_app(message)
    await world.quiet()
    assert counted(world) == (1, 1)
    assert "RESOLVED" not in world.cards()[0].text


async def test_messages_of_people_are_not_alerts(world: World, bot: StartBot) -> None:
    await bot()
    ana = world.slack.as_user("ana")
    message = await ana.say(ALERTS, "[FIRING:1] HealthCheckFailing prod (checkout-api critical)")
    await ana.edit(message, "[FIRING:1] no, it is fine")
    await ana.say(ALERTS, "a reply", thread=message)
    await world.quiet()
    assert counted(world) == (0, 0)
    assert world.cards() == []


async def test_the_bots_own_posts_are_not_alerts(world: World, bot: StartBot) -> None:
    await bot()
    await world.alert()
    await world.approval_card()
    card = await world.card()
    # Slack hands a classic app's own posts back with a subtype, which Bolt does not drop.
    event = {
        "type": "message",
        "subtype": "bot_message",
        "bot_id": "B0SOPBOT01",
        "text": card.text,
        "ts": "1795300000.000100",
        "channel": ALERTS,
    }
    assert await world.slack.send_event(event).outcome()
    await world.quiet()
    assert counted(world) == (1, 1)


async def test_an_app_that_is_not_named_as_a_source_is_ignored(world: World, bot: StartBot) -> None:
    await bot(SLACK_ALERT_SOURCES=foreign_app("Alertmanager").bot_id)
    await world.alert(app="Grafana")
    await world.quiet()
    assert counted(world) == (0, 0)
    await world.alert(app="Alertmanager")
    await world.card()


async def test_a_source_may_be_named_by_its_app_id(world: World, bot: StartBot) -> None:
    await bot(SLACK_ALERT_SOURCES=foreign_app("Grafana").app_id)
    await world.alert(app="Alertmanager")
    await world.alert(app="Grafana")
    await world.card()
    await world.quiet()
    assert counted(world) == (1, 1)


async def test_an_app_in_another_channel_is_not_an_alert(world: World, bot: StartBot) -> None:
    await bot()
    await world.alert(channel="C0OPS00001")
    await world.quiet()
    assert counted(world) == (0, 0)


@pytest.mark.parametrize("shape", ["classic", "modern"])
async def test_an_unknown_format_becomes_an_alert_that_shows_its_text(
    world: World, bot: StartBot, shape: str
) -> None:
    await bot()
    text = "the tape robot in hall 4 has dropped a cartridge"
    await world.slack.post_as_app("Tape robot", ALERTS, text, shape=shape)
    card = await world.card("the tape robot in hall 4 has dropped a cartridge")
    assert "MEDIUM" in card.text, "an unknown severity is medium"
    await world.advice()


async def test_nothing_is_lost_when_the_socket_is_renewed(world: World, bot: StartBot) -> None:
    await bot()
    await world.slack.disconnect("refresh_requested")
    for number in range(5):
        await world.alert(f"service-{number}-api")
    await world.card(number=5)
    await world.quiet()
    assert counted(world) == (5, 5)
    assert len(world.cards()) == 5


async def test_a_post_whose_answer_was_lost_is_found_and_not_posted_again(
    world: World, bot: StartBot
) -> None:
    items: list[str] = []

    async def lose_each_answer_once(method: str, args: dict[str, Any]) -> bool:
        kind = kind_of(args)
        if method != "chat.postMessage" or kind in items:
            return True
        items.append(kind)
        return False

    world.slack_hooks.on_answer = lose_each_answer_once
    await bot()
    await world.alert()
    await world.approval_card("awaiting approval")
    await world.quiet()
    assert items[0] == "card"
    assert set(items) == {"card", "advice", "approval"}, "each is looked for, and not posted again"
    assert len(world.cards()) == 1
    thread = world.slack.thread(ALERTS, world.cards()[0].ts)
    assert len(thread) == 2, world.slack.transcript(ALERTS)


async def test_a_rate_limit_delays_the_card_and_doubles_nothing(
    world: World, bot: StartBot
) -> None:
    refused: list[str] = []

    async def too_many(method: str, _args: dict[str, Any]) -> web.StreamResponse | None:
        if method != "chat.postMessage" or len(refused) == 2:
            return None
        refused.append(method)
        return rate_limited(1)

    world.slack_hooks.on_call = too_many
    await bot()
    await world.alert()
    await world.approval_card()
    await world.quiet()
    assert len(refused) == 2
    assert len(world.cards()) == 1
