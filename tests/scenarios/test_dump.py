"""`python -m bot dump`: how the running bot is, for the person on call."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import aiohttp
import pytest

from tests.helpers.bot_processes import run_bot
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import AUDIT_KEY, SECRET, World

pytestmark = pytest.mark.one_engine

TOKEN = "a token of the tests"


@pytest.mark.attack("ASI03")
async def test_a_dump_has_queues_work_breakers_and_the_last_problems_and_no_secret(
    world: World, bot_process: StartProcess, free_port: Callable[[], int]
) -> None:
    settings = {"HTTP_ADDR": f"127.0.0.1:{free_port()}", "HTTP_TOKEN": TOKEN}
    running = await bot_process(**settings)
    await world.alert()
    await world.approval_card("awaiting approval")
    (world.folder / "policy.yaml").write_text("remediat: {}\n")
    os.kill(running.pid, signal.SIGHUP)
    await until(lambda: "policy.refused" in running.log, why="the policy is refused")
    code, out, err = await run_bot("dump", settings=world.settings(**settings), folder=world.folder)
    assert code == 0, err
    facts = json.loads(out)
    assert facts["health"]["gateway"]["state"] == "ok"
    assert facts["breakers"] == {"advisor": None, "gateways_down_since": {}}
    assert facts["stored"]["incidents"]["open"] == 1
    assert facts["stored"]["approvals_waiting"] == 1
    assert facts["dispatching"] == []
    assert facts["tasks"]["dispatch"] == 1
    assert facts["last_problems"][-1]["event"] == "policy.refused"
    for secret in (TOKEN, SECRET, AUDIT_KEY, world.slack.bot_token, world.slack.app_token):
        assert secret not in out + err
    code, out, err = await run_bot(
        "dump", settings=world.settings(**settings | {"HTTP_TOKEN": "x" * 20}), folder=world.folder
    )
    assert (code, out) == (1, "")
    assert "answered 401" in err


async def test_without_a_bot_or_a_known_port_the_command_says_what_to_do(
    world: World, free_port: Callable[[], int]
) -> None:
    for address, text in (
        (f"127.0.0.1:{free_port()}", "Is it running there?"),
        ("127.0.0.1:0", "send SIGUSR1 instead"),
    ):
        code, out, err = await run_bot(
            "dump", settings=world.settings(HTTP_ADDR=address), folder=world.folder
        )
        assert (code, out) == (1, "")
        assert text in err


async def test_a_dump_still_comes_when_the_store_does_not_answer(
    world: World, bot: StartBot, http: aiohttp.ClientSession
) -> None:
    running = await bot()
    world.store.tamper("ALTER TABLE outbox RENAME TO outbox_of_before")
    async with http.get(f"{running.http_url}/dump") as answer:
        assert answer.status == 200
        facts = await answer.json()
    world.store.tamper("ALTER TABLE outbox_of_before RENAME TO outbox")
    assert "no such table" in facts["stored"]["error"]
    assert facts["tasks"]
