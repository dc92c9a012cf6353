"""`python -m` on the package, as another process."""

import asyncio
import json
import signal
import sys

import aiohttp

from ..__main__ import main
from . import PACKAGE, ROOT


async def test_the_command_prints_its_address_in_one_line_and_ends_on_a_signal(
    http: aiohttp.ClientSession,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PACKAGE, "--port", "0"), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert {"api_url", "page_url", "app_token", "bot_token", "team_id", "bot_user_id"} <= set(
            ready
        )
        assert ready["api_url"].endswith("/api/")
        async with http.post(ready["webhooks"]["alerts"], json={"text": "hi"}) as answer:
            assert await answer.text() == "ok"
        headers = {"Authorization": f"Bearer {ready['bot_token']}"}
        where = {"channel": ready["channels"]["alerts"]}
        url = ready["api_url"] + "conversations.history"
        async with http.get(url, params=where, headers=headers) as answer:
            assert (await answer.json())["messages"][0]["text"] == "hi"
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert rest == b""


def test_a_host_that_is_not_loopback_is_refused(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["--host", "0.0.0.0"]) == 1
    assert "not loopback" in capsys.readouterr().err


async def test_a_bad_day_and_slacks_limits_can_be_asked_for(http: aiohttp.ClientSession) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PACKAGE, "--rate-limits", "--chaos", "7"),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with http.get(ready["page_url"] + "control") as answer:
            html = await answer.text()
        assert "A storm with seed 7 is on." in html
        assert "Rates are limited." in html
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 20)
