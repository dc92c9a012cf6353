"""Strangers and bad luck: each test was a bug of the bot once."""

from __future__ import annotations

import json
import sys
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.app import Bot
from bot.simulator import Message
from tests.helpers.bot_processes import run_bot
from tests.helpers.clocks import RunningClock
from tests.helpers.slack_faults import kind_of
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, SECRET, World

pytestmark = [pytest.mark.attack("ASI07"), pytest.mark.one_engine]

BEGAN = "2026-01-01T10:00:00Z"


async def post(bot: Bot, path: str, body: Any) -> int:
    """POST it; the answer's status."""
    data = body if isinstance(body, str) else json.dumps(body)
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            bot.http_url + path, data=data, headers={"Content-Type": "application/json"}
        ) as answer,
    ):
        return answer.status


def incidents(world: World) -> list[tuple[str, str, str]]:
    rows = world.rows("SELECT service, severity, status FROM incidents ORDER BY id")
    return [(row["service"], row["severity"], row["status"]) for row in rows]


def am(status: str = "firing", **labels: str) -> dict[str, Any]:
    """Alertmanager's webhook with one alert whose fingerprint is `shared`."""
    alert = {
        "status": status,
        "labels": {"alertname": "Down", "service": "db", "env": "prod"} | labels,
        "startsAt": BEGAN,
        "fingerprint": "shared",
    }
    return {"version": "4", "status": status, "alerts": [alert]}


async def test_a_card_that_somebody_deleted_does_not_silence_its_channel(
    world: World, bot: StartBot
) -> None:
    await bot()
    await world.alert("first-api")
    card = await world.card()
    await world.advice()
    await world.quiet()
    for reply in world.slack.thread(ALERTS, card.ts):  # else a tombstone keeps the thread alive
        await world.slack.delete_as_app(reply)
    await world.slack.delete_as_app(card)
    await world.types("/incident ask INC-1 why?")  # its answer has no thread to go to
    answered = "SELECT 1 FROM outbox WHERE key = 'advice:2' AND sent_version > 0"
    await until(lambda: world.rows(answered), why="the answer below the new card")
    await world.alert("second-api")
    await world.card("second-api", number=2)


async def test_a_rate_limit_whose_body_is_not_json_is_waited_for(
    world: World, bot: StartBot, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [web.Response(status=429, text="<html>", headers={"Retry-After": "1"})]

    async def limited(method: str, _args: dict[str, Any]) -> web.StreamResponse | None:
        return answers.pop() if method == "chat.postMessage" and answers else None

    await bot()
    world.slack_hooks.on_call = limited
    await world.alert()
    await world.card()
    assert "the outbox of" not in caplog.text, "the sender fell over it"


async def test_a_post_answered_by_a_502_is_looked_for_before_it_is_posted_again(
    world: World, bot: StartBot
) -> None:
    tried: list[str] = []

    async def posts_but_says_502(method: str, args: dict[str, Any]) -> web.StreamResponse | None:
        if method != "chat.postMessage" or kind_of(args) != "card" or tried:
            return None
        tried.append("once")
        fields = {name: value for name, value in args.items() if value is not None}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                world.slack.api_url + "chat.postMessage",
                json=fields,
                headers={"Authorization": f"Bearer {world.slack.bot_token}"},
            ) as answer,
        ):
            assert (await answer.json())["ok"]
        return web.Response(status=502, text="<html>Bad gateway</html>")

    world.slack_hooks.on_call = posts_but_says_502
    await bot()
    await world.alert()
    await world.advice()
    await world.quiet()
    assert len(world.cards()) == 1


async def test_a_strangers_message_with_our_key_is_not_taken_for_our_card(
    world: World, bot: StartBot
) -> None:
    stolen: list[Message] = []

    async def answer_lost(method: str, args: dict[str, Any]) -> bool:
        if method != "chat.postMessage" or kind_of(args) != "card" or stolen:
            return True
        stolen.append(await world.slack.post_as_app("Joker", "ops", "ha"))
        where = world.slack.core.workspace.channel(ALERTS)
        # As chat.postMessage of any other app in the channel would leave it.
        copy = stolen[0].data | {"metadata": args["metadata"]}
        where.messages[stolen[0].ts] = copy
        where.timeline[stolen[0].ts] = None
        return False

    world.slack_hooks.on_answer = answer_lost
    await bot()
    await world.alert()
    await world.advice()
    await world.quiet()
    assert (
        world.rows("SELECT given_up_at FROM outbox WHERE kind = 'card'")[0]["given_up_at"] is None
    )


async def test_an_approval_that_was_not_sent_yet_is_revoked_with_its_incident(
    world: World, bot: StartBot
) -> None:
    running = await bot()
    # The yes comes, and the bot is not the one to send it: stopped, or busy with another.
    running.service.store.claim_dispatch = _nothing  # type: ignore[method-assign]
    await world.alert()
    await world.press(await world.approval_card("awaiting approval"), "Approve")
    await world.approval_card("approved")
    await world.resolves()
    await world.resolved()
    states = world.rows("SELECT state FROM executions")
    assert [row["state"] for row in states] == ["revoked"]


