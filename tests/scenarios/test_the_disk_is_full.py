"""The disk is full: the bot acknowledges nothing that it could not write, and says so."""

from __future__ import annotations

import asyncio
import json
import logging
import shlex
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.app import Bot
from bot.errors import StoreError
from tests.helpers.bot_processes import run_bot
from tests.helpers.builders import NOW
from tests.helpers.databases import SqliteDatabase
from tests.helpers.disks import SmallDisk, leave_no_room, small_disk
from tests.helpers.slack_faults import HttpProxy, SlackHooks, kind_of
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import (
    ALERTS,
    BEN,
    CHLOE,
    SERVICE,
    Gateway,
    LeakyService,
    World,
    restart_sop,
)

FULL = "cannot grow: the disk is full"
REMEDY = "Make room; what was not acknowledged is delivered again."

# An advisor that answers when a file appears, and notes each time that it is asked.
ADVISOR = """
import os, sys, time
sys.stdin.read()
if "--version" in sys.argv:
    print("advisor 1.0")
else:
    open(sys.argv[1] + ".asked", "a").write("x")
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    print("it was the disk, and that took a while")
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small") as mounted:
        yield mounted


@pytest.fixture
def world(
    slack: Any,
    slack_hooks: SlackHooks,
    leaky_service: LeakyService,
    disk: SmallDisk,
    gateway: Gateway,
    tmp_path: Path,
) -> World:
    """The usual world, with its store on the small disk."""
    store = SqliteDatabase(disk.folder / "sopbot.db")
    world = World(
        slack,
        slack_hooks,
        leaky_service,
        store,
        tmp_path,
        gateway.url,
        f"{leaky_service.url}/health",
    )
    world.write_policy(BEN, CHLOE)
    world.write_sops(restart_sop(world.probe_url))
    return world


@pytest.fixture
async def line(world: World) -> AsyncIterator[HttpProxy]:
    """A proxy before the gateway that drops lookups of outcomes."""

    async def no_look_up(request: web.Request) -> bool:
        return not request.path.startswith("/executions/")

    async with HttpProxy.before(world.gateway_url) as proxy:
        proxy.on_request = no_look_up
        world.gateway_url = proxy.url
        yield proxy


async def ready(http: aiohttp.ClientSession, bot: Bot) -> tuple[int, str]:
    """(status of /readyz, what it says of the store)."""
    async with http.get(f"{bot.http_url}/readyz") as answer:
        store = (await answer.json())["checks"]["store"]
        return answer.status, store["reason"] or store["state"]


async def becomes(http: aiohttp.ClientSession, bot: Bot, status: int) -> str:
    """The text of /readyz about the store once it answers with that status."""
    async with asyncio.timeout(60):
        while (seen := await ready(http, bot))[0] != status:
            pass
    return seen[1]


async def post(http: aiohttp.ClientSession, bot: Bot, name: str) -> tuple[int, Any, Any]:
    """(status, body, Retry-After) of an alert by webhook."""
    body = {"service": name, "title": f"{name} is down", "text": "a long story " * 2_000}
    async with http.post(f"{bot.http_url}/alerts/generic", json=body) as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After")


async def test_on_a_full_disk_no_alert_is_acknowledged_and_later_each_is_posted_once(
    world: World,
    bot: StartBot,
    disk: SmallDisk,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = await bot()
    await world.alert("before-api", name="BeforeThat")
    await world.card("BeforeThat")
    await world.quiet()
    await leave_no_room(disk, running.service.store)

    status, refusal, retry_after = await post(http, running, "search-api")
    assert status == 503
    assert refusal["error"]["code"] == "store_unavailable"
    assert FULL in refusal["error"]["message"]
    assert int(retry_after) > 0
    said_by_readyz = await becomes(http, running, 503)
    assert said_by_readyz == f"The store {disk.folder / 'sopbot.db'} {FULL}. {REMEDY}"

    event = {
        "type": "message",
        "subtype": "bot_message",
        "bot_id": "B0STRANGER",
        "text": "the disk of checkout-api is hot",
        "ts": "1795300000.000100",
        "channel": ALERTS,
    }
    delivery = world.slack.send_event(event)
    await until(
        lambda: any("so it is not acknowledged" in line for line in caplog.messages),
        why="the alert is refused",
    )
    assert delivery.ack is None
    async with http.get(f"{running.http_url}/healthz") as answer:
        assert answer.status == 200, "a restart would not make room"
    assert len(world.rows("SELECT id FROM incidents")) == 1, "no half incident"

    disk.make_room()
    assert await delivery.outcome(), "delivered again, and acknowledged"
    assert delivery.attempt > 0
    assert (await post(http, running, "search-api"))[0] == 202
    assert await becomes(http, running, 200) == "ok"
    await world.card("the disk of checkout-api is hot", number=2)
    await world.card("search-api is down", number=3)
    await world.quiet()
    assert len(world.cards()) == 3
    assert len(world.rows("SELECT id FROM alerts")) == 3


async def test_a_press_on_a_full_disk_is_answered_that_it_did_not_count(
    world: World, bot: StartBot, disk: SmallDisk, gateway: Gateway
) -> None:
    running = await bot()
    await world.alert()
    card = await world.approval_card()
    await world.quiet()
    await leave_no_room(disk, running.service.store)
    assert (await world.press(card, "Approve", "ben")).acked, "else Slack shows a warning sign"
    await world.ephemeral("ben", FULL)
    answer = await world.types("/incident ack INC-1")
    assert FULL in (await answer.response()).text
    assert world.rows("SELECT * FROM votes") == []

    disk.make_room()
    assert (await world.press(card, "Approve", "ben")).acked
    await world.result("Verified")
    assert gateway.executions() == [("service.restart", SERVICE, "finished")]


async def test_advice_that_comes_while_the_disk_is_full_is_kept_and_shown(
    world: World, bot: StartBot, disk: SmallDisk
) -> None:
    gate = world.folder / "gate"
    program = world.folder / "advisor.py"
    program.write_text(ADVISOR)
    command = shlex.join([sys.executable, str(program), str(gate)])
    running = await bot(ADVISOR_COMMAND=command)
    await world.alert()
    await world.card()
    result = gate.with_name("gate.asked")
    await until(result.exists, why="the advisor is asked")
    await until(
        lambda: not world.rows("SELECT * FROM outbox WHERE sent_version < desired_version"),
        why="the card is noted",
    )
    await leave_no_room(disk, running.service.store)
    gate.touch()
    sample = running.metrics.registry.get_sample_value
    await until(
        lambda: sample("qchat_request_duration_seconds_count") == 1, why="the advisor answered"
    )
    for _ in range(20):  # time enough for the write of the answer to fail too
        with pytest.raises(StoreError):
            await running.service.store.ping(NOW)
    disk.make_room()
    await world.advice("it was the disk, and that took a while")
    await world.quiet()
    assert len(world.replies("advice")) == 1
    assert result.read_text() == "x", "minutes of an advisor are not spent twice"


async def test_on_a_full_disk_an_outcome_is_neither_lost_nor_sent_again(
    world: World,
    bot: StartBot,
    disk: SmallDisk,
    gateway: Gateway,
    line: HttpProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only the process holds the answer: every lookup is dropped."""
    monkeypatch.setattr("bot.response.gateway_results.PAUSES", (0.01, 0.01, 0.01))
    caplog.set_level(logging.DEBUG, "bot.response.gateway_results")
    running = await bot()
    full = []

    async def fills(request: web.Request) -> bool:
        if request.path == "/execute":
            full.append(await leave_no_room(disk, running.service.store))
        return True

    line.on_answer = fills
    await world.alert()
    await world.press(await world.approval_card(), "Approve", "ben")
    await until(lambda: full, why="the gateway has answered")
    await until(
        lambda: sum("not written yet" in line for line in caplog.messages) > 9,
        why="writing the outcome is tried again and again (bot.response.gateway_results.written)",
    )
    states = world.rows("SELECT state FROM executions")
    assert [row["state"] for row in states] == ["dispatching"]
    tried = line.count("POST", "/execute")
    disk.make_room()
    await world.result("Verified")
    await world.quiet()
    assert tried == line.count("POST", "/execute") == 1
    assert gateway.executions() == [("service.restart", SERVICE, "finished")]
    assert len(world.replies("result")) == 1
    assert world.leaky_service.restarts == 1


