"""Bad input from strangers gets a clear answer, loses nothing, and leaves the bot at work."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.app import Bot
from bot.simulator import Message
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, BEN, SERVICE, World, restart_sop

pytestmark = pytest.mark.one_engine

LONG = "checkout-api is down. " * 2_000  # 44,000 characters
LIMIT = 1_048_576


@pytest.fixture
async def running(world: World, bot: StartBot) -> AsyncIterator[Bot]:
    """A bot that must still do its work when the test is over."""
    started = await bot()
    yield started
    await world.quiet()
    before = len(world.cards())
    await world.alert("afterwards-api", name="StillAtWork")
    await world.card("StillAtWork", number=before + 1)
    await world.quiet()
    failed = world.rows("SELECT key, error FROM outbox WHERE given_up_at IS NOT NULL")
    assert not failed, [tuple(row) for row in failed]


async def post(
    http: aiohttp.ClientSession, running: Bot, path: str, body: bytes, **headers: str
) -> tuple[int, str]:
    """(status, the error's text or the whole answer)."""
    async with http.post(running.http_url + path, data=io.BytesIO(body), headers=headers) as answer:
        result = await answer.json()
        return answer.status, result["error"]["message"] if "error" in result else json.dumps(
            result
        )


def incidents(world: World) -> int:
    return int(world.rows("SELECT COUNT(*) AS n FROM incidents")[0]["n"])


INVALID_BODIES = (
    (b"", "The body is not JSON"),
    (b'{"a": 1,}', "The body is not JSON"),
    (b'{"a": 1', "at line 1, column 8"),
    (b"\xff\xfe{}", "The body is not UTF-8."),
    (b"[" * 100_000, "The body is nested too deeply."),
)


@pytest.mark.parametrize("path", ["/incident", "/alerts/generic", "/webhook/alerts"])
async def test_an_invalid_body_is_answered_with_the_reason(
    running: Bot, world: World, http: aiohttp.ClientSession, path: str
) -> None:
    for body, text in INVALID_BODIES:
        status, result = await post(http, running, path, body)
        assert status == 400, result
        assert text in result, body[:12]
    assert incidents(world) == 0


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"'])
async def test_a_body_that_is_no_object_is_an_alert_and_no_question(
    running: Bot, world: World, http: aiohttp.ClientSession, body: bytes
) -> None:
    status, result = await post(http, running, "/incident", body)
    assert (status, "body" in result) == (400, True)
    status, result = await post(http, running, "/alerts/generic", body)
    assert status == 202, result
    assert "body: must be an object" in result
    assert incidents(world) == 1


async def test_a_body_over_one_mebibyte_is_refused_and_one_of_that_size_is_not(
    running: Bot, world: World, http: aiohttp.ClientSession
) -> None:
    def of_size(size: int) -> bytes:
        frame = len(json.dumps({"service": SERVICE, "title": "t", "text": ""}))
        return json.dumps({"service": SERVICE, "title": "t", "text": "x" * (size - frame)}).encode()

    status, answer = await post(http, running, "/alerts/generic", of_size(LIMIT + 1))
    assert (status, answer) == (413, "The body is over the limit of 1 MiB.")
    status, answer = await post(http, running, "/incident", b"x" * (3 * LIMIT))
    assert status == 413
    assert incidents(world) == 0
    status, answer = await post(http, running, "/alerts/generic", of_size(LIMIT))
    assert status == 202, answer
    await world.card()


@pytest.mark.parametrize(
    "text",
    [
        "nul \x00 byte",
        "lone \ud800 surrogate",
        "bell \x07 and \x1b[31mred",
        "e\u0301 🔥 \u202e rtl",
    ],
    ids=["nul", "surrogate", "control", "unicode"],
)
async def test_odd_characters_by_slack_and_by_http_become_an_alert(
    running: Bot, world: World, http: aiohttp.ClientSession, text: str
) -> None:
    body = json.dumps({"service": f"{SERVICE}{text}", "title": f"by http: {text}", "text": text})
    status, answer = await post(http, running, "/alerts/generic", body.encode())
    assert status == 202, answer
    await world.card("by http:")
    event = {
        "type": "message",
        "subtype": "bot_message",
        "bot_id": "B0STRANGER",
        "username": f"odd {text}",
        "text": f"by slack: {text}",
        "ts": "1795300000.000100",
        "channel": ALERTS,
    }
    assert await world.slack.send_event(event).outcome()
    card = await world.card("by slack:", number=2)
    assert "\x00" not in card.text
    assert "\x1b" not in card.text
    assert "\ud800" not in card.text
    await world.quiet()
    assert len(world.cards()) == 2


async def test_forty_thousand_characters_by_slack_and_by_http_are_one_card_each(
    running: Bot, world: World, http: aiohttp.ClientSession
) -> None:
    body = json.dumps({"service": "search-api", "title": LONG, "text": LONG}).encode()
    status, answer = await post(http, running, "/alerts/generic", body)
    assert status == 202, answer
    first = await world.card()
    assert len(first.text) < 3_000, "a card fits a screen"
    await world.slack.post_as_app("Sentry", ALERTS, LONG[:40_000])
    await world.card("checkout-api is down.", number=2)
    await world.slack.post_as_app(
        "Grafana", ALERTS, attachments=[{"title": "disk full", "text": LONG[:7_000]}] * 5
    )
    await world.card("disk full", number=3)
    await world.quiet()
    stored = world.rows("SELECT text FROM incidents ORDER BY id")
    assert all("checkout-api is down." in row["text"] for row in stored)


async def test_messages_with_only_a_file_only_blocks_or_nothing_are_handled(
    running: Bot, world: World
) -> None:
    base = {"type": "message", "subtype": "bot_message", "bot_id": "B0STRANGER", "channel": ALERTS}
    file = {"id": "F1", "title": "heap.png", "permalink": "https://files.example/heap.png"}
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "only *blocks* here"}}
    messages: list[dict[str, Any]] = [
        {"text": "", "files": [file]},
        {"text": "", "blocks": [block]},
        {"text": ""},
        {},
        {"text": None, "blocks": None, "attachments": None},
        {"text": "", "attachments": [{}]},
        {"text": 7, "blocks": {"a": 1}, "attachments": "x", "files": [None, 3]},
        {"subtype": "message_changed", "message": None, "previous_message": 3},
        {"subtype": "message_changed"},
    ]
    for number, message in enumerate(messages):
        event = base | message | {"ts": f"1795300000.{number:06d}"}
        assert await world.slack.send_event(event).outcome(), message
    await world.card("heap.png")
    await world.card("only blocks here", number=2)
    await world.quiet()
    for card in world.cards():
        assert card.text.strip()


