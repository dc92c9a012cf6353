"""Limits, unused objects and Swarm services, against a real Docker Engine of our own."""

from __future__ import annotations

import contextlib
import os
import uuid

import pytest

from bot.gateway.errors import ConfigError
from bot.remediation.client import ActionCall
from tests.helpers.waiting import until

from .conftest import DockerDaemon

pytestmark = pytest.mark.services
SCRIPT = "echo up; trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done"
SHELL = ("sopbot-test:1", "/bin/busybox", "sh", "-c")


def call(action: str, **parameters) -> ActionCall:
    return ActionCall(action_id=action, target="it", parameters=parameters)


async def done(desk, action: ActionCall):
    """Plan and execute it; returns the plan and the outcome."""
    plan = await desk.client.plan(action)
    return plan, await desk.client.execute(action, key=uuid.uuid4().hex, digest=plan.digest)


async def test_a_containers_limits_are_changed_and_set_back(start, docker_daemon: DockerDaemon):
    name = f"c-{uuid.uuid4().hex[:8]}"
    limits = ("--memory", "64m", "--memory-swap", "128m", "--cpus", "1")
    docker_daemon.run("run", "-d", "--name", name, "--network", "none", *limits, *SHELL, SCRIPT)
    shown = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}}"
    before = docker_daemon.run("inspect", "-f", shown, name)
    try:
        desk = await start(
            {"it": {"executor": "docker", "container": name, "most_memory_mb": 96,
                    "most_cpu_percent": 100}},
            docker={"url": docker_daemon.url},
        )  # fmt: skip
        plan, outcome = await done(desk, call("docker.update_resources", memory_mb=96))
        assert outcome.stdout == "it updated: memory_mb 96, cpu_percent 100"
        now = f"{96 * 2**20} {160 * 2**20} {10**9}"
        assert docker_daemon.run("inspect", "-f", shown, name) == now
        assert plan.inverse.parameters == {"memory_mb": 64}
        _, undone = await done(desk, call(plan.inverse.id, **plan.inverse.parameters))
        assert undone.state == "succeeded"
        assert docker_daemon.run("inspect", "-f", shown, name) == before
        for hostile in (
            {"memory_mb": 97},
            {"cpu_percent": 101},
            {"memory_mb": -1},
            {"memory_mb": "64m"},
            {"memory_mb": 2**40},
            {},
            {"memory_mb": 64, "Privileged": True},
        ):
            refused = await desk.client.execute(
                call("docker.update_resources", **hostile), key=uuid.uuid4().hex
            )
            assert (refused.state, refused.nothing_ran) == ("failed", True), hostile
        assert docker_daemon.run("inspect", "-f", shown, name) == before
    finally:
        docker_daemon.run("rm", "-f", name)


@pytest.mark.attack("ASI02")
async def test_only_labelled_containers_that_are_stopped_are_removed(
    start, docker_daemon: DockerDaemon
):
    names = {word: f"{word}-{uuid.uuid4().hex[:8]}" for word in ("old", "kept", "running")}
    label = ("--label", "job=yes")

    def run(word: str, *options: str, script: str = "true") -> None:
        options = ("-d", "--name", names[word], "--network", "none", *options)
        docker_daemon.run("run", *options, *SHELL, script)

    run("old", *label)
    run("kept")
    run("running", *label, script=SCRIPT)
    docker_daemon.run("wait", names["old"], names["kept"])
    engine = {
        "executor": "docker-engine", "url": docker_daemon.url, "prune": ["containers"],
        "container_label": "job=yes", "min_age_hours": 0,
    }  # fmt: skip
    try:
        young = await start({"it": engine | {"min_age_hours": 1}}, state="young")
        assert (await young.client.plan(call("docker.prune", kind="containers"))).touches == (
            "0 unused containers, 0 B",
        )
        desk = await start({"it": engine}, state="desk")
        report = await desk.client.execute(call("docker.disk_report"), key="r")
        assert "containers: 3" in report.stdout
        plan, outcome = await done(desk, call("docker.prune", kind="containers"))
        assert plan.touches[0].startswith("1 unused containers, ")
        assert plan.touches[1].startswith(names["old"])
        assert outcome.stdout == "it: removed 1 of 1 unused containers"
        left = docker_daemon.run("ps", "-a", "--format", "{{.Names}}").split()
        assert {names["kept"], names["running"]} <= set(left)
        assert names["old"] not in left
        _, repeat = await done(desk, call("docker.prune", kind="containers"))
        assert repeat.stdout == "it: removed 0 of 0 unused containers"
        for hostile in ("images", "volumes", "containers/../images", "", ["containers"]):
            refused = await desk.client.execute(
                call("docker.prune", kind=hostile), key=uuid.uuid4().hex
            )
            assert (refused.state, refused.nothing_ran) == ("failed", True), hostile
    finally:
        with contextlib.suppress(Exception):
            docker_daemon.run("rm", "-f", *names.values())


