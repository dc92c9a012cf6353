"""Somebody wipes the audit trail, or restores an older copy, to get around a freeze."""

from __future__ import annotations

import aiohttp
import pytest

from bot.app import Bot
from bot.simulator import Message
from tests.helpers.bot_processes import run_bot
from tests.helpers.clocks import RunningClock
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, Gateway, World, kind

pytestmark = pytest.mark.attack("ASI10")


async def verify(world: World) -> tuple[int, str]:
    code, out, err = await run_bot(
        "audit", "verify", settings=world.settings(), folder=world.folder
    )
    return code, out + err


def notices(world: World) -> list[Message]:
    return [message for message in world.slack.messages(ALERTS) if kind(message) == "trail"]


def wipe(world: World) -> None:
    for table in ("freezes", "audit", "audit_anchors"):
        world.store.tamper(f"DELETE FROM {table}")  # noqa: S608 - constants


def copy_of(world: World) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: [tuple(row) for row in world.rows(f"SELECT {columns} FROM {table}")]  # noqa: S608
        for table, columns in COLUMNS.items()
    }


COLUMNS = {
    "audit": "seq, at, kind, incident_id, subject, actor, detail, prev, mac",
    "audit_anchors": "name, seq, mac, at, note, seal",
}


def put_back(world: World, copy: dict[str, list[tuple[object, ...]]]) -> None:
    wipe(world)
    for table, rows in copy.items():
        for row in rows:
            markers = ", ".join("?" * len(row))
            world.store.tamper(
                f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({markers})",  # noqa: S608
                *row,
            )


async def frozen(world: World) -> Message:
    """An approval that waits while everything is frozen."""
    await world.alert()
    card = await world.approval_card("awaiting approval")
    await (await world.types("/incident freeze on a move", "ana")).response()
    await world.quiet()
    return card


async def health_says(running: Bot) -> str:
    """The health after the watchdog has checked the work and the trail."""
    (watchdog,) = (step for step in running.runner.steps if step.name == "self_audit")
    await watchdog.run()
    await running.health.check("audit trail")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.http_url}/health/detailed") as answer,
    ):
        return await answer.text()


@pytest.mark.parametrize("how", ["wiped", "cut back"])
async def test_a_freeze_wiped_with_its_rows_and_anchors_still_blocks(
    world: World, bot: StartBot, gateway: Gateway, how: str
) -> None:
    running = await bot()
    older = copy_of(world)
    card = await frozen(world)
    if how == "wiped":
        wipe(world)
    else:
        put_back(world, older)
    await world.press(card, "Approve", "ben", stale=True)
    await world.ephemeral("ben", "the audit trail was cut back or replaced")
    for _ in range(3):
        assert "cut back or replaced" in await health_says(running)
    await world.quiet()
    (notice,) = notices(world)
    assert "All actions are blocked" in notice.text
    code, output = await verify(world)
    assert code == 1
    assert "a bot that was running found, by row" in output
    assert gateway.executions() == []


async def test_a_trail_truncated_while_the_bot_is_down_is_found_by_the_head_in_slack(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    running = await bot()
    older = copy_of(world)
    await frozen(world)
    clock.forward(86_400)
    await running.service.upkeep.close_audit_day()
    await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages(ALERTS) if kind(m) == "audit_head"), None),
        why="the head of the day",
    )
    await running.__aexit__()
    put_back(world, older)
    assert (await verify(world))[0] == 0, "the store alone cannot know"

    second = await bot()
    assert "its head was posted in Slack" in await health_says(second)
    await until(lambda: len(notices(world)) == 1, why="the notice in the ops channel")
    await second.__aexit__()
    code, out, err = await run_bot(
        "audit",
        "begin-anew",
        "--reason",
        "an older copy was put back",
        "--backup",
        str(world.folder / "before.db"),
        settings=world.settings(),
        folder=world.folder,
    )
    assert code == 0, out + err
    assert (await verify(world))[0] == 0
    assert gateway.executions() == []


async def test_a_last_row_deleted_while_the_bot_is_down_is_found(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    running = await bot()
    await frozen(world)
    await running.__aexit__()
    world.store.tamper("DELETE FROM freezes")
    world.store.tamper("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)")
    second = await bot()
    assert "is missing" in await health_says(second)
    await until(lambda: len(notices(world)) == 1, why="the notice in the ops channel")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{second.http_url}/readyz") as answer,
    ):
        assert (await answer.json())["checks"]["audit trail"]["state"] == "failing"
    card = await world.approval_card("the audit trail was cut back or replaced")
    assert "Approve" not in card.buttons
    assert gateway.executions() == []
