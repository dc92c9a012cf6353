"""Faults of a file that a bot has open: no write goes to a file that is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from store import Store, open_store
from store.engines.sqlite import SqliteEngine
from store.topics import Topic
from tests.helpers.builders import CHANNEL, NOW, alert, identify
from tests.helpers.every_state import fill
from tests.helpers.locked_files import held
from tests.helpers.retention import limits
from tests.helpers.stores import write_key

PAGE = 4096


async def engine_on(file: Path, busy_timeout: float = 4.0) -> Store:
    engine = SqliteEngine(str(file), busy_timeout=busy_timeout, exclusive=True)
    await engine.start()
    return Store(engine, owner="bot-a")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder / "sopbot.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    result = await engine_on(file)
    yield result
    await result.close()


def size_of(file: Path | str) -> int:
    return Path(file).stat().st_size


async def write_alert(store: Store, name: str) -> None:
    result = identify(alert(fingerprint=name), dedup_key=name, tracking_id=name)
    await store.accept(name, [result], channel=CHANNEL, now=NOW)


async def refused(store: Store, name: str) -> str:
    with pytest.raises(StoreError) as caught:
        await write_alert(store, name)
    assert caught.value.remedy, "the operator must learn what to do"
    return str(caught.value)


def aside(file: Path) -> Path:
    return file.with_name("elsewhere.db")


def moved(file: Path) -> None:
    file.rename(aside(file))


def deleted(file: Path) -> None:
    file.unlink()


def replaced(file: Path) -> None:
    """By a copy, as somebody does who restores a backup by hand under a running bot."""
    shutil.copy2(file, aside(file))
    aside(file).replace(file)


def log_deleted(file: Path) -> None:
    Path(f"{file}-wal").unlink()


def folder_moved(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


@pytest.mark.parametrize("befalls", [moved, deleted, replaced, log_deleted, folder_moved])
async def test_nothing_is_written_into_a_file_that_lost_its_name(
    store: Store, file: Path, befalls: Callable[[Path], None]
) -> None:
    await write_alert(store, "before")
    befalls(file)
    text = await refused(store, "into the void")
    named_file = f"{file}-wal" if befalls is log_deleted else str(file)
    assert f"The store's file {named_file} was moved, deleted or replaced" in text
    assert "restore a backup and start it again" in text
    with pytest.raises(StoreError, match="was moved, deleted or replaced"):
        await store.ping(NOW)
    assert await store.trace("into the void") == []


async def test_a_file_that_is_put_back_is_written_again(store: Store, file: Path) -> None:
    await write_alert(store, "before")
    moved(file)
    await refused(store, "meanwhile")
    aside(file).rename(file)
    await write_alert(store, "meanwhile")
    assert len(await store.trace("meanwhile")) == 1


async def test_a_file_that_somebody_emptied_is_not_written(store: Store, file: Path) -> None:
    await write_alert(store, "before")
    os.truncate(file, 0)
    assert f"The store's file {file} was emptied" in await refused(store, "afterwards")


async def test_a_lock_held_too_long_is_named_to_all_who_wait_and_heals_by_itself(
    file: Path,
) -> None:
    store = await engine_on(file, busy_timeout=0.2)
    received = store.signal(Topic.STORE)
    try:
        with held(file):
            tries = (write_alert(store, f"n{number}") for number in range(300))
            results = await asyncio.gather(*tries, return_exceptions=True)
            assert {type(item) for item in results} == {StoreError}
            assert "is in use by another process" in str(results[0])
            assert received.is_set()
        await write_alert(store, "n0")
        assert len(await store.trace("n0")) == 1
    finally:
        await store.close()


def damaged(file: Path, first: int, pages: int = 1) -> None:
    with file.open("r+b") as raw:
        raw.seek(first * PAGE)
        raw.write(b"\xa5" * PAGE * pages)


def pages_of(file: Path, table: str) -> list[int]:
    """The numbers of a table's leaves, counted from 0 as in the file."""
    with closing(sqlite3.connect(file)) as plain:
        root = plain.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        page = int(root.fetchone()[0])
    raw = file.read_bytes()
    at = (page - 1) * PAGE
    assert raw[at] == 5, "an inner page of a table"
    cells = int.from_bytes(raw[at + 3 : at + 5], "big")
    pointers = (int.from_bytes(raw[at + 12 + 2 * n : at + 14 + 2 * n], "big") for n in range(cells))
    return [int.from_bytes(raw[at + p : at + p + 4], "big") - 1 for p in pointers]


@pytest.fixture
async def full(file: Path) -> Path:
    """A store with some hundred alerts, closed."""
    await asyncio.to_thread(fill, f"sqlite:///{file}", 400)
    return file


async def test_one_damaged_page_in_the_middle_is_found_at_the_start(full: Path) -> None:
    leaves = pages_of(full, "alerts")
    damaged(full, leaves[len(leaves) // 2])
    with pytest.raises(StoreError) as caught:
        await engine_on(full)
    text = str(caught.value)
    assert f"The store {full} is damaged" in text
    assert "Restore a backup" in text
    assert "\n" not in text, "one sentence"


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1])
async def test_a_file_that_was_cut_off_is_found_at_the_start(full: Path, kept: float) -> None:
    os.truncate(full, int(size_of(full) * kept))
    with pytest.raises(StoreError, match="is damaged"):
        await engine_on(full)


