"""Lines of a log file become alerts of the whole bot, and a kill -9 loses and doubles none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import BEN, SERVICE, World

pytestmark = pytest.mark.one_engine


def declare(world: World, **changes: Any) -> Path:
    """A policy with a poller; the log that it reads, which is there and empty."""
    file = world.folder / "shop.log"
    file.touch()
    poller = {
        "name": "shop-errors",
        "file": str(file),
        "pattern": "ERROR {service}: {title*}",
        "severity": "high",
        "env": "prod",
        "every_seconds": 1,
    }
    segments = {"detect": {"pollers": [poller | changes]}}
    world.write_policy(BEN, segments=segments, propose_from_sop=False)
    return file


def titles(world: World) -> list[str]:
    return [json.loads(row["body"])["title"] for row in world.rows("SELECT body FROM alerts")]


async def begun(world: World) -> None:
    """Wait until the poller has begun the file."""
    await until(lambda: world.rows("SELECT 1 FROM log_positions"), why="the poller has begun")


async def test_a_line_of_a_log_opens_an_incident_with_its_card(world: World, bot: StartBot) -> None:
    file = declare(world)
    await bot()
    await begun(world)
    with file.open("a") as log:
        log.write(f"03:04:05 INFO {SERVICE}: fine\n03:04:06 ERROR {SERVICE}: disk is full\n")
    card = await world.card("disk is full")
    assert "HIGH" in card.text
    assert SERVICE in card.text
    await world.quiet()
    assert titles(world) == ["disk is full"]


async def test_a_poller_that_a_reload_declares_begins_without_a_restart(
    world: World, bot: StartBot
) -> None:
    running = await bot()
    file = declare(world)
    running.reload()
    await begun(world)
    with file.open("a") as log:
        log.write("ERROR cart: no stock\n")
    assert "no stock" in (await world.card()).text


async def test_a_kill_minus_nine_loses_and_doubles_no_line(
    world: World, bot_process: StartProcess
) -> None:
    file = declare(world)
    first = await bot_process(fork=True)
    await begun(world)
    faults = [f"{a}{b} broke" for a in "klmnop" for b in "uvwxyz"]
    with file.open("a") as log:
        log.write("".join(f"ERROR cart: {fault}\n" for fault in faults[:12]))
    await until(lambda: titles(world), why="the first lines are alerts")
    with file.open("a") as log:
        log.write("".join(f"ERROR cart: {fault}\n" for fault in faults[12:24]))
    first.kill()
    with file.open("a") as log:
        log.write("".join(f"ERROR cart: {fault}\n" for fault in faults[24:]))
    await bot_process(fork=True)
    await until(lambda: len(titles(world)) >= len(faults), why="every line is an alert")
    assert sorted(titles(world)) == sorted(faults)
