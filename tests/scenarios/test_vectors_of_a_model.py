"""An Ollama that fails or hangs is named by `check` and /readyz, and holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.helpers.bot_processes import run_bot
from tests.helpers.http_servers import served
from tests.helpers.waiting import until
from tests.scenarios.starting import StartProcess
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine

MODEL = "nomic-embed-text"
EMBED = "RUNBOOK_EMBED_MODEL"


async def embedding(request: web.Request) -> web.Response:
    body = await request.json()
    if body["model"] != MODEL:
        return web.json_response({"error": f"model '{body['model']}' not found"}, status=404)
    return web.json_response({"embeddings": [[3.0, 4.0, 0.0] for _ in body["input"]]})


async def line(world: World, **settings: str) -> str:
    """The line of the check that begins with the name vectors; '' without one."""
    _, out, err = await run_bot("check", settings=world.settings(**settings), folder=world.folder)
    lines = [line for line in out.splitlines() if line[2:].startswith("vectors ")]
    assert len(lines) <= 1, out
    assert "Traceback" not in err, err
    return " ".join(lines[0].split()) if lines else ""


async def test_check_embeds_a_word_and_names_a_missing_model_a_dead_server_and_a_dead_qdrant(
    world: World, free_port: Callable[[], int]
) -> None:
    assert await line(world) == ""
    async with served(embedding) as url:
        settings = {"RUNBOOK_EMBED_URL": url, EMBED: MODEL}
        assert await line(world, **settings) == f"✓ vectors {MODEL}, 3 dimensions"
        missing = await line(world, **{**settings, EMBED: "other"})
        assert missing.startswith("✗ vectors RUNBOOK_EMBED_URL")
        assert "other: HTTP 404" in missing
        assert "`ollama pull` gets a missing model" in missing
        qdrant = f"http://127.0.0.1:{free_port()}"
        assert "Qdrant: " in await line(world, **settings, RUNBOOK_QDRANT_URL=qdrant)
    away = {"RUNBOOK_EMBED_URL": f"http://127.0.0.1:{free_port()}", EMBED: MODEL}
    assert (await line(world, **away)).startswith("✗ vectors RUNBOOK_EMBED_URL")


async def test_a_dead_embedder_is_a_word_of_readyz_and_the_bot_stays_ready(
    world: World, bot_process: StartProcess, free_port: Callable[[], int], tmp_path: Path
) -> None:
    (tmp_path / "spool.md").write_text("# Spool full\n\nThe spool of the mail host is full.\n")
    address = f"127.0.0.1:{free_port()}"
    async with served(embedding) as url:
        await bot_process(
            HTTP_ADDR=address,
            RUNBOOK_DIR=str(tmp_path),
            RUNBOOK_EMBED_URL=url,
            HEALTH_CHECK_INTERVAL="1",
            **{EMBED: "other"},
        )
        async with aiohttp.ClientSession() as session:

            async def answer() -> dict[str, str]:
                async with session.get(f"http://{address}/readyz") as response:
                    assert response.status == 200
                    state: dict[str, str] = (await response.json())["checks"]["vectors"]
                    return state

            async def failing() -> bool:
                return (await answer())["state"] == "failing"

            await until(failing, why="the failure is reported")


async def test_a_bot_stops_at_once_while_its_embedder_hangs(
    world: World, bot_process: StartProcess, tmp_path: Path
) -> None:
    (tmp_path / "spool.md").write_text("# Spool full\n\nThe spool of the mail host is full.\n")
    requested, released = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        requested.set()
        await released.wait()
        return web.json_response({})

    async with served(hang) as url:
        running = await bot_process(
            RUNBOOK_DIR=str(tmp_path), RUNBOOK_EMBED_URL=url, RUNBOOK_EMBED_MODEL=MODEL
        )
        await requested.wait()
        running.terminate()
        assert await running.ended() == 0
        assert "Traceback" not in running.log, running.log
        released.set()
