"""The gateway as its own process: ready line, clean end, and being killed in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import psutil
import pytest

from bot.errors import OutcomeUnknown
from bot.gateway.__main__ import main
from bot.remediation.client import ActionCall, GatewayClient, NeverSeen, Running
from tests.helpers.waiting import until

from .conftest import gone, pid_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def launch(tmp_path: Path):
    """Start the gateway as a process; returns it and a client. Kills it at the end."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def begin(targets):
            config = tmp_path / "gateway.yaml"
            state = str(tmp_path / "state")
            config.write_text(
                json.dumps(
                    {"state_dir": state, "targets": targets, "limits": {"stop_seconds": 0.5}}
                )
            )
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "bot.gateway", "--config", str(config), "--port", "0"),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            stack.push_async_callback(_end, process)
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            client = GatewayClient(
                session,
                url=json.loads(line)["url"],
                timeout=20,
                source_id="sopbot",
                clock=lambda: datetime.now(UTC),
            )
            return process, client

        yield begin


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await asyncio.wait_for(process.communicate(), 60)


async def _status(client: GatewayClient, key: str) -> str:
    call = ActionCall(action_id="service.status", target="checkout-api")
    return (await client.execute(call, key=key)).stdout


async def _healthy(client: GatewayClient) -> str:
    status = await _status(client, f"s-{os.urandom(8).hex()}")
    return status if "health: ok" in status else ""


SLOW = ActionCall(
    action_id="service.restart", target="checkout-api", parameters={"grace_seconds": 60}
)


async def test_the_gateway_prints_its_address_and_ends_with_its_processes(launch, service):
    process, client = await launch({"checkout-api": service("child")})
    assert (await client.health()).version
    await until(lambda: _healthy(client))
    ours = psutil.Process(process.pid).children(recursive=True)
    assert len(ours) >= 2
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err
    assert out == b""
    assert all(gone(child.pid) for child in ours)


async def test_sigterm_waits_for_running_executions_and_answers_them(launch, service):
    process, client = await launch({"checkout-api": service("deaf")})
    await until(lambda: _healthy(client))
    call = ActionCall(
        action_id="service.restart", target="checkout-api", parameters={"grace_seconds": 1}
    )
    waiting = asyncio.create_task(client.execute(call, key="k1"))
    await until(lambda: _runs(client, "k1"))
    process.send_signal(signal.SIGTERM)
    assert (await waiting).state == "succeeded"
    await asyncio.wait_for(process.wait(), 60)
    assert process.returncode == 0


async def test_killed_between_journal_and_finish_is_unknown_and_never_run_again(
    launch, service, tmp_path
):
    target = service("deaf")
    process, client = await launch({"checkout-api": target})
    old = pid_of(await until(lambda: _healthy(client)))
    waiting = asyncio.create_task(client.execute(SLOW, key="k1"))
    await until(lambda: _is_journaled(tmp_path / "state" / "journal.db", "k1"))

    process.kill()
    with pytest.raises(OutcomeUnknown):
        await waiting
    await process.communicate()

    process, client = await launch({"checkout-api": target})
    outcome = await client.lookup("k1")
    assert (outcome.state, outcome.error_code) == ("escalate", "OUTCOME_UNKNOWN")
    assert "outcome unknown after restart" in outcome.error
    assert await client.execute(SLOW, key="k1") == outcome
    assert await client.lookup("k2") == NeverSeen()
    assert gone(old)  # what the killed gateway left behind does not run beside the new one
    status = await until(lambda: _healthy(client))
    assert "restarts: 0" in status


async def test_a_dump_says_what_runs_and_no_secret(tmp_path, service, free_port, monkeypatch):
    monkeypatch.setenv("GATEWAY_SECRET", secret := "a secret of the tests, long enough")
    port, config = free_port(), tmp_path / "gateway.yaml"
    config.write_text(
        json.dumps(
            {
                "state_dir": str(tmp_path / "state"),
                "listen": {"port": port},
                "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
                "targets": {"checkout-api": service("deaf")},
                "limits": {"stop_seconds": 0.5, "drain_seconds": 0.5},
            }
        )
    )

    async def gateway(*more: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot.gateway", "--config", str(config), *more),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    process = await gateway()
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        async with aiohttp.ClientSession() as http:
            async with http.get(json.loads(line)["url"] + "/dump") as unsigned:
                assert unsigned.status == 401
            client = GatewayClient(
                http,
                url=json.loads(line)["url"],
                timeout=20,
                source_id="sopbot",
                secret=secret,
                clock=lambda: datetime.now(UTC),
            )
            await until(lambda: _healthy(client))
            waiting = asyncio.create_task(client.execute(SLOW, key="k1"))
            await until(lambda: _runs(client, "k1"))
            dump = await gateway("--dump")
            out, err = await asyncio.wait_for(dump.communicate(), 60)
            assert dump.returncode == 0, err
            waiting.cancel()
        facts = json.loads(out)
        assert [(run["source"], run["key"]) for run in facts["running"]] == [("sopbot", "k1")]
        assert facts["health"]["status"] == "healthy"
        assert any("without `user`" in problem["event"] for problem in facts["last_problems"])
        assert secret.encode() not in out + err
    finally:
        await _end(process)
    dump = await gateway("--dump")
    _, err = await asyncio.wait_for(dump.communicate(), 60)
    assert dump.returncode == 1
    assert b"Is it running there?" in err


async def test_a_config_that_is_wrong_ends_with_78_and_names_the_field(tmp_path, capsys):
    config = tmp_path / "gateway.yaml"
    config.write_text("targets: {a: {executor: process, argv: x}}\nlisten: {prot: 1}\n")
    assert await asyncio.to_thread(main, ["--config", str(config)]) == 78
    errors = capsys.readouterr().err
    assert re.search(r"gateway\.yaml:1: targets\.a\.process\.argv: ", errors)
    assert re.search(r"gateway\.yaml:2: listen\.prot: ", errors)


async def test_check_counts_one_target_in_the_singular(tmp_path, capsys):
    config = tmp_path / "gateway.yaml"
    target = "{environment: test, executor: process, argv: [sleep, '9']}"
    config.write_text(f"state_dir: {tmp_path}/state\ntargets: {{web: {target}}}\n")
    assert await asyncio.to_thread(main, ["--config", str(config), "--check"]) == 0
    assert capsys.readouterr().out.endswith(": ok, 1 target\n")


async def test_check_reads_the_config_and_starts_nothing(tmp_path, capsys):
    config = tmp_path / "gateway.yaml"
    config.write_text(f"state_dir: {tmp_path}/state\n")
    assert await asyncio.to_thread(main, ["--config", str(config), "--check"]) == 0
    assert "ok, 0 targets" in capsys.readouterr().out
    assert not (tmp_path / "state").exists()


async def _is_journaled(file: Path, key: str) -> bool:
    with contextlib.closing(sqlite3.connect(file)) as journal:
        return bool(journal.execute("SELECT 1 FROM executions WHERE key = ?", (key,)).fetchall())


async def _runs(client: GatewayClient, key: str) -> bool:
    return isinstance(await client.lookup(key), Running)
