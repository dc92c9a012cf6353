"""A store moves from any engine to any other: all of it, proved, or nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from store import open_store
from store.admin import condition, moves
from store.admin.files import alone
from store.admin.locations import file_of, reading
from store.admin.transfer import Digest, Values, transfer
from store.admin.transfer_sqlite import SqliteEnd
from store.engines.tables import LEASES, Table, kept, tables
from tests.helpers.builders import AUDIT_KEY, alert, deliver
from tests.helpers.every_state import HOSTILE
from tests.helpers.filled_stores import (
    ENGINES,
    MORE,
    Silent,
    StoreMaker,
    bot_ends,
    bot_lives,
    change,
    content,
    in_the_middle,
    is_whole,
)


@pytest.fixture(params=ENGINES)
def source(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    """A store with a bit of everything, and a few thousand alerts."""
    return store_maker.filled(request.param, MORE)


@pytest.fixture(params=ENGINES)
def target(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    """A place where nothing is."""
    return store_maker.empty(request.param)


async def new_incident(url: str) -> int:
    store = await open_store(url, owner="next", audit_key=AUDIT_KEY)
    try:
        return await deliver(store, alert(service="brand-new", fingerprint="fp-brand-new"))
    finally:
        await store.close()


async def said_of(url: str, incident_id: int) -> str:
    store = await open_store(url, owner="reader")
    try:
        return (await store.incident(incident_id)).text
    finally:
        await store.close()


# All of it


def test_everything_arrives_and_the_bot_goes_on_from_there(source: str, target: str) -> None:
    before = content(source)
    done = moves.copy(source, target, Silent())
    assert content(target) == before == content(source)
    assert done.moved.rows == {name: len(rows) for name, rows in before.items()}
    assert is_whole(target)
    for number, text in enumerate(HOSTILE, start=1):
        assert asyncio.run(said_of(target, number)) == text
    last = max(row[0] for row in before["incidents"])
    assert asyncio.run(new_incident(target)) == last + 1, "numbers go on where they were"
    assert is_whole(target)


def test_leases_stay_behind(source: str, target: str) -> None:
    bot_lives(source)
    assert condition.read_condition(source).rows["replicas"] == 1
    assert condition.read_condition(source).rows["claims"] == 1
    moves.copy(source, target, Silent())
    result = condition.read_condition(target)
    assert [result.rows[name] for name in LEASES] == [0, 0]
    assert result.replicas == []


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
def test_a_nul_that_postgresql_does_not_know_can_still_be_read(
    store_maker: StoreMaker, target: str
) -> None:
    url = store_maker.filled("sqlite")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as plain, plain:
        plain.execute("UPDATE incidents SET text = 'a' || char(0) || 'b' WHERE id = 1")
    done = moves.copy(url, target, Silent())
    assert done.moved.escaped == 1
    assert asyncio.run(said_of(target, 1)) == "a\\x00b"


# A bot on either side


def test_a_copy_beneath_a_running_bot_is_a_rehearsal(source: str, target: str) -> None:
    file = file_of(source)
    if file:
        with alone(file) as held:
            assert held
            assert moves.copy(source, target, Silent()).rehearsed
    else:
        bot_lives(source)
        assert moves.copy(source, target, Silent()).rehearsed
        bot_ends(source)
    assert not moves.copy(source, target, Silent(), replace=True).rehearsed


def test_no_bot_starts_on_a_file_that_is_being_copied(store_maker: StoreMaker) -> None:
    source, target = store_maker.filled("sqlite", MORE), store_maker.empty("sqlite")
    with in_the_middle("copy", source, target):

        async def start() -> None:
            await (await open_store(source, owner="eager", exclusive=True)).close()

        with pytest.raises(StoreError, match="in use by another process"):
            asyncio.run(start())


def test_a_target_that_a_bot_uses_is_refused(source: str, target: str) -> None:
    bot_lives(target)
    file = file_of(target)
    if file:
        with alone(file), pytest.raises(StoreError, match="A bot is running on"):
            moves.copy(source, target, Silent(), replace=True)
    else:
        with pytest.raises(StoreError, match="A bot is running on"):
            moves.copy(source, target, Silent(), replace=True)


# Nothing is lost at the target


def test_a_target_that_is_not_empty_is_refused_and_stays_as_it_is(source: str, target: str) -> None:
    asyncio.run(new_incident(target))
    before = content(target)
    for replace in (False, True):
        with pytest.raises(StoreError, match="holds") as caught:
            moves.copy(source, target, Silent(), replace=replace)
        assert "empty" in caught.value.remedy
    assert content(target) == before


def test_only_a_copy_that_nobody_has_used_is_replaced(source: str, target: str) -> None:
    moves.copy(source, target, Silent())
    with pytest.raises(StoreError, match="is not empty"):
        moves.copy(source, target, Silent())

    async def check() -> None:  # what `python -m bot check` does to a store
        store = await open_store(target, owner="check")
        await store.ping(store.clock())
        await store.close()

    asyncio.run(check())
    asyncio.run(new_incident(source))
    moves.copy(source, target, Silent(), replace=True)
    assert content(target) == content(source)

    asyncio.run(new_incident(target))
    used = content(target)
    with pytest.raises(StoreError, match="it was used"):
        moves.copy(source, target, Silent(), replace=True)
    assert content(target) == used


@pytest.mark.parametrize("engine", ENGINES)
def test_a_store_is_not_copied_onto_itself(engine: str, store_maker: StoreMaker) -> None:
    url = store_maker.filled(engine)
    before = content(url)
    second = url.replace("127.0.0.1", "localhost").replace("/store-", "/./store-")
    with pytest.raises(StoreError, match="both source and target"):
        moves.copy(url, second, Silent(), replace=True)
    assert content(url) == before


def test_a_copy_killed_in_the_middle_leaves_the_target_empty(source: str, target: str) -> None:
    with in_the_middle("copy", source, target) as process:
        process.kill()
        assert process.wait() == -9
    file = file_of(target)
    if file:
        assert not file.exists()
    else:
        assert not any(content(target).values())
    moves.copy(source, target, Silent())
    assert content(target) == content(source), "and the next one is whole"
    assert not file or not Path(f"{file}.partial").exists(), "what the killed one left is gone"


# Proved


class Careless(SqliteEnd):
    """A target that forgets a row, or changes one, of one table."""

    table = "alerts"
    changes = ""  # this column; '' forgets the row

    def take(self, table: Table, batches: Iterable[list[Values]]) -> None:
        is_spoilt = table.name == self.table
        place = table.columns.index(self.changes) if is_spoilt and self.changes else None
        super().take(table, self._spoilt(batches, place) if is_spoilt else batches)

    def _spoilt(self, batches: Iterable[list[Values]], place: int | None) -> Iterator[list[Values]]:
        for number, batch in enumerate(batches):
            if number:
                yield batch
            elif place is None:
                yield batch[1:]
            else:
                first = batch[0]
                yield [(*first[:place], "other", *first[place + 1 :]), *batch[1:]]


@pytest.mark.parametrize(
    ("table", "column"), [("alerts", "name"), ("timeline", "text"), ("votes", "choice")]
)
@pytest.mark.parametrize("forgets", [True, False])
def test_a_row_that_is_lost_or_changed_on_the_way_is_noticed_and_its_table_named(
    store_maker: StoreMaker, tmp_path: Path, table: str, column: str, forgets: bool
) -> None:
    url = store_maker.filled("sqlite")
    with reading(url) as there, Careless.making(tmp_path / "made.db") as here:
        here.table, here.changes = table, "" if forgets else column
        with pytest.raises(StoreError, match=f"the table {table} arrived differently"):
            transfer(there, here, Silent())


def test_what_is_broken_in_the_source_is_told_and_copied_as_it_is(source: str, target: str) -> None:
    change(
        source, "DELETE FROM sop_map WHERE incident_key = (SELECT MIN(incident_key) FROM sop_map)"
    )
    done = moves.copy(source, target, Silent())
    (item,) = done.moved.broken
    assert item.name == "every incident key maps to a SOP ID"
    assert content(target) == content(source)


def test_a_digest_is_of_the_rows_and_not_of_their_order() -> None:
    rows: list[Values] = [(1, "a", None), (2, "b", "")]
    item, other = Digest(), Digest()
    item.add(rows)
    other.add(rows[1:])
    assert item != other
    other.add(rows[:1])
    assert item == other
    for spoilt in ((1, "a", ""), (1, "a", "None"), ("1", "a", None), (1, "a ", None)):
        changed = Digest()
        changed.add([spoilt, rows[1]])
        assert changed != item, spoilt


# The schema


def test_the_tables_come_in_the_order_of_their_keys() -> None:
    names = [table.name for table in tables()]
    assert names.index("incidents") < names.index("approvals") < names.index("executions")
    assert names.index("approvals") < names.index("votes")
    assert {table.name for table in kept()} == set(names) - set(LEASES)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_table_of_a_real_store_is_known_with_its_columns(
    engine: str, store_maker: StoreMaker
) -> None:
    url = store_maker.empty(engine)
    moves.migrate(url)
    catalogue = (
        "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND m.name != '_sqlite_migrations'"
        " AND substr(m.name, 1, 7) != 'sqlite_'"
        if engine == "sqlite"
        else "SELECT table_name AS t, column_name AS c FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name != 'sopbot_migrations'"
    )
    with reading(url) as end:
        there = {(str(row["t"]), str(row["c"])) for row in end.ask(catalogue)}
    assert there == {(table.name, column) for table in tables() for column in table.columns}
