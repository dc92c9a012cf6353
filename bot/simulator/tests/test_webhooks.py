"""Incoming webhooks, and what Slack does to a message before anyone sees it."""

import json
from typing import Any

import aiohttp
import pytest

from .. import normalise
from ..local import LocalSlack

JSON = dict[str, Any]


async def test_an_alertmanager_post_arrives_as_slack_would_pass_it_on(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    body = {
        "channel": "#alerts",
        "username": "Alertmanager",
        "attachments": [
            {
                "title": "[FIRING:1] Disk (a & b)",
                "title_link": "http://am.example:9093/#/alerts",
                "text": "",
                "fallback": "[FIRING:1] Disk | http://am.example:9093/#/alerts?a=1&b=2",
                "footer": "",
                "color": "danger",
                "mrkdwn_in": ["text"],
            }
        ],
    }
    async with http.post(slack.webhook_url("ops"), json=body) as answer:
        assert (answer.status, await answer.text()) == (200, "ok")
    (message,) = slack.messages("alerts")
    assert message["subtype"] == "bot_message"
    assert message["username"] == "Alertmanager"
    assert "user" not in message.data
    assert message["text"] == ""
    (attachment,) = message["attachments"]
    assert attachment == {
        "id": 1,
        "title": "[FIRING:1] Disk (a & b)",
        "title_link": "http://am.example:9093/#/alerts",
        "fallback": "[FIRING:1] Disk | <http://am.example:9093/#/alerts?a=1&amp;b=2>",
        "color": "a30200",
        "mrkdwn_in": ["text"],
    }


async def test_a_form_with_a_payload_field_is_taken_too(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    form = {"payload": json.dumps({"text": "hi"})}
    async with http.post(slack.webhook_url("ops", "Zabbix"), data=form) as answer:
        assert await answer.text() == "ok"
    assert slack.messages("ops")[0]["bot_id"] == "B0ZABBIX0"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"{", 400, "invalid_payload"),
        (b"[]", 400, "invalid_payload"),
        (b"{}", 400, "no_text"),
        (b'{"text": "x", "channel": "#nowhere"}', 404, "channel_not_found"),
        (b'{"text": "x", "channel": "#old-alerts"}', 410, "is_archived"),
        (b'{"blocks": [{"type": "x"}]}', 400, "invalid_blocks"),
        (b'{"attachments": ["x"]}', 400, "invalid_attachments"),
    ],
)
async def test_a_bad_webhook_post_is_refused_in_a_word(
    slack: LocalSlack, http: aiohttp.ClientSession, body: bytes, status: int, error: str
) -> None:
    headers = {"Content-Type": "application/json"}
    async with http.post(slack.webhook_url("ops"), data=body, headers=headers) as answer:
        assert (answer.status, await answer.text()) == (status, error)
    assert slack.messages("ops") == []


async def test_an_unknown_webhook_is_no_service(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    url = slack.page_url + "services/T0TEAM0001/B0NOBODY0/secret"
    async with http.post(url, json={"text": "x"}) as answer:
        assert await answer.text() == "no_service"


async def test_both_shapes_of_bot_posts_can_be_had(slack: LocalSlack) -> None:
    classic = await slack.post_as_app("Grafana", "alerts", "x")
    modern = await slack.post_as_app("Grafana", "alerts", "x", shape="modern")
    assert classic["subtype"] == "bot_message"
    assert "bot_profile" not in classic.data
    assert "subtype" not in modern.data
    assert modern["user"].startswith("U0GRAFANA"[:9])
    assert modern["bot_profile"]["name"] == "Grafana"


def test_only_what_the_sender_left_raw_is_escaped() -> None:
    assert normalise.text("a < b & c > d") == "a &lt; b &amp; c &gt; d"
    assert normalise.text("a &lt; b &amp; c") == "a &lt; b &amp; c"
    assert normalise.text("<!here> <@U1> <https://x.y|z>") == "<!here> <@U1> <https://x.y|z>"
    assert normalise.text("see https://x.y/a?b=1.") == "see <https://x.y/a?b=1>."
    assert normalise.text("plain") == "plain"


def test_attachments_made_of_blocks_get_a_fallback_and_named_colours_become_hex() -> None:
    done = normalise.attachments(
        [{"blocks": [{"type": "divider"}], "color": "good"}, {"text": "x", "color": "#D63232"}]
    )
    assert done[0]["fallback"] == "[no preview available]"
    assert done[0]["blocks"][0]["block_id"]
    assert [a["color"] for a in done] == ["2eb886", "d63232"]
    assert [a["id"] for a in done] == [1, 2]
