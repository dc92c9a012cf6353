"""A step may read before the commit that wakes it; only the commit makes it valid."""

import pytest

from bot.errors import StoreError
from store.engines.read_ahead import ReadAhead
from store.engines.sqlite import SqliteEngine
from store.statements import notify, query, run
from store.topics import Topic


@pytest.fixture
async def engine(tmp_path):
    engine = SqliteEngine(str(tmp_path / "ahead.db"))
    await engine.start()
    yield engine
    await engine.close()


def count():
    rows = yield query("SELECT COUNT(*) FROM deliveries")
    return rows[0][0]


def add(key, topic=Topic.OUTBOX):
    yield run("INSERT INTO deliveries (key, seen_at) VALUES (?, '')", key)
    yield notify(topic)


def add_and_fail_at_the_commit(key):
    yield run("PRAGMA defer_foreign_keys = ON")
    yield from add(key)
    yield run("INSERT INTO timeline (incident_id, at, kind, text) VALUES (99, '', '', '')")


def ahead_of(engine, operation=count):
    prepared = []
    ahead = ReadAhead(Topic.OUTBOX, operation, prepared.append)
    engine.read_ahead(ahead)
    return ahead, prepared


async def test_the_step_is_given_once_what_its_transaction_left(engine):
    ahead, prepared = ahead_of(engine)
    await engine.write(add, "a")
    assert prepared == [1]
    assert ahead.take() == 1
    assert ahead.take() is None


async def test_it_is_told_before_it_is_woken(engine):
    woken = []
    ahead = ReadAhead(
        Topic.OUTBOX, count, lambda _: woken.append(engine.signal(Topic.OUTBOX).is_set())
    )
    engine.read_ahead(ahead)
    await engine.write(add, "a")
    assert woken == [False]
    assert engine.signal(Topic.OUTBOX).is_set()


async def test_nothing_is_kept_beyond_the_next_transaction(engine):
    ahead, _ = ahead_of(engine)
    await engine.write(add, "a")
    await engine.write(add, "b", Topic.STORE)
    assert ahead.take() is None


async def test_nothing_is_read_for_another_step(engine):
    ahead, prepared = ahead_of(engine)
    await engine.write(add, "a", Topic.STORE)
    assert ahead.take() is None
    assert prepared == []


async def test_a_commit_that_fails_leaves_nothing(engine):
    ahead, prepared = ahead_of(engine)
    with pytest.raises(StoreError):
        await engine.write(add_and_fail_at_the_commit, "a")
    assert prepared == [1]
    assert ahead.take() is None
    assert await engine.read(count) == 0


async def test_a_read_that_fails_harms_no_write(engine):
    def fails():
        yield query("SELECT nonsense")

    ahead, prepared = ahead_of(engine, fails)
    await engine.write(add, "a")
    assert ahead.take() is None
    assert prepared == []
    assert await engine.read(count) == 1


async def test_nothing_is_read_if_the_step_has_nothing_to_do(engine):
    ahead, prepared = ahead_of(engine, lambda: None)
    await engine.write(add, "a")
    assert ahead.take() is None
    assert prepared == []
