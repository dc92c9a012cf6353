"""SQLite in particular: what a kill leaves, how commits are grouped, what a bad file gets."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import SettingsError, StoreError
from store import open_engine, open_store
from store.engines.sqlite import SqliteEngine
from store.engines.tables import steps
from store.statements import Operation, lock_all, query
from tests.helpers.builders import NOW, alert, deliver
from tests.helpers.stores import write_key

ROOT = Path(__file__).parents[2]
NOBODY = 65534


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def value_of(sql: str) -> Operation[object]:
    """The first value a statement gives."""
    rows = yield query(sql)
    return rows[0][0]


def commits(database: Path) -> int:
    """Return how many commits the write-ahead log holds, by its own account.

    A frame's header is 24 bytes; its second word is the size of the database after the commit and
    0 for every frame that does not end one (https://www.sqlite.org/fileformat2.html#walformat).
    """
    log = database.with_name(database.name + "-wal").read_bytes()
    page = int.from_bytes(log[8:12], "big")
    frames = range(32, len(log), 24 + page)
    return sum(int.from_bytes(log[at + 4 : at + 8], "big") > 0 for at in frames)


# Durability


def written_until_killed(file: Path, lines: int) -> list[str]:
    """Start the writer, kill it with SIGKILL after so many lines; every whole line it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.store_writer", url_of(file)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        returned = [process.stdout.readline().strip() for _ in range(lines)]
        process.kill()
        returned += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -9
    return returned


@pytest.mark.parametrize("lines", [3, 60, 400])
async def test_a_killed_process_loses_nothing_that_was_returned(tmp_path: Path, lines: int) -> None:
    file = tmp_path / "sopbot.db"
    returned = written_until_killed(file, lines)
    assert all(returned)
    assert len(set(returned)) == len(returned) >= lines

    store = await open_store(url_of(file), owner="next")
    try:
        assert await store.schema() == steps()
        for tracking_id in returned:
            assert len(await store.trace(tracking_id)) == 1, tracking_id
            assert await store.known_deliveries([tracking_id]) == {tracking_id}
        incidents = await store.open_incidents(limit=100)
        assert len(incidents) == len({item.service for item in incidents})
        assert sum(item.alert_count for item in incidents) >= len(returned)
    finally:
        await store.close()


async def test_commits_really_wait_for_the_disk(tmp_path: Path) -> None:
    engine = SqliteEngine(str(tmp_path / "sopbot.db"))
    await engine.start()
    try:
        assert await engine.write(value_of, "PRAGMA synchronous") == 2, "2 is FULL"
        assert await engine.write(value_of, "PRAGMA journal_mode") == "wal"
        assert await engine.write(value_of, "PRAGMA foreign_keys") == 1
    finally:
        await engine.close()


async def test_what_returned_is_committed_already(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    store = await open_store(url_of(file), owner="bot-a")
    try:
        before = commits(file)
        for number in range(20):
            await write_key(store, f"k{number}", NOW)
            assert commits(file) - before == number + 1
    finally:
        await store.close()


async def test_many_writes_at_once_share_a_few_commits(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    store = await open_store(url_of(file), owner="bot-a")
    try:
        before = commits(file)
        answers = await asyncio.gather(*(write_key(store, f"k{n}", NOW) for n in range(400)))
        assert all(answers)
        assert commits(file) - before <= 40
    finally:
        await store.close()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    store = await open_store(url_of(tmp_path / "sopbot.db"), owner="bot-a")
    try:
        with pytest.raises(StoreError):
            await store._engine.read(value_of, "DELETE FROM deliveries RETURNING key")
        assert await store.incident_counts() == {}, "and goes on reading"
    finally:
        await store.close()


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    store = await open_store(url_of(file), owner="bot-a")
    writing = [asyncio.create_task(write_key(store, f"k{n}", NOW)) for n in range(600)]
    await asyncio.sleep(0)  # each has queued its write, none is answered yet
    await store.close()
    assert all(await asyncio.gather(*writing))
    assert not file.with_name("sopbot.db-wal").exists(), "the log is folded in on the way out"
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("SELECT COUNT(*) FROM idempotency_keys").fetchone() == (600,)


# Migrations


async def test_migrations_are_recorded_and_applied_once(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    recorded = []
    for _ in range(2):
        store = await open_store(url_of(file), owner="bot-a")
        await deliver(store, alert())
        assert len(await store.open_incidents()) == 1
        await store.close()
        with closing(sqlite3.connect(file)) as plain:
            recorded.append(
                plain.execute(
                    "SELECT migration_set, name, applied_at FROM _sqlite_migrations"
                ).fetchall()
            )
    assert recorded[0] == recorded[1]
    assert [row[:2] for row in recorded[0]] == [("sopbot", step) for step in steps()]


async def test_the_migrations_of_another_program_in_the_file_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    await (await open_store(url_of(file), owner="bot-a")).close()
    with closing(sqlite3.connect(file)) as plain, plain:
        plain.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('other', 'm999_tomorrow', '2030-01-01')"
        )
    store = await open_store(url_of(file), owner="bot-a")
    assert await store.schema() == steps()
    await store.close()


async def test_a_migration_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        plain.execute("BEGIN")
        plain.execute("CREATE TABLE deliveries (key TEXT)")  # then the power went
    store = await open_store(url_of(file), owner="bot-a")
    assert await write_key(store, "k", NOW)
    await store.close()


# The door


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("url", ["mysql://x", "sopbot.db", ""])
async def test_a_store_url_of_another_scheme_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="STORE_URL"):
        await open_store(url, owner="bot-a")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
async def test_a_store_in_memory_leaves_no_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = await open_store(url, owner="bot-a")
    assert await write_key(store, "k", NOW)
    await store.close()
    assert names_in(tmp_path) == []


async def test_a_relative_url_is_a_file_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = await open_store("sqlite:///data/sopbot.db", owner="bot-a")
    await store.close()
    assert (tmp_path / "data" / "sopbot.db").exists()


async def test_names_of_locks_are_not_worked_out_where_no_transactions_interleave(
    tmp_path: Path,
) -> None:
    def names() -> Iterable[str]:
        raise AssertionError("nobody asks for them")

    def locked() -> Operation[None]:
        yield lock_all(names)

    store = await open_engine(f"sqlite:///{tmp_path}/locks.db")
    try:
        await store.write(locked)
    finally:
        await store.close()
