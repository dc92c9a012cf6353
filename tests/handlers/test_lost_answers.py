"""A post whose answer was lost is looked up before anything is posted again."""

import sqlite3

import pytest

from store import open_store
from store.replica import LEASE
from tests.handlers.conftest import ALERTS
from tests.handlers.outbox_states import refusal, tried
from tests.helpers.waiting import until


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
    assert len(desk.ours()) == 1, "posted again once"
    assert (await desk.store.outbox_message(f"card:{number}")).ts == desk.ours()[0].ts != card.ts


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable"])
async def test_a_post_that_slack_may_have_made_is_looked_up_before_a_retry(desk, error):
    desk.faults.script["chat.postMessage"] = [refusal(error)]
    number = await desk.open()
    async with desk.running():
        await until(lambda: tried(desk, number, 1), why="the refusal")
        desk.wake(5)
        await desk.slack.wait_for(desk.ours, why="the card")
    methods = [method for method, _ in desk.calls()]
    assert methods.index("conversations.history") < len(methods) - 1
    assert methods[-1] == "chat.postMessage"


async def test_after_an_outage_one_lookup_finds_every_card_that_may_be_posted(desk):
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
