"""The seam for storms: a fault can be put in front of, and behind, each step."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.faults import Faults, rate_limited
from bot.simulator.local import LocalSlack

JSON = dict[str, Any]


class Storm(Faults):
    """The first post is limited, the second carried out but not answered."""

    def __init__(self) -> None:
        self.posts = 0
        self.refuse_sockets = False

    async def before(self, method: str, args: JSON) -> web.StreamResponse | None:
        if method != "chat.postMessage":
            return None
        self.posts += 1
        return rate_limited(7) if self.posts == 1 else None

    async def after(self, method: str, args: JSON, answer: JSON) -> bool:
        return not (method == "chat.postMessage" and self.posts == 2)

    async def before_socket(self) -> int | None:
        return 503 if self.refuse_sockets else None


async def test_a_429_and_a_dropped_answer_reach_the_sdk_as_from_slack() -> None:
    storm = Storm()
    async with LocalSlack.start(faults=storm) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(SlackApiError) as limited:
            await client.chat_postMessage(channel="C0ALERTS01", text="one")
        assert limited.value.response.status_code == 429
        assert limited.value.response.headers["Retry-After"] == "7"
        assert slack.messages("alerts") == []
        await client.chat_postMessage(channel="C0ALERTS01", text="two")
        # slack_sdk sends a second time when the connection drops after the post was accepted.
        assert [m.text for m in slack.messages("alerts")] == ["two", "two"]


async def test_a_socket_can_be_refused(http: aiohttp.ClientSession) -> None:
    storm = Storm()
    storm.refuse_sockets = True
    async with LocalSlack.start(faults=storm) as slack:
        url = slack.core.ws_url(slack.core.links.ticket())
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(url)
        assert refused.value.status == 503
