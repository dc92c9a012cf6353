"""Against a real Docker Engine of our own, see conftest; and against a socket that misbehaves."""

from __future__ import annotations

import struct
import uuid

import pytest
from aiohttp import web

from bot.errors import GatewayRejected, GatewayUnavailable
from bot.gateway.executors.engine import demultiplexed
from bot.remediation.client import ActionCall
from tests.helpers.waiting import until

from .conftest import DockerDaemon

services = pytest.mark.services
LOOP = "echo out $$; echo err >&2; trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done"


def call(action: str, **parameters: int) -> ActionCall:
    return ActionCall(action_id=f"service.{action}", target="web", parameters=parameters)


@pytest.fixture
def container(docker_daemon: DockerDaemon):
    """Start a container with this script; returns its name. None outlives its test.

    One that does costs processor time in every later test: its health check starts a process five
    times a second.
    """
    names: list[str] = []

    def run(script: str = LOOP, *options: str) -> str:
        name = f"c-{uuid.uuid4().hex[:8]}"
        names.append(name)
        docker_daemon.run(
            "run", "-d", "--name", name, "--network", "none", *options,
            "sopbot-test:1", "/bin/busybox", "sh", "-c", script,
        )  # fmt: skip
        return name

    yield run
    if names:
        docker_daemon.run("rm", "-f", *names)


@pytest.fixture
def desk_for(start, docker_daemon: DockerDaemon):
    async def begin(name: str, **more):
        target = {"executor": "docker", "container": name} | more
        return await start({"web": target}, docker={"url": docker_daemon.url})

    return begin


@services
async def test_a_container_is_restarted_through_the_engine(desk_for, container, docker_daemon):
    name, bystander = container(), container()
    desk = await desk_for(name)
    started = "{{.State.StartedAt}}"
    before = [docker_daemon.run("inspect", "-f", started, n) for n in (name, bystander)]
    plan = await desk.client.plan(call("restart", grace_seconds=3))
    identifier = docker_daemon.run("inspect", "-f", "{{.Id}}", name)
    assert plan.request.path == f"/containers/{identifier}/restart?t=3"
    assert plan.display == f"docker restart --time 3 {name}"
    assert plan.touches[0].startswith(f"container {name}: running (pid ")

    outcome = await desk.client.execute(
        call("restart", grace_seconds=3), key="k1", digest=plan.digest
    )

    assert outcome.state == "succeeded", outcome
    assert outcome.stdout.startswith("web restarted: pid ")
    after = [docker_daemon.run("inspect", "-f", started, n) for n in (name, bystander)]
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert (await desk.client.health()).checks["docker"].startswith("ok: engine ")


@services
async def test_status_and_logs_of_a_container(desk_for, container, docker_daemon):
    desk = await desk_for(container())
    status = await desk.client.execute(call("status"), key="s")
    assert status.stdout.startswith("web: running (pid ")

    async def logs():
        outcome = await desk.client.execute(call("logs", lines=5), key=uuid.uuid4().hex)
        return outcome if outcome.stdout and outcome.stderr else None

    outcome = await until(logs)
    assert outcome.stdout.startswith("out ")
    assert outcome.stderr == "err\n"


@services
async def test_logs_of_a_container_with_a_terminal_are_read_too(desk_for, container):
    desk = await desk_for(container(LOOP, "-t"))

    async def logs():
        outcome = await desk.client.execute(call("logs"), key=uuid.uuid4().hex)
        return outcome.stdout if "err" in outcome.stdout else None

    assert (await until(logs)).startswith("out ")


@services
async def test_a_container_made_anew_under_its_name_is_plan_drift(
    desk_for, container, docker_daemon
):
    name = container()
    desk = await desk_for(name)
    plan = await desk.client.plan(call("restart"))
    docker_daemon.run("rm", "-f", name)
    docker_daemon.run(
        "run", "-d", "--name", name, "--network", "none", "sopbot-test:1",
        "/bin/busybox", "sleep", "60",
    )  # fmt: skip
    with pytest.raises(GatewayRejected) as caught:
        await desk.client.execute(call("restart"), key="k1", digest=plan.digest)
    assert caught.value.status == 409


