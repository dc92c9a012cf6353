"""A response URL changes or deletes its message, and works five times in half an hour."""

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from ..clock import ManualClock
from ..local import LocalSlack
from .sample_blocks import button


async def test_a_response_url_can_replace_and_delete_what_it_belongs_to(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    workspace = slack.core.workspace
    ben, where = workspace.user("ben"), workspace.channel("alerts")
    await client.chat_postMessage(channel=where.id, text="x", blocks=[button()])
    await client.chat_postEphemeral(channel=where.id, user=ben.id, text="only you")
    for read in (lambda: slack.messages("alerts"), lambda: slack.ephemerals("ben")):
        url, _ = slack.core.interactions.response_url(ben, where, read()[0].data)
        async with http.post(url, json={"replace_original": True, "text": "done"}) as answer:
            assert await answer.text() == "ok"
        assert [m.text for m in read()] == ["done"]
        async with http.post(url, json={"delete_original": True}) as answer:
            assert await answer.text() == "ok"
        assert read() == []
    url, _ = slack.core.interactions.response_url(ben, where)
    async with http.post(url, json={"response_type": "in_channel", "text": "all"}) as answer:
        assert answer.status == 200
    assert [m.text for m in slack.messages("alerts")] == ["all"]
    async with http.post(url, data=b"{") as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_payload")


async def test_a_response_url_works_five_times_in_half_an_hour(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    workspace = timed.core.workspace
    ben, where = workspace.user("ben"), workspace.channel("alerts")
    url, _ = timed.core.interactions.response_url(ben, where)
    other, _ = timed.core.interactions.response_url(ben, where)
    for _ in range(5):
        async with http.post(url, json={"text": "hi"}) as answer:
            assert answer.status == 200
    async with http.post(url, json={"text": "hi"}) as answer:
        assert (await answer.json())["error"] == "used_url"
    assert len(timed.ephemerals("ben")) == 5
    clock.advance(30 * 60 + 1)
    async with http.post(other, json={"text": "hi"}) as answer:
        assert (await answer.json())["error"] == "expired_url"
