"""Operations of MongoDB, against a stand-in that speaks its wire protocol and remembers."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from bot.errors import GatewayRejected
from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from tests.helpers.mongodb_standin import MongodbStandin, mongodb_standin
from tests.helpers.waiting import until

from .clusters import call, done, tried

MONGO = {
    "executor": "mongodb",
    "host": "127.0.0.1",
    "tls": False,
    "namespaces": ["shop.*"],
    "timeout_seconds": 5,
}


@pytest.fixture
async def server():
    async with mongodb_standin() as standin:
        yield standin


@pytest.fixture
def mongo_desk(start, tmp_path):
    async def begin(server: MongodbStandin, *, password: str = "", **changes):
        if password:
            file = tmp_path / uuid.uuid4().hex
            file.write_text(password)
            changes |= {"user": "sopbot", "password_file": str(file)}
        target = MONGO | {"port": server.port} | changes
        return await start({"it": target}, state=uuid.uuid4().hex)

    return begin


def kill(**parameters):
    return call("mongodb.kill_operations", **parameters)


async def test_the_report_has_operations_connections_and_replicas_and_no_values(server, mongo_desk):
    desk = await mongo_desk(server)
    opid = server.operation("shop.orders")
    report = (await desk.client.execute(call("mongodb.report"), key="1")).stdout
    assert f"operation {opid}: query on shop.orders for 900 s, shop from 10.0.0.9" in report
    assert "connections: 12 in use, 88 free\nmemory: 512.0 MiB" in report
    assert "none: it is a server alone" in report
    assert "4000" not in report, "values of a command may be secrets"
    server.members = [{"name": "db-1:27017", "stateStr": "PRIMARY", "health": 1.0}]
    report = (await desk.client.execute(call("mongodb.report"), key="2")).stdout
    assert "db-1:27017: PRIMARY, health 1.0" in report
    assert server.kills == []


async def test_a_long_operation_is_killed_once_and_the_others_stay(server, mongo_desk):
    desk = await mongo_desk(server)
    long, short = server.operation("shop.orders"), server.operation("shop.orders", seconds=5)
    plan = await desk.client.plan(kill())
    assert plan.touches[0] == "1 operation"
    assert plan.steps[0] == f"killOp {long}"
    assert (plan.inverse, server.kills) == (None, [])
    outcome = await desk.client.execute(kill(), key="k", digest=plan.digest)
    assert outcome.stdout == f"it: ended 1 operation: {long} ended", outcome
    assert (server.kills, [o["opid"] for o in server.operations]) == ([long], [short])
    _, repeat = await done(desk, kill())
    assert repeat.stdout == "it: no operation matches, nothing to kill"
    assert server.kills == [long]


@pytest.mark.attack("ASI02", "ASI03")
async def test_operations_of_the_system_of_others_and_of_ours_are_never_killed(server, mongo_desk):
    desk = await mongo_desk(server, password="right", protected_users=["backup"])
    server.user, server.password = "sopbot", "right"
    kept = [
        server.operation("admin.system.users"), server.operation("local.oplog.rs"),
        server.operation("config.chunks"), server.operation("ledger.orders"),
        server.operation("shopping.orders"), server.operation("shop.orders", client=None),
        server.operation("shop.orders", user="__system"),
        server.operation("shop.orders", user="backup"),
        server.operation("shop.orders", user="sopbot"),
        server.operation("shop.orders", appName="sopbot-store"),
        server.operation("shop.orders", type="idleSession"),
        server.operation("shop.orders", active=False), server.operation(""),
    ]  # fmt: skip
    _, outcome = await done(desk, kill())
    assert outcome.stdout == "it: no operation matches, nothing to kill", outcome
    for opid in kept:
        refused = await tried(desk, kill(operation=str(opid)))
        assert refused is None or refused.nothing_ran, opid
    assert server.kills == []


@pytest.mark.attack("ASI02")
async def test_a_filter_outside_of_the_limits_is_refused(server, mongo_desk):
    desk = await mongo_desk(server, max_operations=1, min_seconds=120)
    server.operation("shop.orders")
    server.operation("shop.carts")
    with pytest.raises(GatewayRejected, match="only operations of 120 s or more"):
        await desk.client.plan(kill(min_seconds=60))
    assert (await tried(desk, kill())).error_code == "TOO_MUCH"
    for parameters in (
        {"operation": "1; db.dropDatabase()"}, {"operation": {"$gt": ""}}, {"operation": 100},
        {"namespace": {"$ne": 1}}, {"min_seconds": 0}, {"min_seconds": "300"}, {"operation": "9"},
    ):  # fmt: skip
        refused = await tried(desk, kill(**parameters))
        assert refused is None or refused.nothing_ran, parameters
    assert server.kills == []
    _, outcome = await done(desk, kill(namespace="shop.c*"))
    assert (outcome.state, len(server.kills)) == ("succeeded", 1), outcome


async def test_another_operation_under_the_same_opid_is_another_plan(server, mongo_desk):
    desk = await mongo_desk(server)
    server.operation("shop.orders")
    plan = await desk.client.plan(kill())
    server.operations[0]["client"] = "10.0.0.10:5"
    with pytest.raises(GatewayRejected, match="not the approved one"):
        await desk.client.execute(kill(), key="k", digest=plan.digest)
    assert server.kills == []


@pytest.mark.attack("ASI03")
async def test_a_wrong_password_and_a_missing_right_are_named_and_nothing_runs(server, mongo_desk):
    server.user, server.password = "sopbot", "right"
    opid = server.operation("shop.orders")
    wrong = await tried(await mongo_desk(server, password="wrong"), kill())
    assert (wrong.error_code, "Authentication failed" in wrong.error) == (
        *("TARGET_UNREACHABLE", True),
    ), wrong
    none = await tried(await mongo_desk(server), kill())
    assert (none.error_code, none.nothing_ran) == ("TARGET_UNREACHABLE", True), none
    server.may_kill = False
    refused = await tried(await mongo_desk(server, password="right"), kill())
    assert (refused.error_code, "not authorized" in refused.error) == ("TARGET_REFUSED", True)
    server.may_kill = True
    _, outcome = await done(await mongo_desk(server, password="right"), kill())
    assert (outcome.state, server.kills) == ("succeeded", [opid]), outcome


async def test_a_server_that_hangs_is_unreachable_before_a_kill_and_unknown_after_it(
    server, mongo_desk
):
    server.operation("shop.orders")
    desk = await mongo_desk(server, timeout_seconds=0.3)
    server.silent = "aggregate"
    before = await tried(desk, kill())
    assert (before.error_code, before.nothing_ran) == ("TARGET_UNREACHABLE", True), before
    server.silent = "killOp"
    after = await tried(desk, kill())
    assert after.error_code == "OUTCOME_UNKNOWN", after
    server.silent, server.ignores = "", True
    ignored = await tried(desk, kill())
    assert (ignored.state, "still there" in ignored.stderr) == ("failed", True), ignored
    for rows in (
        [{"active": True, "client": "c", "ns": "shop.a"}],
        [{"active": True, "client": "c", "ns": "shop.a", "opid": 1, "microsecs_running": "x"}],
    ):
        server.rows = rows
        unreadable = await tried(desk, kill())
        assert unreadable.nothing_ran, unreadable


async def test_the_wait_for_a_kill_can_be_cancelled(server, mongo_desk):
    server.ignores = True
    opid = server.operation("shop.orders")
    desk = await mongo_desk(server, timeout_seconds=60)
    running = asyncio.create_task(desk.client.execute(kill(), key="k"))
    await until(lambda: server.kills, why="the kill was sent")

    async def cancelled() -> bool:
        status, _ = await desk.post("/executions/k/cancel", {"source_id": "sopbot"})
        return status < 300

    await until(cancelled, why="the cancel was taken")
    assert f"Asked for the end of: {opid}" in (await running).stderr


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"namespaces": ["*"]}, "must be database.collection"),
        ({"namespaces": ["*.orders"]}, "must be database.collection"),
        ({"namespaces": ["admin.*"]}, "admin belongs to MongoDB itself"),
        ({"namespaces": []}, "namespaces"),
        ({"user": "sopbot"}, "user: a user and a password belong together"),
    ],
)
def test_a_target_that_reaches_too_far_is_named_by_file_and_field(change, problem):
    with pytest.raises(ConfigError) as refused:
        read_config({"targets": {"it": MONGO | change}}, name="gateway.yaml")
    assert str(refused.value).startswith("gateway.yaml: targets.it")
    assert problem in str(refused.value)
