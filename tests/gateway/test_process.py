from __future__ import annotations

import itertools
import re
from pathlib import Path

import psutil

from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.gateway.executors.output import CappedLog
from bot.remediation.client import ActionCall
from tests.helpers.waiting import until

from .conftest import RESTART, gone, pid_of


async def test_a_restart_replaces_the_process_and_says_so(start, service):
    desk = await start({"checkout-api": service()})
    before = pid_of(await desk.status("checkout-api"))

    outcome = await desk.client.execute(RESTART, key="k1")

    assert outcome.state == "succeeded"
    match = re.fullmatch(
        r"checkout-api restarted: pid (\d+) → (\d+), healthy after \d+\.\d s", outcome.stdout
    )
    assert match
    assert int(match[1]) == before
    assert gone(before)
    assert pid_of(await desk.status("checkout-api")) == int(match[2])
    assert "restarts: 1, health: ok (200)" in await desk.status("checkout-api")


async def test_a_process_deaf_to_sigterm_is_killed_after_its_grace(start, service):
    desk = await start({"checkout-api": service("deaf")})
    await until(lambda: _healthy(desk))
    before = pid_of(await desk.status("checkout-api"))

    call = ActionCall(
        action_id="service.restart", target="checkout-api", parameters={"grace_seconds": 1}
    )
    outcome = await desk.client.execute(call, key="k1")

    assert outcome.state == "succeeded"
    assert gone(before)


async def test_a_grandchild_deaf_to_sigterm_dies_with_its_group(start, service):
    desk = await start({"checkout-api": service("child")})
    await until(lambda: _healthy(desk))
    logs = await desk.client.execute(
        ActionCall(action_id="service.logs", target="checkout-api"), key="logs"
    )
    grandchild = int(re.search(r"child (\d+)", logs.stdout)[1])
    assert not gone(grandchild)

    call = ActionCall(
        action_id="service.restart", target="checkout-api", parameters={"grace_seconds": 1}
    )
    assert (await desk.client.execute(call, key="k1")).state == "succeeded"
    assert gone(grandchild)


async def test_a_restart_that_does_not_become_healthy_is_a_failure(start, service):
    desk = await start({"checkout-api": service("ill", start_seconds=0.6)})
    outcome = await desk.client.execute(RESTART, key="k1")
    assert outcome.state == "failed"
    assert outcome.overall_status == "COMPLETED_FAILURE"
    assert "not healthy after 0.6 s" in outcome.error


async def test_a_process_that_dies_at_start_fails_with_its_exit_code_and_last_words(start, service):
    desk = await start({"checkout-api": service("crash")})
    outcome = await desk.client.execute(RESTART, key="k1")
    assert outcome.state == "failed"
    assert "exited with code 3" in outcome.stderr
    assert "cannot open the ledger" in outcome.stderr


async def test_a_crash_is_noticed_and_a_restart_brings_it_back(start, service):
    desk = await start({"checkout-api": service("crash")})

    async def crashed():
        return "exited with code 3" in await desk.status("checkout-api")

    await until(crashed)
    outcome = await desk.client.execute(RESTART, key="k1")
    assert "was exited with code 3, now pid" in outcome.stderr


async def test_a_program_that_is_not_there_is_reported_and_the_gateway_stays_up(start):
    target = {"executor": "process", "argv": ["no-such-program-here"]}
    desk = await start({"checkout-api": target})
    assert "no-such-program-here: No such file" in await desk.status("checkout-api")
    outcome = await desk.client.execute(RESTART, key="k1")
    assert outcome.state == "failed"
    assert "could not be started" in outcome.error


async def test_a_target_without_autostart_waits_for_its_first_restart(start, service):
    desk = await start({"checkout-api": service(autostart=False, health=False)})
    assert "not started" in await desk.status("checkout-api")
    outcome = await desk.client.execute(RESTART, key="k1")
    assert outcome.state == "succeeded"
    assert "running after" in outcome.stdout


async def test_only_the_listed_variables_reach_a_child(start, service):
    desk = await start({"checkout-api": service(env={"T_MODE": "test"})})
    await until(lambda: _healthy(desk))
    logs = await desk.client.execute(
        ActionCall(action_id="service.logs", target="checkout-api"), key="logs"
    )
    assert "T_MODE" in logs.stdout
    assert "T_SECRET" not in logs.stdout


async def test_logs_are_the_last_lines_without_control_characters_and_capped(start, service):
    desk = await start({"checkout-api": service("loud")})
    await until(lambda: _healthy(desk))
    few = await desk.client.execute(_logs(3), key="few")
    assert [line.split(" x")[0] for line in few.stdout.splitlines()] == [
        "line 397",
        "line 398",
        "line 399",
    ]
    many = await desk.client.execute(_logs(500), key="many")
    assert many.stdout.startswith("[OUTPUT TRUNCATED - ")
    assert "showing last 10000]" in many.stdout
    assert many.stdout.rstrip().endswith("x" * 60)
    assert not re.search(r"[\x00\x1b]", many.stdout)


