"""A bot with BACKUP_DIR backs its running store up, and says in health and metrics how that is."""

from __future__ import annotations

from pathlib import Path

from bot.backups.folder import good_backups
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World


async def test_a_running_bot_backs_itself_up_when_it_starts(
    world: World, bot: StartBot, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    running = await bot(BACKUP_DIR=str(folder))
    await until(lambda: good_backups(folder), why="the first backup is good")
    assert running.health.parts["backup"] is False, "a bot without backups still works"
    await running.health.check("backup")
    assert running.health.report()["backup"]["state"] == "ok"
    assert b"\nsopbot_backup_max_age_seconds 93600.0\n" in running.metrics.text()
    (step,) = (step for step in running.runner.steps if step.name == "back_up")
    assert step.seconds == 60
