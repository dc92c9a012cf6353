"""A full disk has room again: the bot continues without a restart."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from bot.app import Bot
from bot.simulator import ACK_SECONDS, ForwardClock, LocalSlack
from tests.helpers.databases import SqliteDatabase
from tests.helpers.disks import SmallDisk, leave_no_room, small_disk
from tests.helpers.slack_faults import HttpProxy, SlackHooks
from tests.helpers.waiting import until
from tests.scenarios.conftest import _world
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import ALERTS, Gateway, LeakyService, World


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small") as mounted:
        yield mounted


@pytest.fixture
def slack_time() -> ForwardClock:
    return ForwardClock()


@pytest.fixture
async def slack(slack_hooks: SlackHooks, slack_time: ForwardClock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, clock=slack_time) as running:
        yield running


@pytest.fixture
def world(
    slack: LocalSlack,
    slack_hooks: SlackHooks,
    leaky_service: LeakyService,
    disk: SmallDisk,
    gateway: Gateway,
    tmp_path: Path,
) -> World:
    """The world with its store on the small disk."""
    store = SqliteDatabase(disk.folder / "sopbot.db")
    return _world(slack, slack_hooks, leaky_service, store, gateway.url, tmp_path)


async def fill_up(disk: SmallDisk, running: Bot) -> None:
    """Leave no room, while the bot writes too."""
    while True:
        try:
            await leave_no_room(disk, running.service.store)
        except OSError as error:  # the bot took of the room that the ballast was to take
            if error.errno != errno.ENOSPC:
                raise
        else:
            return


def counted(world: World) -> dict[str, int]:
    """The numbers of rows that alerts have left in each table."""
    tables = ("alerts", "incidents", "outbox", "advice", "timeline")
    return {
        table: world.rows(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"]  # noqa: S608 - constants
        for table in tables
    }


async def test_an_alert_refused_twice_is_written_once_when_slack_delivers_it_a_third_time(
    world: World,
    bot: StartBot,
    disk: SmallDisk,
    slack_time: ForwardClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "handlers.inbound.dispatcher")
    running = await bot()
    await world.alert()
    await world.approval_card()
    await world.quiet()
    await fill_up(disk, running)
    before = counted(world)

    await world.alert("search-api", name="SearchIsSlow")
    delivery = world.slack.deliveries[-1]
    for sends in (1, 2):
        await until(
            lambda expected=sends: (
                sum("so it is not acknowledged" in line for line in caplog.messages) == expected
            ),
            why=f"the bot refuses delivery {sends}",
        )
        assert (delivery.sends, delivery.ack) == (sends, None)
        slack_time.advance(ACK_SECONDS)
    assert counted(world) == before, "half an alert is in the store"
    assert len(world.cards()) == 1

    disk.make_room()
    slack_time.advance(60)
    assert await delivery.outcome(), "the third time it is acknowledged"
    await world.card("SearchIsSlow", number=2)
    await world.advice(number=2)
    await world.quiet()
    assert delivery.sends == 3
    assert len(world.cards()) == 2
    assert counted(world)["alerts"] == before["alerts"] + 1
    assert counted(world)["incidents"] == before["incidents"] + 1


async def test_an_idle_bot_notices_by_itself_that_the_disk_has_room(
    world: World, bot: StartBot, disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "bot.steps")
    running = await bot()
    await world.quiet()

    def logged(text: str) -> int:
        return sum(text in line for line in caplog.messages)

    await until(lambda: not running._backfill._requests, why="its start has nothing left to write")
    await fill_up(disk, running)
    await until(lambda: not running.health.ready, why="the bot is not ready on a full disk")
    await until(lambda: logged("the lease is not renewed") > 5, why="the clockwork goes on")
    # A write that still found room in the journal, while the disk was filled, is a sign of room.
    found_room = logged("takes changes again")
    assert found_room <= 2, "what changes nothing is no sign of room"
    assert logged("the store takes no changes") == found_room + 1
    disk.make_room()
    await until(lambda: running.health.ready, why="the bot notices that there is room")
    assert logged("takes changes again") == found_room + 1


async def test_a_proposal_that_could_not_be_written_is_made_once_there_is_room(
    world: World,
    bot: StartBot,
    disk: SmallDisk,
    gateway_proxy: HttpProxy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = await bot()

    async def fills(request: web.Request) -> bool:
        if request.path == "/plan":
            await fill_up(disk, running)
        return True

    gateway_proxy.on_answer = fills
    await world.alert()
    await until(
        lambda: any(
            "propose" in line and "waits for the store" in line for line in caplog.messages
        ),
        why="the proposal cannot be written",
    )
    gateway_proxy.on_answer = None
    disk.make_room()
    await world.approval_card("Restart checkout-api")
    await world.quiet()
    thread = [message.text for message in world.slack.thread(ALERTS, world.cards()[0].ts)]
    assert len(thread) == 2, "the advice and the approval, once each"


def fill_beside(disk: SmallDisk, file: Path) -> None:
    """Leave no room, for a bot that is another process."""
    disk.fill()
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as plain:
        size = 100_000
        while size:
            try:
                plain.execute(
                    "INSERT INTO deliveries (key, seen_at) VALUES (hex(randomblob(?)), '')", (size,)
                )
            except sqlite3.OperationalError as error:
                if "full" not in str(error) and "I/O" not in str(error):
                    raise
                size //= 8


async def test_an_outcome_lost_with_the_process_is_looked_up_and_not_sent_again(
    world: World,
    bot_process: StartProcess,
    disk: SmallDisk,
    gateway: Gateway,
    gateway_proxy: HttpProxy,
) -> None:
    first = await bot_process(fork=True)

    async def fills(request: web.Request) -> bool:
        if request.path == "/execute":
            fill_beside(disk, disk.folder / "sopbot.db")
        return True

    gateway_proxy.on_answer = fills
    await world.leaky_service.make_unhealthy()
    await world.alert()
    await world.press(await world.approval_card(), "Approve")
    await until(
        lambda: "what came of it is not written yet" in first.log, why="the outcome has no room"
    )
    first.kill()
    await first.ended()
    assert world.replies("result") == [], "nothing is said that is not written"

    disk.make_room()
    await bot_process(fork=True)
    await world.result("Verified")
    await world.quiet()
    assert gateway_proxy.count("POST", "/execute") == 1
    assert gateway.executions() == [("service.restart", "checkout-api", "finished")]
    assert world.leaky_service.restarts == 1
