"""A Compose project by its labels, against a real Docker Engine of our own."""

from __future__ import annotations

import uuid

import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.remediation.client import ActionCall
from bot.remediation.contract import OUTCOME_UNKNOWN
from tests.helpers.bad_network import cutting_proxy

from .clusters import call, done, tried
from .conftest import DockerDaemon

pytestmark = pytest.mark.services
SCRIPT = "echo up; trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done"
SHELL = ("sopbot-test:1", "/bin/busybox", "sh", "-c")
LABEL = "com.docker.compose"


class Project:
    """Containers that carry the labels that Compose gives them."""

    def __init__(self, daemon: DockerDaemon) -> None:
        self.daemon, self.name = daemon, f"shop{uuid.uuid4().hex[:6]}"

    def run(self, service: str, *options: str, needs: str = "", script: str = SCRIPT) -> str:
        name = f"{self.name}-{service}-1"
        labels = {
            "project": self.name, "service": service, "container-number": "1",
            "oneoff": "False", "depends_on": f"{needs}:service_started:false" if needs else "",
        }  # fmt: skip
        flags = [f"--label={LABEL}.{key}={value}" for key, value in labels.items()]
        self.daemon.run(
            "run", "-d", "--name", name, "--network", "none", *flags, *options, *SHELL, script
        )
        return name

    def shown(self, form: str, *options: str) -> dict[str, str]:
        """Return `form` of each container by its name, in the order of its start."""
        ids = self.daemon.run("ps", "-aq", "--filter", f"label={LABEL}.project={self.name}")
        line = "{{.Name}} " + form
        shown = self.daemon.run("inspect", "-f", line, *ids.split())
        return dict(line.removeprefix("/").split(" ", 1) for line in shown.splitlines())


@pytest.fixture
def project(docker_daemon: DockerDaemon):
    made = Project(docker_daemon)
    yield made
    ids = docker_daemon.run("ps", "-aq", "--filter", f"label={LABEL}.project={made.name}")
    docker_daemon.run("rm", "-f", *ids.split())


def by_time(project: Project, field: str) -> list[str]:
    times = project.shown("{{.State." + field + "}}")
    return [name.split("-")[1] for name in sorted(times, key=lambda name: times[name])]


async def test_a_project_is_restarted_stopped_and_started_in_the_order_of_its_dependencies(
    start, project: Project
):
    project.run("api", needs="db")
    project.run("db")
    project.run("web", needs="api")
    bystander = Project(project.daemon)
    other = bystander.run("db")
    try:
        target = {"executor": "compose", "project": project.name, "url": project.daemon.url}
        desk = await start({"it": target})
        ids, pids = project.shown("{{.Id}}"), project.shown("{{.State.Pid}}")
        plan, outcome = await done(desk, call("service.restart", grace_seconds=1))
        assert outcome.state == "succeeded", outcome
        assert plan.steps == tuple(f"restart {project.name}-{s}-1" for s in ("db", "api", "web"))
        assert project.shown("{{.Id}}") == ids
        assert not set(pids.values()) & set(project.shown("{{.State.Pid}}").values())
        assert by_time(project, "StartedAt") == ["db", "api", "web"]

        plan, outcome = await done(desk, call("service.stop", grace_seconds=1))
        assert outcome.state == "succeeded", outcome
        assert by_time(project, "FinishedAt") == ["web", "api", "db"]
        assert set(project.shown("{{.State.Running}}").values()) == {"false"}
        _, repeat = await done(desk, call("service.stop"))
        assert repeat.stdout == "it stop: as it was already"
        _, undone = await done(desk, call(plan.inverse.id, **plan.inverse.parameters))
        assert undone.state == "succeeded", undone
        assert by_time(project, "StartedAt") == ["db", "api", "web"]
        status = await desk.client.execute(call("service.status"), key="s")
        assert status.stdout.splitlines()[0] == "3 of 3 containers run (api, db, web)"
        logs = await desk.client.execute(call("service.logs", lines=1), key="l")
        assert logs.stdout.count("up") == 3
        assert bystander.shown("{{.State.Running}}") == {other: "true"}
        # A container that does not come up ends the work there, and the answer tells how far it is.
        project.daemon.run("rm", "-f", f"{project.name}-api-1")
        project.run("api", needs="db", script="exit 3")
        _, outcome = await done(desk, call("service.restart", grace_seconds=1))
        assert outcome.state == "failed", outcome
        assert f"{project.name}-api-1 is exited (exit code 3)" in outcome.stderr
        assert "1 of 3 before it are done" in outcome.stderr
    finally:
        project.daemon.run("rm", "-f", other)


