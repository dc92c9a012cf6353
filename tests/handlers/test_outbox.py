"""The outbox: each message once, the gravest first, nothing lost when Slack has a bad day."""

import asyncio
import sqlite3

import pytest
from aiohttp import web

from bot.configuration import LiveConfiguration
from bot.errors import SopbotError, StoreError
from bot.incidents.model import Severity
from bot.response.upkeep import Upkeep
from bot.simulator import rate_limited
from handlers.outbound.delivery import GIVE_UP_AFTER
from handlers.outbound.metadata import Sender
from handlers.outbound.outbox import Outbox
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import SlackClient
from store import Store, open_store
from store.replica import LEASE
from store.statements import query
from tests.handlers.conftest import ALERTS, OPS, Known
from tests.helpers.waiting import until


def refusal(error):
    return web.json_response({"ok": False, "error": error})


async def test_a_wish_becomes_one_post_with_its_key_in_the_metadata(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
    (card,) = desk.ours()
    assert card.data["metadata"]["event_payload"]["key"] == f"card:{number}"
    assert f"INC-{number}" in card.text


async def test_the_gravest_card_is_posted_first_whatever_came_first(desk):
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


async def test_changes_that_wait_become_one_update_to_the_newest(desk):
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


async def test_a_post_whose_answer_was_lost_is_found_and_not_posted_again(desk):
    desk.faults.drop_after["chat.postMessage"] = 1
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the post that Slack took")
    desk.clock.forward(5)
    async with desk.running():
        await desk.slack.wait_for(
            lambda: any(m == "chat.update" for m, _ in desk.calls()), why="the found card's update"
        )
    assert len(desk.ours()) == 1
    row = await desk.store.outbox_message(f"card:{number}")
    assert row.ts == desk.ours()[0].ts


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


async def test_another_process_looks_before_it_posts_what_the_first_may_have_posted(desk, tmp_path):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
    # As if the process had died between Slack's answer and its own note of it.
    with sqlite3.connect(f"{tmp_path}/desk.db") as raw:
        raw.execute("UPDATE outbox SET ts = NULL, sent_version = 0 WHERE kind = 'card'")
    raw.close()
    second = await open_store(f"sqlite:///{tmp_path}/desk.db", owner="second")
    desk.clock.forward(LEASE + 1)
    await second.replica.renew(desk.clock())
    outbox = desk.outbox_of(second)
    async with desk.running(outbox):
        await desk.slack.wait_for(
            lambda: any(m == "chat.update" for m, _ in desk.calls()), why="the found card"
        )
    await second.close()
    assert len(desk.ours()) == 1
    assert (await desk.store.outbox_message(f"card:{number}")).ts == desk.ours()[0].ts


async def test_a_card_that_somebody_deleted_is_posted_anew(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        await desk.slack.delete_as_app(desk.ours()[0])
        await desk.store.acknowledge(number, "U0ANA00001", desk.clock.now)
        await desk.slack.wait_for(desk.ours, why="the card again")
    assert "acknowledged" in desk.ours()[0].text


async def test_what_slack_will_never_take_is_told_in_the_ops_channel(desk):
    number = await desk.open(channel="C0NOWHERE1")
    async with desk.running():
        await desk.slack.wait_for(
            lambda: desk.ours(OPS), why="a word in the ops channel", channel="ops"
        )
    notice = desk.ours(OPS)[0]
    assert f"INC-{number}" in notice.text
    assert "channel_not_found" in notice.text
    assert "web is down" in notice.text, "the card itself, so that nobody has to look for it"
    buttons = [b["text"]["text"] for b in notice.data["blocks"][-1]["elements"]]
    assert "Acknowledge" in buttons, "and it can be worked with from there"
    row = await desk.store.outbox_message(f"card:{number}")
    assert row.given_up_at, "kept, with the reason"


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


async def shown(desk, number):
    row = await desk.store.outbox_message(f"card:{number}")
    return row.sent_version == row.desired_version


async def test_refused_blocks_still_leave_the_words(desk):
    desk.faults.script["chat.postMessage"] = [refusal("invalid_blocks")]
    await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the plain text")
    assert "web is down" in desk.ours()[0].data["text"]
    assert not desk.ours()[0].data.get("blocks")


async def test_a_token_that_slack_does_not_take_loses_nothing(desk):
    desk.faults.script["chat.postMessage"] = [refusal("token_revoked")]
    number = await desk.open()
    async with desk.running():
        await asyncio.wait_for(desk.faults.refused.wait(), 10)
    row = await desk.store.outbox_message(f"card:{number}")
    assert not row.given_up_at
    desk.clock.forward(60)
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card once the token is good again")


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


def poison(error, status=200):
    """Refuses what speaks of the service `poison` in its channel, in this way and for ever."""

    def answer(method, args):
        spoken = str(args.get("text")) if args.get("channel") == ALERTS else ""
        if method == "chat.postMessage" and "poison is down" in spoken:
            return web.json_response({"ok": False, "error": error}, status=status)
        return None

    return answer


@pytest.mark.parametrize(
    ("error", "status"), [("a_new_error", 200), ("internal_error", 200), ("oops", 503)]
)
async def test_a_message_that_is_always_refused_does_not_silence_its_channel(desk, error, status):
    desk.faults.always = poison(error, status)
    number = await desk.open("poison", Severity.CRITICAL)
    async with desk.running():
        await asyncio.wait_for(desk.faults.refused.wait(), 10)
        row = await until(lambda: tried(desk, number, 1), why="the first try")
        await desk.open("web", Severity.LOW)
        desk.wake(1)  # the pause of a channel of which nothing is known
        await desk.slack.wait_for(desk.ours, why="the card of another incident")
    assert not row.given_up_at


async def tried(desk, number, times):
    row = await desk.store.outbox_message(f"card:{number}")
    return row if row.attempts >= times or row.given_up_at else None


async def test_what_is_refused_again_and_again_is_given_up_and_told(desk):
    desk.faults.always = poison("a_new_error")
    number = await desk.open("poison")
    async with desk.running():
        for times in range(1, GIVE_UP_AFTER):
            row = await until(lambda n=times: tried(desk, number, n), why="a try")
            assert not row.given_up_at, times
            desk.wake(120)
        await desk.slack.wait_for(lambda: desk.ours(OPS), why="a word in the ops channel")
    assert "a_new_error" in desk.ours(OPS)[0].text
    assert (await desk.store.outbox_message(f"card:{number}")).given_up_at


async def test_a_card_posted_anew_whose_answer_is_lost_is_found(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        card = desk.ours()[0]
        desk.slack.core.workspace.delete(desk.slack.core.workspace.channel(ALERTS), card.ts)
        desk.faults.drop_after["chat.postMessage"] = 1
        await desk.open(key="again")
        desk.wake(2)
        await until(lambda: unsure_of(desk, 1), why="the answer to the new post is lost")
        await until(lambda: nothing_waits(desk), why="it is known where the card is")
    assert len(desk.ours()) == 1, "posted anew once"
    assert (await desk.store.outbox_message(f"card:{number}")).ts == desk.ours()[0].ts != card.ts


async def test_a_reply_to_a_card_that_somebody_deleted_brings_the_card_back(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        first = desk.ours()[0]
        await desk.slack.delete_as_app(first)
        await desk.store.note(number, "look at the graph", "U0ANA00001", desk.clock.now)
        await desk.slack.wait_for(desk.ours, why="the card again")
        desk.wake(1)
        await desk.slack.wait_for(
            lambda: desk.slack.thread(ALERTS, desk.ours()[0].ts), why="the note beneath it"
        )
    assert desk.ours()[0].ts != first.ts


async def test_a_thread_that_is_never_found_costs_one_new_card_and_no_more(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        desk.faults.always = lambda method, args: (
            refusal("thread_not_found") if args.get("thread_ts") else None
        )
        await desk.store.note(number, "look at the graph", "U0ANA00001", desk.clock.now)
        for times in range(1, 5):
            await until(lambda n=times: noted(desk, n), why="a try")
            desk.wake(120)
    assert len(desk.ours()) == 2


async def noted(desk, times):
    rows = await desk.store._engine.read(_note_attempts)
    return rows and rows[0]["attempts"] >= times


def _note_attempts():
    return (yield query("SELECT attempts FROM outbox WHERE kind = 'note'"))


class Shaky(Store):
    """Fails the first time it is asked what is due."""

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


ODD_BODIES = {
    "429 as text": lambda: web.Response(status=429, text="slow down"),
    "429 as HTML": lambda: web.Response(status=429, text="<html>", content_type="text/html"),
    "429 with a date": lambda: web.Response(
        status=429, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    ),
    "200 as text": lambda: web.Response(text="ok"),
    "200 as a list": lambda: web.json_response([1]),
    "200 and broken": lambda: web.Response(text="{", content_type="application/json"),
    "200 without a ts": lambda: web.json_response({"ok": True}),
    "502 as HTML": lambda: web.Response(status=502, text="<html>", content_type="text/html"),
    "an error that is a list": lambda: web.json_response({"ok": False, "error": ["x"]}),
}


@pytest.mark.parametrize("body", list(ODD_BODIES))
async def test_an_answer_of_any_shape_is_waited_out(desk, body, caplog):
    desk.faults.script["chat.postMessage"] = [ODD_BODIES[body]()]
    number = await desk.open()
    async with desk.running():
        await until(lambda: tried(desk, number, 1), why="the odd answer")
        desk.wake(31)
        await desk.slack.wait_for(desk.ours, why="the card")
    assert len(desk.ours()) == 1
    assert "cannot be shown now" not in caplog.text, "foreseen"


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable"])
async def test_what_slack_failed_half_way_is_looked_for_before_it_is_posted_again(desk, error):
    desk.faults.script["chat.postMessage"] = [refusal(error)]
    number = await desk.open()
    async with desk.running():
        await until(lambda: tried(desk, number, 1), why="the refusal")
        desk.wake(5)
        await desk.slack.wait_for(desk.ours, why="the card")
    methods = [method for method, _ in desk.calls()]
    assert methods.index("conversations.history") < len(methods) - 1
    assert methods[-1] == "chat.postMessage"


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
    """Has a bug in what it makes of one message."""

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


async def test_a_text_that_is_too_long_even_alone_is_given_up(desk):
    desk.faults.script["chat.postMessage"] = [refusal("msg_too_long"), refusal("msg_too_long")]
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(lambda: desk.ours(OPS), why="a word in the ops channel")
    assert (await desk.store.outbox_message(f"card:{number}")).given_up_at


async def test_a_card_that_was_given_up_is_shown_once_the_bot_is_invited(desk):
    desk.faults.script["chat.postMessage"] = [refusal("not_in_channel")]
    number = await desk.open()
    await desk.store.note(number, "look at the graph", "U0ANA00001", desk.clock.now)
    upkeep = Upkeep(desk.store, LiveConfiguration(), desk.clock, desk.metrics, OPS)
    async with desk.running():
        await desk.slack.wait_for(lambda: desk.ours(OPS), why="a word in the ops channel")
        await upkeep.retry_outbox()
        assert (await desk.store.outbox_message(f"card:{number}")).given_up_at, "not at once"
        assert "sopbot_outbox_failed 0.0" not in desk.metrics.text().decode()
        desk.clock.forward(601)
        await upkeep.retry_outbox()
        await desk.slack.wait_for(
            lambda: desk.ours() and desk.slack.thread(ALERTS, desk.ours()[0].ts),
            why="the card, and the note beneath it",
        )


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


async def test_after_an_outage_one_look_answers_for_every_card_that_may_be_posted(desk):
    await desk.open("first")
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the channel's first card")
        before = [method for method, _ in desk.calls()].count("conversations.history")
        desk.clock.forward(1)
        desk.faults.drop_after["chat.postMessage"] = 3
        for service in ("web", "db", "cache"):
            await desk.open(service)
        await until(lambda: unsure_of(desk, 3), why="three tries whose answers are lost")
        await until(lambda: nothing_waits(desk), why="every card is known to be posted")
    assert len(desk.ours()) == 4, "each of them once"
    looks = [method for method, _ in desk.calls()].count("conversations.history") - before
    assert looks == 1


async def unsure_of(desk, cards):
    desk.wake(0.1)
    return len(desk.outbox.delivery.unsure) == cards


async def nothing_waits(desk):
    desk.wake(0.1)
    return await desk.store.outbox_backlog() == (0, 0)
