"""The systems of the fault run, by name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.faults.fault import System
from tests.faults.systems.airflow import airflow
from tests.faults.systems.containers import containers
from tests.faults.systems.disks import disks
from tests.faults.systems.machines import declared_commands, ssh_hosts
from tests.faults.systems.mariadb import mariadb
from tests.faults.systems.memcached import memcached
from tests.faults.systems.postgres import postgres
from tests.faults.systems.processes import processes
from tests.faults.systems.redis_caches import redis_caches
from tests.faults.systems.spark_jobs import spark_jobs
from tests.faults.systems.swarm import swarm
from tests.faults.systems.web_services import web_services
from tests.helpers import airflow_real, docker_engine, spark_cluster
from tests.helpers.postgres import programs

SYSTEMS: dict[str, Callable[[], AbstractContextManager[System]]] = {
    "process": processes,
    "redis": redis_caches,
    "docker": containers,
    "swarm": swarm,
    "postgresql": postgres,
    "mariadb": mariadb,
    "memcached": memcached,
    "disk": disks,
    "http": web_services,
    "ssh": ssh_hosts,
    "command": declared_commands,
    "spark": spark_jobs,
    "airflow": airflow,
}
FAULTS = {
    "process": 6,
    "redis": 4,
    "docker": 10,
    "swarm": 3,
    "postgresql": 5,
    "mariadb": 3,
    "memcached": 2,
    "disk": 3,
    "http": 6,
    "ssh": 3,
    "command": 4,
    "spark": 1,
    "airflow": 2,
}
"""The number of each system's faults, which a system tells by itself only when it runs."""
_PROGRAMS = {
    "redis": ("redis-server",),
    "mariadb": ("mariadbd", "mariadb-install-db"),
    "memcached": ("memcached",),
    "ssh": ("ssh-keygen",),
    "command": ("openssl",),
}


def missing(name: str) -> str:
    """Return what a system lacks on this machine, '' if it can run."""
    if name in ("docker", "swarm"):
        return docker_engine.missing()
    if name == "airflow":
        return airflow_real.missing(3)
    if name == "postgresql" and programs() is None:
        return "no PostgreSQL on this machine (make services)"
    if name == "spark":
        return spark_cluster.missing()
    if name == "ssh" and (os.geteuid() or not shutil.which("sshd", path="/usr/sbin:/usr/bin")):
        return "sshd is not on this machine, or it needs root"
    absent = [program for program in _PROGRAMS.get(name, ()) if not shutil.which(program)]
    return f"no {absent[0]} on this machine (make services)" if absent else ""
