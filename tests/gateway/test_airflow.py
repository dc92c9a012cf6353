"""DAGs of Airflow 2 and 3, against a stand-in of both REST APIs whose scheduler does its work.

test_real_airflow.py runs the same on the real packages, where `make airflow` has installed them.
"""

from __future__ import annotations

import uuid

import pytest

from bot.errors import GatewayRejected, GatewayUnavailable
from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from bot.remediation.contract import OUTCOME_UNKNOWN
from tests.helpers.airflow_stand_in import DAG, PASSWORD, SLOW

from .dags import call


def key() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def failed_run(airflow):
    airflow.broken = True
    airflow.add_run(DAG, "scheduled__2026-11-27T00:00:00+00:00")
    airflow.finish(DAG, "scheduled__2026-11-27T00:00:00+00:00")
    return "scheduled__2026-11-27T00:00:00+00:00"


async def test_a_failed_task_and_those_after_it_run_again_and_the_run_is_awaited(
    airflow, failed_run, airflow_desk
):
    desk = await airflow_desk(airflow.url, airflow.version)
    clear = call("airflow.clear_task", task="load")
    plan = await desk.client.plan(clear)
    touched = "load (failed, try 1), report (upstream_failed, try 0)"
    assert plan.touches == (f"2 tasks of run {failed_run}: {touched}",)
    assert f'"dag_run_id": "{failed_run}"' in plan.steps[0]
    assert (airflow.changes, plan.inverse, plan.cancellable) == ([], None, True)

    still = await desk.client.execute(clear, key=key(), digest=plan.digest)
    assert (still.state, "Failed: load (failed, try 2)" in still.stderr) == ("failed", True), still
    airflow.broken = False
    second = await desk.client.execute(clear, key="again")
    line = f"it: run {failed_run}: success, 3 of 3 tasks ended"
    assert (second.state, second.stdout) == ("succeeded", line), second
    assert airflow.runs[DAG][failed_run]["tasks"]["extract"]["try_number"] == 1
    assert (await desk.client.execute(clear, key="again")).stdout == line
    nothing = await desk.client.execute(clear, key=key())
    assert (nothing.error_code, nothing.nothing_ran) == ("NO_OBJECT", True)
    assert len(airflow.changes) == 2


async def test_a_default_that_a_caller_writes_out_means_the_same(airflow, failed_run, airflow_desk):
    desk = await airflow_desk(airflow.url, airflow.version)
    for action, values in (
        ("airflow.clear_task", {"task": "load", "run": ""}),
        ("airflow.clear_run", {"run": "", "only_failed": True}),
    ):
        plan = await desk.client.plan(call(action, **values))
        assert plan.touches[0].startswith(f"2 tasks of run {failed_run}"), plan
    log = {"task": "load", "run": "", "attempt": 0, "index": -1, "lines": 1}
    read = await desk.client.execute(call("airflow.task_log", **log), key=key())
    assert "the warehouse is not there" in read.stdout, read
    assert await desk.client.plan(call("airflow.trigger", conf=""))


async def test_a_run_is_cleared_whole_only_if_asked_and_within_the_declared_number(
    airflow, failed_run, airflow_desk
):
    desk = await airflow_desk(airflow.url, airflow.version, max_tasks=2)
    airflow.broken = False
    whole = call("airflow.clear_run", run=failed_run, only_failed=False)
    refused = await desk.client.execute(whole, key=key())
    assert (refused.error_code, refused.nothing_ran) == ("TOO_MUCH", True)
    failed = await desk.client.execute(call("airflow.clear_run"), key=key())
    assert failed.state == "succeeded", failed
    tries = [task["try_number"] for task in airflow.runs[DAG][failed_run]["tasks"].values()]
    assert tries == [1, 2, 1]


