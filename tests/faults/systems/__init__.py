"""The systems of the fault run, by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.faults.fault import System
from tests.faults.systems.containers import containers
from tests.faults.systems.processes import processes
from tests.faults.systems.redis_caches import redis_caches
from tests.helpers import docker_engine

SYSTEMS: dict[str, Callable[[], AbstractContextManager[System]]] = {
    "process": processes,
    "redis": redis_caches,
    "docker": containers,
}
_PROGRAMS = {"redis": ("redis-server",)}


def missing(name: str) -> str:
    """Return what a system lacks on this machine, '' if it can run."""
    if name in ("docker", "swarm"):
        return docker_engine.missing()
    absent = [program for program in _PROGRAMS.get(name, ()) if not shutil.which(program)]
    return f"no {absent[0]} on this machine (make services)" if absent else ""
