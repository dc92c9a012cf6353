"""One session on PostgreSQL: what it prepares, how it fails, and that it carries any size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from store.engines.postgres_session import PREPARE_AFTER, PREPARED, Row, Session, connect

PATIENCE = 10.0
IS_PREPARED = "SELECT statement FROM pg_prepared_statements ORDER BY statement"


@pytest.fixture
async def session(database: str) -> AsyncIterator[Session]:
    session = Session(await connect(database, PATIENCE))
    yield session
    session.close()


async def ask(session: Session, sql: str, *values: object) -> list[Row]:
    return (await session.run([(sql, values)], PATIENCE))[0].rows()


async def test_a_statement_that_is_sent_often_is_prepared_and_answers_the_same(
    session: Session,
) -> None:
    sql = "SELECT $1::bigint + 1 AS more, $2 || '!' AS loud"
    answers = [await ask(session, sql, 2**40, "a") for _ in range(PREPARE_AFTER + 3)]
    for (row,) in answers:
        assert (row["more"], row["loud"]) == (2**40 + 1, "a!")
    assert [row["statement"] for row in await ask(session, IS_PREPARED)] == [sql]


async def test_no_more_statements_are_prepared_than_a_server_is_asked_to_remember(
    session: Session,
) -> None:
    for number in range(PREPARED + 5):
        for _ in range(PREPARE_AFTER + 1):
            ((value,),) = await ask(session, f"SELECT {number}")
            assert value == number
    assert len(await ask(session, IS_PREPARED)) == PREPARED


async def test_the_answer_of_any_statement_of_a_script_can_be_had(session: Session) -> None:
    script = [("SELECT 1 AS one", ()), ("SELECT 2 AS two", ()), ("SELECT 3 AS three", ())]
    for _ in range(PREPARE_AFTER + 2):
        (row,) = (await session.run(script, PATIENCE))[1].rows()
        assert row["two"] == 2


async def test_what_is_larger_than_every_buffer_arrives_whole(session: Session) -> None:
    text = "sop" * 3_000_000
    script = [("SELECT length($1)", (text,)), ("SELECT $1 AS back", (text,))]
    (row,) = (await session.run(script, PATIENCE * 6))[1].rows()
    assert row["back"] == text


async def test_a_statement_that_fails_says_why_and_ends_the_session(session: Session) -> None:
    script = [("SELECT 1", ()), ("SELECT 1 / $1::int", (0,)), ("SELECT 2", ())]
    with pytest.raises(psycopg.errors.DivisionByZero):
        await session.run(script, PATIENCE)
    assert session.is_over
    with pytest.raises(psycopg.OperationalError):
        await ask(session, "SELECT 1")


async def test_a_value_that_no_column_holds_is_refused_before_anything_is_sent(
    session: Session,
) -> None:
    with pytest.raises(psycopg.ProgrammingError, match="object"):
        await ask(session, "SELECT $1", object())
    assert session.is_usable


async def test_a_server_that_says_nothing_is_given_up_in_time(session: Session) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        await session.run([("SELECT pg_sleep(60)", ())], 0.05)
    assert session.is_over


async def test_a_shorter_time_counts_though_a_longer_one_was_set_before(session: Session) -> None:
    await session.run([("SELECT 1", ())], 3_600)
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        await asyncio.wait_for(session.run([("SELECT pg_sleep(600)", ())], 0.05), 60)


async def test_a_session_that_is_closed_answers_whoever_waits_for_it(session: Session) -> None:
    waits = asyncio.ensure_future(ask(session, "SELECT pg_sleep(60)"))
    await asyncio.sleep(0)
    session.close()
    with pytest.raises(psycopg.OperationalError, match="closed"):
        await waits


async def test_a_caller_that_is_cancelled_ends_the_session_whose_answer_is_still_to_come(
    session: Session,
) -> None:
    waits = asyncio.ensure_future(ask(session, "SELECT pg_sleep(60)"))
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    assert session.is_over


async def test_a_session_whose_server_ended_it_is_not_usable(
    session: Session, database: str
) -> None:
    ((backend,),) = await ask(session, "SELECT pg_backend_pid()")
    with psycopg.connect(database, autocommit=True) as beside:
        beside.execute("SELECT pg_terminate_backend(%s, 10000)", (backend,))
    assert not session.is_usable
