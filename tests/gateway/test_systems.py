"""The same promises for every system, against its real server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.errors import GatewayRejected
from bot.remediation.client import ActionCall, Outcome
from bot.remediation.contract import OUTCOME_UNKNOWN
from tests.helpers.bad_network import cutting_proxy, silent_server
from tests.helpers.gateway_rigs import (
    PASSWORD,
    Rig,
    memcached_rig,
    mysql_rig,
    postgres_rig,
    redis_rig,
)
from tests.helpers.gateway_servers import memcached_server, redis_server
from tests.helpers.postgres import PostgresServer
from tests.helpers.waiting import until

from .conftest import need

pytestmark = pytest.mark.services
WRONG = "not the gateway's password"


@pytest.fixture(scope="session", params=["postgresql", "mysql", "redis", "memcached"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with _rig(request.param, request) as made:
        yield made


@contextmanager
def _rig(name: str, request: pytest.FixtureRequest) -> Iterator[Rig]:
    if name == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        yield postgres_rig(server)
    elif name == "mysql":
        yield mysql_rig(request.getfixturevalue("mariadb_port"))
    elif name == "memcached":
        need("memcached")
        with memcached_server(f"gw:{PASSWORD}\n") as port:
            yield memcached_rig(port)
    else:
        need("redis-server")
        with redis_server() as port:
            yield redis_rig(port)


@pytest.fixture
def desk_for(start, tmp_path):
    async def begin(rig: Rig, *, password: str = PASSWORD, **changes: Any):
        file = tmp_path / f"password-{uuid.uuid4().hex}"
        file.write_text(password)
        target = rig.target | {"password_file": str(file)} | changes
        return await start({"it": target}, state=f"state-{uuid.uuid4().hex}")

    return begin


def call(rig: Rig, **changes: Any) -> ActionCall:
    return ActionCall(action_id=rig.action, target="it", parameters=rig.parameters | changes)


async def planned(desk, rig: Rig):
    """The plan, once the things to act on are old enough."""

    async def ready():
        plan = await desk.client.plan(call(rig))
        return plan if plan.touches[0].startswith(rig.touched) else None

    return await until(ready, why=f"a plan that touches {rig.touched}")


async def test_it_plans_without_doing_does_exactly_that_and_a_repeat_does_nothing(rig, desk_for):
    desk = await desk_for(rig)
    with rig.work():
        before = rig.left()
        plan = await planned(desk, rig)
        assert rig.left() == before, "a plan changes nothing"
        report = await desk.client.execute(
            ActionCall(action_id=rig.report, target="it"), key="report"
        )
        assert report.state == "succeeded", report
        assert rig.in_report in report.stdout
        assert rig.left() == before, "a report changes nothing"

        outcome = await desk.client.execute(call(rig), key="k1", digest=plan.digest)

        assert outcome.state == "succeeded", outcome
        assert rig.left() == (0, before[1]), "all that match, and nobody else"
        repeat = await desk.client.execute(call(rig), key="k2")
        assert repeat.state == "succeeded", repeat
        assert rig.left() == (0, before[1])
    assert (await desk.client.health()).status == "healthy"


@pytest.mark.attack("ASI02")
async def test_hostile_parameters_are_refused_or_match_nothing(rig, desk_for):
    desk = await desk_for(rig)
    with rig.work():
        await planned(desk, rig)
        before = rig.left()
        for number, parameters in enumerate(rig.hostile):
            hostile = ActionCall(
                action_id=rig.action,
                target="it",
                parameters=({"min_seconds": 1} if "min_seconds" in rig.parameters else {})
                | parameters,
            )
            outcome = await _tried(desk, hostile, f"h{number}")
            nothing = outcome is None or "no " in outcome.stdout or ": deleted 0 " in outcome.stdout
            assert outcome is None or outcome.state == "failed" or nothing, (parameters, outcome)
            assert rig.left() == before, parameters


async def _tried(desk, hostile: ActionCall, key: str) -> Outcome | None:
    try:
        return await desk.client.execute(hostile, key=key)
    except (GatewayRejected, ValueError):
        return None


async def test_a_system_that_is_gone_silent_or_refuses_the_password_runs_nothing(
    rig, desk_for, free_port
):
    async with silent_server() as silent:
        for changes in (
            {"port": free_port()},
            {"port": silent, "timeout_seconds": 0.3},
            {"password": WRONG},
        ):
            desk = await desk_for(rig, **changes)
            outcome = await desk.client.execute(call(rig), key="k1")
            assert (outcome.state, outcome.error_code) == ("failed", "TARGET_UNREACHABLE")
            assert "Nothing was run." in outcome.error
            assert PASSWORD not in outcome.error
            assert WRONG not in outcome.error
            health = await desk.get("/health")
            assert health[1]["status"] == "unhealthy"


async def test_a_connection_that_breaks_while_it_acts_is_outcome_unknown(rig, desk_for):
    desk = await desk_for(rig)
    with rig.work():
        await planned(desk, rig)
        async with cutting_proxy(rig.target["port"], rig.marker) as port:
            cut = await desk_for(rig, port=port)
            outcome = await cut.client.execute(call(rig), key="k1")
        assert outcome.error_code == OUTCOME_UNKNOWN, outcome
        second = await desk.client.execute(call(rig), key="k1")
        assert second.state == "succeeded", "whatever was left is done by a new request"
        assert rig.left()[0] == 0


async def test_a_deletion_in_redis_tells_its_progress_and_is_cancelled_by_a_person(desk_for):
    need("redis-server")
    with redis_server() as port:
        rig = redis_rig(port)
        with rig.work():
            async with cutting_proxy(port, b"UNLINK", cuts=False) as silent:
                desk = await desk_for(rig, port=silent, timeout_seconds=60)
                running = asyncio.create_task(desk.client.execute(call(rig), key="k1"))
                await until(lambda: rig.left()[0] < 2500, why="the first batch")
                assert await desk.client.cancel("k1")
                outcome = await running
            assert outcome.state != "succeeded", outcome
            assert "At least 0 keys were deleted" in outcome.error, outcome
            assert 0 < rig.left()[0] < 2500


@pytest.mark.attack("ASI03")
async def test_a_prefix_is_the_gateways_own_limit_where_the_login_may_do_more(desk_for):
    need("redis-server")
    with redis_server() as port:
        rig = redis_rig(port)
        with rig.work():
            before = rig.left()
            desk = await desk_for(rig, user="", password_file=None)
            with pytest.raises(GatewayRejected, match="allows keys that begin with") as refused:
                await desk.client.plan(call(rig, prefix="session:"))
            assert refused.value.status == 422, "the caller is wrong, not the target"
            for prefix in ("session:", "cache", "CACHE:page:", "*", "cache:*", "cache:[op]"):
                outcome = await _tried(desk, call(rig, prefix=prefix), uuid.uuid4().hex)
                assert (
                    outcome is None
                    or outcome.stdout.startswith("it: deleted 0 keys")
                    or (outcome.nothing_ran)
                ), (prefix, outcome)
            assert rig.left() == before
            assert (await desk.client.execute(call(rig), key="k1")).state == "succeeded"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--cluster-enabled", "yes"), "is a node of a cluster"),
        (("--replicaof", "127.0.0.1", "1"), "is a replica, which is not written to"),
    ],
)
async def test_only_a_redis_that_has_all_its_keys_is_deleted_from(start, options, why):
    need("redis-server")
    with redis_server(*options) as port:
        target = {"executor": "redis", "host": "127.0.0.1", "port": port, "prefixes": ["cache:"]}
        desk = await start({"it": target})
        call = ActionCall(
            action_id="redis.delete_keys", target="it", parameters={"prefix": "cache:page:"}
        )
        outcome = await desk.client.execute(call, key="k1")
        assert (outcome.error_code, why in outcome.error) == ("TARGET_REFUSED", True), outcome
        report = await desk.client.execute(
            ActionCall(action_id="redis.report", target="it"), key="k2"
        )
        assert report.state == "succeeded"


async def test_a_memcached_is_emptied_only_where_the_target_allows_it(desk_for):
    need("memcached")
    with memcached_server(f"gw:{PASSWORD}\n") as port:
        rig = memcached_rig(port)
        flush = ActionCall(action_id="memcached.flush", target="it")
        with rig.work():
            careful = await desk_for(rig, actions=["memcached.delete_key"])
            refused = await careful.client.execute(flush, key="k1")
            assert refused.error_code == "ACTION_NOT_ALLOWED"
            assert rig.left() == (1, 3)
            desk = await desk_for(rig)
            plan = await desk.client.plan(flush)
            assert (plan.reversible, rig.left()) == (False, (1, 3))
            outcome = await desk.client.execute(flush, key="k2", digest=plan.digest)
            assert (outcome.state, rig.left()) == ("succeeded", (0, 0)), outcome
