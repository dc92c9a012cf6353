"""Units of a real systemd with a real journal, which runs in namespaces and a root of its own."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator

import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.remediation.contract import OUTCOME_UNKNOWN
from tests.helpers.systemd_machine import SYSTEMD, Machine, systemd_machine
from tests.helpers.waiting import until

from .clusters import call, done, tried
from .conftest import cannot, need

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    need("unshare", "nsenter", "systemctl")
    if os.geteuid() != 0 or not SYSTEMD.exists():
        cannot("systemd as a process of its own needs root")
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(systemd_machine())
        except (OSError, RuntimeError) as error:
            cannot(f"systemd cannot run in namespaces of its own: {error}")
        yield made


@pytest.fixture
def desk_for(start, machine: Machine, monkeypatch):
    monkeypatch.setenv("PATH", f"{machine.programs}:{os.environ['PATH']}")
    machine.offer()

    async def begin(unit: str, **more):
        target = {"executor": "systemd", "unit": unit, "start_seconds": 10}
        return await start({"it": target | more}, state=uuid.uuid4().hex)

    return begin


def service(script: str, more: str = "") -> str:
    return f"[Service]\nExecStart=/bin/sh -c '{script}'\n{more}"


async def test_a_unit_is_restarted_stopped_and_started_again(desk_for, machine: Machine):
    machine.add("web.service", service("echo up as $$$$; exec sleep 1000"))
    machine.add("front.service", "BindsTo=web.service\n" + service("exec sleep 1000"))
    machine.add("side.service", "PartOf=web.service\n" + service("exec sleep 1000"))
    machine.run("/usr/bin/systemctl", "start", "front.service", "side.service", "web.service")
    first = machine.shown("web.service", "MainPID")
    desk = await desk_for("web.service")
    plan = await desk.client.plan(call("service.restart", grace_seconds=5))
    assert plan.display == "systemctl restart --no-ask-password --no-block -- web.service"
    assert plan.touches == (
        f"web.service: active (running), pid {first}", "front.service stops with it",
        "side.service stops with it",
    )  # fmt: skip
    assert machine.shown("web.service", "MainPID") == first, "a plan changes nothing"

    _, outcome = await done(desk, call("service.restart", grace_seconds=5))
    second = machine.shown("web.service", "MainPID")
    assert outcome.stdout == f"it restart: active (running), pid {second}", outcome
    assert second not in ("0", first)
    plan, outcome = await done(desk, call("service.stop"))
    assert outcome.stdout.startswith("it stop: inactive (dead)"), outcome
    assert machine.shown("web.service", "ActiveState") == "inactive"
    _, repeat = await done(desk, call("service.stop"))
    assert "already" in repeat.stdout
    _, undone = await done(desk, call(plan.inverse.id, **plan.inverse.parameters))
    assert undone.state == "succeeded", undone
    status = await desk.client.execute(call("service.status"), key="s")
    pid = machine.shown("web.service", "MainPID")
    assert status.stdout == f"it: active (running), pid {pid}, restarts: 0"

    async def logged() -> str:
        outcome = await desk.client.execute(call("service.logs", lines=3), key=uuid.uuid4().hex)
        return outcome.stdout if f"up as {pid}" in outcome.stdout else ""

    assert len((await until(logged)).splitlines()) == 3
    assert (await desk.client.health()).status == "healthy"


async def test_what_does_not_end_is_killed_in_the_approved_time_and_a_crash_is_told(
    desk_for, machine: Machine
):
    deaf = 'trap "" TERM; while :; do sleep 0.1; done'
    machine.add("deaf.service", service(deaf, "TimeoutStopSec=600"))
    machine.run("/usr/bin/systemctl", "start", "deaf.service")
    desk = await desk_for("deaf.service")
    _, outcome = await done(desk, call("service.restart", grace_seconds=1))
    assert outcome.state == "succeeded", outcome
    assert outcome.stdout.endswith("(SIGKILL)")
    _, outcome = await done(desk, call("service.stop", grace_seconds=1))
    assert outcome.state == "succeeded", outcome
    assert machine.shown("deaf.service", "ActiveState") == "failed"

    machine.add("crash.service", service("exit 3"))
    desk = await desk_for("crash.service")
    _, outcome = await done(desk, call("service.start"))
    assert outcome.state == "failed", outcome
    assert "failed (failed), result exit-code, exit code 3" in outcome.stderr
    machine.add("once.service", service("true", "Type=oneshot"))
    desk = await desk_for("once.service")
    _, outcome = await done(desk, call("service.restart"))
    assert outcome.stdout == "it restart: inactive (dead)", outcome


@pytest.mark.attack("ASI02", "ASI03")
async def test_units_that_are_gone_aliases_or_forbidden_are_refused(desk_for, machine: Machine):
    machine.add("safe.service", "RefuseManualStop=yes\n" + service("exec sleep 1000"))
    machine.add("named.service", service("exec sleep 1000", "[Install]\nAlias=other.service"))
    machine.run("/usr/bin/systemctl", "enable", "--runtime", "named.service")
    machine.run("/usr/bin/systemctl", "start", "safe.service", "named.service")
    pids = [machine.shown(unit, "MainPID") for unit in ("safe.service", "named.service")]
    for unit, action, code, reason in (
        ("safe.service", "service.restart", "TARGET_REFUSED", "forbids a restart by hand"),
        ("other.service", "service.restart", "TARGET_REFUSED", "another name of named.service"),
        ("gone.service", "service.start", "NO_UNIT", "No such unit"),
    ):
        desk = await desk_for(unit)
        outcome = await tried(desk, call(action))
        assert (outcome.error_code, outcome.nothing_ran) == (code, True), outcome
        assert reason in outcome.error
    desk = await desk_for("named.service")
    for hostile in (0, 121, "5", 1.5, True, "1; reboot"):
        refused = await tried(desk, call("service.restart", grace_seconds=hostile))
        assert refused is None or refused.nothing_ran, hostile
    for lines in (0, 501, "5 --file=/etc/shadow", "--vacuum-size=1"):
        refused = await tried(desk, call("service.logs", lines=lines))
        assert refused is None or refused.nothing_ran, lines
    assert pids == [machine.shown(unit, "MainPID") for unit in ("safe.service", "named.service")]
    for unit, reason in (
        ("systemd-journald.service", "belongs to the machine itself"),
        ("dbus.service", "belongs to the machine itself"),
        ("user@0.service", "belongs to the machine itself"),
        ("sopbot.service", "is the bot, its gateway or a caller"),
        ("sopbot-gateway@1.service", "is the bot, its gateway or a caller"),
        ("--force.service", "exact name"),
        ("*.service", "exact name"),
        ("multi-user.target", "exact name"),
        ("a.service b.service", "exact name"),
        ("../a.service", "exact name"),
    ):
        with pytest.raises(ConfigError, match=reason):
            read_config({"targets": {"it": {"executor": "systemd", "unit": unit}}})


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("word", ["Requires", "Requisite", "BindsTo", "PartOf"])
async def test_a_unit_with_which_the_gateway_stops_is_not_stopped(desk_for, machine: Machine, word):
    base = f"base-{word.lower()}.service"
    machine.add(base, service("exec sleep 1000"))
    ours = f"sopbot-gateway@{word.lower()}.service"
    machine.add(ours, f"{word}={base}\nAfter={base}\n" + service("exec sleep 1000"))
    machine.run("/usr/bin/systemctl", "start", base)
    machine.run("/usr/bin/systemctl", "start", ours)
    pid = machine.shown(base, "MainPID")
    desk = await desk_for(base)
    for action in ("service.restart", "service.stop"):
        outcome = await tried(desk, call(action))
        assert (outcome.error_code, outcome.nothing_ran) == ("SELF_TARGET", True), outcome
        assert ours in outcome.error
    assert machine.shown(base, "MainPID") == pid
    machine.run("/usr/bin/systemctl", "stop", base)
    _, started = await done(desk, call("service.start"))
    assert started.state == "succeeded", started


async def test_a_systemd_that_hangs_refuses_or_is_not_there_runs_nothing(
    desk_for, machine: Machine, start, monkeypatch
):
    machine.add("api.service", service("exec sleep 1000"))
    machine.run("/usr/bin/systemctl", "start", "api.service")
    pid = machine.shown("api.service", "MainPID")
    desk = await desk_for("api.service", timeout_seconds=1)
    machine.pause()
    try:
        outcome = await tried(desk, call("service.restart"))
    finally:
        machine.resume()
    assert (outcome.error_code, outcome.nothing_ran) == ("TARGET_UNREACHABLE", True), outcome
    # A user who may not: no polkit rule lets nobody act.
    machine.offer(by="/usr/bin/setpriv --reuid=65534 --clear-groups")
    outcome = await tried(desk, call("service.restart"))
    assert outcome.nothing_ran, outcome
    # The program that sends the job hangs after it has sent it.
    machine.offer()
    script = machine.programs / "systemctl"
    text = script.read_text()
    script.write_text(text.replace("exec ", "case $1 in restart) sleep 60;; esac\nexec ", 1))
    outcome = await tried(desk, call("service.restart"))
    assert outcome.error_code == OUTCOME_UNKNOWN, outcome
    monkeypatch.setenv("PATH", str(machine.programs / "nothing"))
    desk = await start({"it": {"executor": "systemd", "unit": "api.service"}}, state="none")
    outcome = await tried(desk, call("service.restart"))
    assert (outcome.error_code, outcome.nothing_ran) == ("TARGET_UNREACHABLE", True), outcome
    assert machine.shown("api.service", "MainPID") == pid
