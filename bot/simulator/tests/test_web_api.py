"""The Web API says what Slack says, and refuses what Slack refuses."""

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ..clock import ManualClock
from ..local import LocalSlack
from .calls import ALERTS, JSON, buttons, call, section, twins


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
        ({"channel": "C0RANDOM01", "text": "x"}, "not_in_channel"),
        ({"channel": "C0OLD00001", "text": "x"}, "is_archived"),
        ({"channel": ALERTS}, "no_text"),
        ({"channel": ALERTS, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": ALERTS, "text": "x", "blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"channel": ALERTS, "text": "x", "blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"channel": ALERTS, "text": "x", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"channel": ALERTS, "text": "x", "blocks": [{"type": "alert"}]}, "invalid_blocks"),
        ({"channel": ALERTS, "text": "x", "blocks": "{"}, "invalid_blocks_format"),
        (
            {"channel": ALERTS, "text": "x", "blocks": [section("x" * 3000)] * 5},
            "msg_blocks_too_long",
        ),
        ({"channel": ALERTS, "text": "x", "blocks": [buttons(26)]}, "invalid_blocks"),
        ({"channel": ALERTS, "text": "x", "blocks": [twins()]}, "invalid_blocks"),
        (
            {"channel": ALERTS, "text": "x", "blocks": [buttons(1, value="x" * 2001)]},
            "invalid_blocks",
        ),
        (
            {"channel": ALERTS, "text": "x", "metadata": {"event_type": "a"}},
            "invalid_metadata_format",
        ),
        (
            {
                "channel": ALERTS,
                "text": "x",
                "metadata": {"event_type": "a", "event_payload": {"k": "x" * 9000}},
            },
            "metadata_too_large",
        ),
        ({"channel": ALERTS, "markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
    ],
)
async def test_a_post_that_slack_would_refuse_is_refused_by_its_name(
    slack: LocalSlack, args: JSON, error: str
) -> None:
    answer = await call(slack, "chat.postMessage", **args)
    assert (answer["ok"], answer["error"]) == (False, error)
    assert all(not m.is_app for m in slack.messages("alerts"))


async def test_invalid_blocks_say_where(slack: LocalSlack) -> None:
    answer = await call(
        slack, "chat.postMessage", channel=ALERTS, text="x", blocks=[section("x" * 3001)]
    )
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]
    checked = await call(slack, "blocks.validate", blocks=json.dumps([section("x" * 3001)]))
    assert checked["error"] == "invalid_blocks"
    assert checked["errors"][0]["pointer"] == "/0/text/text"


@pytest.mark.parametrize(
    ("token", "error"),
    [("xoxb-wrong", "invalid_auth"), ("app", "not_allowed_token_type"), ("", "not_authed")],
)
async def test_a_wrong_token_is_refused_by_its_name(
    slack: LocalSlack, http: aiohttp.ClientSession, token: str, error: str
) -> None:
    token = slack.app_token if token == "app" else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.post(slack.api_url + "auth.test", headers=headers) as answer:
        assert (await answer.json())["error"] == error


async def test_a_token_may_also_stand_in_a_form(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    form = {"token": slack.bot_token, "channel": "#alerts", "text": "hi"}
    async with http.post(slack.api_url + "chat.postMessage", data=form) as answer:
        assert (await answer.json())["ok"] is True
    assert slack.messages("alerts")[-1].text == "hi"
    assert "token" not in slack.calls[-1].args


async def test_an_unknown_method_and_a_body_that_is_no_json_are_named(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    assert (await call(slack, "chat.shout"))["error"] == "unknown_method"
    async with http.post(
        slack.api_url + "chat.postMessage",
        data=b"{",
        headers={"Content-Type": "application/json"},
    ) as answer:
        assert (await answer.json())["error"] == "invalid_json"


async def test_text_is_cut_at_40000_on_post_and_refused_over_4000_on_update(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=ALERTS, text="x" * 41_000)
    assert len(posted["message"]["text"]) == 40_000
    answer = await call(slack, "chat.update", channel=ALERTS, ts=posted["ts"], text="x" * 4001)
    assert answer["error"] == "msg_too_long"


async def test_history_pages_backwards_and_keeps_to_its_bounds(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    stamps = [(await slack.post_as_app("Grafana", "alerts", f"{n}")).ts for n in range(5)]
    first = await client.conversations_history(channel=ALERTS, limit=2)
    assert [m["ts"] for m in first["messages"]] == [stamps[4], stamps[3]]
    assert first["has_more"] is True
    cursor = first["response_metadata"]["next_cursor"]
    rest = await client.conversations_history(channel=ALERTS, limit=10, cursor=cursor)
    assert [m["ts"] for m in rest["messages"]] == stamps[2::-1]
    assert rest["has_more"] is False
    since = await client.conversations_history(channel=ALERTS, oldest=stamps[3])
    assert [m["ts"] for m in since["messages"]] == [stamps[4]]
    both = await client.conversations_history(
        channel=ALERTS, oldest=stamps[1], latest=stamps[2], inclusive=True
    )
    assert [m["ts"] for m in both["messages"]] == [stamps[2], stamps[1]]


async def test_reactions_are_counted_and_doubled_ones_refused(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel=ALERTS, text="x"))["ts"]
    await client.reactions_add(channel=ALERTS, timestamp=ts, name="eyes")
    assert slack.message("alerts", ts).reactions == {"eyes": 1}
    repeat = await call(slack, "reactions.add", channel=ALERTS, timestamp=ts, name="eyes")
    assert repeat["error"] == "already_reacted"
    await client.reactions_remove(channel=ALERTS, timestamp=ts, name="eyes")
    repeat = await call(slack, "reactions.remove", channel=ALERTS, timestamp=ts, name="eyes")
    assert repeat["error"] == "no_reaction"


async def test_a_trigger_works_once_and_for_three_seconds(
    timed: LocalSlack, clock: ManualClock
) -> None:
    title = {"type": "plain_text", "text": "T"}
    view = {"type": "modal", "title": title, "blocks": [section("x")]}
    ben = timed.core.workspace.user("ben")
    good, late = (timed.core.interactions.trigger(ben) for _ in range(2))
    assert (await call(timed, "views.open", trigger_id=good, view=view))["ok"] is True
    repeat = await call(timed, "views.open", trigger_id=good, view=view)
    assert repeat["error"] == "exchanged_trigger_id"
    clock.advance(3.1)
    expired = await call(timed, "views.open", trigger_id=late, view=view)
    assert expired["error"] == "expired_trigger_id"
    long_title = {**view, "title": {"type": "plain_text", "text": "x" * 25}}
    refused = await call(timed, "views.open", trigger_id="1", view=long_title)
    assert refused["error"] == "invalid_arguments"
    assert "/view/title/text" in refused["response_metadata"]["messages"][0]


async def test_a_file_is_uploaded_in_three_steps_and_stands_in_the_thread(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    root = await client.chat_postMessage(channel=ALERTS, text="root")
    await client.files_upload_v2(
        channel=ALERTS, thread_ts=root["ts"], filename="out.txt", content="42", title="Output"
    )
    (reply,) = slack.thread("alerts", root["ts"])
    assert reply["files"][0]["title"] == "Output"
    async with http.get(reply["files"][0]["url_private"]) as answer:
        assert await answer.read() == b"42"
        assert answer.headers["Content-Disposition"] == "attachment"


async def test_people_groups_and_channels_can_be_asked_about(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    me = await client.auth_test()
    assert (me["user_id"], me["team_id"]) == (slack.bot_user_id, slack.team_id)
    guest = await client.users_info(user=slack.users["guest"])
    assert guest["user"]["is_restricted"] is True
    of_guest = await client.users_conversations(user=slack.users["guest"])
    names = [channel["name"] for channel in of_guest["channels"]]
    assert names == ["alerts", "random"], "of those, ops is none"
    groups = await client.usergroups_list()
    sre = next(g["id"] for g in groups["usergroups"] if g["handle"] == "sre")
    members = await client.usergroups_users_list(usergroup=sre)
    assert slack.users["ana"] in members["users"]
    listed = await client.conversations_list(exclude_archived=True)
    assert {c["name"] for c in listed["channels"]} == {"alerts", "ops", "random"}
    await client.conversations_join(channel="C0RANDOM01")
    assert (await client.conversations_info(channel="C0RANDOM01"))["channel"]["is_member"]
    with pytest.raises(SlackApiError, match="user_not_found"):
        await client.users_info(user="U0NOBODY01")


async def test_an_ephemeral_is_seen_by_one_and_only_by_a_member(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    await client.chat_postEphemeral(channel=ALERTS, user=slack.users["ana"], text="psst")
    assert [m.text for m in slack.ephemerals("ana")] == ["psst"]
    assert slack.messages("alerts") == []
    answer = await call(
        slack, "chat.postEphemeral", channel="C0OPS00001", user=slack.users["guest"], text="x"
    )
    assert answer["error"] == "user_not_in_channel"


async def test_every_call_is_recorded_with_its_outcome(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=ALERTS, text="x")
    await call(slack, "chat.postMessage", channel="C0NOWHERE1", text="x")
    assert [(c.ok, c.error) for c in slack.calls_of("chat.postMessage")] == [
        (True, ""),
        (False, "channel_not_found"),
    ]


async def test_an_action_id_must_be_unique_in_its_block_only(slack: LocalSlack) -> None:
    answer = await call(
        slack, "chat.postMessage", channel=ALERTS, text="x", blocks=[buttons(2), buttons(1)]
    )
    assert answer["ok"] is True