async def test_tasks_that_changed_since_the_plan_are_not_cleared(airflow, failed_run, airflow_desk):
    desk = await airflow_desk(airflow.url, airflow.version)
    clear = call("airflow.clear_task", task="load")
    plan = await desk.client.plan(clear)
    airflow.runs[DAG][failed_run]["tasks"]["load"]["try_number"] = 2  # somebody else tried
    with pytest.raises(GatewayRejected, match="not the approved one"):
        await desk.client.execute(clear, key=key(), digest=plan.digest)
    airflow.clears_every_run = True
    other = airflow.add_run(DAG, "manual__other")
    airflow.finish(DAG, "manual__other")
    for run in (failed_run, "manual__other"):
        refused = await desk.client.execute(call("airflow.clear_run", run=run), key=key())
        assert (refused.nothing_ran, "other runs" in refused.error) == (True, True), refused
    assert (airflow.changes, other["state"]) == ([], "failed")


async def test_a_new_run_has_the_declared_values_and_an_id_made_of_the_key(airflow, airflow_desk):
    desk = await airflow_desk(airflow.url, airflow.version)
    trigger = call("airflow.trigger", conf="region=us,days=3")
    plan = await desk.client.plan(trigger)
    assert plan.touches == (f"a new run of {DAG}: 3 tasks",)
    assert '"conf": {"region": "us", "days": 3, "day": "2026-01-01"}' in plan.steps[0]
    done = await desk.client.execute(trigger, key="one", digest=plan.digest)
    assert done.state == "succeeded", done
    (run_id,) = airflow.runs[DAG]
    assert airflow.runs[DAG][run_id]["conf"] == {"region": "us", "days": 3, "day": "2026-01-01"}
    assert (run_id in done.stdout, run_id.startswith("sopbot__")) == (True, True)
    # A gateway that has lost its journal makes no second run for the same key either.
    for each in (desk, await airflow_desk(airflow.url, airflow.version)):
        repeat = await each.client.execute(trigger, key="one", digest=plan.digest)
        assert repeat.stdout == done.stdout, repeat
    assert list(airflow.runs[DAG]) == [run_id]
    airflow.lose_answer_of = "POST dagRuns"
    unanswered = await desk.client.execute(trigger, key="two")
    assert (unanswered.state, len(airflow.runs[DAG])) == ("succeeded", 2), unanswered
    airflow.broken = True
    broken = await desk.client.execute(trigger, key="three")
    assert (broken.state, "Failed: load (failed, try 1)" in broken.stderr) == ("failed", True)


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "conf",
    [
        *("region=mars", "region", "region=", "=eu", "days=0", "days=10", "days=1.5", "days=true"),
        *("days=९", "day=2026-1-1", "day=2026-01-01;ls", "day=2026-01-01\n", "region=eu,region=us"),
        *("dag_run_id=x", "region=eu days=2", '{"region":"eu"}', "region=eu\0", "REGION=eu", ","),
    ],
)
async def test_a_value_that_was_not_declared_so_starts_no_run(airflow, airflow_desk, conf):
    desk = await airflow_desk(airflow.url, airflow.version)
    if conf == ",":
        assert await desk.client.plan(call("airflow.trigger", conf=conf))
        return
    with pytest.raises((GatewayRejected, ValueError)):
        await desk.client.plan(call("airflow.trigger", conf=conf))
    refused = await desk.client.execute(call("airflow.trigger", conf=conf), key=key())
    assert (refused.nothing_ran, airflow.changes) == (True, []), refused


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "name",
    [
        *("..", ".", "../slow_one", "load/../../..", "load%2F..", "%2e%2e", "load?x=1", "load#x"),
        *("", " load", "load ", "load\n", "l\u043ead", "load;drop", "load,report", "*", "~", "-"),
        *("x" * 251, None, ["load"], {"load": 1}, "dagRuns/manual__1", "load\0"),
    ],
)
async def test_an_id_that_is_no_task_or_run_of_the_dag_changes_nothing(
    airflow, failed_run, airflow_desk, name
):
    desk = await airflow_desk(airflow.url, airflow.version)
    calls = [call("airflow.clear_task", task=name), call("airflow.clear_run", run=name)]
    if name == "":
        calls = calls[:1]  # without a run it is the newest failed one
    calls.append(call("airflow.task_log", task="load", run=name or ".."))
    for hostile in calls:
        try:
            refused = await desk.client.execute(hostile, key=key())
        except (GatewayRejected, ValueError):
            continue
        assert refused.state != "succeeded", (name, refused)
    assert airflow.changes == []
    below = f"/api/v{airflow.version - 1}/dags/{DAG}"
    paths = [line.split(" ")[1] for line in airflow.requests if "auth" not in line]
    assert all(path.startswith(below) and ".." not in path for path in paths), paths


