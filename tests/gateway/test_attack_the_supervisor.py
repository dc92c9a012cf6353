"""A supervised service attacks its gateway: its secret, its journal, its shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.remediation.client import ActionCall, GatewayClient
from tests.helpers.waiting import until

from .conftest import as_root, gone

ROOT = Path(__file__).parents[2]
SECRET = "a secret that no child may read"
RESTART = ActionCall(action_id="service.restart", target="web", parameters={"grace_seconds": 1})

# Writes down all that it can read of its parent, then runs on.
SPY = """
id -u > "$OUT/uid"; id -G > "$OUT/groups"
grep NoNewPrivs /proc/self/status > "$OUT/privileges"
env > "$OUT/own"
cat /proc/$PPID/environ > "$OUT/environ" 2>/dev/null
head -c 1 /proc/$PPID/mem > "$OUT/mem" 2> "$OUT/mem.error"
cat /proc/$PPID/maps > "$OUT/maps" 2>/dev/null
(echo forged >> "$STATE/journal.db") 2>/dev/null && echo written > "$OUT/journal"
(ls "$STATE" > "$OUT/state") 2>/dev/null
echo done > "$OUT/done"
exec sleep 1000
"""
# Leaves its group and its session twice, so that its parent is no longer the service.
ESCAPEE = """
(setsid sh -c '(setsid sh -c "echo \\$\\$ >> $OUT/escaped; exec sleep 1000" &)' &)
exec sleep 1000
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which anybody may write; pytest's own folders are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="sopbot-open-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


# Has neither the session nor a variable of its service, and does not end when it is asked.
SCRUBBED = """
work='trap "" TERM; echo $$ >> "$0"; while :; do sleep 0.1; done'
setsid env -i /bin/sh -c "$work" "$OUT/escaped" &
exec sleep 1000
"""

