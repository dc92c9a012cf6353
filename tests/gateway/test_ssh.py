"""Declared commands on a machine, by a real OpenSSH server of our own."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import shutil
import signal
import uuid
from pathlib import Path
from typing import Any

import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.remediation.client import ActionCall
from bot.remediation.contract import OUTCOME_UNKNOWN
from tests.helpers.bad_network import silent_server
from tests.helpers.gateway_servers import SshServer, ssh_server
from tests.helpers.waiting import until

from .conftest import as_root, need

NAME = {"type": "text", "pattern": "[^/]{1,60}"}
COMMANDS: dict[str, Any] = {
    "touch": {"argv": ["touch", "{name}"], "parameters": {"name": NAME}, "inverse": "remove"},
    "remove": {"argv": ["rm", "-f", "--", "{name}"], "parameters": {"name": NAME}},
    "fail": {"argv": ["sh", "-c", "echo out; echo bad >&2; exit 7"]},
    "hang": {"argv": ["sh", "-c", "echo $PPID > pid; exec sleep 600"]},
    "list": {"argv": ["ls", "-a"], "mutating": False},
}


@pytest.fixture(scope="module")
def server():
    need("ssh-keygen")
    if shutil.which("sshd", path="/usr/sbin:/usr/bin") is None:
        need("sshd")
    with ssh_server() as made:
        yield made


@pytest.fixture
def desk_of(start, tmp_path: Path):
    async def begin(server: SshServer, **changes):
        here = tmp_path / "there"
        here.mkdir(exist_ok=True)
        # Each command starts in a folder of this test.
        commands = {
            name: command | {"argv": ["env", "-C", str(here), *command["argv"]]}
            for name, command in COMMANDS.items()
        }
        target = {
            "executor": "ssh", "host": "127.0.0.1", "port": server.port,
            "user": getpass.getuser(), "key_file": str(server.key),
            "known_hosts": str(server.known_hosts), "commands": commands,
        }  # fmt: skip
        return await start({"it": target | changes}, state=f"state-{uuid.uuid4().hex}")

    return begin


def call(command: Any, action: str = "ssh.run", **values: Any) -> ActionCall:
    parameters = {"command": command, "values": json.dumps(values)}
    return ActionCall(action_id=action, target="it", parameters=parameters)


def key() -> str:
    return uuid.uuid4().hex


@as_root
@pytest.mark.services
async def test_a_declared_command_runs_as_planned_and_its_inverse_takes_it_back(
    server, desk_of, tmp_path
):
    desk, there = await desk_of(server), tmp_path / "there"
    plan = await desk.client.plan(call("touch", name="a b"))
    assert list(there.iterdir()) == []
    assert plan.command[-2:] == ("touch", "a b")
    outcome = await desk.client.execute(call("touch", name="a b"), key=key(), digest=plan.digest)
    assert outcome.state == "succeeded", outcome
    assert [path.name for path in there.iterdir()] == ["a b"]
    read = await desk.client.execute(call("list", "ssh.read"), key=key())
    assert "a b" in read.stdout
    undo = ActionCall(action_id=plan.inverse.id, target="it", parameters=plan.inverse.parameters)
    assert (await desk.client.execute(undo, key=key())).state == "succeeded"
    assert list(there.iterdir()) == []
    failed = await desk.client.execute(call("fail"), key=key())
    assert (failed.state, failed.exit_code, failed.stdout) == ("failed", 7, "out\n")
    assert (await desk.client.health()).status == "healthy"


@as_root
@pytest.mark.services
@pytest.mark.attack("ASI05")
async def test_no_value_becomes_a_command_an_option_or_another_argument(server, desk_of, tmp_path):
    desk, there = await desk_of(server), tmp_path / "there"
    odd = [
        "$(touch evil)`touch evil`; touch evil",
        "a' && touch evil '\ntouch evil",
        'a" | touch evil > evil "\\',
        "{name}${HOME}*~!!é\u202e",
    ]
    for value in odd:
        outcome = await desk.client.execute(call("touch", name=value), key=key())
        assert outcome.state == "succeeded", (value, outcome)
    assert sorted(path.name for path in there.iterdir()) == sorted(odd)
    for path in there.iterdir():
        path.unlink()
    for hostile in (
        call("touch", name="-rf"),
        call("touch", name="--reference=/etc/passwd"),
        call("touch", name="../up"),
        call("touch", name="/etc/evil"),
        call("touch", name="a\0b"),
        call("touch", name=""),
        call("touch", name=7),
        call("touch", name=["a"]),
        call("touch"),
        call("touch", name="a", more="b"),
        call("list"),
        call("touch", "ssh.read", name="a"),
        call("sh -c 'touch evil'"),
        call("touch evil; touch", name="a"),
        call(["touch"], name="a"),
        call(""),
        ActionCall(action_id="ssh.run", target="it", parameters={"command": "list", "values": "["}),
        ActionCall(action_id="ssh.run", target="it", parameters={"command": "fail", "values": "1"}),
    ):
        outcome = await desk.client.execute(hostile, key=key())
        assert outcome.nothing_ran, (hostile.parameters, outcome)
    assert list(there.iterdir()) == []


@as_root
@pytest.mark.services
async def test_a_machine_that_is_gone_silent_unknown_or_refuses_the_key_runs_nothing(
    server, desk_of, free_port, tmp_path
):
    (tmp_path / "nobody").write_text("")
    other = (server.folder / "stranger.pub").read_text().split()
    (tmp_path / "other").write_text(f"[127.0.0.1]:{server.port} {other[0]} {other[1]}\n")
    async with silent_server() as silent:
        for changes in (
            {"port": free_port()},
            {"port": silent, "timeout_seconds": 0.3},
            {"key_file": str(server.stranger)},
            {"known_hosts": str(tmp_path / "nobody")},
            {"known_hosts": str(tmp_path / "other")},
        ):
            desk = await desk_of(server, **changes)
            outcome = await desk.client.execute(call("touch", name="a"), key=key())
            assert (outcome.error_code, outcome.nothing_ran) == ("TARGET_UNREACHABLE", True), (
                changes
            )
            assert "PRIVATE KEY" not in outcome.error
    assert list((tmp_path / "there").iterdir()) == []


@as_root
@pytest.mark.services
async def test_a_connection_that_breaks_while_a_command_runs_is_outcome_unknown(
    server, desk_of, tmp_path
):
    desk = await desk_of(server)
    task = asyncio.create_task(desk.client.execute(call("hang"), key=key()))
    pid = tmp_path / "there" / "pid"
    text = await until(lambda: pid.read_text().strip() if pid.exists() else "")
    os.kill(int(text), signal.SIGKILL)
    assert (await task).error_code == OUTCOME_UNKNOWN


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "change",
    [
        {"commands": {}},
        {"commands": {"a": {"argv": []}}},
        {"commands": {"a": {"argv": ["{name}"], "parameters": {"name": NAME}}}},
        {"commands": {"a": {"argv": ["touch", "{nobody}"]}}},
        {"commands": {"a": {"argv": ["touch"], "inverse": "nobody"}}},
        {"commands": {"a": {"argv": ["touch\0"]}}},
        {"key_file": None},
        {"known_hosts": None},
        {"password": "x"},
        {"host": "sopbot-gateway"},
    ],
)
def test_a_hostile_declaration_is_an_error_of_the_config(change, tmp_path):
    (tmp_path / "key").write_text("key")
    target = {
        "executor": "ssh", "host": "m", "user": "u", "key_file": str(tmp_path / "key"),
        "known_hosts": "/k", "commands": {"a": {"argv": ["true"]}},
    }  # fmt: skip
    with pytest.raises(ConfigError):
        read_config({"targets": {"it": target | change}})
