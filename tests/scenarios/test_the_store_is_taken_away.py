"""A store file that cannot be used, at the start or later, is reported with the remedy."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import Bot
from store import open_store
from tests.helpers.databases import SqliteDatabase
from tests.helpers.locked_files import held
from tests.helpers.slack_faults import SlackHooks
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import BEN, Gateway, LeakyService, World, restart_sop

PAGE = 4096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sopbot.db"


@pytest.fixture
def world(
    slack: Any,
    slack_hooks: SlackHooks,
    leaky_service: LeakyService,
    file: Path,
    gateway: Gateway,
    tmp_path: Path,
) -> World:
    """The usual world on a file."""
    probe = f"{leaky_service.url}/health"
    world = World(
        slack, slack_hooks, leaky_service, SqliteDatabase(file), tmp_path, gateway.url, probe
    )
    world.write_policy(BEN)
    world.write_sops(restart_sop(world.probe_url))
    return world


def no_database(file: Path) -> None:
    file.write_text("Dear diary, " * 1_000)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def no_header(file: Path) -> None:
    overwrite(file, 0, b"\0" * 100)


def cut_off(file: Path) -> None:
    os.truncate(file, 20 * PAGE)


def a_page_overwritten(file: Path) -> None:
    with closing(sqlite3.connect(file)) as plain:
        root = "SELECT rootpage FROM sqlite_master WHERE name = 'alerts'"
        page = plain.execute(root).fetchone()[0]
    overwrite(file, (page - 1) * PAGE, b"\xa5" * PAGE)


def from_the_future(file: Path) -> None:
    SqliteDatabase(file).from_the_future()


def overwrite(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as raw:
        raw.seek(at)
        raw.write(data)


@pytest.mark.parametrize(
    ("prepared", "what", "remedy"),
    [
        (no_database, "is damaged or not a sopbot store", "Restore a backup, or move the file"),
        (a_folder, "cannot be opened", "STORE_URL must name a file"),
        (no_header, "is damaged or not a sopbot store", "Restore a backup, or move the file"),
        (cut_off, "is damaged", "Restore a backup"),
        (a_page_overwritten, "is damaged", "Restore a backup"),
        (from_the_future, "newer sopbot", "Run that version"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_a_start_on_a_bad_file_ends_with_one_sentence_that_says_what_to_do(
    world: World,
    bot_process: StartProcess,
    file: Path,
    prepared: Callable[[Path], None],
    what: str,
    remedy: str,
) -> None:
    await (await open_store(f"sqlite:///{file}", owner="before")).close()
    prepared(file)
    process = await bot_process(fork=True, ready=False)
    assert await process.ended() == 1
    lines = [line for line in process.log.splitlines() if str(file) in line]
    assert len(lines) == 1, process.log
    assert lines[0].startswith("sopbot does not start: ")
    assert what in lines[0]
    assert remedy in lines[0]
    assert "Traceback" not in process.log


def moved_away(file: Path) -> Path:
    return file.rename(file.with_name("elsewhere.db"))


def put_back(elsewhere: Path, file: Path) -> None:
    elsewhere.rename(file)


async def store_now(http: aiohttp.ClientSession, bot: Bot, status: int) -> str:
    """The text of /readyz about the store once it answers with that status."""
    async with asyncio.timeout(60):
        while True:
            async with http.get(f"{bot.http_url}/readyz") as answer:
                store = (await answer.json())["checks"]["store"]
                if answer.status == status:
                    return str(store["reason"])


async def post(http: aiohttp.ClientSession, bot: Bot, name: str) -> tuple[int, str]:
    body = {"service": name, "title": f"{name} is down"}
    async with http.post(f"{bot.http_url}/alerts/generic", json=body) as answer:
        result = await answer.json()
        return answer.status, result["error"]["message"] if "error" in result else ""


async def test_a_store_file_that_is_moved_away_is_reported_and_used_again_once_back(
    world: World, bot: StartBot, file: Path, http: aiohttp.ClientSession
) -> None:
    running = await bot()
    assert (await post(http, running, "before-api"))[0] == 202
    await world.card("before-api")
    await world.quiet()
    elsewhere = moved_away(file)
    status, answer = await post(http, running, "search-api")
    assert status == 503
    assert f"The store's file {file} was moved, deleted or replaced" in answer
    assert "Put it back" in await store_now(http, running, 503)

    put_back(elsewhere, file)
    assert (await post(http, running, "search-api"))[0] == 202
    assert await store_now(http, running, 200) == ""
    await world.card("search-api", number=2)
    await world.quiet()
    assert len(world.cards()) == 2


async def test_a_store_file_locked_by_another_program_is_reported_and_used_again_once_free(
    world: World, bot: StartBot, file: Path, http: aiohttp.ClientSession
) -> None:
    running = await bot()
    await world.quiet()
    with held(file):
        status, answer = await post(http, running, "search-api")
        assert status == 503
        assert f"The store {file} is in use by another process" in answer
        assert "in use by another process" in await store_now(http, running, 503)
    assert (await post(http, running, "search-api"))[0] == 202
    assert await store_now(http, running, 200) == ""
    await world.card("search-api")
    await world.quiet()
    assert len(world.cards()) == 1
