from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from bot.gateway.app import RunningGateway, running
from bot.gateway.config import GatewayConfig, read_config
from bot.remediation.client import ActionCall, GatewayClient
from tests.helpers.clocks import FixedClock
from tests.helpers.docker_engine import DockerDaemon, EngineUnavailableError, docker_engine
from tests.helpers.gateway_servers import mariadb_server

from .clusters import cluster_desk, plane
from .dags import airflow, airflow_desk
from .sparks import master, spark_desk

# Fixtures of this folder that stand in a file of their own.
__all__ = ["airflow", "airflow_desk", "cluster_desk", "master", "plane", "spark_desk"]

RESTART = ActionCall(action_id="service.restart", target="checkout-api")
SLOW = ActionCall(
    action_id="service.restart", target="checkout-api", parameters={"grace_seconds": 1}
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as nobody")

SECRET = "a secret of the tests, long enough"

# A service: answers 200 on its port, prints what it hears, and misbehaves as its flags say.
SERVICE = """
import os, signal, subprocess, sys, time
flags, port = sys.argv[1].split(","), int(sys.argv[2])
if "deaf" in flags:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "child" in flags:
    deaf = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", deaf])
    print("child", child.pid, flush=True)
if "crash" in flags:
    print("cannot open the ledger", file=sys.stderr, flush=True)
    sys.exit(3)
print("up", os.getpid(), *[k for k in os.environ if k.startswith("T_")], flush=True)
if "loud" in flags:
    print("\\x1b[31mred\\x1b[0m\\x00")
    for i in range(400):
        print(f"line {i}", "x" * 60)
    sys.stdout.flush()
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if "ill" in flags else 200)
        self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@dataclass
class Desk:
    """One gateway in this process, and what a test needs to talk to it."""

    gateway: RunningGateway
    session: aiohttp.ClientSession
    client: GatewayClient
    clock: FixedClock
    config: GatewayConfig

    @property
    def url(self) -> str:
        return self.gateway.url

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        all_headers = {"Content-Type": "application/json"} | headers
        async with self.session.post(self.url + path, headers=all_headers, data=data) as response:
            return response.status, await response.json()

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.session.get(self.url + path, headers=headers) as response:
            return response.status, await response.json()

    async def status(self, target: str) -> str:
        outcome = await self.client.execute(
            ActionCall(action_id="service.status", target=target),
            key=f"status-{time.monotonic_ns()}",
        )
        return outcome.stdout


def legacy(target: str, intent: str, **more: Any) -> dict[str, Any]:
    return {
        "source_id": "sopbot",
        "target_resource": {"name": target},
        "action_request": {"intent": intent, **more},
    }


def pid_of(status: str) -> int:
    return int(status.partition("pid ")[2].partition(",")[0])


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(autouse=True)
def _no_service_is_left(tmp_path: Path) -> Iterator[None]:
    """Fail a test whose service still runs once its gateway has ended, and kill the service."""
    yield
    script = tmp_path / "service.py"
    if not script.exists():
        return
    left = [process for process in psutil.process_iter() if str(script) in _argv(process)]
    for process in left:
        process.kill()
    assert not left, "a service outlives the test: end its gateway with SIGTERM, not SIGKILL"


def _argv(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def service(tmp_path: Path, free_port: Callable[[], int]) -> Callable[..., dict[str, Any]]:
    """A process target of the config; flags: deaf, child, crash, loud, ill."""
    script = tmp_path / "service.py"
    script.write_text(SERVICE)

    def declare(*flags: str, health: bool = True, **more: Any) -> dict[str, Any]:
        port = free_port()
        target = {
            "executor": "process",
            "argv": [sys.executable, "-S", str(script), ",".join(flags) or "-", str(port)],
            "start_seconds": 20,
        }
        if health:
            target["health_url"] = f"http://127.0.0.1:{port}/"
        return target | more

    return declare


@pytest.fixture
async def start(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Callable[..., Any]]:
    """Start a gateway in this process; it is stopped at the end of the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(
            targets: dict[str, Any] | None = None,
            *,
            signed: bool = False,
            state: str = "state",
            secrets: Mapping[str, str] | None = None,
            **config: Any,
        ) -> Desk:
            raw: dict[str, Any] = {
                "limits": {"stop_seconds": 0.3},
                "listen": {"port": 0},
                "state_dir": str(tmp_path / state),
                "sources": {"sopbot": {"secret_env": "S"} if signed else {}},
                "targets": targets or {},
            } | config
            checked = read_config(raw, environ={"S": SECRET} | dict(secrets or {}))
            environ = {"PATH": os.environ["PATH"], "T_SECRET": "not for children"}
            gateway = await stack.enter_async_context(
                running(checked, clock=clock, environ=environ)
            )
            session = await stack.enter_async_context(aiohttp.ClientSession())
            client = GatewayClient(
                session,
                url=gateway.url,
                timeout=30,
                source_id="sopbot",
                secret=SECRET if signed else "",
                clock=clock,
            )
            return Desk(gateway, session, client, clock, checked)

        yield begin


def cannot(reason: str) -> None:
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"REQUIRE_SERVICES=1, but {reason}")
    pytest.skip(reason)


def need(*programs: str) -> None:
    """Skip the test if one of these programs is not on this machine."""
    for program in programs:
        if shutil.which(program) is None:
            cannot(f"{program} is not on this machine (make services)")


@pytest.fixture(scope="session")
def mariadb_port() -> Iterator[int]:
    """A real MariaDB of this test run."""
    need("mariadbd", "mariadb-install-db")
    with mariadb_server() as port:
        yield port


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[DockerDaemon]:
    """A real dockerd of our own, without networks, with one image made of a static busybox."""
    try:
        with docker_engine() as docker:
            yield docker
    except EngineUnavailableError as error:
        cannot(str(error))
