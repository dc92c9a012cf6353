"""Short operations run on the event loop's thread; what waits or takes long does not hold it."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.engines.sqlite import SqliteEngine
from store.engines.sqlite_worker import Worker
from store.statements import Operation, execute, notify, query
from store.topics import Topic
from tests.helpers.locked_files import held

MANY = 100  # turns of the loop, which it makes in some milliseconds if nothing holds it
LONG = 1_000_000  # rows to count: more than 20 ms anywhere
WORKER = "store.engines.sqlite_worker"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sopbot.db"


@pytest.fixture
async def engine(file: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(str(file))
    await engine.start()
    yield engine
    await engine.close()


class Turns:
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.count += 1


@pytest.fixture
async def turns() -> AsyncIterator[Turns]:
    turns = Turns()
    task = asyncio.create_task(turns.run())
    yield turns
    task.cancel()


def insert(key: str, threads: list[int] | None = None) -> Operation[None]:
    """One row, and the thread on which the operation ran."""
    if threads is not None:
        threads.append(threading.get_ident())
    yield execute("INSERT INTO deliveries (key, seen_at) VALUES (?, '2026')", key)


def insert_and_tell(key: str) -> Operation[None]:
    """One row, of which the outbox hears."""
    yield from insert(key)
    yield notify(Topic.OUTBOX)


def keys() -> Operation[list[str]]:
    rows = yield query("SELECT key FROM deliveries ORDER BY key")
    return [row["key"] for row in rows]


def count_to(limit: int, threads: list[int]) -> Operation[int]:
    """A statement that takes SQLite about a second for ten million rows."""
    threads.append(threading.get_ident())
    rows = yield query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT MAX(i) FROM n",
        limit,
    )
    return int(rows[0][0])


def insert_and_count(key: str, limit: int, threads: list[int]) -> Operation[int]:
    yield from insert(key)
    return (yield from count_to(limit, threads))


def traced(worker: Worker) -> list[tuple[str, int]]:
    """Each statement of a worker's connection from now on, and the thread that runs it."""
    statements: list[tuple[str, int]] = []
    worker._connection.set_trace_callback(
        lambda sql: statements.append((sql.split()[0], threading.get_ident()))
    )
    return statements


async def test_only_the_commit_of_a_write_leaves_the_loops_thread(engine: SqliteEngine) -> None:
    loops_thread = threading.get_ident()
    statements = traced(engine._writer)
    await engine.write(insert, "a")
    assert [verb for verb, _ in statements] == ["BEGIN", "INSERT", "COMMIT"]
    assert [thread == loops_thread for _, thread in statements] == [True, True, False]


async def test_a_read_stays_on_the_loops_thread(engine: SqliteEngine) -> None:
    statements = traced(engine._reader)
    assert await engine.read(keys) == []
    assert {thread for _, thread in statements} == {threading.get_ident()}


@pytest.mark.parametrize("reads", [True, False])
async def test_an_operation_that_takes_long_runs_again_on_the_thread(
    engine: SqliteEngine, turns: Turns, monkeypatch: pytest.MonkeyPatch, *, reads: bool
) -> None:
    monkeypatch.setattr(f"{WORKER}.REST", math.inf)
    loops_thread, threads = threading.get_ident(), list[int]()
    run = engine.read if reads else engine.write
    before = turns.count
    assert await run(count_to, LONG, threads) == LONG
    assert [thread == loops_thread for thread in threads] == [True, False]
    assert turns.count - before > MANY, "the loop goes on meanwhile"
    await run(count_to, 1, threads)
    assert threads[-1] != loops_thread, "nor is the next one tried on the loop"


async def test_an_operation_that_waits_for_a_processor_is_not_late(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, threads = time.monotonic(), list[int]()
    # As if another program had had the processor all the time.
    waits = engine._reader._waits
    monkeypatch.setattr(waits, "seconds", lambda: time.monotonic() - began)
    assert await engine.read(count_to, LONG, threads) == LONG
    assert threads == [threading.get_ident()], "it ran once, on the loop"


async def test_after_its_rest_a_worker_uses_the_loop_again(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{WORKER}.REST", 0.0)
    threads: list[int] = []
    await engine.read(count_to, LONG, threads)
    statements = traced(engine._reader)
    await engine.read(keys)  # too short to be interrupted on any machine
    assert {thread for _, thread in statements} == {threading.get_ident()}


async def test_what_shares_a_group_with_a_long_operation_is_written_once(
    engine: SqliteEngine,
) -> None:
    threads: list[int] = []
    await asyncio.gather(
        engine.write(insert, "a"),
        engine.write(insert_and_count, "b", LONG, threads),
        engine.write(insert, "c"),
    )
    assert len(threads) == 2, "it was interrupted, and ran again"
    assert await engine.read(keys) == ["a", "b", "c"]


async def test_the_loop_does_other_things_between_the_operations_of_a_group(
    engine: SqliteEngine, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{WORKER}.TURN", 0.0)
    monkeypatch.setattr(f"{WORKER}.LONGEST", math.inf)
    statements = traced(engine._writer)
    before = turns.count
    await asyncio.gather(*(engine.write(insert, f"k{number:03}") for number in range(100)))
    assert turns.count - before >= 100
    assert [verb for verb, _ in statements].count("COMMIT") <= 2, "it is one group all the same"


async def test_what_comes_in_while_a_group_runs_shares_its_commit(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{WORKER}.TURN", 0.0)
    monkeypatch.setattr(f"{WORKER}.LONGEST", math.inf)
    statements, later = traced(engine._writer), list[asyncio.Task[None]]()

    def insert_and_submit() -> Operation[None]:
        later.append(asyncio.create_task(engine.write(insert, "c")))
        yield from insert("a")

    await asyncio.gather(engine.write(insert_and_submit), engine.write(insert, "b"))
    await asyncio.gather(*later)
    assert [verb for verb, _ in statements].count("COMMIT") == 1
    assert await engine.read(keys) == ["a", "b", "c"]


async def test_a_locked_file_does_not_hold_the_loop(engine: SqliteEngine, file: Path) -> None:
    with held(file):
        writing = asyncio.create_task(engine.write(insert, "a"))
        for _ in range(MANY):
            await asyncio.sleep(0)
        assert not writing.done()
    await writing
    assert await engine.read(keys) == ["a"]


async def test_a_failed_operation_leaves_the_next_group_on_the_loop(engine: SqliteEngine) -> None:
    threads: list[int] = []
    await engine.write(insert, "a")
    with pytest.raises(Exception, match="refused one change"):
        await engine.write(insert, "a")
    await engine.write(insert, "b", threads)
    assert threads == [threading.get_ident()]


async def test_what_a_commit_wakes_begins_its_work_before_the_writer_goes_on(
    engine: SqliteEngine,
) -> None:
    """So a card's post leaves before its alert is acknowledged."""
    order: list[str] = []

    async def work() -> None:
        order.append("work")

    async def step() -> None:
        await engine.signal(Topic.OUTBOX).wait()
        await asyncio.create_task(work())

    woken = asyncio.create_task(step())
    await asyncio.sleep(0)  # it waits now
    await engine.write(insert_and_tell, "a")
    order.append("writer")
    await woken
    assert order == ["work", "writer"]
