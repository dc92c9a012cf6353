"""A real Spark master and worker, and a job whose run waits for a lock that nobody gives back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, State, System
from tests.helpers.spark_cluster import SparkCluster, spark_cluster

_DAY = "monday"


@contextmanager
def spark_jobs() -> Iterator[System]:
    """The cluster, until the block ends."""
    with spark_cluster() as cluster:
        lock, rows = cluster.folder / "lock-etl.1", cluster.folder / f"rows-{_DAY}"

        def hang() -> None:
            """Start a run that waits for ever; another run would not."""
            lock.touch()
            cluster.submit("etl.1", _DAY)
            cluster.wait(lambda state: any(a["state"] == "RUNNING" for a in state["activeapps"]))

        yield System(
            name="spark",
            targets={"nightly-etl": cluster.target()},
            state=lambda: _state(cluster),
            faults=(
                Fault(
                    id="spark-job-hangs",
                    what="The nightly job of Spark hangs",
                    target="nightly-etl",
                    action="spark.resubmit",
                    parameters={"job": "etl", "values": f"day={_DAY}", "running": "kill"},
                    sender="alertmanager",
                    break_it=hang,
                    is_healthy=rows.exists,
                    changes=("spark runs of the job", "spark rows"),
                    clean=lambda: lock.unlink(missing_ok=True),
                ),
            ),
        )


def _state(cluster: SparkCluster) -> State:
    state = cluster.state()
    return {
        "workers": [worker["state"] for worker in state["workers"]],
        "runs of the job": sorted(row["id"] for row in state["activedrivers"]),
        "rows": sorted(path.name for path in cluster.folder.glob("rows-*")),
    }