async def test_blocks_nested_a_thousand_deep_are_still_an_alert(running: Bot, world: World) -> None:
    deep: dict[str, Any] = {"type": "rich_text_section", "elements": []}
    for _ in range(300):
        deep = {"type": "rich_text_section", "elements": [deep]}
    event = {
        "type": "message",
        "bot_id": "B0STRANGER",
        "text": "deep blocks",
        "blocks": [{"type": "rich_text", "elements": [deep]}],
        "ts": "1795300000.000100",
        "channel": ALERTS,
    }
    assert await world.slack.send_event(event).outcome()
    await world.card("deep blocks")


def pressing(world: World, action: dict[str, Any], on: Message | None = None) -> dict[str, Any]:
    """A block_actions payload that Slack itself would not send."""
    ts = on.ts if on else "1795300000.000100"
    return {
        "type": "block_actions",
        "team": {"id": world.slack.team_id, "domain": "local"},
        "user": {"id": BEN, "username": "ben", "team_id": world.slack.team_id},
        "api_app_id": "A0SOPBOT01",
        "trigger_id": "1.2.3",
        "channel": {"id": ALERTS, "name": "alerts"},
        "container": {"type": "message", "message_ts": ts, "channel_id": ALERTS},
        "message": {"ts": ts, "bot_id": "B0SOPBOT01"},
        "actions": [{"type": "button", "block_id": "b", "action_ts": "1.2"} | action],
    }


FORGED = (
    ({"action_id": "sopbot.nonsense", "value": "1"}, "This button no longer works"),
    ({"action_id": "sopbot.approve", "value": "f" * 32}, "This approval is not known here."),
    ({"action_id": "sopbot.approve", "value": "' OR 1=1 --"}, "This approval is not known"),
    ({"action_id": "sopbot.approve", "value": "\ud800\x00"}, "This approval is not known"),
    ({"action_id": "sopbot.approve"}, "This approval is not known here."),
    ({"action_id": "sopbot.acknowledge", "value": "99"}, "There is no INC-99."),
    ({"action_id": "sopbot.acknowledge", "value": "9" * 400}, "is not an incident number."),
    ({"action_id": "sopbot.resolve", "value": "INC-١"}, "is not an incident number."),
    ({"action_id": "sopbot.ask", "value": "x"}, "is not an incident number."),
    ({"action_id": "sopbot.check_again", "value": "nothing"}, "not known here"),
)


