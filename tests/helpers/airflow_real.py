"""A real Airflow 2 or 3 with its API server and scheduler, which `make airflow` installs."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.airflow_stand_in import PASSWORD, TASKS, USER
from tests.helpers.databases import read_rows
from tests.helpers.ports import kept_port

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 240
_DAGS = """
import os, time
from datetime import datetime
from pathlib import Path
try:
    from airflow.sdk import DAG
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:
    from airflow import DAG
    from airflow.operators.python import PythonOperator

BROKEN = Path(os.environ["AIRFLOW_HOME"]) / "broken"

def load(**context):
    print("conf is", context["dag_run"].conf)
    if BROKEN.exists():
        raise RuntimeError("the warehouse is not there")

COMMON = {"schedule": None, "start_date": datetime(2024, 1, 1), "catchup": False}
with DAG("etl_daily", **COMMON):
    steps = [
        PythonOperator(task_id=name, python_callable=load if name == "load" else lambda: None)
        for name in ("extract", "load", "report")
    ]
    steps[0] >> steps[1] >> steps[2]
with DAG("slow_one", **COMMON):
    PythonOperator(task_id="sleep", python_callable=lambda: time.sleep(600))
"""
# Airflow 2 keeps its roles in its database; its own commands would each take some seconds.
_ROLE = """
import json, sys
from airflow.www.app import create_app
app = create_app()
with app.app_context():
    manager = app.appbuilder.sm
    role = manager.add_role("sopbot-gateway")
    for resource, actions in json.loads(sys.argv[1]):
        for action in actions:
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    manager.add_user(sys.argv[2], "a", "b", "a@example.com", role, password=sys.argv[3])
"""


@dataclass(frozen=True)
class RealAirflow:
    """Its address, its version, and the file that makes the task `load` fail."""

    version: int
    url: str
    broken: Path

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API of Airflow 3 as a person would; returns the answer's JSON."""
        login = {"username": USER, "password": PASSWORD}
        token = _sent("POST", f"{self.url}/auth/token", login)["access_token"]
        return _sent(method, f"{self.url}/api/v2{path}", body, Authorization=f"Bearer {token}")


def _sent(method: str, url: str, body: Any, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(  # noqa: S310 - our own address
        url, data=data, headers=headers, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def missing(version: int) -> str:
    """Return why this Airflow cannot be started, '' if it can."""
    there = (_ROOT / ".airflow" / str(version) / "bin" / "airflow").exists()
    return "" if there else f"Airflow {version} is not installed (make airflow)"


def documented_rights() -> list[tuple[str, list[str]]]:
    """Return what the docs give to the gateway's role: a resource, and the actions on it."""
    page = (_ROOT / "docs" / "gateway-systems.md").read_text("utf-8")
    lines = [line for line in page.splitlines() if line.startswith("airflow roles add-perms")]
    argvs = [shlex.split(line) for line in lines]
    return [(line[5], line[7:]) for line in argvs]


@contextmanager
def real_airflow(version: int) -> Iterator[RealAirflow]:
    """Start it with the DAGs of the stand-in and the documented rights, until the block ends."""
    home = Path(tempfile.mkdtemp(prefix=f"sopbot-airflow-{version}-"))
    try:
        with ExitStack() as stack:
            port = stack.enter_context(kept_port())
            (home / "dags").mkdir()
            (home / "dags" / "shop.py").write_text(_DAGS)
            (home / "passwords.json").write_text(json.dumps({USER: PASSWORD}))
            environment = _environment(version, home, port)
            programs = _ROOT / ".airflow" / str(version) / "bin"
            _run([str(programs / "airflow"), "db", "migrate"], environment)
            if version == 2:
                rights = json.dumps(documented_rights())
                python = str(programs / "python")
                _run([python, "-c", _ROLE, rights, USER, PASSWORD], environment)
            served = [("webserver",)] if version == 2 else [("api-server",), ("dag-processor",)]
            for name, *options in (*served, ("scheduler", "--skip-serve-logs")):
                argv = [str(programs / "airflow"), name, *options]
                stack.enter_context(_program(argv, environment, home / f"{name}.log"))
            made = RealAirflow(version, f"http://127.0.0.1:{port}", home / "broken")
            _await(made, home)
            yield made
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _environment(version: int, home: Path, port: int) -> dict[str, str]:
    common = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "PATH": f"{_ROOT / '.airflow' / str(version) / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
    }
    if version == 2:
        return common | {
            "AIRFLOW__API__AUTH_BACKENDS": (
                "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth"
            ),
            "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
            "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
            "AIRFLOW__WEBSERVER__WORKERS": "1",
            "AIRFLOW__WEBSERVER__SECRET_KEY": "a key of the tests",
        }
    return common | {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:user",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests that is long enough " * 3,
    }


def _run(argv: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{argv[:3]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def _program(argv: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run a program with the processes that it starts, as a group that is ended with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            cwd=log.parent, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(20)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue


def _await(made: RealAirflow, home: Path) -> None:
    """Wait until the API answers and the scheduler has read the DAGs."""
    end = time.monotonic() + _START_SECONDS
    database = home / "airflow.db"
    while time.monotonic() < end:
        try:
            path = f"/api/v{made.version - 1}/version"
            urllib.request.urlopen(made.url + path, timeout=10).close()  # noqa: S310
            if len(read_rows(database, "SELECT dag_id FROM serialized_dag")) == len(TASKS):
                return
        except (OSError, sqlite3.Error):
            pass
        time.sleep(0.5)
    logs = "\n".join(log.read_text(errors="replace")[-1500:] for log in home.glob("*.log"))
    raise RuntimeError(f"Airflow {made.version} does not start: {logs}")
