"""The audit trail of a scenario: how it is filled, read, and changed by hand."""

from __future__ import annotations

from typing import Any

from bot.app import Bot
from tests.helpers.clocks import RunningClock
from tests.scenarios.starting import StartBot
from tests.scenarios.world import (
    ALERTS,
    World,
    kind,
)

DAY = 86_400
COLUMNS = "seq, at, kind, incident_id, subject, actor, detail, prev, mac"


async def decided(world: World, bot: StartBot) -> Bot:
    """Start a bot; ana is refused, ben approves, and the gateway restarts the service."""
    running = await bot()
    await world.alert()
    card = await world.approval_card("awaiting approval")
    await world.press(card, "Approve", "ana")
    await world.ephemeral("ana", "Not counted")
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await world.quiet()
    return running


def trail(world: World) -> list[Any]:
    return world.rows(f"SELECT {COLUMNS} FROM audit ORDER BY seq")  # noqa: S608


def seq_of(world: World, what: str) -> int:
    """The number of the first row of that kind."""
    return next(int(row["seq"]) for row in trail(world) if row["kind"] == what)


async def posted(world: World, running: Bot, clock: RunningClock) -> str:
    """End the day; returns the head of the trail that the bot posts."""
    clock.forward(DAY)
    await running.service.upkeep.close_audit_day()
    message = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages(ALERTS) if kind(m) == "audit_head"), None),
        why="the head of the day",
    )
    return message.text.rpartition("head `")[2].partition("`")[0]


def write_row(world: World, row: Any, seq: int) -> None:
    values = [row[name] for name in COLUMNS.split(", ")]
    markers = ", ".join("?" * len(values))
    world.store.tamper(
        f"INSERT INTO audit ({COLUMNS}) VALUES ({markers})",  # noqa: S608
        seq,
        *values[1:],
    )


def on_record(world: World, kind: str) -> list[Any]:
    return [row for row in world.rows("SELECT * FROM audit ORDER BY seq") if row["kind"] == kind]