@pytest.mark.parametrize("kept", [100, 1000])
async def test_a_file_of_which_only_the_beginning_is_left_is_found(full: Path, kept: int) -> None:
    os.truncate(full, kept)
    with pytest.raises(StoreError, match="is damaged"):
        await engine_on(full)


async def test_a_damaged_header_is_found_at_the_start(full: Path) -> None:
    with full.open("r+b") as raw:
        raw.write(b"\0" * 100)
    with pytest.raises(StoreError, match="is damaged or not a sopbot store"):
        await engine_on(full)


async def test_what_the_start_has_no_time_for_is_found_beside_and_ends_the_writing(
    full: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    leaves = pages_of(full, "alerts")
    damaged(full, leaves[len(leaves) // 2])
    monkeypatch.setattr("store.engines.sqlite_file._look_quickly", lambda _: None)
    store = await engine_on(full)
    try:
        async with asyncio.timeout(30):
            await store.signal(Topic.STORE).wait()
        assert f"The store {full} is damaged" in await refused(store, "afterwards")
        with pytest.raises(StoreError, match="Restore a backup"):
            await store.ping(NOW)
        assert sum("takes no changes" in message for message in caplog.messages) == 1
    finally:
        await store.close()


def behind_the_index(file: Path, index: str, change: str) -> None:
    """Change one row while SQLite does not know of an index on it."""
    with closing(sqlite3.connect(file)) as plain, plain:
        plain.execute("PRAGMA writable_schema = ON")
        row = plain.execute("SELECT * FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        plain.execute("DELETE FROM sqlite_master WHERE name = ?", (index,))
    with closing(sqlite3.connect(file)) as plain, plain:
        assert plain.execute(change).rowcount == 1
        plain.execute("PRAGMA writable_schema = ON")
        plain.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)


async def test_an_index_that_lies_is_found_although_a_quick_look_passes(full: Path) -> None:
    """`quick_check` compares no index with its table; the inspection does."""
    change = "UPDATE alerts SET tracking_id = 'another' WHERE id = 7"
    behind_the_index(full, "alerts_by_tracking_id", change)
    store = await engine_on(full)
    try:
        async with asyncio.timeout(30):
            await store.signal(Topic.STORE).wait()
        assert "is damaged" in await refused(store, "afterwards")
    finally:
        await store.close()


async def test_damage_that_comes_while_the_bot_runs_ends_the_writing(full: Path) -> None:
    store = await engine_on(full)
    try:
        await write_alert(store, "before")
        leaves = pages_of(full, "alerts")
        for leaf in leaves:
            damaged(full, leaf)
        reads = (store.latest_alert(number) for number in range(1, 100))
        results = await asyncio.gather(*reads, return_exceptions=True)
        assert any("is damaged" in str(item) for item in results)
        assert "is damaged" in await refused(store, "afterwards")
        assert store.signal(Topic.STORE).is_set()
    finally:
        await store.close()


async def test_closing_does_not_wait_for_the_inspection(full: Path) -> None:
    for _ in range(5):
        store = await engine_on(full)
        async with asyncio.timeout(30):
            await store.close()


async def test_a_log_that_a_foreign_reader_makes_grow_is_spoken_of(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("store.engines.sqlite_watch._LARGE_LOG", 1 << 20)
    store = await engine_on(file)
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM deliveries").fetchone()
            while size_of(f"{file}-wal") < 5 << 20:
                await write_key(store, "x" * 100_000, NOW)
                await store.prune(limits(NOW, NOW))
                await store.remember("sop_x", None, "person", "y" * 100_000, NOW)
        items = [message for message in caplog.messages if "has grown to" in message]
        assert [message.split("grown to ")[1].split(" MiB")[0] for message in items] == [
            "1",
            "2",
            "4",
        ]
        assert f"`fuser {file}`" in items[0]
    finally:
        await store.close()


async def test_a_large_log_left_by_a_killed_process_is_all_there_and_is_cut_down(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves the file and its log as they were at that moment."""
    monkeypatch.setattr("store.engines.sqlite_file._LOG_KEEPS", 1 << 20)
    store = await engine_on(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")  # so that nothing is folded in
        reader.execute("SELECT COUNT(*) FROM deliveries").fetchone()
        written = [f"{number} {'x' * 200_000}" for number in range(60)]
        await asyncio.gather(*(write_key(store, key, NOW) for key in written))
        left = tmp_path / "left.db"
        for end in ("", "-wal"):
            shutil.copy2(f"{file}{end}", f"{left}{end}")
    await store.close()
    assert size_of(f"{left}-wal") > 10 << 20

    reopened = await open_store(f"sqlite:///{left}", owner="next")
    try:
        for key in written:
            assert not await write_key(reopened, key, NOW)
        for number in range(3):
            await write_key(reopened, f"after {number}", NOW)
        assert size_of(f"{left}-wal") <= 1 << 20, "the disk has it back"
    finally:
        await reopened.close()