def test_containers_are_pruned_by_a_label_only(read):
    with pytest.raises(ConfigError, match="needs container_label"):
        read({"it": {"executor": "docker-engine", "prune": ["containers"]}})


@pytest.fixture
def read():
    from bot.gateway.config import read_config

    return lambda targets: read_config({"targets": targets})


@pytest.fixture
def swarm(docker_daemon: DockerDaemon, free_port):
    """A Swarm of this engine alone, with one service of one replica."""
    # Its gossip has a fixed port: on an address of our own, another run of this test is no trouble.
    ours = f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.1"
    address = f"{ours}:{free_port()}"
    docker_daemon.run("swarm", "init", "--listen-addr", address, "--advertise-addr", ours)
    docker_daemon.run(
        "service", "create", "--detach", "--name", "web", "--env", "V=1",
        "--update-delay", "0s", "--update-monitor", "0s", *SHELL, SCRIPT,
    )  # fmt: skip
    yield docker_daemon
    docker_daemon.run("swarm", "leave", "--force")


async def test_a_swarm_service_is_scaled_replaced_and_rolled_back(start, swarm: DockerDaemon):
    target = {"executor": "swarm", "service": "web", "url": swarm.url, "max_replicas": 2}
    desk = await start({"it": target})

    def running() -> set[str]:
        shown = "{{.ID}} {{.CurrentState}}"
        lines = swarm.run("service", "ps", "web", "--format", shown, "-f", "desired-state=running")
        return {line.split()[0] for line in lines.splitlines() if "Running" in line}

    first = await until(running)
    plan, outcome = await done(desk, call("service.scale", replicas=2))
    assert outcome.stdout == "it scale: 2 of 2 replicas run sopbot-test:1", outcome
    assert first < running()
    assert len(running()) == 2
    _, repeat = await done(desk, call("service.scale", replicas=2))
    assert repeat.stdout == "it had 2 replicas already"
    assert plan.inverse.parameters == {"replicas": 1}
    _, undone = await done(desk, call("service.scale", replicas=1))
    assert undone.state == "succeeded"
    await until(lambda: len(running()) == 1)

    before = running()
    _, outcome = await done(desk, call("service.rollout"))
    assert outcome.state == "succeeded", outcome
    assert not before & running()

    env = "{{.Spec.TaskTemplate.ContainerSpec.Env}}"
    swarm.run("service", "update", "--detach", "--env-add", "V=2", "web")
    assert swarm.run("service", "inspect", "-f", env, "web") == "[V=2]"
    _, outcome = await done(desk, call("service.rollback"))
    assert outcome.state == "succeeded", outcome
    assert swarm.run("service", "inspect", "-f", env, "web") == "[V=1]"

    status = await desk.client.execute(call("service.status"), key="s")
    assert status.stdout.startswith("1 of 1 replicas run sopbot-test:1")
    logs = await until(lambda: _logs(desk))
    assert "up" in logs
    for replicas in (0, 3, -1, "2", 2.5, None, True):
        hostile = call("service.scale", replicas=replicas)
        refused = await desk.client.execute(hostile, key=uuid.uuid4().hex)
        assert (refused.state, refused.nothing_ran) == ("failed", True), replicas
    hidden = f"exec /bin/busybox sh -c '{SCRIPT.replace(chr(39), chr(34))}' x -m bot.gateway"
    for name, arguments in (("hidden", (hidden,)), ("plain", (SCRIPT, "-m", "bot.gateway"))):
        swarm.run("service", "create", "--detach", "--name", name, *SHELL, *arguments)
        try:
            ours = await start({"it": target | {"service": name}}, state=name)
            await until(lambda ours=ours: _runs(ours))
            for action in (call("service.scale", replicas=2), call("service.rollout")):
                outcome = await ours.client.execute(action, key=uuid.uuid4().hex)
                assert (outcome.error_code, outcome.nothing_ran) == ("SELF_TARGET", True), name
        finally:
            swarm.run("service", "rm", name)
    nobody = await start({"it": target | {"service": "we"}}, state="nobody")
    outcome = await nobody.client.execute(call("service.rollout"), key="k")
    # The second, if the engine takes "we" for the beginning of a service's random id.
    assert outcome.error_code in ("NO_CONTAINER", "NO_SERVICE")
    assert outcome.nothing_ran


async def _logs(desk) -> str:
    outcome = await desk.client.execute(call("service.logs", lines=5), key=uuid.uuid4().hex)
    return outcome.stdout


async def _runs(desk) -> bool:
    status = await desk.client.execute(call("service.status"), key=uuid.uuid4().hex)
    return status.stdout.startswith("1 of 1")