async def test_a_dag_is_paused_and_unpaused_again(airflow, airflow_desk):
    desk = await airflow_desk(airflow.url, airflow.version)
    plan = await desk.client.plan(call("airflow.pause"))
    assert plan.display.endswith(f"/dags/{DAG}?update_mask=is_paused")
    assert (plan.inverse.id, plan.touches[0]) == (
        "airflow.unpause",
        f"DAG {DAG}: active, 0 of its last runs go on",
    )
    done = await desk.client.execute(call("airflow.pause"), key=key(), digest=plan.digest)
    assert (done.stdout, airflow.paused[DAG]) == ("it is paused", True)
    repeat = await desk.client.execute(call("airflow.pause"), key=key())
    assert (repeat.stdout, len(airflow.changes)) == (f"{DAG} was paused already", 1)
    refused = await desk.client.execute(call("airflow.trigger"), key=key())
    assert ("Unpause it first" in refused.error, refused.nothing_ran) == (True, True)
    with pytest.raises(GatewayRejected, match="not the approved one"):
        await desk.client.execute(call("airflow.pause"), key=key(), digest=plan.digest)
    undone = await desk.client.execute(call(plan.inverse.id), key=key())
    assert (undone.stdout, airflow.paused[DAG]) == ("it is active", False)


async def test_a_run_that_outlasts_the_wait_is_not_called_done(airflow, airflow_desk):
    desk = await airflow_desk(airflow.url, airflow.version, dag=SLOW, conf={}, wait_seconds=0.1)
    late = await desk.client.execute(call("airflow.trigger"), key=key())
    assert (late.state, "It goes on; not done after 0.1 s" in late.stderr) == ("failed", True), late


async def test_status_runs_and_logs_are_read_with_bounds(airflow, failed_run, airflow_desk):
    desk = await airflow_desk(airflow.url, airflow.version)

    async def read(action: str, **parameters) -> str:
        outcome = await desk.client.execute(call(action, **parameters), key=key())
        assert outcome.state == "succeeded", outcome
        return outcome.stdout

    status = (await read("service.status")).splitlines()
    assert status[0] == f"it: DAG {DAG} is active"
    assert status[1].startswith(f"{failed_run}: failed (manual), started ")
    assert status[2].endswith("load (failed, try 1), report (upstream_failed, try 0)")
    airflow.log_lines = 20_000
    log = (await read("service.logs", lines=2)).splitlines()
    assert log[0] == f"load (failed, try 1) of {failed_run}, try 1:"
    assert log[1].endswith("line 19999 of load")
    assert "the warehouse is not there" in log[2]
    assert len(log) == 3
    assert "line 19999 of extract" in await read("airflow.task_log", task="extract")
    airflow.broken = False
    for number in range(3):
        airflow.add_run(DAG, f"manual__{number}")
        airflow.finish(DAG, f"manual__{number}")
    runs = await read("airflow.runs", runs=2)
    assert [line.partition(":")[0] for line in runs.splitlines()] == ["manual__2", "manual__1"]
    del airflow.runs[DAG][failed_run]
    assert await read("service.logs") == f"None of the last 25 runs of {DAG} failed"
    assert airflow.changes == []


