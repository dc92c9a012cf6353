"""Services of a real Docker Swarm of one engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.fault import Fault, State, System
from tests.helpers.docker_engine import IMAGE, DockerDaemon, docker_engine
from tests.helpers.ports import kept_port

_SCRIPT = "trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done"
_REPLICAS = 2
_SERVICES = {"web-front": (), "pay-front": ("--restart-condition", "none"), "mail-front": ()}


class _Services:
    def __init__(self, docker: DockerDaemon) -> None:
        self.docker = docker

    def create(self, name: str, *options: str) -> None:
        self.docker.run(
            "service", "create", "--detach", "--name", name, "--replicas", str(_REPLICAS),
            "--update-delay", "0s", "--update-monitor", "0s", "--stop-grace-period", "1s",
            *options, IMAGE, "/bin/busybox", "sh", "-c", _SCRIPT,
        )  # fmt: skip

    def tasks(self, name: str) -> tuple[str, ...]:
        """Return the ids of the replicas that run."""
        shown = "{{.ID}} {{.CurrentState}}"
        filters = ("-f", "desired-state=running")
        lines = self.docker.run("service", "ps", name, "--format", shown, *filters).splitlines()
        return tuple(sorted(line.split()[0] for line in lines if " Running" in line))

    def runs(self, name: str, replicas: int = _REPLICAS) -> bool:
        return len(self.tasks(name)) == replicas

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"the swarm is not ready: {self.docker.run('service', 'ls')}")
            time.sleep(0.1)

    def scale_down(self, name: str) -> None:
        self.docker.run("service", "scale", "--detach", f"{name}=1")
        self.until(lambda: self.runs(name, 1))

    def lose_a_replica(self, name: str) -> None:
        container = self.docker.run("ps", "-q", "-f", f"label=com.docker.swarm.service.name={name}")
        self.docker.run("kill", container.split()[0])
        self.until(lambda: self.runs(name, 1))

    def deploy_badly(self, name: str) -> None:
        bad = "/bin/busybox sh -c false"
        self.docker.run("service", "update", "--detach", "--args", bad, name)
        self.until(lambda: not self.runs(name))

    def state(self) -> State:
        return {f"service {name}": self.tasks(name) for name in _SERVICES}


@contextmanager
def swarm() -> Iterator[System]:
    """A Swarm of one manager, with a service for each target."""
    with docker_engine() as docker, kept_port() as port:
        # Its gossip has a fixed port: on an address of our own, another Swarm is no trouble.
        ours = f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.2"
        docker.run("swarm", "init", "--listen-addr", f"{ours}:{port}", "--advertise-addr", ours)
        them = _Services(docker)
        try:
            for name, options in _SERVICES.items():
                them.create(name, *options)
            for name in _SERVICES:
                them.until(lambda name=name: them.runs(name))  # type: ignore[misc]
            yield System(
                name="swarm",
                targets={
                    n: {"executor": "swarm", "service": n, "url": docker.url} for n in _SERVICES
                },
                state=them.state,
                faults=_faults(them),
            )
        finally:
            docker.run("swarm", "leave", "--force")


def _faults(them: _Services) -> tuple[Fault, ...]:
    def fault(id_: str, what: str, target: str, action: str, sender: str, **more: Any) -> Fault:
        return Fault(
            id=id_,
            what=what,
            target=target,
            action=action,
            sender=sender,
            is_healthy=lambda: them.runs(target),
            changes=(f"swarm service {target}",),
            **more,
        )

    return (
        fault(
            "swarm-wrong-scale", "A service runs with one replica instead of two", "web-front",
            "service.scale", "alertmanager", parameters={"replicas": _REPLICAS},
            break_it=lambda: them.scale_down("web-front"),
        ),
        fault(
            "swarm-lost-replica", "A service lost a replica, which does not come back", "pay-front",
            "service.rollout", "grafana", break_it=lambda: them.lose_a_replica("pay-front"),
        ),
        fault(
            "swarm-bad-deploy", "A bad version was deployed and cannot start", "mail-front",
            "service.rollback", "datadog", break_it=lambda: them.deploy_badly("mail-front"),
        ),
    )  # fmt: skip