async def _nothing(*_arguments: object) -> None:
    return None


async def test_somebody_of_another_workspace_cannot_resolve(world: World, bot: StartBot) -> None:
    await bot()
    await world.alert()
    card = await world.card()
    buttons = [e for block in card.data["blocks"] for e in block.get("elements", ())]
    resolve = next(e for e in buttons if e.get("action_id") == "sopbot.resolve")
    delivery = world.slack.deliver(
        "interactive",
        {
            "type": "block_actions",
            "team": {"id": world.slack.team_id, "domain": "local"},
            "user": {"id": "U0STRANGER", "team_id": "T0STRANGER"},
            "api_app_id": "A0SOPBOT01",
            "trigger_id": "1.2.3",
            "channel": {"id": ALERTS},
            "message": {"ts": card.ts},
            "actions": [{**resolve, "block_id": "b", "action_ts": "1.2"}],
        },
    )
    assert await delivery.outcome()
    await world.quiet()
    assert incidents(world)[0][2] == "open"


async def test_a_fingerprint_means_nothing_to_another_source(world: World, bot: StartBot) -> None:
    running = await bot()
    await post(running, "/alerts/alertmanager", am(severity="critical"))
    other = {"name": "Cold coffee", "service": "kitchen", "fingerprint": "shared"}
    await post(running, "/alerts/generic", other | {"severity": "low"})
    await post(running, "/alerts/generic", {"name": "Bye", "fingerprint": "shared", "status": "ok"})
    assert ("db", "critical", "open") in incidents(world)
    assert any(service == "kitchen" for service, _, _ in incidents(world))


async def test_an_alert_of_higher_severity_is_not_a_repetition(world: World, bot: StartBot) -> None:
    running = await bot()
    alert = {"name": "Lag", "service": "db", "starts_at": BEGAN}
    for severity in ("low", "critical"):
        await post(running, "/alerts/generic", alert | {"severity": severity})
    assert incidents(world) == [("db", "critical", "open")]


async def test_an_alert_that_still_fires_after_a_manual_resolve_comes_back(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    running = await bot()
    await post(running, "/alerts/alertmanager", am())
    await world.press(await world.card(), "Resolve", "ana")
    await world.card("RESOLVED")
    await post(running, "/alerts/alertmanager", am())  # as its repeat_interval does
    assert all(status == "resolved" for _, _, status in incidents(world)), "ana is believed first"
    clock.forward(15 * 60)
    await post(running, "/alerts/alertmanager", am())
    assert any(status == "open" for _, _, status in incidents(world))


async def test_a_number_of_five_thousand_digits_is_answered_400(
    world: World, bot: StartBot
) -> None:
    running = await bot()
    body = '{"name": "x", "value": ' + "9" * 5_000 + "}"
    assert await post(running, "/alerts/generic", body) == 400


async def test_two_edits_in_one_second_are_both_read(world: World, bot: StartBot) -> None:
    await bot()
    posted = await world.slack.post_as_app("Zed", ALERTS, "Problem: disk full on db-1")
    await world.card()

    second = int(float(posted.ts)) + 5

    def edit(before: str, after: str, event_ts: str) -> dict[str, Any]:
        # Slack writes the second of an edit, not its moment.
        edited = {"user": "U0ZED00001", "ts": f"{second}.000000"}
        return {
            "type": "message",
            "subtype": "message_changed",
            "channel": ALERTS,
            "ts": event_ts,
            "event_ts": event_ts,
            "message": posted.data | {"text": after, "edited": edited},
            "previous_message": posted.data | {"text": before},
        }

    original, two = "Problem: disk full on db-1", "Problem: disk full on db-1!"
    await world.slack.send_event(edit(original, two, f"{second}.000100")).outcome()
    await world.slack.send_event(
        edit(two, "Resolved: disk full on db-1", f"{second}.000200")
    ).outcome()
    await world.quiet()
    assert [status for _, _, status in incidents(world)] == ["resolved"]


async def test_check_shows_the_advisor_no_token(world: World) -> None:
    seen = world.folder / "seen"
    spy = f"import os; open({str(seen)!r}, 'w').write(repr(dict(os.environ)))"
    program = world.folder / "spy"  # argv[0] alone is asked for its version
    program.write_text(f"#!{sys.executable}\n{spy}\n")
    program.chmod(0o700)
    settings = world.settings(ADVISOR_COMMAND=json.dumps([str(program)]))
    await run_bot("check", settings=settings, folder=world.folder)
    assert seen.exists()
    for token in (world.slack.bot_token, world.slack.app_token, SECRET):
        assert token not in seen.read_text()