async def test_what_is_gone_closed_silent_or_not_allowed_is_said_and_nothing_runs(
    airflow, failed_run, airflow_desk
):
    url, version = airflow.url, airflow.version

    async def refusal(desk, action: str = "airflow.clear_run") -> tuple[str, str]:
        outcome = await desk.client.execute(call(action), key=key())
        assert outcome.nothing_ran, outcome
        return outcome.error_code, outcome.error

    desk = await airflow_desk(url, version, timeout_seconds=0.5)
    airflow.may_change = False
    assert await refusal(desk) == (
        "TARGET_REFUSED", "Airflow answered 403: Forbidden. Nothing was run."
    )  # fmt: skip
    with pytest.raises(GatewayUnavailable, match="403"):
        await desk.client.plan(call("airflow.clear_run"))
    airflow.may_change = True
    airflow.gone = {DAG}
    assert (await refusal(desk))[0] == "NO_OBJECT"
    airflow.gone = set()
    airflow.hang = "dagRuns"
    assert (await refusal(desk))[0] == "TARGET_UNREACHABLE"
    airflow.hang = ""
    wrong = await airflow_desk(url, version, password="not-the-one-of-the-gateway")
    code, error = await refusal(wrong)
    assert (code, "credentials are refused" in error) == ("TARGET_UNREACHABLE", True)
    other = await airflow_desk(url, 5 - version)
    assert (await refusal(other, "airflow.pause"))[0] == "NO_OBJECT"
    unknown = await airflow_desk(url, version, dag="nightly")
    code, error = await refusal(unknown, "airflow.pause")
    assert (code, "may the login see the DAG" in error) == ("NO_OBJECT", True)
    shut = await airflow_desk("http://127.0.0.1:9", version)
    assert (await refusal(shut))[0] == "TARGET_UNREACHABLE"
    assert airflow.changes == []
    healthy = await desk.client.health()
    assert healthy.status == "healthy"
    assert PASSWORD not in str((await desk.get("/health"), await desk.get("/actions")))


async def test_an_answer_that_is_lost_after_a_change_is_an_unknown_outcome(
    airflow, failed_run, airflow_desk
):
    desk = await airflow_desk(airflow.url, airflow.version, timeout_seconds=1)
    airflow.lose_answer_of = "PATCH etl_daily"
    unanswered = await desk.client.execute(call("airflow.pause"), key=key())
    assert (unanswered.error_code, airflow.paused[DAG]) == (OUTCOME_UNKNOWN, True)


@pytest.mark.parametrize("garbage", [b"<html>done</html>", b"[]", b" " * 5_000_000])
async def test_a_change_with_an_unreadable_answer_is_unknown(airflow, airflow_desk, garbage):
    desk, airflow.garbage = await airflow_desk(airflow.url, airflow.version), garbage
    airflow.garble_answer_of = "PATCH etl_daily"
    unread = await desk.client.execute(call("airflow.pause"), key=key())
    assert (unread.error_code, airflow.paused[DAG]) == (OUTCOME_UNKNOWN, True), unread


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"dag": "../x"}, "targets.it.airflow.dag: must be the id of a DAG"),
        ({"version": 4}, "targets.it.airflow.version: must be 2 or 3"),
        ({"url": "http://a.example/x"}, "targets.it.airflow.url: must be http(s)://host"),
        ({"url": "http://a.example"}, "targets.it.airflow: a password is sent by https:// only"),
        ({"base_path": "/../x"}, "targets.it.airflow.base_path: must be a path"),
        (
            {"user": ""},
            "targets.it.airflow: user and its password_env or password_file belong together",
        ),
        ({"token_env": "T"}, "targets.it.airflow: needs exactly one of a user with its password"),
        ({"password_env": "UNSET"}, "targets.it.password_env: UNSET is not set"),
        ({"conf": {"x": {}}}, "targets.it.airflow.conf.x: pattern: a text needs one"),
        ({"conf": {"x": {"pattern": "("}}}, "targets.it.airflow.conf.x.pattern"),
        ({"dag": "sopbot"}, "targets.it.dag: is the bot, its gateway or a caller"),
        ({"retries": 1}, "targets.it.airflow.retries: not a known key"),
    ],
)
def test_a_wrong_target_is_named_with_its_file_and_field(changes, problem):
    target = {
        "executor": "airflow", "version": 3, "url": "https://airflow.example", "dag": "etl_daily",
        "user": "sopbot", "password_env": "P",
    }  # fmt: skip
    with pytest.raises(ConfigError) as error:
        read_config(
            {"targets": {"it": target | changes}}, name="gateway.yaml", environ={"P": "p", "T": "t"}
        )
    assert any(
        line.startswith("gateway.yaml") and problem in line for line in error.value.problems
    ), error.value.problems
