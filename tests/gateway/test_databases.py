"""Queries of databases, and sessions that change between the plan and the execution."""

from __future__ import annotations

import asyncio
import contextlib
import uuid

import psycopg
import pymysql
import pytest

from bot.errors import GatewayRejected
from bot.remediation.client import ActionCall
from tests.helpers.gateway_rigs import PASSWORD, Rig, mysql_rig, postgres_rig
from tests.helpers.waiting import until

pytestmark = pytest.mark.services


@pytest.fixture(scope="session")
def database(postgres) -> Rig:
    return postgres_rig(postgres)


@pytest.fixture
def desk_of(start, tmp_path):
    async def begin(rig: Rig, **changes):
        (tmp_path / "password").write_text(PASSWORD)
        password = {"password_file": str(tmp_path / "password")}
        state = f"state-{uuid.uuid4().hex}"
        return await start({"it": rig.target | password | changes}, state=state)

    return begin


def cancel(system: str = "postgres.cancel_queries", **more) -> ActionCall:
    return ActionCall(action_id=system, target="it", parameters={"min_seconds": 1} | more)


async def planned(desk, call: ActionCall, touches: str):
    async def ready():
        plan = await desk.client.plan(call)
        return plan if plan.touches[0] == touches else None

    return await until(ready, why=f"a plan that touches {touches}")


@contextlib.asynccontextmanager
async def running_query(postgres, sql: str = "SELECT pg_sleep(600)"):
    """A session of the application that runs a query; yields it and the task of the query."""
    url = postgres.url_of("orders").replace("sopbot@", "app@")
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, application_name="slow"
    )
    async with connection:
        query = asyncio.create_task(connection.execute(sql))
        try:
            yield connection, query
        finally:
            connection.cancel()
            with contextlib.suppress(psycopg.Error):
                await query


async def test_a_cancelled_query_ends_with_an_error_and_its_session_stays(
    database, postgres, desk_of
):
    desk = await desk_of(database)
    async with running_query(postgres) as (connection, query):
        plan = await planned(desk, cancel(application="slow"), "1 query")
        assert plan.touches[1].startswith("session ")
        assert "app@orders, slow from 127.0.0.1, active for " in plan.touches[1]
        outcome = await desk.client.execute(
            cancel(application="slow"), key="k1", digest=plan.digest
        )
        assert outcome.stdout == "it: ended 1 query"
        with pytest.raises(psycopg.errors.QueryCanceled):
            await query
        assert (await (await connection.execute("SELECT 1")).fetchone()) == (1,)


@pytest.mark.attack("ASI02")
async def test_a_plan_for_one_query_never_ends_the_next_one_of_the_session(
    database, postgres, desk_of
):
    desk = await desk_of(database)
    call = cancel(application="slow")
    async with running_query(postgres) as (connection, query):
        plan = await planned(desk, call, "1 query")
        connection.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await query
        second = asyncio.create_task(connection.execute("SELECT pg_sleep(600)"))
        assert (await planned(desk, call, "1 query")).digest != plan.digest
        with pytest.raises(GatewayRejected) as caught:
            await desk.client.execute(call, key="k1", digest=plan.digest)
        assert caught.value.status == 409
        assert not second.done()
        connection.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await second


@pytest.mark.attack("ASI08")
async def test_more_sessions_than_the_target_allows_are_left_alone(database, desk_of):
    call = ActionCall(action_id=database.action, target="it", parameters=database.parameters)
    with database.work():
        await planned(await desk_of(database), call, "2 sessions")
        strict = await desk_of(database, max_sessions=1)
        outcome = await strict.client.execute(call, key="k1")
        assert (outcome.error_code, database.left()[0]) == ("TOO_MUCH", 2)
        assert "More than 1 sessions of it match" in outcome.error


async def test_a_role_without_its_rights_is_named_by_the_health_check(database, postgres, desk_of):
    desk = await desk_of(database, user="app")
    health = (await desk.get("/health"))[1]
    assert health["status"] == "unhealthy"
    assert "role app lacks pg_read_all_stats, pg_signal_backend" in health["checks"]["postgresql"]


@pytest.mark.attack("ASI03")
async def test_a_superusers_session_is_out_of_reach_unless_declared_and_then_of_a_plain_role(
    database, desk_of
):
    everybody = ActionCall(action_id=database.action, target="it", parameters={"min_seconds": 1})
    parameters = {"min_seconds": 1, "application": "superuser"}
    superuser = ActionCall(action_id=database.action, target="it", parameters=parameters)
    with database.work():
        desk = await desk_of(database)
        await planned(desk, everybody, "2 sessions")
        assert (await desk.client.plan(superuser)).touches == ("0 sessions",)
        declared = await desk_of(database, superusers=True)
        await planned(declared, superuser, "1 session")
        before = database.left()
        outcome = await declared.client.execute(superuser, key="k1")
        assert "Nothing was run." in outcome.error, outcome
        assert database.left() == before


async def test_a_query_of_mariadb_is_killed_and_its_session_stays(desk_of, mariadb_port):
    desk = await desk_of(mysql_rig(mariadb_port))
    call = cancel("mysql.kill_queries")
    connection = await asyncio.to_thread(
        pymysql.connect, host="127.0.0.1", port=mariadb_port, user="app", database="orders"
    )
    with connection, connection.cursor() as cursor:
        query = asyncio.create_task(asyncio.to_thread(cursor.execute, "SELECT sleep(600)"))
        plan = await planned(desk, call, "1 query")
        outcome = await desk.client.execute(call, key="k1", digest=plan.digest)
        assert outcome.stdout == "it: ended 1 query"
        with contextlib.suppress(pymysql.MySQLError):
            await query
        await asyncio.to_thread(cursor.execute, "SELECT 1")
        assert cursor.fetchone() == (1,)
