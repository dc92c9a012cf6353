"""After an incident: its post-mortem as a file in the thread, its actions, the webhook."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.simulator import Message
from tests.helpers.clocks import RunningClock
from tests.helpers.http_servers import served
from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, BEN, World

pytestmark = pytest.mark.one_engine


def files(world: World, name: str) -> list[Message]:
    """The messages in the thread of the first card that share a file of that name."""
    thread = world.slack.thread(ALERTS, world.cards()[0].ts)
    return [m for m in thread if [f["name"] for f in m.data.get("files", ())] == [name]]


async def file(world: World, name: str) -> str:
    """The content of the file, once the thread has it."""
    posted = await world.slack.wait_for(lambda: files(world, name), why=f"the file {name}")
    assert len(posted) == 1
    content = world.slack.core.files[posted[0].data["files"][0]["id"]].content
    return (content or b"").decode()


async def test_a_post_mortem_is_a_file_in_the_thread_and_again_a_new_version(
    world: World, one_open: None
) -> None:
    await answer_to(world, "/incident ack INC-1", "chloe")
    answer = await answer_to(world, "/incident postmortem INC-1", "chloe")
    assert "Version 1 of the post-mortem of INC-1 is drafted" in answer
    first = await file(world, "INC-1-postmortem-v1.md")
    assert first.startswith("# Post-mortem of INC-1: ")
    assert "for @\u2060chloe." in first, "people have names in it, not ids"
    assert "**acknowledged** (@\u2060chloe): Acknowledged" in first
    assert "- [ ] ✍️ None yet" in first

    added = await answer_to(world, f"/incident action INC-1 <@{BEN}|ben> Add <b>a</b> probe", "ana")
    assert "The action is @ben's and stands in the thread of INC-1" in added
    shown = await world.reply("action", "Add <b>a</b> probe")
    assert "Action for @ben" in shown.text
    listed = await answer_to(world, "/incident actions mine", "ben")
    assert listed.startswith("1 open action of yours")
    await answer_to(world, "/incident postmortem INC-1", "ana")
    second = await file(world, "INC-1-postmortem-v2.md")
    assert "- [ ] Add \\<b\\>a\\</b\\> probe (@\u2060ben)" in second

    await world.press(shown, "Done", "ben")
    done = await world.reply("action", "Done by @ben")
    assert "Done" not in done.buttons
    await world.press(shown, "Done", "ana", stale=True)
    await world.ephemeral("ana", "Nothing changed: @ben did it already")
    none_left = await answer_to(world, "/incident actions")
    assert none_left.startswith("No open actions. ")
    assert "What waits for your approval is on the bot's Home tab." in none_left
    await world.resolves()
    over = await world.resolved("resolved")
    await world.quiet()  # a press is refused while the bot does not know yet that Slack posted it
    await world.press(over, "Write the post-mortem", "chloe")
    third = await file(world, "INC-1-postmortem-v3.md")
    assert "- [x] Add" in third
    assert "- Incident: INC-1, resolved (its alerts cleared)" in third
    assert "done by @ben" in await answer_to(world, "/incident actions INC-1")


async def test_a_command_delivered_again_drafts_no_second_version_and_adds_no_second_action(
    world: World, one_open: None
) -> None:
    seen: list[dict[str, Any]] = []

    async def record(envelope: dict[str, Any]) -> bool:
        seen.append(envelope)
        return True

    world.slack_hooks.on_envelope = record
    await answer_to(world, "/incident postmortem INC-1")
    await answer_to(world, "/incident action INC-1 Write the SOP")
    for payload in [e["payload"] for e in seen if e["type"] == "slash_commands"]:
        second = world.slack.deliver("slash_commands", payload, accepts_response_payload=True)
        assert await second.outcome()
    await world.quiet()
    assert len(files(world, "INC-1-postmortem-v1.md")) == 1
    assert files(world, "INC-1-postmortem-v2.md") == []
    assert len(world.replies("action")) == 1


async def test_the_modal_adds_an_action_for_the_chosen_person(world: World, one_open: None) -> None:
    assert "box that opened" in await answer_to(world, "/incident action INC-1", "ana")
    ana = world.slack.as_user("ana")
    await ana.submit(values={"task": "Write it down"})
    await world.reply("action", "Action for @ana")
    world.slack.change_user("chloe", is_guest=True)
    refused = await answer_to(world, "/incident action INC-1 Take it", "chloe")
    assert "guest" in refused
    assert "guest" in await answer_to(world, "/incident postmortem INC-1", "chloe")


async def test_the_owner_of_an_open_action_is_reminded_once_on_each_working_day(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    now = clock()
    monday = (now + timedelta(days=7 - now.weekday())).replace(hour=8, minute=0)
    clock.forward((monday - now).total_seconds())
    running = await bot()
    await world.alert()
    await world.card()
    await answer_to(world, f"/incident action INC-1 <@{BEN}> Write the SOP")

    async def reminders_after(at: datetime) -> int:
        clock.forward((at - clock()).total_seconds())
        await running.service.postmortems.remind()
        await running.service.postmortems.remind()
        await world.quiet()
        return len(world.replies("action_reminder"))

    assert await reminders_after(monday.replace(hour=8, minute=30)) == 0
    assert await reminders_after(monday.replace(hour=9, minute=1)) == 1
    assert "Still open for @ben" in world.replies("action_reminder")[0].text
    assert await reminders_after(monday.replace(hour=23)) == 1
    assert await reminders_after(monday.replace(hour=10) + timedelta(days=1)) == 2
    assert await reminders_after(monday.replace(hour=10) + timedelta(days=5)) == 2, "a Saturday"
    await world.press(world.replies("action_reminder")[1], "Done", "ben")
    await world.reply("action_reminder", "Done by @ben", which=1)
    await world.reply("action_reminder", "Done by @ben", which=2)
    assert await reminders_after(monday.replace(hour=10) + timedelta(days=7)) == 2


async def test_the_webhook_gets_each_version_once_and_a_failure_is_tried_again(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    answers = [503, 200, 400]

    async def take(request: web.Request) -> web.Response:
        calls.append((request.headers["Idempotency-Key"], await request.json()))
        return web.Response(status=answers[len(calls) - 1])

    async with served(take) as url:
        notify = {"post_interval_seconds": 0, "postmortem_webhook": f"{url}/hook"}
        world.write_policy(BEN, segments={"notify": notify})
        running = await bot()
        await world.alert()
        await world.card()
        await answer_to(world, "/incident postmortem INC-1")
        await running.service.postmortems.export()
        clock.forward(31)
        await running.service.postmortems.export()
        await running.service.postmortems.export()
        assert len(calls) == 2, "one failure, one success, and no more"
        assert calls[0] == calls[1], "the same version, under the same key"
        assert calls[0][0].endswith("/INC-1-postmortem-v1.md")
        assert calls[0][1]["markdown"] == await file(world, "INC-1-postmortem-v1.md")
        await answer_to(world, "/incident postmortem INC-1")
        await running.service.postmortems.export()
        await world.reply("steered", "Version 2 of the post-mortem was not exported")
        assert "the webhook answered 400" in json.dumps([m.text for m in world.replies("steered")])
        clock.forward(3600)
        await running.service.postmortems.export()
        assert len(calls) == 3
