"""Changes that end early or unseen: a person cancels, the gateway stops, the system is away."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import OutcomeUnknown
from tests.helpers.airflow_stand_in import SLOW, WIDE
from tests.helpers.waiting import until

from .clusters import call as job_call
from .dags import call as dag_call
from .test_spark import TODAY


async def test_a_person_who_cancels_marks_the_run_failed_and_a_stopping_gateway_does_not(
    airflow, airflow_desk
):
    desk = await airflow_desk(airflow.url, airflow.version, dag=SLOW, conf={})
    working = asyncio.create_task(desk.client.execute(dag_call("airflow.trigger"), key="long"))

    async def progress() -> str:
        _, record = await desk.get("/executions/long")
        return str((record.get("progress") or {}).get("text"))

    await until(lambda: _says(progress, "run running, 0 of 1 tasks ended"))
    status, _ = await desk.post("/executions/long/cancel", {})
    outcome = await working
    (run,) = airflow.runs[SLOW].values()
    assert (status, run["state"], run["tasks"]["sleep"]["state"]) == (202, "failed", "failed")
    assert outcome.stderr.endswith("is failed; 0 of 1 tasks had succeeded"), outcome

    left = asyncio.create_task(desk.client.execute(dag_call("airflow.trigger"), key="left"))
    await until(lambda: len(airflow.runs[SLOW]) == 2)
    await desk.gateway.dispatcher.drain(0)
    with pytest.raises(OutcomeUnknown):
        await left
    assert list(airflow.runs[SLOW].values())[1]["state"] in ("queued", "running")


async def test_a_person_who_cancels_a_clearing_ends_what_was_cleared_and_not_the_whole_run(
    airflow, airflow_desk
):
    run = airflow.add_run(WIDE, "of_somebody")
    run["state"] = "failed"
    run["tasks"]["sleep"]["state"], run["tasks"]["extract"]["state"] = "failed", "running"
    desk = await airflow_desk(airflow.url, airflow.version, dag=WIDE, conf={})
    working = asyncio.create_task(desk.client.execute(dag_call("airflow.clear_run"), key="long"))

    async def is_cancellable() -> bool:
        _, record = await desk.get("/executions/long")
        return bool(record.get("progress"))

    await until(is_cancellable)
    status, _ = await desk.post("/executions/long/cancel", {})
    outcome = await working
    assert (status, run["tasks"]["sleep"]["state"]) == (202, "failed")
    assert [
        path.rpartition("/")[2] for method, path, _ in airflow.changes if method == "PATCH"
    ] == ["sleep"]
    assert "1 of 1 cleared tasks were marked failed: sleep" in outcome.stderr, outcome
    assert "other tasks of run of_somebody go on" in outcome.stderr


async def _says(progress, text: str) -> bool:
    return await progress() == text


@pytest.mark.parametrize("action", ["spark.kill_applications", "spark.resubmit"])
async def test_a_master_that_is_away_for_a_moment_after_a_change_is_asked_again(
    master, spark_desk, action
):
    master.lost_reads = 2
    desk = await spark_desk(master)
    values = {"job": "etl", "key": "1", "values": TODAY}
    if action == "spark.kill_applications":
        values = {"application": master.application("etl.1")}
    outcome = await desk.client.execute(job_call(action, **values), key="k")
    assert (outcome.state, master.lost_reads) == ("succeeded", 0), outcome


async def test_a_gateway_that_stops_does_not_say_that_what_it_told_to_end_was_cancelled(
    master, spark_desk
):
    master.silent = "/app/kill/"
    desk = await spark_desk(master, timeout_seconds=60)
    hung = master.application("etl.1")
    running = asyncio.create_task(
        desk.client.execute(job_call("spark.kill_applications", application=hung), key="k")
    )
    await until(lambda: master.requests, why="the kill was sent")
    await desk.gateway.dispatcher.drain(0)
    outcome = await running
    assert (outcome.state, outcome.error_code) == ("escalate", "OUTCOME_UNKNOWN")
    assert f"{hung}. The gateway did not see whether they ended" in outcome.error
