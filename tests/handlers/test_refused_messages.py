"""A message that Slack refuses is retried or given up, and delays no other message."""

import asyncio

import pytest
from aiohttp import web

from bot.configuration import LiveConfiguration
from bot.incidents.model import Severity
from bot.response.upkeep import Upkeep
from handlers.outbound.delivery import GIVE_UP_AFTER
from handlers.views.changes import assign_modal
from tests.handlers.conftest import ALERTS, OPS
from tests.handlers.outbox_states import refusal, tried
from tests.helpers.models import incident
from tests.helpers.waiting import until


async def test_a_message_that_slack_never_accepts_is_reported_in_the_ops_channel(desk):
    number = await desk.open(channel="C0NOWHERE1")
    async with desk.running():
        await desk.slack.wait_for(
            lambda: desk.ours(OPS), why="a word in the ops channel", channel="ops"
        )
    notice = desk.ours(OPS)[0]
    assert f"INC-{number}" in notice.text
    assert "channel_not_found" in notice.text
    assert "web is down" in notice.text, "the card itself, so that nobody has to look for it"
    assert "Acknowledge" in notice.buttons, "and it can be worked with from there"
    row = await desk.store.outbox_message(f"card:{number}")
    assert row.given_up_at, "kept, with the reason"


async def test_refused_blocks_are_replaced_by_plain_text(desk):
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


def poison(error, status=200):
    """Refuse every message about the service `poison` in its channel, with this error."""

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


async def test_a_message_that_is_refused_repeatedly_is_given_up_and_reported(desk):
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


def refuses_feedback_buttons(method, args):
    """Answer as a server that does not know `context_actions`."""
    if method == "chat.postMessage" and "context_actions" in str(args.get("blocks")):
        return refusal("invalid_blocks")
    return None


async def test_a_modal_whose_notice_slack_refuses_is_opened_in_its_plain_form(desk):
    ben = next(user for user in desk.slack.core.workspace.users.values() if user.name == "ben")
    view = assign_modal(incident(), ben.id)

    def refuses_notices(method, args):
        is_newer = method == "views.open" and "alert" in str(args.get("view"))
        return refusal("invalid_arguments") if is_newer else None

    desk.faults.always = refuses_notices
    for _ in range(2):
        trigger = desk.slack.core.interactions.trigger(ben)
        await desk.outbox.direct.open_view(trigger, view)
        kinds = [block["type"] for block in desk.slack.modal("ben")["blocks"]]
        assert kinds == ["context", "section", "input"]
    assert len(desk.faults.answered) == 1, "Slack is not asked again within a day"


async def gives_advice(desk, number):
    incident = await desk.store.incident(number)
    question = f"why {desk.clock.now.timestamp()}?"
    await desk.store.enqueue_advice(incident, question, "U0ANA00001", desk.clock.now)
    while claimed := await desk.store.claim_advice(desk.clock.now):
        await desk.store.give_advice(claimed.id, {"source": "SOP"}, "text", desk.clock.now)
        await desk.store.advice_done(claimed.id)
        newest = claimed.id
    async with desk.running():
        await until(lambda: _is_shown(desk, newest), why="the advice")
    thread = desk.slack.thread(ALERTS, desk.ours()[0].ts)
    return [block["type"] for block in thread[-1].data["blocks"]]


async def _is_shown(desk, advice_id):
    message = await desk.store.outbox_message(f"advice:{advice_id}")
    return message is not None and message.ts


async def test_a_kind_of_block_that_slack_refuses_is_sent_in_its_plain_form_for_a_day(desk):
    number = await desk.open()
    assert (await gives_advice(desk, number))[-1] == "context_actions"
    desk.faults.always = refuses_feedback_buttons
    assert (await gives_advice(desk, number))[-1] == "actions", "the buttons, and all other blocks"
    assert len(desk.faults.answered) == 1
    desk.outbox = desk.outbox_of(desk.store)  # as after a start
    desk.clock.forward(3600)
    assert (await gives_advice(desk, number))[-1] == "actions"
    assert len(desk.faults.answered) == 1, "Slack is not asked again within a day"
    desk.faults.always = lambda method, args: None
    desk.clock.forward(86_400)
    assert (await gives_advice(desk, number))[-1] == "context_actions"