Launch = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """Start a gateway as an operator does, with its secret in a variable; stops it at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(config: dict[str, Any]) -> asyncio.subprocess.Process:
            whole = {
                "listen": {"port": 0},
                "state_dir": str(tmp_path / "state"),
                "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
                "limits": {"stop_seconds": 0.5},
            } | config
            (tmp_path / "gateway.yaml").write_text(json.dumps(whole))
            with (tmp_path / "log").open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bot.gateway"),
                    *("--config", str(tmp_path / "gateway.yaml")),
                    cwd=ROOT,
                    env={"PATH": os.environ["PATH"], "GATEWAY_SECRET": SECRET},
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
            stack.push_async_callback(_end, process)
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, (tmp_path / "log").read_text()
            process.url = json.loads(line)["url"]  # type: ignore[attr-defined]
            return process

        yield begin


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await asyncio.wait_for(process.communicate(), 60)


def spy(folder: Path, state: Path, **more: Any) -> dict[str, Any]:
    env = {"OUT": str(folder), "STATE": str(state)}
    return {"executor": "process", "argv": ["/bin/sh", "-c", SPY], "env": env, "cwd": "/"} | more


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@as_root
@pytest.mark.attack("ASI03")
async def test_a_service_of_another_user_reads_nothing_of_the_gateway(
    launch: Launch, open_folder: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    await launch({"targets": {"web": spy(open_folder, state, user="nobody")}})
    await until((open_folder / "done").exists)
    seen = read_all(open_folder)
    assert seen["uid"].strip() == b"65534"
    assert b"0" not in seen["groups"].split(), "nor is it in a group of root"
    assert seen["privileges"].split() == [b"NoNewPrivs:", b"1"]
    for file in ("environ", "mem", "maps", "state"):
        assert seen.get(file, b"") == b"", f"{file} of the gateway was read"
    assert "journal" not in seen
    assert SECRET.encode() not in b"".join(seen.values())


@as_root
@pytest.mark.attack("ASI03")
async def test_even_a_service_that_runs_as_root_does_not_find_the_secret_in_the_environment(
    launch: Launch, open_folder: Path, tmp_path: Path
) -> None:
    gateway = await launch({"targets": {"web": spy(open_folder, tmp_path / "elsewhere")}})
    await until((open_folder / "done").exists)
    environ = (open_folder / "environ").read_bytes()
    assert b"GATEWAY_SECRET=\0" in environ, "root reads the block, and the value is blanked there"
    assert SECRET.encode() not in environ
    assert SECRET not in (open_folder / "own").read_text()
    async with aiohttp.ClientSession() as session:  # … and the gateway still knows it
        assert await _client(session, gateway).offers()


@pytest.mark.attack("ASI03")
async def test_a_config_that_would_hand_the_secret_to_a_process_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"targets\.web\.pass_env: GATEWAY_SECRET holds a secret"):
        read_config(
            {
                "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
                "targets": {
                    "web": {
                        "executor": "process",
                        "argv": ["true"],
                        "pass_env": ["PATH", "GATEWAY_SECRET"],
                    }
                },
            },
            environ={"GATEWAY_SECRET": SECRET},
        )


@pytest.mark.attack("ASI10")
async def test_a_child_in_a_session_of_its_own_does_not_outlive_its_service(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    env = {"OUT": str(tmp_path)}
    target = {"executor": "process", "argv": ["/bin/sh", "-c", ESCAPEE], "env": env}
    desk = await start({"web": target})
    escaped = tmp_path / "escaped"
    await until(lambda: escaped.exists() and escaped.read_text().count("\n") == 1)
    first = int(escaped.read_text().split()[0])
    plan = await desk.client.plan(RESTART)
    outcome = await desk.client.execute(RESTART, key="k1", digest=plan.digest)
    assert outcome.state == "succeeded"
    assert gone(first), "the escaped process is ended with the service"
    await until(lambda: escaped.read_text().count("\n") == 2)
    second = int(escaped.read_text().split()[1])
    stop = ActionCall(action_id="service.stop", target="web", parameters={"grace_seconds": 1})
    plan = await desk.client.plan(stop)
    await desk.client.execute(stop, key="k2", digest=plan.digest)
    assert gone(second)


@pytest.mark.attack("ASI10")
async def test_a_child_that_hides_its_origin_ends_with_its_service(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    env = {"OUT": str(tmp_path)}
    target = {"executor": "process", "argv": ["/bin/sh", "-c", SCRUBBED], "env": env}
    desk = await start({"web": target})
    escaped = tmp_path / "escaped"
    await until(lambda: escaped.exists() and escaped.read_text().strip())
    pid = int(escaped.read_text().split()[0])
    plan = await desk.client.plan(RESTART)
    await desk.client.execute(RESTART, key="k1", digest=plan.digest)
    assert gone(pid)


@pytest.mark.attack("ASI10")
async def test_a_child_of_a_killed_gateway_is_ended_by_the_next_one(
    launch: Launch, tmp_path: Path
) -> None:
    env = {"OUT": str(tmp_path)}
    target = {"executor": "process", "argv": ["/bin/sh", "-c", ESCAPEE], "env": env}
    first = await launch({"targets": {"web": target}})
    escaped = tmp_path / "escaped"
    await until(lambda: escaped.exists() and escaped.read_text().strip())
    pid = int(escaped.read_text().split()[0])
    first.send_signal(signal.SIGKILL)
    await first.wait()
    assert not gone(pid)
    await launch({"targets": {"web": target}})
    assert gone(pid)


async def test_the_values_of_variables_and_the_user_are_in_the_plans_digest(
    start: Callable[..., Any],
) -> None:
    plain = {"executor": "process", "argv": ["true"], "autostart": False, "env": {"A": "one"}}
    desk = await start({"web": plain})

    async def digest_with(**change: Any) -> str:
        targets = read_config({"targets": {"web": plain | change}}).targets
        await desk.gateway.reload(desk.config.model_copy(update={"targets": targets}))
        plan = await desk.client.plan(RESTART)
        assert "one" not in plan.model_dump_json(), "a value may be secret"
        return str(plan.digest)

    first = await digest_with()
    me = pwd.getpwuid(os.geteuid()).pw_name
    others = [await digest_with(env={"A": "two"}), await digest_with(user=me)]
    assert len({first, *others}) == 3
    assert await digest_with() == first


def _client(session: aiohttp.ClientSession, gateway: Any) -> GatewayClient:
    return GatewayClient(
        session,
        url=gateway.url,
        timeout=20,
        source_id="sopbot",
        secret=SECRET,
        clock=lambda: datetime.now(UTC),
    )


async def test_sighup_takes_on_other_targets_all_or_nothing_and_sigusr1_ends_nothing(
    launch: Launch, tmp_path: Path
) -> None:
    sleeper = {"executor": "process", "argv": ["sleep", "1000"]}
    gateway = await launch({"targets": {"web": sleeper}})
    file, log = tmp_path / "gateway.yaml", tmp_path / "log"
    config = json.loads(file.read_text())
    async with aiohttp.ClientSession() as session:
        client = _client(session, gateway)

        async def targets() -> tuple[str, ...]:
            listed = await client.offers()
            assert listed is not None
            return listed.actions[0].targets

        file.write_text(json.dumps(config | {"targets": {"a b": sleeper}}))
        gateway.send_signal(signal.SIGHUP)
        await until(lambda: log.read_text().count("not reloaded") == 1)
        file.write_text(json.dumps(config | {"state_dir": "elsewhere", "targets": {}}))
        gateway.send_signal(signal.SIGHUP)
        await until(lambda: log.read_text().count("not reloaded") == 2)
        assert await targets() == ("web",), "nothing of a config with a mistake is taken on"

        file.write_text(json.dumps(config | {"targets": {"web": sleeper, "db": sleeper}}))
        gateway.send_signal(signal.SIGHUP)
        await until(lambda: "config reloaded: 2 targets" in log.read_text())
        assert await targets() == ("web", "db")
        assert await client.health()

        gateway.send_signal(signal.SIGUSR1)
        await until(lambda: "dump: " in log.read_text())
        assert "2 declared, 2 running" in log.read_text()
        assert SECRET not in log.read_text()
        file.write_text(json.dumps(config | {"targets": {"db": sleeper}}))
        gateway.send_signal(signal.SIGHUP)
        await until(lambda: "config reloaded: 1 targets" in log.read_text())
        assert (await client.health()).checks["process"] == "ok: 1 declared, 1 running"
    assert gateway.returncode is None
