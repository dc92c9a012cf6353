"""The executor of Airflow on real servers of both versions, which `make airflow` installs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from bot.remediation.client import GatewayClient
from tests.helpers.airflow_real import RealAirflow, missing, real_airflow
from tests.helpers.airflow_stand_in import SLOW
from tests.helpers.waiting import until

from .dags import call

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module", params=[2, 3])
def real(request) -> Iterator[RealAirflow]:
    if reason := missing(request.param):
        pytest.skip(reason)
    with real_airflow(request.param) as running:
        yield running


@pytest.fixture
def real_desk(real, airflow_desk):
    """A gateway, and a client that waits as long as a run may take."""

    async def begin(**changes):
        slow = {"timeout_seconds": 60, "wait_seconds": 400} | changes
        desk = await airflow_desk(real.url, real.version, **slow)
        desk.client = GatewayClient(
            desk.session, url=desk.url, timeout=500, source_id="sopbot", secret="", clock=desk.clock
        )
        return desk

    return begin


def key() -> str:
    return uuid.uuid4().hex


async def test_a_real_run_fails_is_read_is_cleared_and_succeeds(real, real_desk):
    desk = await real_desk()
    real.broken.touch()
    trigger = call("airflow.trigger", conf="region=us,days=3")
    failed = await desk.client.execute(trigger, key=key())
    assert (failed.state, "Failed: load (failed, try 1)" in failed.stderr) == ("failed", True)
    log = await desk.client.execute(call("service.logs", lines=500), key=key())
    assert "the warehouse is not there" in log.stdout, log
    assert "'region': 'us', 'days': 3" in log.stdout
    status = await desk.client.execute(call("service.status"), key=key())
    assert "load (failed, try 1), report (upstream_failed, try 0)" in status.stdout, status

    real.broken.unlink()
    clear = call("airflow.clear_task", task="load")
    plan = await desk.client.plan(clear)
    assert plan.touches[0].startswith("2 tasks of run sopbot__"), plan
    done = await desk.client.execute(clear, key=key(), digest=plan.digest)
    assert (done.state, "success, 3 of 3 tasks ended" in done.stdout) == ("succeeded", True), done
    nothing = await desk.client.execute(call("airflow.clear_run"), key=key())
    assert (nothing.error_code, nothing.nothing_ran) == ("NO_OBJECT", True), nothing
    runs = await desk.client.execute(call("airflow.runs"), key=key())
    assert len(runs.stdout.splitlines()) == 1, "one run for all of it"


async def test_a_real_dag_is_paused_and_unpaused(real, real_desk):
    desk = await real_desk()
    paused = await desk.client.execute(call("airflow.pause"), key=key())
    assert paused.stdout == "it is paused", paused
    refused = await desk.client.execute(call("airflow.trigger"), key=key())
    assert (refused.nothing_ran, "is paused" in refused.error) == (True, True)
    undone = await desk.client.execute(call("airflow.unpause"), key=key())
    assert undone.stdout == "it is active", undone


async def test_a_real_run_that_is_cancelled_is_failed_afterwards(real, real_desk):
    if real.version == 2:  # the documented role sees one DAG only
        desk = await real_desk(dag=SLOW, conf={})
        with pytest.raises(Exception, match="403"):
            await desk.client.plan(call("airflow.trigger"))
        return
    desk = await real_desk(dag=SLOW, conf={})
    working = asyncio.create_task(desk.client.execute(call("airflow.trigger"), key="long"))

    async def is_running() -> bool:
        _, record = await desk.get("/executions/long")
        return "run running" in str(record.get("progress"))

    await until(is_running, seconds=200)
    status, _ = await desk.post("/executions/long/cancel", {})
    outcome = await working
    assert (status, "is failed; 0 of 1 tasks" in outcome.stderr) == (202, True), outcome


async def test_a_real_airflow_refuses_another_password(real, real_desk):
    desk = await real_desk(password="not-the-one-of-the-gateway")
    refused = await desk.client.execute(call("airflow.pause"), key=key())
    assert (refused.error_code, refused.nothing_ran) == ("TARGET_UNREACHABLE", True), refused
