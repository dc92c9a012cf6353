"""Every command, its errors, the Ask box and a mention: answered to the asker alone."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from aiohttp import web

from tests.helpers.slack_faults import HttpProxy
from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, Gateway, World

pytestmark = pytest.mark.one_engine


@pytest.mark.parametrize("line", ["/incident help", "/incident"])
async def test_help_names_every_command_on_one_phone_screen(
    world: World, bot: StartBot, line: str
) -> None:
    await bot()
    text = await answer_to(world, line)
    for verb in ("list", "show", "ack", "resolve", "ask", "fix", "help"):
        assert f" {verb}" in text
    assert "/sop help" in text
    assert len(text.splitlines()) <= 14
    page = await answer_to(world, "/incident help owner")
    assert "/incident ack INC-1   take ownership" in page
    assert "take ownership" in await answer_to(world, "/incident help ack")
    page = await answer_to(world, "/incident help snooze")
    assert "snooze is mute here:" in page
    assert "/incident mute INC-1 [2h]" in page
    assert "take over is assign here:" in await answer_to(world, "/incident help take over")
    assert "escalete is escalate here:" in await answer_to(world, "/incident help escalete")
    assert "are buttons of the approval" in await answer_to(world, "/incident help approve")
    assert "There is no help on dance. Topics: find, owner" in await answer_to(
        world, "/incident help dance"
    )
    assert "/sop show sop_…   one procedure" in await answer_to(world, "/sop help sops")


async def test_list_of_nothing_says_so(world: World, bot: StartBot) -> None:
    await bot()
    assert await answer_to(world, "/incident list") == "No open incidents."


async def test_show_lists_the_events_and_links_the_thread(world: World, two_open: None) -> None:
    text = await answer_to(world, "/incident show INC-1")
    assert "HealthCheckFailing" in text
    assert "Opened by alertmanager" in text
    assert "Advice from" in text
    assert "Open the thread" in text
    assert "sop_checkout_down" in text
    for spelling in ("inc-1", "inc1", "#1", "1"):
        assert await answer_to(world, f"/incident show {spelling}") == text, spelling


async def test_ack_names_the_owner_and_assign_takes_the_incident_over(
    world: World, two_open: None
) -> None:
    assert "INC-1 is yours." in await answer_to(world, "/incident ack INC-1", "chloe")
    card = await world.card("acknowledged by @chloe")
    assert "Acknowledge" not in card.buttons
    assert "@chloe" in await answer_to(world, "/incident list")
    assert "INC-1 is yours already" in await answer_to(world, "/incident ack INC-1", "chloe")

    text = await answer_to(world, "/incident ack INC-1", "ben")
    assert text.startswith("Nothing changed: INC-1 is @chloe's, who acknowledged it")
    assert "/incident assign INC-1 me takes it over" in text
    await world.card("acknowledged by @chloe")

    taken = await answer_to(world, "/incident assign INC-1 me", "ben")
    assert "INC-1 is yours. @chloe, the previous owner, is mentioned in its thread." in taken
    await world.card("acknowledged by @ben")
    await world.reply("steered", "Taken over by @ben; it was @chloe's")
    second = await answer_to(world, "/incident assign INC-1 me", "ben")
    assert "Nothing changed: INC-1 is yours already." in second
    result = await answer_to(world, "/incident assign #1 @chloe", "ben")
    assert "INC-1 is @chloe's. @ben, the previous owner" in result
    await world.reply("steered", "Assigned to @chloe by @ben; it was @ben's", which=2)
    assert "somebody is nobody in Slack" in await answer_to(
        world, "/incident assign INC-1 somebody", "ben"
    )
    shown = await answer_to(world, "/incident show inc1")
    assert "Assigned to @chloe by @ben; it was @ben's" in shown


async def test_resolve_asks_first_while_an_alert_fires_and_reopen_opens_again(
    world: World, two_open: None
) -> None:
    result = await answer_to(world, "/incident resolve INC-1", "ben")
    assert "INC-1 is not resolved yet: confirm it in the box that opened." in result
    assert "1 alert still fires." in result
    assert "RESOLVED" not in (await world.card()).text
    ben = world.slack.as_user("ben")
    assert (await ben.submit(values={})).errors == {}
    assert "by @ben" in (await world.card("RESOLVED")).text
    await world.quiet()
    assert "INC-1 is resolved already." in await answer_to(world, "/incident resolve INC-1")
    refused = await answer_to(world, "/incident ack INC-1")
    assert "INC-1 is resolved: there is nothing to acknowledge." in refused

    assert "INC-1 is open again." in await answer_to(world, "/incident reopen INC-1", "chloe")
    card = await world.card("CRITICAL")
    assert "Acknowledge" in card.buttons
    await world.reply("steered", "Reopened by @chloe")
    second = await answer_to(world, "/incident reopen INC-1", "chloe")
    assert "Nothing changed: INC-1 is not resolved, it is open." in second


async def test_the_resolve_button_asks_first_while_an_approval_waits(
    world: World, bot: StartBot
) -> None:
    await bot()
    await world.alert()
    await world.approval_card("awaiting approval")
    # The alert cleared in a way that closes nothing: then only the approval is in the way.
    world.store.tamper("DELETE FROM firing")
    world.store.tamper("UPDATE incidents SET firing = 0")
    await answer_to(world, "/incident ack INC-1", "ben")
    card = await world.card("acknowledged by @ben")
    await world.press(card, "Resolve", "ben")
    box = await world.slack.wait_for(lambda: world.slack.modal("ben"), why="the box asks")
    assert "Resolving revokes what waits for approval: Restart checkout-api" in json.dumps(box)
    assert "RESOLVED" not in (await world.card()).text
    await world.slack.as_user("ben").submit(values={})
    resolved = await world.card("RESOLVED")
    await world.approval_card("revoked")
    await world.press(resolved, "Reopen", "chloe")
    await world.card("CRITICAL")


async def test_acknowledging_an_acknowledged_incident_names_its_owner(
    world: World, one_open: None
) -> None:
    await world.quiet()
    card = await world.card()
    assert card.data["thread_ts"] == card.ts, "it is the root of a thread"
    await world.press(card, "Acknowledge", "ana")
    await world.card("acknowledged by @ana")
    await world.press(card, "Acknowledge", "ben", stale=True)
    await world.ephemeral("ben", "Nothing changed: INC-1 is @ana's")
    answer = world.slack.ephemerals("ben")[-1]
    assert "thread_ts" not in answer.data, "it was pressed in the channel, so it is answered there"


async def test_the_number_may_be_left_out_while_one_is_open(world: World, one_open: None) -> None:
    assert "INC-1 is yours" in await answer_to(world, "/incident ack")


IMPOSSIBLE = (
    (
        "/incident juggle",
        "/incident juggle is not a command. /incident help lists the commands.",
    ),
    ("/incident ack", "Which incident? Name it: /incident ack INC-1."),
    (
        "/incident show",
        "Name it: /incident show INC-1. The most severe that are open: INC-1 (critical), INC-2",
    ),
    (
        "/incident Fix restart",
        "restart is not an incident number. Name it: /incident fix INC-1.",
    ),
    ("/incident show", "Which incident? Name it: /incident show INC-1."),
    ("/incident show INC-99", "There is no INC-99. /incident list shows them."),
    ("/incident show INC-0", "There is no INC-0."),
    ("/incident ask INC-1", "What is the question?"),
    (
        "/incident fix INC-1",
        "checkout-api (process, production): service.restart, service.stop",
    ),
    ("/incident fix INC-1 explode", "No action is called 'explode'. Try: restart [target]"),
    ("/incident fix INC-1 restart a b", "One target at a time. Name one service."),
    (
        "/incident fix INC-1 restart nowhere",
        "The gateway has no target nowhere. Known targets: checkout-api",
    ),
    ("/incident fix INC-1 restart ; rm -rf /", "One target at a time."),
    ("/incident fix INC-1 restart --all", "target"),
    ("/incident fix INC-1 restart grace_seconds=soon", "grace_seconds"),
    ("/incident fix INC-1 restart probe_url=http://x/", "probe_url can only come from an SOP"),
    ("/sop dance", "/sop dance is not a command. /sop help lists the commands."),
    ("/incident reopen", "Which incident? Name it: /incident reopen INC-1."),
    ("/incident unfreeze", "Nothing is frozen, so nothing was unfrozen."),
    ("/sop show <!channel> *bold*", "There is no SOP <!channel> ∗bold∗."),
    ("/sop show sop_none", "There is no SOP sop_none. /sop list shows them."),
    ("/sop show", "Which SOP? Name it: /sop show sop_…"),
)


async def test_an_impossible_command_is_answered_with_what_to_do(
    world: World, two_open: None, gateway: Gateway
) -> None:
    for line, text in IMPOSSIBLE:
        assert text in await answer_to(world, line), line
    await world.quiet()
    assert gateway.executions() == []
    assert world.replies("approval") == []


async def test_a_command_without_a_number_says_that_nothing_is_open(
    world: World, bot: StartBot
) -> None:
    await bot()
    answer = await answer_to(world, "/incident ack")
    assert answer == "No incident is open. /incident list all shows the last ones."


async def test_sop_list_and_show(world: World, two_open: None) -> None:
    listed = await answer_to(world, "/sop list")
    assert "1 SOP" in listed
    assert "sop_checkout_down Checkout is down · HIGH" in listed
    shown = await answer_to(world, "/sop show sop_checkout_down")
    assert "GET {{service_name}}/health" in shown
    assert "svc:checkout-api" in shown
    assert "INC-1 open" in shown, "where it was used last"


async def test_fix_proposes_an_action_for_approval(world: World, one_open: None) -> None:
    text = await answer_to(world, "/incident fix restart grace_seconds=3")
    assert "Proposed in the thread of INC-1: Restart checkout-api." in text
    assert "Somebody else must approve it." in text
    card = await world.approval_card("Restart checkout-api")
    assert "`grace_seconds`  3   ← asked by @ana" in card.text
    assert "`target`  checkout-api   ← alert: service" in card.text


async def test_a_command_delivered_again_does_not_act_twice(
    world: World, one_open: None, gateway: Gateway
) -> None:
    seen: list[dict[str, Any]] = []

    async def record(envelope: dict[str, Any]) -> bool:
        seen.append(envelope)
        return True

    world.slack_hooks.on_envelope = record
    await answer_to(world, "/incident fix restart")
    await answer_to(world, "/incident ask why?")
    commands = [e["payload"] for e in seen if e["type"] == "slash_commands"]
    assert len(commands) == 2
    for payload in commands:
        delivery = world.slack.deliver("slash_commands", payload, accepts_response_payload=True)
        assert await delivery.outcome()
    await world.quiet()
    assert len(world.replies("approval")) == 1
    assert len(world.replies("advice")) == 2, "the first, and the answer to one question"


async def test_fix_says_within_three_seconds_that_the_gateway_does_not_answer(
    world: World, bot: StartBot
) -> None:
    world.write_sops()
    gone = asyncio.Event()
    async with HttpProxy.before(world.gateway_url) as slow:

        async def hold_plans(request: web.Request) -> bool:
            if request.path == "/plan":
                await gone.wait()
            return True

        slow.on_request = hold_plans
        await bot(AI_COMMAND_GATEWAY_URL=slow.url)
        await world.alert()
        await world.card()
        text = await answer_to(world, "/incident fix restart")
        gone.set()
    assert "The gateway did not say in 2 s what it would do." in text
    assert "Nothing is proposed." in text
    await world.quiet()
    assert world.replies("approval") == []


async def test_the_buttons_of_the_card_acknowledge_and_resolve(
    world: World, one_open: None
) -> None:
    card = await world.card()
    await world.press(card, "Acknowledge", "ana")
    await world.card("acknowledged by @ana")
    await world.press(card, "Resolve", "chloe")
    await world.card("by @chloe")
    await world.press(card, "Acknowledge", "ben", stale=True)
    await world.ephemeral("ben", "INC-1 is resolved: there is nothing to acknowledge.")
    followed = await world.press(card, "sopbot.link.0", "ben", stale=True)
    assert followed.acked, "Slack tells of link buttons too"


async def test_a_hostile_incident_text_stays_text_in_every_answer(
    world: World, bot: StartBot
) -> None:
    await bot()
    nasty = "<!channel> *bold* <http://evil.example|ok> `code` <@U0ANA00001>"
    await world.slack.post_as_app("Sentry", ALERTS, json.dumps({"title": nasty}))
    card = await world.card()
    blocks = json.dumps(card.data["blocks"])
    assert "<!channel>" not in blocks
    assert "<http://evil.example" not in blocks
    assert "<!channel>" not in json.dumps(
        [m.data for m in (await world.types("/incident list")).responses]
    )


async def test_a_refused_press_and_a_typo_are_one_event_and_no_vote(
    world: World, one_open: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await world.quiet()
    world.slack.change_user("ana", is_guest=True)
    await world.press(await world.card(), "Resolve", "ana")
    await world.ephemeral("ana", "guests may not resolve here")
    await answer_to(world, "/incident juggle INC-1 a secret", "ben")
    events = [record for record in caplog.records if record.getMessage() == "press.refused"]
    fields = [record.__dict__["fields"] for record in events]
    assert [(field["tried"], field["reason"], field["incident"]) for field in fields] == [
        ("sopbot.resolve", "refused", "INC-1"),
        ("/incident juggle", "input", "INC-1"),
    ]
    assert all(field["actor"].startswith("U") for field in fields)
    assert {record.levelname for record in events} == {"INFO"}
    assert "vote.refused" not in caplog.messages
    assert not [
        field for field in caplog.messages if "secret" in field or "refused or failed" in field
    ]


async def test_an_action_proposed_while_frozen_is_answered_with_the_freeze(
    world: World, one_open: None
) -> None:
    await (await world.types("/incident freeze on", "ana")).response()
    await world.quiet()  # the freeze is announced
    answer = await answer_to(world, "/incident fix 1 restart")
    assert "Proposed in the thread of INC-1" in answer
    assert "Frozen by @ana since" in answer
