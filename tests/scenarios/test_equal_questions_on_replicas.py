"""Two replicas on one PostgreSQL ask an advisor once for many equal questions, also if one dies."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.helpers.bot_processes import BotProcess
from tests.helpers.databases import PostgresDatabase
from tests.helpers.waiting import until
from tests.scenarios.http_caller import TOKEN
from tests.scenarios.starting import StartProcess
from tests.scenarios.world import World

# Notes each run, and answers once the gate is open.
ADVISOR = """
import os, sys, time
folder = sys.argv[1]
if "--version" in sys.argv:
    print("advisor 1.0")
else:
    sys.stdin.read()
    open(folder + "/run-" + str(os.getpid()), "w").close()
    while not os.path.exists(folder + "/gate"):
        time.sleep(0.01)
    print("it was the disk")
"""
EACH = 50  # equal questions of a replica


def url_of(bot: BotProcess) -> str:
    """The address of its HTTP server, as its log names it."""
    lines = [json.loads(line) for line in bot.log.splitlines() if line.startswith("{")]
    return str(next(line["url"] for line in lines if line.get("event") == "bot.ready"))


class Replicas:
    """Two bots, and the folder in which their advisor notes its runs."""

    def __init__(self, folder: Path, bots: list[BotProcess], http: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.bots = bots
        self._http = http

    @property
    def runs(self) -> int:
        return len(list(self.folder.glob("run-*")))

    def answer(self) -> None:
        (self.folder / "gate").touch()

    async def ask(self, number: int) -> tuple[int, Any]:
        question = {"incident_key": "prod|web|disk|high", "prompt": "what was it?"}
        async with self._http.post(
            f"{url_of(self.bots[number])}/incident",
            json=question,
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as answer:
            return answer.status, await answer.json()

    def asks(self, number: int) -> list[asyncio.Task[tuple[int, Any]]]:
        return [asyncio.create_task(self.ask(number)) for _ in range(EACH)]


@pytest.fixture
async def replicas(
    world: World, bot_process: StartProcess, tmp_path: Path, http: aiohttp.ClientSession
) -> Replicas:
    if not isinstance(world.store, PostgresDatabase):
        pytest.skip("one bot on SQLite locks the file")
    script, folder = tmp_path / "advisor.py", tmp_path / "runs"
    script.write_text(ADVISOR)
    folder.mkdir()
    settings = {
        "ADVISOR_COMMAND": json.dumps([sys.executable, str(script), str(folder)]),
        "HTTP_TOKEN": TOKEN,
        "HTTP_REQUESTS_PER_MINUTE": "0",
        "QCHAT_TIMEOUT": "60",
    }
    bots = [await bot_process(**settings), await bot_process(**settings)]
    return Replicas(folder, bots, http)


async def test_a_hundred_equal_questions_on_two_replicas_run_the_advisor_once(
    replicas: Replicas,
) -> None:
    questions = [*replicas.asks(0), *replicas.asks(1)]
    await until(lambda: replicas.runs, why="one replica asks")
    replicas.answer()
    answers = await asyncio.gather(*questions)
    assert {status for status, _ in answers} == {200}
    assert all("it was the disk" in body["answer"] for _, body in answers)
    assert replicas.runs == 1


async def test_the_question_of_a_replica_that_was_killed_is_asked_by_the_other(
    replicas: Replicas,
) -> None:
    first = replicas.asks(0)
    await until(lambda: replicas.runs == 1, why="the first replica asks")
    waiting = replicas.asks(1)
    replicas.bots[0].kill()
    await until(lambda: replicas.runs == 2, why="the second one takes the question over")
    replicas.answer()
    answers = await asyncio.gather(*waiting)
    assert {status for status, _ in answers} == {200}
    assert all("it was the disk" in body["answer"] for _, body in answers)
    assert replicas.runs == 2
    await asyncio.gather(*first, return_exceptions=True)
