"""A deleted card is posted again, once."""

from store.statements import query
from tests.handlers.conftest import ALERTS
from tests.handlers.outbox_states import refusal
from tests.helpers.waiting import until


async def test_a_card_that_somebody_deleted_is_posted_anew(desk):
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
        await desk.slack.delete_as_app(desk.ours()[0])
        await desk.store.acknowledge(number, "U0ANA00001", desk.clock.now)
        await desk.slack.wait_for(desk.ours, why="the card again")
    assert "acknowledged" in desk.ours()[0].text


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
