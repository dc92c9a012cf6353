"""The executor of Spark on a real master and worker, which `make spark` installs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from bot.remediation.client import GatewayClient
from tests.helpers.spark_cluster import SparkCluster, missing, spark_cluster

from .clusters import call, done

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def cluster() -> Iterator[SparkCluster]:
    if reason := missing():
        pytest.skip(reason)
    with spark_cluster() as running:
        yield running


@pytest.fixture
def patient_desk(start):
    """A gateway, and a client that waits as long as a job of Spark may take."""

    async def begin(cluster: SparkCluster):
        desk = await start({"it": cluster.target()}, state=uuid.uuid4().hex)
        desk.client = GatewayClient(
            desk.session, url=desk.url, timeout=400, source_id="sopbot", secret="", clock=desk.clock
        )
        return desk

    return begin


def running_as(name: str):
    return lambda state: any(
        app["name"] == name and app["state"] == "RUNNING" for app in state["activeapps"]
    )


async def test_a_hung_job_is_seen_killed_and_submitted_again_once(cluster, patient_desk):
    desk = await patient_desk(cluster)
    lock = cluster.folder / "lock-etl.1"
    lock.touch()
    driver = await asyncio.to_thread(cluster.submit, "etl.1", "monday")
    await asyncio.to_thread(cluster.wait, running_as("etl.1"))
    status = await desk.client.execute(call("service.status"), key="s")
    assert "master ALIVE, 1 of 1 workers, 2 of 2 cores used" in status.stdout, status
    assert f"{driver} NightlyEtl: RUNNING" in status.stdout
    assert "REST 3.5." in str((await desk.get("/health"))[1]["targets"]["it"])

    # The page kills an application and leaves its driver; the REST server kills the driver.
    _, killed = await done(desk, call("spark.kill_applications", name="etl.*"))
    assert killed.stdout.endswith(" KILLED"), killed
    assert [row["id"] for row in cluster.state()["activedrivers"]] == [driver]
    resubmit = call("spark.resubmit", job="etl", key="1b", values="day=monday", running="kill")
    plan = await desk.client.plan(resubmit)
    assert f"POST /v1/submissions/kill/{driver}" in plan.steps
    lock.unlink()
    outcome = await desk.client.execute(resubmit, key="k", digest=plan.digest)
    assert (outcome.state, "has ended well" in outcome.stdout) == ("succeeded", True), outcome
    assert (cluster.folder / "rows-monday").read_text() == "3"
    ended = {row["id"]: row["state"] for row in cluster.state()["completeddrivers"]}
    assert ended[driver] in ("KILLED", "FAILED"), ended
    _, repeat = await done(desk, resubmit)
    assert repeat.stdout.startswith("etl.1b has run already as app-"), repeat
    assert len(cluster.state()["completeddrivers"]) == 2, "the repeat submitted nothing"


async def test_a_driver_is_killed_with_its_application(cluster, patient_desk):
    desk = await patient_desk(cluster)
    (cluster.folder / "lock-etl.2").touch()
    driver = await asyncio.to_thread(cluster.submit, "etl.2", "tuesday")
    await asyncio.to_thread(cluster.wait, running_as("etl.2"))
    _, killed = await done(desk, call("spark.kill_drivers", driver=driver))
    assert killed.stdout == f"it: ended 1 driver: {driver} KILLED", killed
    await asyncio.to_thread(cluster.wait, lambda state: not state["activeapps"])
    (cluster.folder / "lock-etl.2").unlink()
    assert not (cluster.folder / "rows-tuesday").exists()


async def test_a_job_that_fails_is_a_failure(cluster, patient_desk):
    desk = await patient_desk(cluster)
    _, outcome = await done(desk, call("spark.resubmit", job="etl", values="day=fail"))
    assert (outcome.state, "ended as FAILED" in outcome.stderr) == ("failed", True), outcome
