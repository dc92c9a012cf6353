"""Applications of YARN, against a stand-in of the ResourceManager that remembers."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from bot.errors import GatewayRejected
from tests.helpers.waiting import until
from tests.helpers.yarn_standin import YarnStandin, yarn_standin

from .clusters import call, done, tried

YARN = {
    "executor": "yarn",
    "user": "ops",
    "applications": ["etl*"],
    "kill_seconds": 5,
    "timeout_seconds": 5,
}


@pytest.fixture
async def manager():
    async with yarn_standin() as standin:
        yield standin


@pytest.fixture
def yarn_desk(start):
    async def begin(manager: YarnStandin, **changes):
        return await start({"it": YARN | {"url": manager.url} | changes}, state=uuid.uuid4().hex)

    return begin


async def test_the_state_and_use_of_the_cluster_are_read(manager, yarn_desk):
    desk = await yarn_desk(manager)
    nothing = await desk.client.execute(call("service.status"), key="0")
    assert nothing.stdout.endswith("applications that run: 0")
    id_ = manager.application("etl")
    manager.application("old", state="FINISHED")
    status = await desk.client.execute(call("service.status"), key="1")
    assert status.stdout.splitlines() == [
        "it: ResourceManager 3.4.1, started",
        "applications that run: 1",
        f"  {id_} etl of etl in default: RUNNING for 5400 s, 2 cores, 2.0 GiB",
    ]
    stats = await desk.client.execute(call("service.stats"), key="2")
    assert "cores: 2 of 8 used\nmemory: 2.0 GiB of 8.0 GiB used" in stats.stdout
    assert manager.requests == []


async def test_a_declared_application_is_killed_once_and_awaited(manager, yarn_desk):
    desk = await yarn_desk(manager)
    hung, other = manager.application("etl nightly"), manager.application("ledger")
    action = call("yarn.kill_applications", name="etl*", min_seconds=60)
    plan = await desk.client.plan(action)
    assert plan.steps[0] == f'PUT /ws/v1/cluster/apps/{hung}/state {{"state": "KILLED"}}'
    assert (plan.touches[0], manager.requests) == ("1 application", [])
    outcome = await desk.client.execute(action, key="k", digest=plan.digest)
    assert outcome.stdout == f"it: ended 1 application: {hung} KILLED", outcome
    assert manager.requests == [(hung, "ops", {"state": "KILLED"})]
    assert manager.applications[other]["state"] == "RUNNING"
    _, repeat = await done(desk, action)
    assert "nothing to kill" in repeat.stdout
    assert len(manager.requests) == 1


@pytest.mark.attack("ASI02", "ASI03")
async def test_an_application_that_is_not_declared_or_of_another_user_is_left_alone(
    manager, yarn_desk
):
    desk = await yarn_desk(manager, users=["etl"])
    ledger = manager.application("ledger")
    theirs = manager.application("etl", user="ana")
    for parameters in (
        {}, {"application": ledger}, {"application": theirs}, {"application": "*"},
        {"application": "application_1_1/../../info"}, {"application": None}, {"name": 1},
    ):  # fmt: skip
        refused = await tried(desk, call("yarn.kill_applications", **parameters))
        assert refused is None or refused.nothing_ran, parameters
    with pytest.raises(GatewayRejected, match="no such name is declared"):
        await desk.client.plan(call("yarn.kill_applications", application=ledger))
    manager.application("etl")
    manager.application("etl")
    two = await tried(desk, call("yarn.kill_applications", name="*"))
    assert (two.error_code, manager.requests) == ("TOO_MUCH", [])


@pytest.mark.attack("ASI03")
async def test_a_user_without_the_right_is_told_so_and_nothing_runs(manager, yarn_desk):
    id_ = manager.application("etl")
    action = call("yarn.kill_applications", application=id_)
    for user, code in (("eve", "TARGET_REFUSED"), ("", "TARGET_UNREACHABLE")):
        refused = await tried(await yarn_desk(manager, user=user), action)
        assert (refused.error_code, refused.nothing_ran) == (code, True), refused
    assert manager.applications[id_]["state"] == "RUNNING"


async def test_a_standby_is_named_and_a_kill_without_an_effect_is_a_failure(manager, yarn_desk):
    id_ = manager.application("etl")
    desk = await yarn_desk(manager, kill_seconds=0.3)
    action = call("yarn.kill_applications", application=id_)
    manager.ignores = True
    ignored = await tried(desk, action)
    assert (ignored.state, f"still there: {id_}" in ignored.stderr) == ("failed", True), ignored
    manager.ha_state = "STANDBY"
    standby = await tried(desk, action)
    assert (standby.error_code, "STANDBY" in standby.error) == ("TARGET_UNREACHABLE", True)
    manager.ha_state, manager.broken = "ACTIVE", f"{id_}/state"
    unknown = await tried(desk, action)
    assert unknown.error_code == "OUTCOME_UNKNOWN", unknown
    manager.broken = ""
    for answer in ({"apps": 3}, {"apps": {"app": [1]}}, {"apps": {"app": [{"name": "x"}]}}):
        manager.answer = answer
        unreadable = await tried(desk, action)
        assert (unreadable.error_code, unreadable.nothing_ran) == ("TARGET_UNREACHABLE", True)


async def test_the_wait_for_a_kill_can_be_cancelled(manager, yarn_desk):
    manager.ignores = True
    id_ = manager.application("etl")
    desk = await yarn_desk(manager, kill_seconds=60)
    running = asyncio.create_task(
        desk.client.execute(call("yarn.kill_applications", application=id_), key="k")
    )
    await until(lambda: manager.requests, why="the kill was sent")

    async def cancelled() -> bool:
        status, _ = await desk.post("/executions/k/cancel", {"source_id": "sopbot"})
        return status < 300

    await until(cancelled, why="the cancel was taken")
    outcome = await running
    assert f"Asked for the end of: {id_}" in outcome.stderr, outcome