async def test_a_stopped_gateway_leaves_no_process_behind(service, tmp_path, clock):
    config = read_config(
        {
            "listen": {"port": 0},
            "state_dir": str(tmp_path / "own"),
            "limits": {"stop_seconds": 0.3},
            "targets": {"a": service("child"), "b": service()},
        }
    )
    others = set(psutil.Process().children(recursive=True))
    async with running(config, clock=clock):
        ours = await until(lambda: _three_more_than(others))
    assert all(gone(process.pid) for process in ours)


def test_a_log_keeps_to_its_size_and_its_tail_reaches_into_the_older_file(tmp_path: Path):
    log = CappedLog(tmp_path / "a.log", 4096)
    log.open()
    for number in range(1000):
        log.write(b"line %d\n" % number)
    log.write(b"y" * 20_000 + b"\n")
    for number in range(3):
        log.write(b"end %d\n" % number)
    log.close()
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert all(size <= 4096 for size in sizes)
    assert log.tail(3) == "end 0\nend 1\nend 2"
    assert (tmp_path / "a.log").stat().st_mode & 0o077 == 0


def test_the_tail_of_a_log_that_just_turned_over_is_whole(tmp_path: Path):
    log = CappedLog(tmp_path / "a.log", 100)
    for number in range(10):
        log.write(b"a line with number %d\n" % number)
    log.close()
    assert log.tail(5).splitlines() == [f"a line with number {n}" for n in range(5, 10)]
    assert CappedLog(tmp_path / "none.log", 100).tail(5) == ""


def _logs(lines: int) -> ActionCall:
    return ActionCall(action_id="service.logs", target="checkout-api", parameters={"lines": lines})


async def _healthy(desk) -> bool:
    return "health: ok" in await desk.status("checkout-api")


def _three_more_than(others: set[psutil.Process]) -> set[psutil.Process]:
    new_processes = set(psutil.Process().children(recursive=True)) - others
    return new_processes if len(new_processes) >= 3 else set()


def named(action: str, **parameters: int) -> ActionCall:
    return ActionCall(action_id=f"service.{action}", target="checkout-api", parameters=parameters)


async def test_a_start_undoes_a_stop(start, service):
    desk = await start({"checkout-api": service()})
    await until(lambda: _healthy(desk))
    before = pid_of(await desk.status("checkout-api"))
    plan = await desk.client.plan(named("stop", grace_seconds=1))
    assert plan.reversible
    assert plan.command == ()
    assert plan.steps[0] == "SIGTERM to the process group of checkout-api"

    stopped = await desk.client.execute(named("stop", grace_seconds=1), key="k1")
    assert stopped.state == "succeeded"
    assert f"checkout-api stopped: was running (pid {before}" in stopped.stdout
    assert gone(before)

    plan = await desk.client.plan(named("start"))
    assert plan.steps[0].startswith("start ")
    started = await desk.client.execute(named("start"), key="k2", digest=plan.digest)
    assert started.state == "succeeded"
    assert pid_of(await desk.status("checkout-api")) != before


async def test_stopping_a_stopped_or_starting_a_running_service_changes_nothing(start, service):
    desk = await start({"checkout-api": service()})
    await until(lambda: _healthy(desk))
    before = pid_of(await desk.status("checkout-api"))
    repeat = await desk.client.execute(named("start"), key="k1")
    assert (repeat.state, "already" in repeat.stdout) == ("succeeded", True)
    assert pid_of(await desk.status("checkout-api")) == before
    await desk.client.execute(named("stop", grace_seconds=1), key="k2")
    twice = await desk.client.execute(named("stop", grace_seconds=1), key="k3")
    assert twice.state == "succeeded"
    assert "was not running" in twice.stdout


async def test_a_start_that_fails_says_what_the_service_said(start, service):
    desk = await start({"checkout-api": service("crash", autostart=False)})
    outcome = await desk.client.execute(named("start"), key="k1")
    assert outcome.state == "failed"
    assert "checkout-api started" in outcome.error
    assert "cannot open the ledger" in outcome.error


async def test_memory_and_cpu_time_are_of_the_process_and_all_that_it_started(start, service):
    desk = await start({"checkout-api": service("child")})
    call = ActionCall(action_id="service.stats", target="checkout-api")
    form = r"processes: 2, memory: ([\d.]+) MiB, CPU time: [\d.]+ s"
    keys = itertools.count()

    async def both_are_counted():
        outcome = await desk.client.execute(call, key=f"k{next(keys)}")
        return re.search(form, outcome.stdout)

    outcome = await until(lambda: both_are_counted())
    assert float(outcome[1]) > 1