@services
async def test_a_container_that_ends_at_once_after_its_restart_is_a_failure(desk_for, container):
    desk = await desk_for(container("exit 4"))
    outcome = await desk.client.execute(call("restart"), key="k1")
    assert outcome.state == "failed"
    assert "exit code 4" in outcome.error


@services
async def test_an_unhealthy_container_is_a_failure(desk_for, container):
    options = ("--health-cmd", "false", "--health-interval", "200ms", "--health-retries", "1")
    # The engine runs a health command with /bin/sh, which our image lacks: that is unhealthy too.
    desk = await desk_for(container(LOOP, *options), start_seconds=5)
    outcome = await desk.client.execute(call("restart", grace_seconds=1), key="k1")
    assert outcome.state == "failed"
    assert "unhealthy" in outcome.error


@services
async def test_the_beginning_of_an_id_is_not_a_name(desk_for, container, docker_daemon):
    identifier = docker_daemon.run("inspect", "-f", "{{.Id}}", container())
    desk = await desk_for(identifier[:12])
    outcome = await desk.client.execute(call("restart"), key="k1")
    assert (outcome.state, outcome.error_code) == ("failed", "NO_CONTAINER")


@services
async def test_a_container_that_is_not_there_is_named(desk_for, docker_daemon):
    desk = await desk_for("nobody")
    outcome = await desk.client.execute(call("restart"), key="k1")
    assert (outcome.state, outcome.overall_status) == ("failed", "EXECUTION_ERROR")
    assert "No such container: nobody" in outcome.error
    with pytest.raises(GatewayUnavailable, match="No such container"):
        await desk.client.plan(call("restart"))


