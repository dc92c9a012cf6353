"""Declared commands: an operator's own argv with typed parameters, run without a shell."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.gateway.catalogue import Catalogue
from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.remediation.client import ActionCall
from tests.gateway.conftest import gone

ECHO = [sys.executable, "-c", "import sys; print(sys.argv[1:])"]
TARGETS = {"checkout-api": {"executor": "command", "values": {"host": "db1"}}}


def command(*argv: str, **more: Any) -> dict[str, Any]:
    return {"title": "Warm the cache", "argv": list(argv), "targets": ["checkout-*"]} | more


def call(**parameters: Any) -> ActionCall:
    return ActionCall(action_id="cache.warm", target="checkout-api", parameters=parameters)


async def test_a_declared_command_is_planned_run_and_checked_without_a_shell(start, tmp_path: Path):
    sign = tmp_path / "warm"
    desk = await start(
        TARGETS,
        commands={
            "cache.warm": command(
                *ECHO,
                "--host={target.host}",
                "{target}",
                "{region}",
                parameters={
                    "region": {"pattern": "[a-z; $()]+"},
                    "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
                    "mode": {"type": "choice", "choices": ["soft", "hard"], "default": "soft"},
                },
                plan="Loads the cache of {region} again",
                verify={"argv": ["/usr/bin/test", "-e", str(sign)]},
                inverse="cache.cool",
            ),
            "cache.cool": command("true"),
        },
    )
    requested = call(region="eu; $(id)")
    plan = await desk.client.plan(requested)
    assert plan is not None
    assert plan.command[3:] == ("--host=db1", "checkout-api", "eu; $(id)")
    assert plan.steps[0] == "Loads the cache of eu; $(id) again"
    assert plan.inverse is not None
    assert plan.inverse.id == "cache.cool"
    assert plan.cancellable
    assert "check" in plan.verified_by
    unchecked = await desk.client.execute(requested, key="k1", digest=plan.digest)
    assert unchecked.state == "failed"
    assert "ended with 0, but its check" in unchecked.error
    sign.touch()
    good = await desk.client.execute(requested, key="k2", digest=plan.digest)
    assert (good.state, good.stdout.strip()) == (
        "succeeded",
        "['--host=db1', 'checkout-api', 'eu; $(id)']",
    )


@pytest.mark.attack("ASI05")
@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"region": "--delete"}, "region would make an option"),
        ({"region": "-x"}, "region would make an option"),
        ({"region": "EU"}, "INVALID_PARAMETERS"),
        ({"region": "eu\n"}, "INVALID_PARAMETERS"),
        ({"region": "eu", "count": 10}, "INVALID_PARAMETERS"),
        ({"region": "eu", "count": "2"}, "INVALID_PARAMETERS"),
        ({"region": "eu", "mode": "wild"}, "INVALID_PARAMETERS"),
        ({"region": "eu", "shell": "sh"}, "INVALID_PARAMETERS"),
        ({}, "INVALID_PARAMETERS"),
    ],
)
async def test_a_hostile_parameter_is_refused_before_anything_runs(start, parameters, problem):
    desk = await start(
        TARGETS,
        commands={
            "cache.warm": command(
                *ECHO,
                "{region}",
                parameters={
                    "region": {"pattern": "[a-z-]+"},
                    "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
                    "mode": {"type": "choice", "choices": ["soft", "hard"], "default": "soft"},
                },
            )
        },
    )
    body = {
        "source_id": "sopbot",
        "target_resource": {"name": "checkout-api"},
        "action_request": {"action": {"id": "cache.warm", "parameters": parameters}},
    }
    status, answer = await desk.post("/plan", body)
    assert status == 422
    assert problem in str(answer)


async def test_a_running_command_reports_progress_and_can_be_cancelled_with_its_children(
    start, tmp_path: Path
):
    pid_file = tmp_path / "pid"
    program = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "print('loaded 10 of 20', flush=True)\n"
        "time.sleep(600)\n"
    )
    desk = await start(
        TARGETS, commands={"cache.warm": command(sys.executable, "-c", program, timeout_seconds=60)}
    )
    running = asyncio.create_task(desk.client.execute(call(), key="long"))
    record: dict[str, Any] = {}
    while not record.get("progress"):
        _, record = await desk.get("/executions/long")
    assert record["progress"]["text"] == "loaded 10 of 20"
    assert record["cancellable"]
    status, answer = await desk.post("/executions/long/cancel", {})
    assert (status, answer) == (202, {"state": "cancelling"})
    outcome = await running
    assert (outcome.state, outcome.exit_code) == ("failed", 130)
    assert "What it had done by then stays" in outcome.error
    assert gone(int(pid_file.read_text()))
    status, _ = await desk.post("/executions/long/cancel", {})
    assert status == 404


async def test_what_cannot_be_ended_half_way_is_not_cancelled(start, service):
    desk = await start({"checkout-api": service("deaf", health=False)})
    slow = ActionCall(
        action_id="service.restart", target="checkout-api", parameters={"grace_seconds": 2}
    )
    running = asyncio.create_task(desk.client.execute(slow, key="slow"))
    status = 404
    while status == 404:
        status, _ = await desk.get("/executions/slow")
    status, answer = await desk.post("/executions/slow/cancel", {})
    assert (status, answer["error"]["code"]) == (409, "not_cancellable")
    assert (await running).state == "succeeded"


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"argv": ["{region}"], "parameters": {"region": {"pattern": "a"}}}, "program is fixed"),
        ({"argv": ["true", "{regoin}"]}, "{regoin} is no parameter"),
        ({"argv": ["true", "{0!r}"]}, "write {name} for a parameter"),
        ({"argv": ["true"], "parameters": {"x": {}}}, "a text needs one"),
        ({"argv": ["true"], "parameters": {"x": {"pattern": "(a+)+"}}}, "pattern"),
        ({"argv": ["true"], "parameters": {"target": {"pattern": "a"}}}, "the bot uses"),
        ({"argv": ["true"], "parameters": {"x": {"type": "choice"}}}, "a choice needs them"),
        (
            {"argv": ["true"], "parameters": {"x": {"pattern": "[a-z]", "default": "1"}}},
            "default: does not have the form",
        ),
        ({"argv": ["true"], "inverse": "no.such"}, "there is no command no.such"),
        ({"argv": ["true"], "targets": ["ledger"]}, "no target has such a name"),
        ({"argv": ["python3", "-m", "bot.gateway"]}, "starts the bot or its gateway"),
        ({"argv": ["true"], "pass_env": ["PW"]}, "holds a secret"),
    ],
)
def test_a_command_that_cannot_work_is_refused_with_its_field(declared, problem):
    raw = {
        "targets": TARGETS,
        "sources": {"s": {"secret_env": "PW"}},
        "commands": {"cache.warm": command() | declared},
    }
    with pytest.raises(ConfigError) as refused:
        read_config(raw, environ={"PW": "sixteen letters and more"})
    assert "commands.cache.warm" in str(refused.value)
    assert problem in str(refused.value)


def test_a_target_offers_the_commands_that_name_it_beside_the_actions_of_its_system():
    config = read_config(
        {
            "targets": {
                "checkout-api": {"executor": "process", "argv": ["true"]},
                "checkout-db": {"executor": "process", "argv": ["true"], "actions": ["service.*"]},
                "ledger": {"executor": "process", "argv": ["true"]},
            },
            "commands": {"cache.warm": command("true"), "service.restart_all": command("true")},
        }
    )
    listed = Catalogue(config.targets, config.commands).listed()
    offered = {target.name: target.actions for target in listed.targets}
    assert "cache.warm" in offered["checkout-api"]
    assert "service.restart" in offered["checkout-api"]
    assert "cache.warm" not in offered["checkout-db"]
    assert "cache.warm" not in offered["ledger"]
    with pytest.raises(ConfigError, match="is an action of the gateway"):
        read_config({"targets": TARGETS, "commands": {"service.stop": command("true")}})


@pytest.mark.attack("ASI03")
async def test_a_plan_holds_no_value_of_a_variable_and_changes_with_it(start):
    plans = []
    for place, value in enumerate(("hunter2-of-the-tests", "another")):
        declared = command(*ECHO, env={"CACHE_PASSWORD": value})
        desk = await start(TARGETS, commands={"cache.warm": declared}, state=f"state-{place}")
        plan = await desk.client.plan(call())
        assert plan is not None
        assert value not in plan.model_dump_json()
        assert plan.binding["env"] == "CACHE_PASSWORD"
        plans.append(plan.digest)
    assert plans[0] != plans[1]
