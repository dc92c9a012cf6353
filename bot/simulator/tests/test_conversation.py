"""The helper with which tests and the demo read and click."""

from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from ..clock import ManualClock
from ..local import LocalSlack
from ..manifest import from_mapping, read_manifest
from ..reading import NotThereError
from ..waiting import NeverHappenedError

BLOCKS = [
    {"type": "header", "text": {"type": "plain_text", "text": "INC-1"}},
    {"type": "section", "text": {"type": "mrkdwn", "text": "*prod* <https://a.b|graph>"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Go"}}
        ],
    },
]


async def test_a_wait_that_fails_says_what_for_and_shows_the_channel(slack: LocalSlack) -> None:
    await slack.as_user("ana").say("alerts", "is anybody here?")
    with pytest.raises(NeverHappenedError) as failed:
        await slack.wait_for(lambda: False, timeout=0.01, why="the card appears")
    assert "the card appears" in str(failed.value)
    assert "is anybody here?" in str(failed.value)


async def test_a_button_that_is_not_there_is_named_with_those_that_are(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C0ALERTS01", text="x", blocks=BLOCKS)
    (card,) = slack.messages("alerts")
    assert card.buttons == ["Go"]
    with pytest.raises(NotThereError, match="no 'Stop' here; there is 'Go'"):
        await slack.as_user("ana").press(card, "Stop")
    await client.chat_update(channel="C0ALERTS01", ts=card.ts, text="done", blocks=[])
    with pytest.raises(NotThereError, match="nothing"):
        await slack.as_user("ana").press(card, "Go")
    stale = await slack.as_user("ana").press(card, "Go", stale=True)
    assert stale.error == "dispatch_failed"


async def test_a_transcript_reads_like_a_chat_with_elapsed_times(
    timed: LocalSlack, clock: ManualClock
) -> None:
    alert = await timed.post_as_app(
        "Alertmanager",
        "alerts",
        attachments=[{"title": "CPU", "fields": [{"title": "env", "value": "prod"}]}],
    )
    clock.advance(61.5)
    await timed.as_user("ben").say("alerts", "I look, @ana", thread=alert)
    await timed.as_user("ana").react(alert, "eyes")
    assert timed.transcript("alerts").split("\n") == [
        "#alerts",
        "  00:00.0  Alertmanager (app)",
        "           ▌ CPU",
        "           ▌ env: prod",
        "           (eyes 1)",
        "      │ 01:01.5  ben",
        "      │          I look, @ana",
    ]


async def test_the_text_of_a_message_is_read_from_its_blocks(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    about = {"event_type": "t", "event_payload": {"k": "v"}}
    await client.chat_postMessage(
        channel="C0ALERTS01", text="fallback", blocks=BLOCKS, metadata=about
    )
    (card,) = slack.messages("alerts")
    assert card.text == "INC-1\nprod graph\n[Go]"
    assert card.is_app
    assert card.metadata == about


async def test_only_what_the_manifest_declares_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text(
        "features:\n"
        "  slash_commands: [{command: /incident, should_escape: false}]\n"
        "  shortcuts: [{name: Open, type: message, callback_id: open}]\n"
        "settings: {event_subscriptions: {bot_events: [app_mention]}}\n",
        encoding="utf-8",
    )
    manifest = read_manifest(path)
    assert manifest.shortcuts[0].callback_id == "open"
    assert manifest.should_escape("/incident") is False
    async with LocalSlack.start(manifest=manifest) as slack:
        ana = slack.as_user("ana")
        await ana.say("alerts", "@sopbot hello")
        kinds = [d.payload["event"]["type"] for d in slack.core.links.waiting]
        assert kinds == ["app_mention"]
        unknown = await ana.command("/nonsense")
        assert unknown.outcome.error == "invalid_command"
        assert "not a valid command" in unknown.text


@pytest.mark.parametrize(("events", "links"), [(["message.channels"], 0), (["app_home_opened"], 1)])
async def test_the_page_links_a_home_tab_only_where_the_manifest_has_one(
    events: list[str], links: int
) -> None:
    manifest = from_mapping({"settings": {"event_subscriptions": {"bot_events": events}}})
    async with (
        LocalSlack.start(manifest=manifest) as slack,
        aiohttp.ClientSession() as http,
        http.get(slack.page_url) as answer,
    ):
        assert (await answer.text()).count("data-home") == links


def test_an_empty_manifest_declares_nothing() -> None:
    manifest = from_mapping({})
    assert (manifest.commands, manifest.events) == ({}, frozenset())
