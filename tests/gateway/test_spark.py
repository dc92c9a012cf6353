"""Applications, drivers and jobs of Spark, against a stand-in that remembers."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from bot.errors import GatewayRejected, OutcomeUnknown
from tests.helpers.spark_standin import JOB, SPARK
from tests.helpers.waiting import until

from .clusters import call, done, tried

TODAY = "date=2026-01-02"


async def read(desk, action: str) -> str:
    return (await desk.client.execute(call(action), key=uuid.uuid4().hex)).stdout


async def test_the_state_of_the_cluster_is_read_and_nothing_is_sent(master, spark_desk):
    desk = await spark_desk(master)
    application, driver = master.application("etl.1"), master.driver("shop.Etl", minutes=2)
    status = await read(desk, "service.status")
    assert status.startswith("it: master ALIVE, 1 of 2 workers, 2 of 4 cores used, 1.0 GiB of 4.0")
    assert f"{application} etl.1 of etl: RUNNING for 5400 s, 2 cores, 1.0 GiB for each" in status
    assert f"{driver} shop.Etl: RUNNING for 12" in status
    assert "worker-2: DEAD" in status
    stats = await read(desk, "service.stats")
    assert "worker-1: ALIVE, 2 of 4 cores, 1.0 GiB of 4.0 GiB" in stats
    assert master.requests == []


@pytest.mark.attack("ASI02")
async def test_one_declared_application_is_killed_and_no_other(master, spark_desk):
    desk = await spark_desk(master)
    hung, other = master.application("etl.7"), master.application("ledger")
    plan = await desk.client.plan(call("spark.kill_applications", name="etl.*", min_seconds=3600))
    assert plan.touches[0] == "1 application"
    assert plan.steps[0] == f"POST /app/kill/?id={hung}&terminate=true"
    assert (plan.inverse, plan.cancellable, master.requests) == (None, True, [])
    outcome = await desk.client.execute(
        call("spark.kill_applications", name="etl.*", min_seconds=3600), key="k", digest=plan.digest
    )
    assert outcome.stdout == f"it: ended 1 application: {hung} KILLED", outcome
    assert [row["id"] for row in master.applications] == [other]
    assert [path for path, _ in master.requests] == [f"/app/kill/?id={hung}&terminate=true"]
    _, repeat = await done(desk, call("spark.kill_applications", name="etl.*"))
    assert repeat.stdout == "it: no application matches, nothing to kill"
    assert len(master.requests) == 1


@pytest.mark.attack("ASI02", "ASI03")
async def test_a_kill_outside_the_declaration_or_the_limit_is_refused(master, spark_desk):
    desk = await spark_desk(master)
    ledger = master.application("ledger")
    brackets = master.application("report [daily] 1")
    master.application("report d 1")  # what `[daily]` would mean to a shell
    _, killed = await done(desk, call("spark.kill_applications", name="report*"))
    assert f"1 application: {brackets} KILLED" in killed.stdout
    for parameters in (
        {}, {"application": ledger}, {"application": "app-20260101120000-9999"},
        {"application": f"{ledger}&id=app-20260101120000-0002"}, {"application": "../json"},
        {"application": "*"}, {"application": None}, {"name": 5}, {"min_seconds": -1},
        {"name": "*", "application": ledger, "min_seconds": 10**9},
    ):  # fmt: skip
        refused = await tried(desk, call("spark.kill_applications", **parameters))
        assert refused is None or refused.nothing_ran, parameters
    with pytest.raises(GatewayRejected, match="ledger, and no such name is declared") as outside:
        await desk.client.plan(call("spark.kill_applications", application=ledger))
    assert outside.value.status == 422
    master.application("etl.1")
    master.application("etl.2")
    two = await tried(desk, call("spark.kill_applications", name="*", min_seconds=60))
    assert (two.error_code, two.nothing_ran) == ("TOO_MUCH", True)
    assert len(master.requests) == 1


async def test_a_driver_is_killed_by_the_rest_server(master, spark_desk):
    desk = await spark_desk(master)
    driver, other = master.driver("shop.Etl"), master.driver("org.Thrift")
    plan, outcome = await done(desk, call("spark.kill_drivers", driver=driver))
    assert plan.request.path == f"/v1/submissions/kill/{driver}"
    assert outcome.stdout == f"it: ended 1 driver: {driver} KILLED"
    refused = await tried(desk, call("spark.kill_drivers", driver=other))
    assert (refused.nothing_ran, len(master.requests)) == (True, 1)


async def test_a_job_that_ended_or_came_between_plan_and_kill_is_another_plan(master, spark_desk):
    desk = await spark_desk(master, max_kills=5)
    first = master.application("etl.1")
    action = call("spark.kill_applications", name="etl.*")
    plan = await desk.client.plan(action)
    master.application("etl.2")
    with pytest.raises(GatewayRejected, match="not the approved one"):
        await desk.client.execute(action, key="a", digest=plan.digest)
    master.end(first, "FINISHED")
    with pytest.raises(GatewayRejected, match="not the approved one"):
        await desk.client.execute(action, key="b", digest=plan.digest)
    assert master.requests == []


async def test_a_page_whose_kill_button_is_off_is_a_failure_and_not_a_success(master, spark_desk):
    master.kills = False
    desk = await spark_desk(master, kill_seconds=0.3)
    hung = master.application("etl.1")
    _, outcome = await done(desk, call("spark.kill_applications", application=hung))
    assert (outcome.state, f"still there: {hung}" in outcome.stderr) == ("failed", True), outcome


async def test_a_kill_that_is_cancelled_says_what_it_had_asked_for(master, spark_desk):
    master.kills = False
    desk = await spark_desk(master, kill_seconds=60)
    hung = master.application("etl.1")
    running = asyncio.create_task(
        desk.client.execute(call("spark.kill_applications", application=hung), key="k")
    )
    await until(lambda: master.requests, why="the kill was sent")
    await until(lambda: _cancelled(desk), why="the cancel was taken")
    outcome = await running
    assert (outcome.state, f"Asked for the end of: {hung}" in outcome.stderr) == ("failed", True)


async def test_a_kill_that_is_cancelled_before_its_answer_may_have_been_done_and_says_so(
    master, spark_desk
):
    master.silent = "/app/kill/"
    desk = await spark_desk(master, timeout_seconds=60)
    hung = master.application("etl.1")
    running = asyncio.create_task(
        desk.client.execute(call("spark.kill_applications", application=hung), key="k")
    )
    await until(lambda: master.requests, why="the kill was sent")
    await until(lambda: _cancelled(desk), why="the cancel was taken")
    assert f"Asked for the end of: {hung}" in (await running).stderr


async def test_a_gateway_that_stops_leaves_a_submitted_job_alone(master, spark_desk):
    desk = await spark_desk(master, jobs={"etl": JOB | {"until": "finished", "seconds": 60}})
    running = asyncio.create_task(
        desk.client.execute(call("spark.resubmit", job="etl", key="1", values=TODAY), key="k")
    )
    await until(lambda: master.applications, why="it runs")
    await desk.gateway.dispatcher.drain(0)
    with pytest.raises(OutcomeUnknown):
        await running
    assert [path for path, _ in master.requests] == ["/v1/submissions/create"]


async def _cancelled(desk) -> bool:
    status, _ = await desk.post("/executions/k/cancel", {"source_id": "sopbot"})
    return status < 300


async def test_a_declared_job_is_submitted_exactly_as_planned_and_awaited(master, spark_desk):
    desk = await spark_desk(master)
    action = call("spark.resubmit", job="etl", key="2026-01-02", values=f"{TODAY} mode=full")
    plan = await desk.client.plan(action)
    assert plan.display == "submit etl.2026-01-02 (shop.Etl) to spark://master:7077"
    assert '"appArgs":["--date=2026-01-02","full","2026-01-02"]' in plan.steps[0]
    assert master.requests == [], "a plan changes nothing"
    outcome = await desk.client.execute(action, key="k", digest=plan.digest)
    assert (outcome.state, "and runs: app-" in outcome.stdout) == ("succeeded", True), outcome
    path, sent = master.requests[0]
    assert (path, sent) == ("/v1/submissions/create", plan.binding["request"])
    assert sent["environmentVariables"] == {"REGION": "eu"}
    assert sent["sparkProperties"] == {
        "spark.executor.memory": "2g",
        "spark.app.name": "etl.2026-01-02",
        "spark.master": "spark://master:7077",
        "spark.jars": "hdfs://nn/etl.jar",
        "spark.submit.deployMode": "cluster",
    }


async def test_a_run_of_the_same_key_is_found_and_not_submitted_again(master, spark_desk):
    desk = await spark_desk(master)
    action = call("spark.resubmit", job="etl", key="7", values=TODAY)
    await done(desk, action)
    plan, running = await done(desk, action)
    assert running.stdout.startswith("etl.7 runs already as app-"), running
    assert plan.steps[0].startswith("nothing: ")
    other = await tried(desk, call("spark.resubmit", job="etl", key="8", values=TODAY))
    assert (other.nothing_ran, "A run of etl is there" in other.error) == (True, True), other
    master.end(master.drivers[0]["id"], "FINISHED")
    _, ended = await done(desk, action)
    assert ended.stdout.startswith("etl.7 has run already as app-"), ended
    master.ended_applications[-1]["state"] = "KILLED"
    killed = await tried(desk, action)
    assert (killed.nothing_ran, "Give the new run a new key" in killed.error) == (True, True)
    assert len(master.requests) == 1


async def test_a_hung_run_is_killed_and_the_job_submitted_again(master, spark_desk):
    master.ends_as = "FINISHED"
    desk = await spark_desk(master, jobs={"etl": JOB | {"until": "finished"}})
    driver, application = master.driver("shop.Etl"), master.application("etl.1")
    other = master.driver("shop.Ledger")
    action = call("spark.resubmit", job="etl", values=TODAY, running="kill")
    plan = await desk.client.plan(action)
    assert plan.steps[:2] == (
        f"POST /v1/submissions/kill/{driver}",
        f"POST /app/kill/?id={application}&terminate=true",
    )
    assert "kills 2 jobs first" in plan.touches
    assert plan.steps[2] == "wait up to 10 s until they have ended", "5 for each of the two kinds"
    assert plan.deadline_seconds >= JOB["seconds"] + 10 + len(plan.steps) * SPARK["timeout_seconds"]
    outcome = await desk.client.execute(action, key="k", digest=plan.digest)
    assert (outcome.state, "has ended well" in outcome.stdout) == ("succeeded", True), outcome
    assert [row["id"] for row in master.drivers] == [other]
    assert [path.split("?")[0].split("/")[-2:] for path, _ in master.requests] == [
        ["kill", driver], ["kill", ""], ["submissions", "create"],
    ]  # fmt: skip
    later = await desk.client.plan(action)
    assert later.binding["request"] != plan.binding["request"], "a key of its own for each run"


async def test_a_run_that_cannot_be_killed_keeps_the_job_from_being_submitted(master, spark_desk):
    master.kills = False
    desk = await spark_desk(master, kill_seconds=0.3)
    application = master.application("etl.1")
    _, outcome = await done(desk, call("spark.resubmit", job="etl", values=TODAY, running="kill"))
    assert f"still there: {application}" in outcome.stderr, outcome
    assert "was not submitted" in outcome.stderr
    assert all("create" not in path for path, _ in master.requests)


async def test_a_job_that_fails_or_never_runs_is_a_failure_with_its_reason(master, spark_desk):
    master.ends_as = "FAILED"
    desk = await spark_desk(master, jobs={"etl": JOB | {"until": "finished"}})
    _, outcome = await done(desk, call("spark.resubmit", job="etl", values=TODAY))
    assert outcome.state == "failed"
    assert "ended as FAILED. Exception from the cluster: Boom" in outcome.stderr, outcome
    master.refuses = "Can only accept driver submissions in ALIVE state"
    refused = await tried(desk, call("spark.resubmit", job="etl", values=TODAY))
    assert (refused.nothing_ran, "ALIVE state" in refused.error) == (True, True), refused
    master.refuses, master.ends_as = "", ""
    slow = await spark_desk(master, jobs={"etl": JOB | {"until": "finished", "seconds": 0.3}})
    _, late = await done(slow, call("spark.resubmit", job="etl", values=TODAY))
    assert (late.state, "does not end after 0.3 s" in late.stderr) == ("failed", True), late


async def test_a_submission_that_is_cancelled_is_killed_again(master, spark_desk):
    desk = await spark_desk(master, jobs={"etl": JOB | {"until": "finished", "seconds": 60}})
    running = asyncio.create_task(
        desk.client.execute(call("spark.resubmit", job="etl", key="1", values=TODAY), key="k")
    )
    await until(lambda: master.applications, why="it runs")
    await until(lambda: _cancelled(desk), why="the cancel was taken")
    outcome = await running
    assert "was told to end" in outcome.stderr, outcome
    assert (master.drivers, master.applications) == ([], [])


@pytest.mark.attack("ASI02", "ASI05")
async def test_values_that_do_not_fit_their_parameters_submit_nothing(master, spark_desk):
    desk = await spark_desk(master)
    for parameters in (
        {"job": "etl"}, {"job": "etl", "values": "date=tomorrow"}, {"job": "other"},
        {"job": "etl", "values": f"{TODAY} mode=--conf"}, {"job": "etl", "values": f"{TODAY} x=1"},
        {"job": "etl", "values": f"{TODAY} date"}, {"job": "etl", "values": TODAY, "key": "a/b"},
        {"job": "etl", "values": TODAY, "key": "a.b"}, {"job": "etl", "values": {"date": "x"}},
        {"job": "etl", "values": TODAY, "running": "kill all"}, {"job": "e" * 200},
    ):  # fmt: skip
        refused = await tried(desk, call("spark.resubmit", **parameters))
        assert refused is None or refused.nothing_ran, parameters
    master.driver("shop.Etl")
    narrow = await spark_desk(master, main_classes=["shop.Other"])
    refused = await tried(narrow, call("spark.resubmit", job="etl", values=TODAY, running="kill"))
    assert refused.nothing_ran, "a run that may not be killed is not replaced"
    assert master.requests == []


async def test_more_runs_than_may_be_killed_at_once_are_not_replaced(master, spark_desk):
    resubmit = call("spark.resubmit", job="etl", values=TODAY, running="kill")
    master.driver("shop.Etl")
    master.driver("shop.Etl")
    desk = await spark_desk(master, main_classes=["shop.Etl"], max_kills=1)
    refused = await tried(desk, resubmit)
    assert (refused.error_code, refused.nothing_ran) == ("TOO_MUCH", True), refused
    assert master.requests == []


@pytest.mark.attack("ASI03")
async def test_a_wrong_token_and_a_hostile_answer_are_named_and_nothing_runs(
    master, spark_desk, tmp_path
):
    token = tmp_path / "token"
    token.write_text("right")
    master.token = "right"
    application = master.application("etl.1")
    desk = await spark_desk(master, token_file=str(token))
    assert "master ALIVE" in await read(desk, "service.status")
    action = call("spark.kill_applications", application=application)
    token.write_text("wrong")
    wrong = await tried(await spark_desk(master, token_file=str(token)), action)
    assert (wrong.error_code, "401" in wrong.error) == ("TARGET_UNREACHABLE", True), wrong
    master.token = ""
    for answer in (
        {}, {"status": "STANDBY"}, {"status": "ALIVE"}, [], "ALIVE",
        {"status": "ALIVE", "url": 1, "workers": 2, "cores": "many"},
    ):  # fmt: skip
        master.answer = answer
        refused = await tried(desk, action)
        assert (refused.error_code, refused.nothing_ran) == ("TARGET_UNREACHABLE", True), answer
    _, health = await desk.get("/health")
    assert "cannot be read" in str(health["targets"]["it"]), health
    master.answer = {
        "status": "ALIVE", "url": "spark://it:7077", "activeapps": [], "activedrivers": [],
        "workers": [{"state": "DEAD"}],
    }  # fmt: skip
    for action_id in ("service.status", "service.stats"):
        unread = await tried(desk, call(action_id))
        assert "cannot be read" in unread.error, unread
    assert master.requests == []


async def test_an_answer_that_is_lost_after_sending_is_an_unknown_outcome(master, spark_desk):
    desk = await spark_desk(master)
    application = master.application("etl.1")
    master.broken = "/app/kill/"
    unknown = await tried(desk, call("spark.kill_applications", application=application))
    assert unknown.error_code == "OUTCOME_UNKNOWN", unknown
    master.applications.clear()
    master.broken = "/create"
    unknown = await tried(desk, call("spark.resubmit", job="etl", key="1", values=TODAY))
    assert unknown.error_code == "OUTCOME_UNKNOWN", unknown
    master.broken = "/json/"
    unread = await tried(desk, call("service.status"))
    assert (unread.error_code, unread.nothing_ran) == ("TARGET_UNREACHABLE", True)
