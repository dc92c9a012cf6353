"""The outbox sends each message once, the most severe first, and loses none when Slack fails."""

import asyncio
import sqlite3

import pytest
from aiohttp import web

from bot.configuration import LiveConfiguration
from bot.errors import SopbotError, StoreError
from bot.incidents.model import Severity
from bot.simulator import rate_limited
from handlers.outbound.metadata import Sender
from handlers.outbound.outbox import Outbox
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import SlackClient
from store import Store, open_store
from tests.handlers.conftest import ALERTS, OPS, Known
from tests.handlers.outbox_states import shown, tried
from tests.helpers.waiting import until


async def test_an_enqueued_message_becomes_one_post_with_its_key_in_the_metadata(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
    (card,) = desk.ours()
    assert card.data["metadata"]["event_payload"]["key"] == f"card:{number}"
    assert f"INC-{number}" in card.text


async def test_the_most_severe_card_is_posted_first(desk):
    await desk.open("low", Severity.LOW)
    await desk.open("high", Severity.HIGH)
    await desk.open("critical", Severity.CRITICAL)
    async with desk.running():
        await desk.slack.wait_for(lambda: len(desk.ours()) == 3, why="three cards")
    shown = [next(n for n in ("low", "high", "critical") if n in m.text) for m in desk.ours()]
    assert shown == ["critical", "high", "low"]


async def test_a_new_card_does_not_wait_while_changes_gather(desk, monkeypatch):
    monkeypatch.setattr("handlers.outbound.channel_claim.GATHER_CHANGES", 3600.0)
    await desk.open("web")
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        await desk.open("web", key="again")
        desk.clock.forward(2)
        await desk.open("shop")
        await desk.slack.wait_for(lambda: len(desk.ours()) == 2, why="the second card")
        await desk.slack.wait_for(lambda: "2 alerts" in desk.ours()[0].text, why="the change")


async def test_waiting_changes_become_one_update(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
    for repeat in range(5):
        await desk.open(key=f"again-{repeat}")
    desk.clock.forward(2)
    async with desk.running():
        await desk.slack.wait_for(lambda: "6 alerts" in desk.ours()[0].text, why="the update")
    assert [method for method, _ in desk.calls()].count("chat.update") == 1
    assert (await desk.store.incident(number)).alert_count == 6


async def test_a_rate_limit_is_waited_out_for_as_long_as_slack_says(desk):
    desk.faults.script["chat.postMessage"] = [rate_limited(30)]
    await desk.open()
    async with desk.running():
        await asyncio.wait_for(desk.faults.refused.wait(), 10)
    assert desk.ours() == []
    desk.clock.forward(29)
    assert await desk.store.outbox_due(ALERTS, desk.clock.now) == []
    desk.clock.forward(1.1)
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card after the wait")
    assert len(desk.ours()) == 1


async def test_two_stores_in_one_workspace_leave_each_others_messages_alone(desk, tmp_path):
    """Both name their first card `card:1`, and post as the same app in the same channel."""
    number = await desk.open("web")
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card of the first store")
    (card,) = desk.ours()
    other = await open_store(f"sqlite:///{tmp_path}/other.db", owner="other")
    await other.replica.renew(desk.clock())
    first, desk.store = desk.store, other
    assert await desk.open("db") == number, "else this test says nothing"
    desk.sender = Sender(desk.sender.bot_id, await other.identity())
    outbox = desk.outbox_of(other)
    async with desk.running(outbox):
        await desk.slack.wait_for(lambda: len(desk.ours()) == 2, why="the card of the second")
    assert [m for m, _ in desk.calls()].count("conversations.history") == 2, "each looked first"
    assert "web" in desk.slack.messages(ALERTS)[0].text
    assert desk.ours()[0].ts == card.ts
    assert "edited" not in desk.ours()[0].data
    await other.close()
    desk.store = first


async def test_a_change_is_made_once_whatever_ts_slack_answers_with(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        desk.faults.always = lambda method, args: (
            web.json_response({"ok": True, "ts": "1.000001"}) if method == "chat.update" else None
        )
        await desk.store.acknowledge(number, "U0ANA00001", desk.clock.now)
        await until(lambda: shown(desk, number), why="the change is noted")
        await desk.open("db", Severity.LOW, channel=OPS)
        await desk.slack.wait_for(lambda: desk.ours(OPS), why="a later card")
    assert desk.faults.answered.count("chat.update") == 1


async def test_a_reply_waits_for_its_card(desk):
    number = await desk.open()
    await desk.store.note(number, "look at the graph", "U0ANA00001", desk.clock.now)
    async with desk.running():
        await desk.slack.wait_for(
            lambda: desk.ours() and desk.slack.thread(ALERTS, desk.ours()[0].ts), why="the note"
        )
    (note,) = desk.slack.thread(ALERTS, desk.ours()[0].ts)
    assert "look at the graph" in note.text


async def test_slack_calls_are_counted_by_their_outcome(desk):
    desk.faults.script["chat.postMessage"] = [rate_limited(1)]
    await desk.open()
    async with desk.running():
        await asyncio.wait_for(desk.faults.refused.wait(), 10)
    counted = desk.metrics.registry.get_sample_value(
        "sopbot_slack_calls_total", {"method": "chat_postMessage", "outcome": "ratelimited"}
    )
    assert counted == 1


class Shaky(Store):
    """A store that fails at its first query for due messages."""

    failed = False

    async def outbox_channels(self, now, asks=None):
        if not self.failed:
            self.failed = True
            raise StoreError("disk I/O error")
        return await super().outbox_channels(now, asks)


async def test_a_store_that_fails_once_does_not_end_the_sender(desk):
    await desk.open()
    store = Shaky(desk.store._engine, owner="first")
    await store.replica.renew(desk.clock())
    outbox = desk.outbox_of(store)
    async with desk.running(outbox):
        await desk.slack.wait_for(desk.ours, why="the card")
        await outbox.check()
    assert store.failed


async def test_an_outbox_that_does_not_run_says_so(desk):
    with pytest.raises(SopbotError, match="does not run"):
        await desk.outbox.check()
    await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        await desk.outbox.check()
    with pytest.raises(SopbotError, match="does not run"):
        await desk.outbox.check()


async def test_messages_that_are_long_overdue_are_a_fault(desk):
    desk.faults.script["chat.postMessage"] = [rate_limited(3600)]
    await desk.open()
    async with desk.running():
        await asyncio.wait_for(desk.faults.refused.wait(), 10)
        await until(lambda: tried(desk, 1, 1), why="the refusal is noted")
        await desk.open("db")
        desk.clock.forward(299)
        await desk.outbox.check()
        desk.clock.forward(2)
        with pytest.raises(SopbotError, match=ALERTS):
            await desk.outbox.check()


async def test_a_message_of_an_unknown_kind_waits_and_lets_the_others_pass(desk, tmp_path):
    number = await desk.open("later", Severity.CRITICAL)
    with sqlite3.connect(f"{tmp_path}/desk.db") as raw:
        raw.execute("UPDATE outbox SET kind = 'hologram'")
    raw.close()
    await desk.open("web", Severity.LOW)
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card of the other")
    row = await desk.store.outbox_message(f"card:{number}")
    assert (row.attempts, row.given_up_at) == (1, None)
    assert "hologram" in row.error


class Stumbling(Renderer):
    """A renderer with a bug in one kind of message."""

    async def render(self, message, content=None):
        if message.severity is Severity.CRITICAL:
            raise ZeroDivisionError
        return await super().render(message, content)


async def test_a_bug_in_one_message_lets_the_others_pass(desk):
    number = await desk.open("bug", Severity.CRITICAL)
    await desk.open("web", Severity.LOW)
    outbox = Outbox(
        SlackClient(desk.client, desk.metrics, desk.clock),
        desk.store,
        Stumbling(Known(desk.store)),
        desk.clock,
        config=LiveConfiguration(),
        ops_channel=OPS,
        sender=desk.sender,
    )
    async with desk.running(outbox):
        await desk.slack.wait_for(desk.ours, why="the card of the other")
    row = await desk.store.outbox_message(f"card:{number}")
    assert (row.attempts, row.given_up_at, row.error) == (1, None, "ZeroDivisionError")


async def test_a_limit_on_posts_does_not_hold_back_a_change(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        desk.faults.script["chat.postMessage"] = [rate_limited(600)]
        other = await desk.open("db")
        await until(lambda: tried(desk, other, 1), why="the next post is limited")
        await desk.store.acknowledge(number, "U0ANA00001", desk.clock.now)
        await desk.slack.wait_for(
            lambda: "acknowledged" in desk.ours()[0].text, why="the change, all the same"
        )
    assert len(desk.ours()) == 1


async def test_a_limit_on_changes_does_not_hold_back_a_post(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        desk.faults.script["chat.update"] = [rate_limited(600)]
        await desk.store.acknowledge(number, "U0ANA00001", desk.clock.now)
        await until(lambda: tried(desk, number, 1), why="the change is limited")
        await desk.open("db")
        await desk.slack.wait_for(lambda: len(desk.ours()) == 2, why="the post, all the same")
    assert "acknowledged" not in desk.ours()[0].text
