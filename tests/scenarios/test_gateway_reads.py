"""People read from the gateway without an approval, and cancel what runs there."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from bot.gateway.app import running
from bot.gateway.config import read_config
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, SECRET, SERVICE, Gateway, World, restart_sop

pytestmark = pytest.mark.one_engine


async def test_logs_and_status_are_read_without_an_approval_and_are_on_record(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    await world.alert()
    await world.card()
    await until(lambda: world.leaky_service.pids, why="the service is up")

    answer = await world.types("/incident run status", "ana")
    assert "service.status on checkout-api" in answer.text
    assert "running (pid" in answer.text
    answer = await world.types("/incident run INC-1 logs checkout-api lines=5", "ana")
    assert "service.logs" in answer.text
    for line, problem in (
        ("restart", "checkout-api cannot show restart. It shows: `service.status`"),
        ("service.restart checkout-api", "checkout-api cannot show service.restart"),
        ("logs ledger", "No target ledger can be read. Known: `checkout-api`"),
        ("logs lines=9999", "lines: must be at most 500"),
        ("logs lines=5 user=root", "user: not a known key"),
        ("", "Which action?"),
    ):
        answer = await world.types(f"/incident run INC-1 {line}".strip(), "ana")
        assert problem in answer.text

    assert [action for action, _, _ in gateway.executions()] == ["service.status", "service.logs"]
    rows = world.rows("SELECT text FROM timeline WHERE kind = 'gateway' ORDER BY id")
    assert [row["text"] for row in rows] == [
        "Ran service.status on checkout-api: succeeded",
        "Ran service.logs on checkout-api: succeeded",
    ]
    for _ in range(8):
        answer = await world.types("/incident run status", "ana")
        assert "running" in answer.text
    answer = await world.types("/incident run status", "ana")
    assert "that is too often" in answer.text
    answer = await world.types("/incident run status", "ben")
    assert "running" in answer.text


async def test_what_can_be_done_to_what_is_listed_from_the_gateways_own_list(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, actions={"service.stop": {"enabled": False}})
    await bot()
    answer = await (await world.types("/incident fix", "ana")).response()
    text = answer.text.replace("*", "")
    line = "• checkout-api (process, production): `service.restart`, `service.start` · reads: "
    assert line + "`service.status`, `service.stats`, `service.logs`" in text
    assert "service.stop" not in text, "the policy disables it"

    await world.press(answer, "Full text", "ana")
    view = await world.slack.wait_for(lambda: world.slack.modal("ana"), why="all of it")
    modal = json.dumps(view, ensure_ascii=False)
    assert "service.restart grace_seconds=…: Restart the service" in modal
    assert "risk medium, taken back by nothing" in modal
    assert "service.logs lines=…: Show its last log lines (only reads)" in modal
    world.slack.change_user("ben", is_guest=True)
    answer = await world.types("/incident fix", "ben")
    assert "guests may not fix here" in answer.text


async def test_the_targets_state_is_evidence_and_a_press_reads_it_whole(
    world: World, bot: StartBot
) -> None:
    program = (
        "for n in range(50): print(n, 'x' * 90 if n < 48 else 'password=tulips4ever', flush=True)\n"
        "import time; time.sleep(600)"
    )
    config = read_config(
        {
            "listen": {"port": 0},
            "state_dir": str(world.folder / "reading"),
            "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
            "targets": {
                "web-2": {
                    "executor": "process",
                    "environment": "production",
                    "argv": [sys.executable, "-S", "-E", "-c", program],
                }
            },
        },
        environ={"GATEWAY_SECRET": SECRET},
    )
    sop = restart_sop(world.probe_url)
    sop["actions"][0]["parameters"]["target"] = "web-2"  # the alert names checkout-api only
    llm = {"sources": [{"name": "live", "kind": "gateway"}], "source_timeout_ms": 5_000}
    world.write_policy(BEN, segments={"llm": llm})
    world.write_sops(sop)
    async with running(config, environ={"PATH": os.environ["PATH"]}) as gateway:
        world.gateway_url = gateway.url
        log = world.folder / "reading"
        await until(
            lambda: any("49 pass" in f.read_text() for f in log.rglob("*.log")), why="it logged"
        )
        await bot()
        await world.alert()
        known = await world.reply("evidence", "service.status on web-2")
        text = known.text.replace("*", "")
        assert "E1 live · service.status on web-2" in text
        assert "running (pid" in text
        assert "E2 live · service.logs on web-2" in text
        assert "49 [secret]" in text
        assert "tulips4ever" not in text

        await world.press(known, "Status", "ana")
        assert "running (pid" in await world.ephemeral("ana", "service.status on web-2")
        await world.press(known, "Logs", "ana")
        await world.ephemeral("ana", "The last 2,600 of")
        (answer,) = [m for m in world.slack.ephemerals("ana") if "The last 2,600 of" in m.text]
        assert "tulips4ever" not in answer.text
        assert "\n0 xxx" not in answer.text
        await world.press(answer, "Full text", "ana")
        whole = await world.slack.wait_for(lambda: world.slack.modal("ana"), why="the whole log")
        assert "\\n0 xxx" in json.dumps(whole)
        assert "49 [secret]" in json.dumps(whole)
        rows = world.rows("SELECT text FROM timeline WHERE kind = 'gateway' ORDER BY id")
        assert [row["text"] for row in rows] == [
            "Ran service.status on web-2: succeeded",
            "Ran service.logs on web-2: succeeded",
        ]


async def test_a_running_command_is_cancelled_by_a_person_and_its_result_says_so(
    world: World, bot: StartBot
) -> None:
    program = "import time; print('loaded 10 of 20', flush=True); time.sleep(600)"
    config = read_config(
        {
            "listen": {"port": 0},
            "state_dir": str(world.folder / "commanding"),
            "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
            "targets": {SERVICE: {"executor": "command", "environment": "production"}},
            "commands": {
                "cache.warm": {
                    "title": "Warm the cache",
                    "argv": [sys.executable, "-c", program],
                    "targets": [SERVICE],
                }
            },
        },
        environ={"GATEWAY_SECRET": SECRET},
    )
    sop = restart_sop(world.probe_url)
    sop["actions"] = [{"action": "cache.warm", "parameters": {"target": SERVICE}}]
    world.write_policy(BEN, actions={"cache.warm": {"cooldown_seconds": 0}})
    world.write_sops(sop)
    async with running(config, environ={"PATH": os.environ["PATH"]}) as gateway:
        world.gateway_url = gateway.url
        await bot()
        await world.alert()
        card = await world.approval_card("Warm the cache on checkout-api")
        answer = await world.types("/incident cancel INC-1", "ana")
        assert "Nothing cancelled: no action runs for INC-1" in answer.text
        await world.press(card, "Approve", "ben")
        runs = await world.approval_card("Runs")
        assert runs.buttons == ["Cancel"]
        assert "◐ Runs (in progress)\n`loaded 10 of 20`" in runs.text
        await world.card("runs now: Warm the cache on checkout-api")
        await world.press(runs, "Cancel", "ana")
        await world.ephemeral("U0ANA00001", "Not done: only an approver decides that")
        answer = await (await world.types("/incident cancel INC-1", "ana")).response()
        assert "Not done: only an approver decides that" in answer.text, "as the button says"
        await world.press(runs, "Cancel", "ben")
        await world.ephemeral(BEN, "Cancelling Warm the cache on checkout-api")
        result = await world.result("Cancelled.")
        assert "What it had done by then stays" in result.text
        await world.quiet()
        (whole,) = world.cards()
        assert "runs now" not in whole.text
        assert not (await world.approval_card("failed")).buttons
        rows = world.rows("SELECT text, actor FROM timeline WHERE kind = 'gateway'")
        assert [tuple(row) for row in rows] == [
            ("Cancelled while it ran: Warm the cache on checkout-api", BEN)
        ]

        await world.types("/incident fix INC-1 cache.warm checkout-api", "ana")
        second = await world.approval_card("awaiting approval", which=2)
        await world.press(second, "Approve", "ben")
        text = ""
        async with asyncio.timeout(20):
            while "Cancelling" not in text:  # the first tries may be before it started
                text = (await world.types("/incident cancel INC-1", "ben")).text
        assert "Cancelling Warm the cache on checkout-api" in text
        await world.result("Cancelled.", which=2)
