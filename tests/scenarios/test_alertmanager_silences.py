"""Silences of a real Alertmanager are the bot's too, and those of people are written back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.app import Bot
from bot.response.alertmanager_silences import MOST
from bot.steps.step import Function
from tests.helpers.http_servers import served
from tests.helpers.waiting import until
from tests.scenarios.commands import answer_to
from tests.scenarios.real_alertmanager import PROGRAM, Alertmanager, running_alertmanager
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = [pytest.mark.services(PROGRAM), pytest.mark.one_engine]


@pytest.fixture
async def alertmanager(
    tmp_path: Path, free_port: Callable[[], int], http: aiohttp.ClientSession
) -> AsyncIterator[Alertmanager]:
    async with running_alertmanager(tmp_path, free_port(), http, {}) as running:
        yield running


async def active(alertmanager: Alertmanager) -> list[dict[str, Any]]:
    async with alertmanager.http.get(f"{alertmanager.url}/api/v2/silences") as answer:
        return [item for item in await answer.json() if item["status"]["state"] == "active"]


async def silenced_there(alertmanager: Alertmanager, **labels: str) -> str:
    now = datetime.now(UTC)
    body = {
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in labels.items()
        ],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=2)).isoformat(),
        "createdBy": "ana",
        "comment": "a move",
    }
    async with alertmanager.http.post(f"{alertmanager.url}/api/v2/silences", json=body) as answer:
        return str((await answer.json())["silenceID"])


async def sync(running: Bot) -> None:
    """Do what the bot does every 15 seconds."""
    (run,) = (step.run for step in running.runner.steps if step.name == "sync_silences")
    function: Function = run
    await function()


async def test_a_silence_there_suppresses_here_until_it_is_expired_there(
    world: World, bot: StartBot, alertmanager: Alertmanager
) -> None:
    running = await bot(ALERTMANAGER_URL=alertmanager.url)
    remote_id = await silenced_there(alertmanager, service="wiki")
    await silenced_there(alertmanager, severity="warning")
    await sync(running)
    listed = await answer_to(world, "/incident list silences")
    assert "service=wiki" in listed
    assert "Alertmanager: ana: a move" in listed
    assert "1 silence in force" in listed, "one of everything that warns is not used"
    await world.alert("wiki", severity="warning")
    await until(lambda: world.rows("SELECT 1 FROM suppressed"), why="it is suppressed")
    await world.types("/incident silence shop 2h a move")
    await until(lambda: world.rows("SELECT 1 FROM silences WHERE id = 2"), why="it is stored")
    await sync(running)
    assert len(await active(alertmanager)) == 2, "without a token nothing is written back"

    async with alertmanager.http.delete(f"{alertmanager.url}/api/v2/silence/{remote_id}") as answer:
        assert answer.status == 200
    await sync(running)
    await running.service.settle()
    await world.card("wiki")


async def test_a_silence_of_a_person_is_written_back_once_and_expired_with_it(
    world: World, bot: StartBot, alertmanager: Alertmanager
) -> None:
    running = await bot(ALERTMANAGER_URL=alertmanager.url, ALERTMANAGER_TOKEN="a-token")
    await world.types("/incident silence service=wiki env=prod 2h moving house", "ana")
    await until(lambda: world.rows("SELECT 1 FROM silences"), why="it is stored")
    await sync(running)
    await sync(running)
    (written,) = await active(alertmanager)
    assert "moving house" in written["comment"]
    assert len(world.rows("SELECT 1 FROM silences")) == 1, "the bot does not read its own"
    labels = {"alertname": "A", "service": "Wiki", "env": "live"}
    alerts = [{"labels": labels | {"severity": severity}} for severity in ("warning", "critical")]
    async with alertmanager.http.post(f"{alertmanager.url}/api/v2/alerts", json=alerts) as answer:
        assert answer.status == 200

    async def warning_is_suppressed_and_critical_is_not() -> bool:
        async with alertmanager.http.get(f"{alertmanager.url}/api/v2/alerts") as answer:
            known = await answer.json()
        states = {item["labels"]["severity"]: item["status"]["state"] for item in known}
        return states == {"warning": "suppressed", "critical": "active"}

    await until(warning_is_suppressed_and_critical_is_not, why="Alertmanager applies the silence")

    world.store.tamper("UPDATE silences SET remote_id = ''")  # killed before it was stored
    await sync(running)
    assert len(await active(alertmanager)) == 1
    await world.types("/incident unsilence 1", "ana")
    await until(
        lambda: world.rows("SELECT 1 FROM silences WHERE ended_by != ''"), why="it has ended"
    )
    await sync(running)
    assert await active(alertmanager) == []


async def test_an_alertmanager_that_is_away_changes_nothing(
    world: World, bot: StartBot, free_port: Callable[[], int]
) -> None:
    running = await bot(ALERTMANAGER_URL=f"http://127.0.0.1:{free_port()}")
    await sync(running)
    assert "Nothing is silenced" in await answer_to(world, "/incident list silences")


@pytest.mark.attack("ASI08")
async def test_silences_over_the_bound_are_kept_as_they_are(world: World, bot: StartBot) -> None:
    now = datetime.now(UTC)
    there: list[str] = ["first"]

    def silence(name: str) -> dict[str, Any]:
        return {
            "id": name,
            "status": {"state": "active"},
            "matchers": [{"name": "service", "value": name, "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=2)).isoformat(),
            "createdBy": "ana",
            "comment": "a move",
        }

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response([silence(name) for name in there])

    def ended(name: str) -> list[Any]:
        query = f"SELECT ended_at FROM silences WHERE origin = 'alertmanager/{name}'"  # noqa: S608
        return [row["ended_at"] for row in world.rows(query)]

    async with served(answer) as url:
        running = await bot(ALERTMANAGER_URL=url)
        await sync(running)
        assert ended("first") == [None]
        there[:0] = [f"shop-{number}" for number in range(MOST)]
        await sync(running)
        assert ended("shop-0") == [None]
        assert ended("first") == [None], "the source has it still"
        there.remove("first")
        await sync(running)
        assert ended("first") != [None]
