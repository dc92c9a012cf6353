"""A real Airflow 3 with two DAGs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, State, System
from tests.helpers.airflow_real import RealAirflow, real_airflow
from tests.helpers.airflow_stand_in import DAG, PASSWORD, SLOW, USER

_RUN_SECONDS = 120


@contextmanager
def airflow() -> Iterator[System]:
    """One DAG whose run fails while its source is away, and one that was left paused."""
    with real_airflow(3) as real:
        yield System(
            name="airflow",
            targets={
                dag: {
                    "executor": "airflow", "version": 3, "url": real.url, "private": True,
                    "dag": dag, "user": USER, "password_env": "FAULTS_AIRFLOW",
                }
                for dag in (DAG, SLOW)
            },
            environment={"FAULTS_AIRFLOW": PASSWORD},
            state=lambda: _state(real),
            faults=(
                Fault(
                    id="airflow-run-failed",
                    what="The nightly load failed while its source was away",
                    target=DAG,
                    sender="airflow",
                    action="airflow.clear_task",
                    parameters={"task": "load"},
                    break_it=lambda: _fail(real),
                    is_healthy=lambda: _states(real, DAG) == {"success"},
                    changes=(f"airflow run {DAG}/*",),
                ),
                Fault(
                    id="airflow-left-paused",
                    what="A DAG was left paused after maintenance",
                    target=SLOW,
                    sender="grafana",
                    action="airflow.unpause",
                    break_it=lambda: _pause(real, SLOW),
                    is_healthy=lambda: not real.ask("GET", f"/dags/{SLOW}")["is_paused"],
                    changes=(f"airflow paused {SLOW}",),
                ),
            ),
        )  # fmt: skip


def _states(real: RealAirflow, dag: str) -> set[str]:
    return {run["state"] for run in real.ask("GET", f"/dags/{dag}/dagRuns")["dag_runs"]}


def _state(real: RealAirflow) -> State:
    state: State = {}
    for dag in (DAG, SLOW):
        state[f"paused {dag}"] = real.ask("GET", f"/dags/{dag}")["is_paused"]
        for run in real.ask("GET", f"/dags/{dag}/dagRuns")["dag_runs"]:
            state[f"run {dag}/{run['dag_run_id']}"] = run["state"]
    return state


def _fail(real: RealAirflow) -> None:
    """Let a run fail, and bring its source back."""
    real.broken.touch()
    real.ask("POST", f"/dags/{DAG}/dagRuns", {"logical_date": None})
    end = time.monotonic() + _RUN_SECONDS
    while _states(real, DAG) != {"failed"} and time.monotonic() < end:
        time.sleep(0.5)
    real.broken.unlink()


def _pause(real: RealAirflow, dag: str) -> None:
    real.ask("PATCH", f"/dags/{dag}?update_mask=is_paused", {"is_paused": True})