@pytest.fixture
async def odd_engine(free_port):
    """An engine with scripted answers by path; it records the requests."""
    answers: dict[str, web.Response | type[Exception]] = {}
    requests: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        requests.append(f"{request.method} {request.path}")
        answer = answers[request.path.rpartition("/")[2]]
        if isinstance(answer, type):
            request.transport.abort()
            raise web.HTTPInternalServerError
        return web.Response(body=answer.body, status=answer.status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", answers, requests
    await runner.cleanup()


INSPECTION = {
    "Id": "abc123",
    "Name": "/web-1",
    "Image": "sha256:1",
    "RestartCount": 0,
    "Config": {"Tty": False},
    "State": {"Running": True, "Pid": 7, "ExitCode": 0, "Status": "running"},
}


async def test_a_restart_whose_answer_is_lost_is_an_unknown_outcome(start, odd_engine):
    url, answers, requests = odd_engine
    answers |= {"json": web.json_response(INSPECTION), "restart": ConnectionError}
    desk = await start({"web": {"executor": "docker", "container": "web-1"}}, docker={"url": url})
    outcome = await desk.client.execute(call("restart"), key="k1")
    assert (outcome.state, outcome.error_code) == ("escalate", "OUTCOME_UNKNOWN")
    assert "it may have been done" in outcome.error
    assert requests.count("POST /containers/abc123/restart") == 1
    repeat = await desk.client.execute(call("restart"), key="k1")
    assert repeat == outcome
    assert requests.count("POST /containers/abc123/restart") == 1


@pytest.mark.parametrize(
    ("inspection", "code"),
    [
        (web.json_response(INSPECTION | {"Id": "../../x"}), "DOCKER_UNREADABLE"),
        (web.json_response({"Name": "/web-1"}), "DOCKER_UNREADABLE"),
        (web.json_response([]), "DOCKER_UNREADABLE"),
        (web.Response(body=b"<html>"), "DOCKER_UNREADABLE"),
        (web.json_response({"message": "no"}, status=500), "DOCKER_REFUSED"),
    ],
)
async def test_an_engine_that_answers_oddly_is_not_acted_upon(start, odd_engine, inspection, code):
    url, answers, requests = odd_engine
    answers["json"] = inspection
    desk = await start({"web": {"executor": "docker", "container": "web-1"}}, docker={"url": url})
    outcome = await desk.client.execute(call("restart"), key="k1")
    assert (outcome.state, outcome.error_code) == ("failed", code)
    assert not any(line.startswith("POST") for line in requests)


QUITTER = """#!/bin/sh
/bin/busybox rm "$0"
trap 'exit 0' TERM
while :; do /bin/busybox sleep 0.1; done
"""


@services
@pytest.mark.attack("ASI09")
async def test_a_container_cannot_say_by_its_name_that_nothing_was_run(
    desk_for, container, docker_daemon, tmp_path
):
    """Its program removes itself: a restart stops the container, and Docker quotes the path."""
    name, program = container(), "/nothing was run"
    docker_daemon.run("rm", "-f", name)
    docker_daemon.run(
        "create", "--name", name, "--network", "none", "--entrypoint", program, "sopbot-test:1"
    )
    script = tmp_path / "script"
    script.write_text(QUITTER)
    script.chmod(0o755)
    docker_daemon.run("cp", str(script), f"{name}:{program}")
    docker_daemon.run("start", name)
    desk = await desk_for(name)
    await until(lambda: program not in docker_daemon.run("diff", name))
    outcome = await desk.client.execute(call("restart", grace_seconds=1), key="k1")
    assert docker_daemon.run("inspect", "-f", "{{.State.Running}}", name) == "false"
    assert "nothing was run" in outcome.error
    assert (outcome.state, outcome.nothing_ran) == ("failed", False), outcome


def test_a_cut_log_stream_is_read_as_far_as_it_goes():
    def frame(stream: int, data: bytes) -> bytes:
        return struct.pack(">BxxxL", stream, len(data)) + data

    whole = frame(1, b"one\n") + frame(2, b"two\n") + frame(1, b"three\n")
    assert demultiplexed(whole) == ("one\nthree\n", "two\n")
    assert demultiplexed(whole[:-3]) == ("one\nthr", "two\n")
    assert demultiplexed(whole + b"\x01\x00") == ("one\nthree\n", "two\n")
    assert demultiplexed(b"") == ("", "")


@services
async def test_a_container_that_was_stopped_is_started_again(desk_for, container, docker_daemon):
    name = container()
    desk = await desk_for(name)
    running = "{{.State.Running}}"
    plan = await desk.client.plan(call("stop", grace_seconds=2))
    assert plan.display == f"docker stop --time 2 {name}"
    assert plan.reversible

    stopped = await desk.client.execute(call("stop", grace_seconds=2), key="k1", digest=plan.digest)
    assert stopped.state == "succeeded", stopped
    assert docker_daemon.run("inspect", "-f", running, name) == "false"
    repeat = await desk.client.execute(call("stop", grace_seconds=2), key="k2")
    assert "already" in repeat.stdout

    plan = await desk.client.plan(call("start"))
    started = await desk.client.execute(call("start"), key="k3", digest=plan.digest)
    assert started.state == "succeeded", started
    assert docker_daemon.run("inspect", "-f", running, name) == "true"


@services
async def test_a_containers_memory_and_cpu_time_are_shown(desk_for, container):
    desk = await desk_for(container())
    outcome = await desk.client.execute(call("stats"), key="k1")
    assert outcome.state == "succeeded"
    assert outcome.stdout.startswith("web: memory: ")
    assert " MiB, CPU time: " in outcome.stdout


@services
@pytest.mark.attack("ASI02")
async def test_the_container_that_the_gateway_lives_in_cannot_be_planned(
    desk_for, container, docker_daemon, monkeypatch
):
    name = container()
    desk = await desk_for(name)
    identifier = docker_daemon.run("inspect", "-f", "{{.Id}}", name)
    monkeypatch.setattr("socket.gethostname", lambda: identifier[:12])
    with pytest.raises(GatewayUnavailable, match="is the bot or its gateway"):
        await desk.client.plan(call("restart"))
