"""Containers of a real Docker Engine, and what lies unused in it."""

from __future__ import annotations

import json
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.fault import Fault, State, System
from tests.helpers.docker_engine import IMAGE, DockerDaemon, docker_engine

_SCRIPT = "trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done"
_SHELL = (IMAGE, "/bin/busybox", "sh", "-c")
_HEALTH = ("--health-cmd", "/bin/busybox test ! -e /dev/shm/ill", "--health-interval", "1s",
           "--health-retries", "1")  # fmt: skip
_JOB = "com.example.job"

# Each container, and its options.
_CONTAINERS: dict[str, tuple[str, ...]] = {
    "shop-web": (),
    "cart-web": (),
    "price-web": (),
    "stock-web": _HEALTH,
    "map-web": (),
    "thumbs-web": ("--memory", "64m", "--memory-swap", "64m"),
    "feed-web": ("--cpus", "1"),
    "crawler": (),
}


class _Containers:
    """The containers as the run breaks them and looks at them: by the docker client."""

    def __init__(self, docker: DockerDaemon) -> None:
        self.docker = docker

    def begin(self, name: str, *options: str, script: str = _SCRIPT) -> None:
        options = ("-d", "--name", name, "--network", "none", *options)
        self.docker.run("run", *options, *_SHELL, script)

    def inspect(self, *names: str) -> list[Any]:
        inspected: list[Any] = json.loads(self.docker.run("inspect", *names)) if names else []
        return inspected

    def execute(self, name: str, script: str) -> str:
        return self.docker.run("exec", name, "/bin/busybox", "sh", "-c", script)

    def is_running(self, name: str) -> bool:
        state = self.inspect(name)[0]["State"]
        return bool(state["Running"]) and not state["Paused"]

    def leaked(self, name: str) -> int:
        """Return kibibytes in the memory file system of the container."""
        return int(self.execute(name, "/bin/busybox df -k /dev/shm").split()[-4])

    def health(self, name: str) -> str:
        return str(self.inspect(name)[0]["State"]["Health"]["Status"])

    def falls_ill(self, name: str) -> None:
        """Make its health check fail, and wait until the engine has noticed."""
        self.execute(name, "echo ill > /dev/shm/ill")
        while self.health(name) != "unhealthy":
            time.sleep(0.1)

    def stopped_jobs(self) -> list[str]:
        return self.docker.run("ps", "-aq", "-f", f"label={_JOB}", "-f", "status=exited").split()

    def dangling_images(self) -> list[str]:
        return self.docker.run("images", "-q", "-f", "dangling=true").split()

    def leave_jobs(self) -> None:
        for number in range(3):
            self.begin(f"job-{number}", "--label", f"{_JOB}=nightly", script="true")
        self.docker.run("wait", *[f"job-{number}" for number in range(3)])

    def leave_images(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(2):
                layer, archive = Path(folder) / "layer", Path(folder) / "image.tar"
                layer.write_text(f"build {number}")
                with tarfile.open(archive, "w") as tar:
                    tar.add(layer, arcname="layer")
                self.docker.run("import", str(archive))

    def state(self) -> State:
        """Return what every container is, and which images there are."""
        images = self.docker.run("images", "-aq", "--no-trunc").split()
        containers = self.inspect(*self.docker.run("ps", "-aq").split())
        return {f"image {image}": 1 for image in images} | {
            f"container {c['Name'].strip('/')}": (
                c["Id"], c["State"]["Status"], c["State"]["StartedAt"],
                c["HostConfig"]["Memory"], c["HostConfig"]["NanoCpus"],
            )
            for c in containers
        }  # fmt: skip


@contextmanager
def containers() -> Iterator[System]:
    """One container for each target, and the engine itself as two."""
    with docker_engine() as docker:
        them = _Containers(docker)
        for name, options in _CONTAINERS.items():
            them.begin(name, *options)
        docker.run("stop", "-t", "1", "crawler")
        engine = {"executor": "docker-engine", "url": docker.url, "min_age_hours": 0}
        label = f"{_JOB}=nightly"
        limits = {"most_memory_mb": 128, "most_cpu_percent": 200}
        yield System(
            name="docker",
            targets={
                **{n: {"executor": "docker", "container": n} | limits for n in _CONTAINERS},
                "job-host": engine | {"prune": ["containers"], "container_label": label},
                "build-host": engine | {"prune": ["images"]},
            },
            sections={"docker": {"url": docker.url}},
            state=them.state,
            faults=_faults(them),
        )


def _faults(them: _Containers) -> tuple[Fault, ...]:
    docker = them.docker

    def restart(
        id_: str,
        what: str,
        target: str,
        sender: str,
        break_it: Callable[[], object],
        is_healthy: Callable[[], bool] | None = None,
        **more: Any,
    ) -> Fault:
        fields: dict[str, Any] = {"action": "service.restart", "parameters": {"grace_seconds": 2}}
        return Fault(
            id=id_,
            what=what,
            target=target,
            sender=sender,
            break_it=break_it,
            is_healthy=is_healthy or (lambda: them.is_running(target)),
            **{"changes": (f"docker container {target}",)} | fields | more,
        )

    leak = "/bin/busybox dd if=/dev/zero of=/dev/shm/leak bs=1M count=24"
    resources = "docker.update_resources"
    return (
        restart(
            "container-leaks", "A container leaks memory", "shop-web", "alertmanager",
            lambda: them.execute("shop-web", leak), lambda: them.leaked("shop-web") < 1024,
        ),
        restart(
            "container-stopped", "Somebody stopped a container", "cart-web", "zabbix",
            lambda: docker.run("stop", "-t", "1", "cart-web"),
            action="service.start", parameters={},
        ),
        restart(
            "container-exited", "A container was killed", "price-web", "datadog",
            lambda: docker.run("kill", "price-web"),
        ),
        restart(
            "container-unhealthy", "The health check of a container fails", "stock-web", "grafana",
            lambda: them.falls_ill("stock-web"), lambda: them.health("stock-web") == "healthy",
        ),
        restart(
            "container-hangs", "A container is frozen and answers nothing", "map-web",
            "alertmanager in Slack", lambda: docker.run("pause", "map-web"),
        ),
        restart(
            "container-memory-limit-too-low", "The memory limit of a container is too low",
            "thumbs-web", "cloudwatch",
            lambda: docker.run("update", "--memory", "8m", "--memory-swap", "8m", "thumbs-web"),
            lambda: them.inspect("thumbs-web")[0]["HostConfig"]["Memory"] >= 64 * 2**20,
            action=resources, parameters={"memory_mb": 96},
        ),
        restart(
            "container-throttled", "A container gets a twentieth of a processor", "feed-web",
            "netdata", lambda: docker.run("update", "--cpus", "0.05", "feed-web"),
            lambda: them.inspect("feed-web")[0]["HostConfig"]["NanoCpus"] >= 10**9,
            action=resources, parameters={"cpu_percent": 100},
        ),
        restart(
            "container-at-the-wrong-time", "A batch container runs at the wrong time", "crawler",
            "checkmk", lambda: docker.run("start", "crawler"),
            lambda: not them.is_running("crawler"), action="service.stop",
        ),
        restart(
            "jobs-left-behind", "Stopped job containers fill the host", "job-host", "nagios",
            them.leave_jobs, lambda: not them.stopped_jobs(),
            action="docker.prune", parameters={"kind": "containers"},
            changes=("docker container job-?",),
        ),
        restart(
            "images-left-behind", "Images of old builds fill the host", "build-host", "newrelic",
            them.leave_images, lambda: not them.dangling_images(),
            action="docker.prune", parameters={"kind": "images"}, changes=("docker image *",),
        ),
    )  # fmt: skip
