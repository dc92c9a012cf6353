"""Messages are changed and deleted, counted in threads, and keep their metadata."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from ..local import LocalSlack
from .calls import ALERTS, JSON, call, section


async def test_an_update_keeps_what_it_does_not_name_and_only_own_messages_can_change(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=ALERTS, text="a", blocks=[section("a")])
    await call(slack, "chat.update", channel=ALERTS, ts=posted["ts"], blocks=[section("b")])
    changed = slack.message("alerts", posted["ts"])
    assert (changed["text"], changed["blocks"][0]["text"]["text"]) == ("a", "b")
    await client.chat_update(channel=ALERTS, ts=posted["ts"], text="c")
    changed = slack.message("alerts", posted["ts"])
    assert changed.text == "c"
    assert "blocks" not in changed.data, "a text without blocks takes the blocks away"
    assert changed["edited"]["user"] == slack.bot_user_id
    other = await slack.post_as_app("Grafana", "alerts", "x")
    for method, error in (
        ("chat.update", "cant_update_message"),
        ("chat.delete", "cant_delete_message"),
    ):
        answer = await call(slack, method, channel=ALERTS, ts=other.ts, text="mine")
        assert answer["error"] == error
    gone = await call(slack, "chat.update", channel=ALERTS, ts="1.000001", text="x")
    assert gone["error"] == "message_not_found"


async def test_metadata_comes_back_only_when_it_is_asked_for(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    about = {"event_type": "sopbot_card", "event_payload": {"key": "k1"}}
    await client.chat_postMessage(channel=ALERTS, text="x", metadata=about)
    plain = await client.conversations_history(channel=ALERTS)
    full = await client.conversations_history(channel=ALERTS, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == about


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"event_type": "sopbot_card2", "event_payload": {}}, True),
        ({"event_type": "a", "event_payload": {"s": "", "i": 1, "f": 0.5, "b": False}}, True),
        ({"event_type": "a", "event_payload": {"o": {"k": "v"}, "l": [{"k": 1}]}}, True),
        ({"event_type": "sopbot.card", "event_payload": {"key": "k1"}}, False),
        ({"event_type": "sopbot-card", "event_payload": {"key": "k1"}}, False),
        ({"event_type": "sopbotCard", "event_payload": {"key": "k1"}}, False),
        ({"event_type": "sopbot_card\n", "event_payload": {"key": "k1"}}, False),
        ({"event_type": "a", "event_payload": {"key": "k1", "incident": None}}, False),
        ({"event_type": "a", "event_payload": {"o": {"k": None}}}, False),
        ({"event_type": "a", "event_payload": {"o": {"k": {"deep": 1}}}}, False),
        ({"event_type": "a", "event_payload": {"l": ["x"]}}, False),
    ],
)
async def test_metadata_that_slack_does_not_keep_is_dropped_silently(
    slack: LocalSlack, client: AsyncWebClient, metadata: JSON, kept: bool
) -> None:
    posted = await client.chat_postMessage(channel=ALERTS, text="x", metadata=metadata)
    assert posted["ok"]
    assert "warning" not in posted.data
    message = slack.message("alerts", posted["ts"])
    assert message.metadata == (metadata if kept else {})
    good = {"event_type": "a", "event_payload": {}}
    await client.chat_update(channel=ALERTS, ts=posted["ts"], text="y", metadata=good)
    await client.chat_update(channel=ALERTS, ts=posted["ts"], text="z")
    assert slack.message("alerts", posted["ts"]).metadata == good, "not named, it stays"
    await client.chat_update(channel=ALERTS, ts=posted["ts"], text="z", metadata=metadata)
    assert slack.message("alerts", posted["ts"]).metadata == (metadata if kept else {})
    await client.chat_update(channel=ALERTS, ts=posted["ts"], text="z", metadata={})
    assert slack.message("alerts", posted["ts"]).metadata == {}, "an empty object removes it"


async def test_a_thread_counts_its_replies_and_a_deleted_parent_stays_as_a_tombstone(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    root = await client.chat_postMessage(channel=ALERTS, text="root")
    reply = await client.chat_postMessage(channel=ALERTS, text="r", thread_ts=root["ts"])
    message = await slack.as_user("ben").say("alerts", "also", thread=root["ts"])
    parent = slack.message("alerts", root["ts"])
    assert parent["reply_count"] == 2
    assert parent["reply_users"] == [slack.bot_user_id, slack.users["ben"]]
    assert parent["latest_reply"] == message.ts
    listed = await client.conversations_replies(channel=ALERTS, ts=reply["ts"])
    assert [m["text"] for m in listed["messages"]] == ["root", "r", "also"]
    await client.chat_delete(channel=ALERTS, ts=reply["ts"])
    assert slack.message("alerts", root["ts"])["reply_count"] == 1
    await client.chat_delete(channel=ALERTS, ts=root["ts"])
    assert slack.messages("alerts")[0]["subtype"] == "tombstone"


async def test_only_an_own_message_that_is_there_can_be_deleted(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    alert = await slack.post_as_app("Grafana", "alerts", "down")
    ours = await client.chat_postMessage(channel=ALERTS, text="x")
    refused = await call(slack, "chat.delete", channel=ALERTS, ts=alert.ts)
    assert refused["error"] == "cant_delete_message"
    assert (await call(slack, "chat.delete", channel=ALERTS, ts=ours["ts"]))["ts"] == ours["ts"]
    repeat = await call(slack, "chat.delete", channel=ALERTS, ts=ours["ts"])
    assert repeat["error"] == "message_not_found"
    deleted = slack.deliveries[-1].payload["event"]
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ours["ts"])
    assert deleted["previous_message"]["text"] == "x"
    assert [m.ts for m in slack.messages("alerts")] == [alert.ts]


async def test_a_deleted_parent_is_a_change_event_and_goes_with_its_last_reply(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    root = await client.chat_postMessage(channel=ALERTS, text="root")
    reply = await client.chat_postMessage(channel=ALERTS, text="r", thread_ts=root["ts"])
    await client.chat_delete(channel=ALERTS, ts=root["ts"])
    event = slack.deliveries[-1].payload["event"]
    assert event["subtype"] == "message_changed"
    assert event["previous_message"]["text"] == "root"
    stays = event["message"]
    assert (stays["subtype"], stays["user"], stays["text"], stays["reply_count"]) == (
        "tombstone",
        "USLACKBOT",
        "This message was deleted.",
        1,
    )
    refused = await call(slack, "chat.update", channel=ALERTS, ts=root["ts"], text="y")
    assert refused["error"] == "message_not_found"
    listed = await client.conversations_replies(channel=ALERTS, ts=root["ts"])
    assert [m["text"] for m in listed["messages"]] == ["This message was deleted.", "r"]
    await client.chat_delete(channel=ALERTS, ts=reply["ts"])
    gone = [d.payload["event"]["deleted_ts"] for d in slack.deliveries[-2:]]
    assert gone == [reply["ts"], root["ts"]]
    assert slack.messages("alerts") == []