@pytest.mark.attack("ASI02", "ASI03")
async def test_a_service_is_scaled_by_copies_of_its_container_and_back(start, project: Project):
    project.run("web", "--env", "V=1", "--memory", "32m")
    project.run("db")
    target = {"executor": "compose", "project": project.name, "url": project.daemon.url}
    desk = await start({"it": target | {"service": "web", "max_replicas": 3}})
    plan = await desk.client.plan(call("service.scale", replicas=3))
    assert plan.inverse.parameters == {"replicas": 1}
    assert len(project.shown("{{.Id}}")) == 2, "a plan changes nothing"
    _, outcome = await done(desk, call("service.scale", replicas=3))
    assert outcome.state == "succeeded", outcome
    number = "{{index .Config.Labels " + f'"{LABEL}.container-number"' + "}}"
    shown = project.shown(number + " {{.HostConfig.Memory}} {{.Config.Env}} {{.State.Running}}")
    assert shown.pop(f"{project.name}-db-1").endswith("true")
    assert shown == {f"{project.name}-web-{n}": f"{n} {32 * 2**20} [V=1] true" for n in (1, 2, 3)}
    _, repeat = await done(desk, call("service.scale", replicas=3))
    assert repeat.stdout == "it scale: as it was already"
    for hostile in (0, 4, -1, "2", 2.5, None, True):
        refused = await tried(desk, call("service.scale", replicas=hostile))
        assert refused is None or refused.nothing_ran, hostile
    back, undone = await done(desk, call("service.scale", replicas=1))
    assert undone.state == "succeeded", undone
    removed = [f"stop and remove {project.name}-web-{number}" for number in (3, 2)]
    assert back.steps == ("change 3 containers to 1", *removed)
    assert set(project.shown("{{.Id}}")) == {f"{project.name}-web-1", f"{project.name}-db-1"}

    whole = await start({"it": target}, state="whole")
    assert "declare one service" in (await tried(whole, call("service.scale", replicas=2))).error
    project.run("port", "--publish", "127.0.0.1:18099:80")
    fixed = await start({"it": target | {"service": "port"}}, state="fixed")
    assert "host port" in (await tried(fixed, call("service.scale", replicas=2))).error
    gone = await start({"it": target | {"project": "nobody"}}, state="gone")
    assert (await tried(gone, call("service.restart"))).error_code == "NO_CONTAINER"
    # Another container under the same name is another plan.
    plan = await desk.client.plan(call("service.restart"))
    project.daemon.run("rm", "-f", f"{project.name}-web-1")
    project.run("web")
    drifted = ActionCall(action_id="service.restart", target="it")
    with pytest.raises(Exception, match="not the approved one"):
        await desk.client.execute(drifted, key="d", digest=plan.digest)


@pytest.mark.attack("ASI08")
async def test_a_strangers_labels_do_not_keep_the_project_from_being_planned(
    start, project: Project
):
    project.run("web", "--label", f"{LABEL}.container-number={'7' * 5_000}")
    target = {"executor": "compose", "project": project.name, "url": project.daemon.url}
    desk = await start({"it": target})
    assert (await desk.client.plan(call("service.stop"))).steps == (f"stop {project.name}-web-1",)
    assert (await desk.get("/health"))[1]["targets"]["it"]["ok"]


async def test_an_engine_that_is_cut_off_half_way_leaves_the_outcome_unknown(
    start, project: Project, tmp_path
):
    project.run("web")
    socket = project.daemon.url.removeprefix("unix://")
    async with cutting_proxy(socket, b"/restart?t=") as port:
        url = f"http://127.0.0.1:{port}"
        desk = await start({"it": {"executor": "compose", "project": project.name, "url": url}})
        outcome = await desk.client.execute(call("service.restart", grace_seconds=1), key="k")
    assert outcome.error_code == OUTCOME_UNKNOWN, outcome
    missing = f"unix://{tmp_path}/none.sock"
    gone = {"executor": "compose", "project": project.name, "url": missing}
    desk = await start({"it": gone}, state="gone")
    outcome = await desk.client.execute(call("service.restart"), key="k")
    assert (outcome.error_code, outcome.nothing_ran) == ("DOCKER_UNREACHABLE", True)


@pytest.mark.attack("ASI03")
def test_the_bots_own_project_is_no_target():
    for changes, reason in (
        ({"project": "sopbot"}, "is the bot, its gateway or a caller"),
        ({"project": "shop", "service": "sopbot"}, "is the bot, its gateway or a caller"),
        ({"project": "Shop"}, "name of a Compose project"),
        ({"project": 'shop"]}'}, "name of a Compose project"),
    ):
        with pytest.raises(ConfigError, match=reason):
            read_config({"targets": {"it": {"executor": "compose"} | changes}})