async def test_a_forged_button_is_answered_to_the_presser(running: Bot, world: World) -> None:
    await world.alert()
    await world.approval_card()
    await world.card("open it")  # the last change: the card links to the approval
    before = [m.text for m in world.slack.messages(ALERTS)]
    for action, text in FORGED:
        earlier = len(world.ephemerals("ben"))
        delivery = world.slack.deliver("interactive", pressing(world, action))
        assert await delivery.outcome(), "acknowledged: else Slack shows the person a warning sign"
        await world.slack.wait_for(
            lambda earlier=earlier: len(world.ephemerals("ben")) > earlier,
            why=f"ben reads {text!r}",
        )
        assert text in world.ephemerals("ben")[-1]
    await world.quiet()
    assert [m.text for m in world.slack.messages(ALERTS)] == before
    assert world.leaky_service.restarts == 0


async def test_a_button_of_another_app_is_not_ours(running: Bot, world: World) -> None:
    """Alertmanager's own Silence button comes to its app, never to us; if it did, nothing acts."""
    delivery = world.slack.deliver(
        "interactive", pressing(world, {"action_id": "silence", "value": "1"})
    )
    assert await delivery.outcome()
    await world.quiet()
    assert incidents(world) == 0
    assert world.ephemerals("ben") == []


async def test_an_unknown_modal_shortcut_or_event_is_acknowledged(
    running: Bot, world: World
) -> None:
    person = {"id": BEN, "username": "ben", "team_id": world.slack.team_id}
    shared = {"team": {"id": world.slack.team_id}, "user": person, "trigger_id": "1.2.3"}
    view = {"id": "V1", "type": "modal", "callback_id": "sopbot.gone", "state": {"values": {}}}
    payloads = [
        shared | {"type": "view_submission", "view": view},
        shared | {"type": "shortcut", "callback_id": "sopbot.gone", "action_ts": "1.2"},
    ]
    for payload in payloads:
        delivery = world.slack.deliver("interactive", payload, accepts_response_payload=True)
        assert await delivery.outcome(), payload["type"]
    for kind in ("app_home_opened", "reaction_added", "app_mention"):
        event = {"type": kind, "user": BEN, "channel": ALERTS, "ts": "1795300000.000100"}
        assert await world.slack.send_event(event).outcome(), kind


async def test_a_command_full_of_nonsense_is_answered(running: Bot, world: World) -> None:
    for line in (
        "/incident show INC-" + "9" * 300,
        "/incident \x00\ud800",
        "/incident " + "x" * 3_000,
        "/incident fix " + "a=" * 1_000,
        "/sop show " + "../" * 30,
    ):
        answer = await world.types(line)
        assert answer.acked, line[:30]
        assert len((await answer.response()).text) < 400


async def test_an_alert_that_calls_everybody_calls_nobody(running: Bot, world: World) -> None:
    text = "<!channel> <!here> <@U0BEN00001> <https://evil.example|Approve> ```"
    await world.slack.post_as_app("Sentry", ALERTS, text)
    await world.card()
    await world.advice()
    await world.quiet()
    ours = [*world.cards(), *world.slack.thread(ALERTS, world.cards()[0].ts)]
    for message in ours:
        sent = json.dumps([message.data.get("text"), message.data.get("blocks")])
        for call in ("<!channel", "<!here", "<@U0BEN", "<https://evil"):
            assert call not in sent


async def test_a_broken_line_in_an_sop_file_leaves_the_others_at_work(
    world: World, bot: StartBot, caplog: pytest.LogCaptureFixture
) -> None:
    good = restart_sop(world.probe_url)
    world.write_sops(
        '{"sop_id": "sop_half", ',
        {"sop_id": "Not An Id"},
        {"sop_id": "sop_x", "priority": "URGENT"},
        {"sop_id": "sop_y", "colour": "red"},
        good,
        good,
        "[" * 5_000,
    )
    await bot()
    for line, reason in (
        (1, "not JSON"),
        (2, "sop_id"),
        (3, "'URGENT' is not one of HIGH, MIDDLE, LOW"),
        (4, "colour"),
        (6, "sop_checkout_down is there already"),
        (7, "not"),
    ):
        assert any(
            f"all.jsonl:{line}: " in message and reason in message for message in caplog.messages
        ), line
    answer = await world.types("/sop list")
    assert "6 lines could not be read" in (await answer.response()).text
    await world.alert()
    await world.approval_card("Restart checkout-api")
