"""Containers of a real Docker Engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, State, System
from tests.helpers.docker_engine import IMAGE, DockerDaemon, docker_engine

_SCRIPT = "trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done"
_SHELL = (IMAGE, "/bin/busybox", "sh", "-c")
_LEAK = "/bin/busybox dd if=/dev/zero of=/dev/shm/leak bs=1M count=24"


@contextmanager
def containers() -> Iterator[System]:
    """One container for each target, and what the engine holds beside them."""
    with docker_engine() as docker:
        yield System(
            name="docker",
            targets={name: _target(name) for name in _NAMES},
            sections={"docker": {"url": docker.url}},
            state=lambda: _state(docker),
            faults=_faults(docker),
        )


_NAMES = ("shop-web",)


def _target(name: str, **more: object) -> dict[str, object]:
    return {"executor": "docker", "container": name} | more


def _state(docker: DockerDaemon) -> State:
    ids = docker.run("ps", "-aq").split()
    found = json.loads(docker.run("inspect", *ids)) if ids else []
    return {
        f"container {c['Name'].strip('/')}": (
            c["Id"], c["State"]["Status"], c["State"]["StartedAt"],
            c["HostConfig"]["Memory"], c["HostConfig"]["NanoCpus"],
        )
        for c in found
    }  # fmt: skip


def _faults(docker: DockerDaemon) -> tuple[Fault, ...]:
    def start(name: str, *options: str, script: str = _SCRIPT) -> None:
        options = ("-d", "--name", name, "--network", "none", *options)
        docker.run("run", *options, *_SHELL, script)

    for name in _NAMES:
        start(name)

    def execute(name: str, script: str) -> str:
        return docker.run("exec", name, "/bin/busybox", "sh", "-c", script)

    def used_memory(name: str) -> int:
        """Return kibibytes in the memory file system of the container."""
        return int(execute(name, "/bin/busybox df -k /dev/shm").split()[-4])

    return (
        Fault(
            id="container-leaks",
            what="A container leaks memory",
            target="shop-web",
            action="service.restart",
            parameters={"grace_seconds": 2},
            break_it=lambda: execute("shop-web", _LEAK),
            is_healthy=lambda: used_memory("shop-web") < 1024,
            changes=("docker container shop-web",),
        ),
    )
