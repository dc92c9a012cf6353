"""The last posted head of the audit trail is read back from our own message's metadata."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.simulator import OUR_APP, Message
from handlers.outbound import posted_head
from handlers.outbound.metadata import Sender
from handlers.outbound.posted_head import compare_posted_heads
from handlers.outbound.slack_client import SlackClient
from store.operations.audit_kinds import Kind
from tests.handlers.conftest import OPS, Desk
from tests.helpers.trail import tamper

pytestmark = pytest.mark.attack("ASI06")

LATER = {"row": 7_000, "head": "f" * 64}
"""A head that the trail never had: a comparison with it disputes the trail."""


async def posted_day(desk: Desk) -> Message:
    """The daily message of a trail with one row."""
    await desk.store.record(Kind.POLICY_LOADED, now=desk.clock.now, subject="policy.yaml")
    desk.clock.forward(timedelta(days=1).total_seconds())
    assert await desk.store.close_audit_day(OPS, desk.clock.now)
    async with desk.running():
        await desk.slack.wait_for(lambda: desk.ours(OPS), why="the head of the day")
    (message,) = desk.ours(OPS)
    return message


async def dispute(desk: Desk, sender: Sender | None = None) -> str:
    """The dispute about the trail after its comparison with the heads posted in Slack."""
    call = SlackClient(desk.client, desk.metrics, desk.clock).call
    await compare_posted_heads(desk.store, call, OPS, sender or desk.sender)
    return await desk.store.trail_dispute()


def repost(
    desk: Desk,
    message: Message,
    *,
    author: dict[str, Any] | None = None,
    event_type: str = "sopbot_audit_head",
    **payload: Any,
) -> None:
    """Post a copy of the message with other facts in its metadata, by our own app unless told."""
    workspace = desk.slack.core.workspace
    before = message.data["metadata"]["event_payload"]
    metadata = {"event_type": event_type, "event_payload": before | payload}
    ours = {name: message.data[name] for name in ("user", "bot_id", "app_id")}
    body = {"text": message.text, "blocks": message.data["blocks"], "metadata": metadata}
    workspace.post(workspace.channel(OPS), author or ours, body)


async def test_the_message_of_a_day_carries_its_row_and_head_in_its_metadata(desk: Desk) -> None:
    message = await posted_day(desk)
    metadata = message.data["metadata"]
    assert metadata["event_type"] == "sopbot_audit_head"
    payload = metadata["event_payload"]
    assert (payload["row"], payload["store"]) == (1, desk.sender.store_id)
    assert payload["head"] in message.data["blocks"][0]["text"]["text"]
    assert None not in payload.values()


async def test_the_head_of_this_trail_is_no_dispute(desk: Desk) -> None:
    await posted_day(desk)
    assert await dispute(desk) == ""


async def test_a_head_that_the_trail_lacks_disputes_it(desk: Desk) -> None:
    repost(desk, await posted_day(desk), **LATER)
    assert "its head was posted in Slack" in await dispute(desk)


async def test_the_text_of_the_message_does_not_matter(desk: Desk) -> None:
    message = await posted_day(desk)
    text = f"proved up to row 7,000\nhead `{'f' * 64}`"
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    message.data["blocks"][0] |= block
    repost(desk, message)
    assert await dispute(desk) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"author": {"bot_id": "B0JOKER", "app_id": "A0JOKER", "user": "U0JOKER"}},
        {"author": {"user": OUR_APP.user_id}},
        {"store": "another-store"},
        {"store": None},
        {"key": "card:1"},
        {"event_type": "joker_audit_head"},
        {"row": "7000"},
        {"row": True},
        {"row": -7_000},
        {"row": 7_000.5},
        {"row": None},
        {"head": "f" * 63},
        {"head": "F" * 64},
        {"head": 7},
        {"head": None},
    ],
    ids=str,
)
async def test_a_message_that_only_looks_like_ours_does_not_count(
    desk: Desk, change: dict[str, Any]
) -> None:
    repost(desk, await posted_day(desk), **(LATER | change))
    assert await dispute(desk) == ""


async def test_a_message_without_a_time_does_not_stop_the_start(desk: Desk) -> None:
    message = (await posted_day(desk)).data

    async def call(_method: str, **_where: Any) -> dict[str, Any]:
        return {"ok": True, "messages": [message | {"ts": "soon"}]}

    await compare_posted_heads(desk.store, call, OPS, desk.sender)
    assert await desk.store.trail_dispute() == ""


async def test_a_bot_that_does_not_know_its_own_bot_id_compares_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    joker = {"bot_id": "B0JOKER", "user": "U0JOKER"}
    repost(desk, await posted_day(desk), author=joker, **LATER)
    assert await dispute(desk, Sender("", desk.sender.store_id)) == ""
    assert "the audit trail was not compared with Slack" in caplog.text


async def test_a_day_whose_trail_was_not_proved_has_no_head_to_compare_with(desk: Desk) -> None:
    await desk.store.record(Kind.POLICY_LOADED, now=desk.clock.now, subject="policy.yaml")
    await desk.store.record(Kind.POLICY_LOADED, now=desk.clock.now, subject="policy.yaml")
    await tamper(desk.store, ("UPDATE audit SET actor = 'U0EVE' WHERE seq = 1",))
    desk.clock.forward(timedelta(days=1).total_seconds())
    assert await desk.store.close_audit_day(OPS, desk.clock.now)
    async with desk.running():
        await desk.slack.wait_for(lambda: desk.ours(OPS), why="the head of the day")
    (message,) = desk.ours(OPS)
    assert "row 1 was edited" in message.text
    assert not {"row", "head"} & set(message.data["metadata"]["event_payload"])


async def test_an_older_head_posted_once_more_does_not_hide_the_highest(desk: Desk) -> None:
    message = await posted_day(desk)
    repost(desk, message, **LATER)
    repost(desk, message)
    assert "its head was posted in Slack" in await dispute(desk)


async def test_a_day_that_the_key_did_not_make_is_posted_without_a_head(desk: Desk) -> None:
    await desk.store.record(Kind.POLICY_LOADED, now=desk.clock.now, subject="policy.yaml")
    desk.clock.forward(timedelta(days=1).total_seconds())
    assert await desk.store.close_audit_day(OPS, desk.clock.now)
    forged = f"UPDATE audit_anchors SET seq = 7000, mac = '{'f' * 64}' WHERE name LIKE 'day%'"  # noqa: S608
    await tamper(desk.store, (forged,))
    async with desk.running():
        await desk.slack.wait_for(lambda: desk.ours(OPS), why="the head of the day")
    (message,) = desk.ours(OPS)
    assert "was edited" in message.text
    assert not {"row", "head"} & set(message.data["metadata"]["event_payload"])


async def test_a_channel_too_full_to_show_a_head_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posted_head, "PAGE", 2)
    message = await posted_day(desk)
    for _ in range(2 * posted_head.MOST_PAGES):
        repost(desk, message, event_type="joker_audit_head")
    assert await dispute(desk) == ""
    assert "no head stands among the last 10 messages" in caplog.text