@pytest.mark.parametrize("message", ["card", "advice", "approval"])
async def test_a_message_whose_ts_cannot_be_stored_is_not_posted_twice(
    world: World, bot: StartBot, disk: SmallDisk, message: str
) -> None:
    running = await bot()
    posted = []

    async def fills(method: str, args: dict[str, Any]) -> bool:
        if method == "chat.postMessage" and kind_of(args) == message:
            posted.append(args)
            await leave_no_room(disk, running.service.store)
        return True

    world.slack_hooks.on_answer = fills
    await world.alert()
    await until(lambda: posted, why=f"the {message} is posted")
    await until(
        lambda: running.outbox.delivery.unsure,
        why="the outbox knows that it could not note the place",
    )
    disk.make_room()
    await world.approval_card()
    await world.quiet()
    assert len(posted) == 1
    assert len(world.cards()) == 1
    assert [len(world.replies(kind)) for kind in ("advice", "approval")] == [1, 1]
    unnoted = world.rows("SELECT key FROM outbox WHERE ts IS NULL")
    assert [row["key"] for row in unnoted] == []


async def test_a_bot_killed_on_a_full_disk_starts_again_once_there_is_room(
    world: World, bot_process: StartProcess, disk: SmallDisk
) -> None:
    first = await bot_process(fork=True)
    await world.alert()
    await world.card()
    await world.quiet()
    first.kill()
    await first.ended()
    disk.fill()
    code, out, err = await run_bot(settings=world.settings(), folder=world.folder)
    assert code == 1, "the supervisor is to try again"
    assert out == ""
    lines = [line for line in err.splitlines() if FULL in line]
    assert lines[-1].startswith(f"sopbot does not start: The store {disk.folder / 'sopbot.db'}")
    assert REMEDY in lines[-1]
    assert "Traceback" not in err

    disk.make_room()
    await bot_process(fork=True)
    await world.alert("search-api", name="SearchIsSlow")
    await world.card("SearchIsSlow", number=2)
    await world.quiet()
    assert len(world.cards()) == 2


async def test_a_burst_on_a_full_disk_fills_no_log_and_the_bot_stops_cleanly(
    world: World, bot_process: StartProcess, disk: SmallDisk, http: aiohttp.ClientSession
) -> None:
    running = await bot_process(fork=True, LOG_FORMAT="json")
    lines = [json.loads(line) for line in running.log.splitlines()]
    url = next(line["url"] for line in lines if line["event"] == "bot.ready")
    disk.fill()

    async def post(number: int) -> int:
        body = {"service": f"s{number}", "title": "down", "text": "a long story " * 8_000}
        async with http.post(f"{url}/alerts/generic", json=body) as answer:
            return answer.status

    refused = 0
    for number in range(400):
        status = await post(number)
        assert status in (202, 503)
        refused += status == 503
        if number % 4 == 0:
            await world.alert(f"s{number}", name=f"Storm{number}")
    assert refused > 100
    running.terminate()
    assert await running.ended() == 0
    assert "Traceback" not in running.log
    full_lines = [line for line in running.log.splitlines() if FULL in line]
    # A line for each step that waits for the store, of some thirty: not one for each alert.
    assert 1 <= len(full_lines) <= 60, full_lines
