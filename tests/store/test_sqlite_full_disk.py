"""A full disk: what cannot be written is refused, nothing else is lost, and room is enough."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from store import Store, open_store
from store.topics import Topic
from tests.helpers.builders import CHANNEL, NOW, alert, identify, later
from tests.helpers.disks import SmallDisk, leave_no_room, small_disk
from tests.helpers.stores import write_key


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small") as mounted:
        yield mounted


@pytest.fixture
def file(disk: SmallDisk) -> Path:
    return disk.folder / "sopbot.db"


async def opened_at(file: Path) -> Store:
    return await open_store(f"sqlite:///{file}", owner="bot-a", exclusive=True)


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    """A store on the small disk."""
    opened = await opened_at(file)
    yield opened
    await opened.close()


async def write_alert(store: Store, name: str, service: str = "web") -> None:
    item = alert(service=service, fingerprint=f"fp-{name}", text="a long story " * 400)
    result = identify(item, dedup_key=name, tracking_id=name)
    await store.accept(f"delivery-{name}", [result], channel=CHANNEL, now=NOW)


async def ping_until_full(store: Store) -> None:
    """Write the same row over and over: only the log grows."""
    for second in range(100_000):
        try:
            await store.ping(later(second))
        except StoreError:
            return
    raise AssertionError("the log did not grow")


async def tell_until_full(store: Store) -> list[str]:
    """Alert after alert. Returns those that were accepted."""
    accepted: list[str] = []
    while True:
        name = f"n{len(accepted)}"
        try:
            await write_alert(store, name, service=f"s{len(accepted) % 50}")
        except StoreError:
            return accepted
        accepted.append(name)


def count_of(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as plain:
        return int(plain.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608


async def test_what_does_not_fit_is_refused_whole_and_taken_once_there_is_room(
    disk: SmallDisk, store: Store, file: Path
) -> None:
    await write_alert(store, "before")
    error = await leave_no_room(disk, store)
    text = str(error)
    assert text == (
        f"The store {file} cannot grow: the disk is full."
        " Make room; what was not acknowledged is delivered again."
    )
    assert not error.permanent
    for _ in range(3):
        with pytest.raises(StoreError, match="the disk is full"):
            await write_alert(store, "meanwhile", service="checkout")
    assert await store.trace("meanwhile") == []
    assert len(await store.open_incidents()) == 1, "no half incident"
    assert len(await store.trace("before")) == 1, "and reading goes on"
    with pytest.raises(StoreError, match="the disk is full"):
        await store.ping(NOW)

    disk.make_room()
    await write_alert(store, "meanwhile", service="checkout")
    await write_alert(store, "meanwhile", service="checkout")
    assert len(await store.trace("meanwhile")) == 1
    assert sorted(item.service for item in await store.open_incidents()) == ["checkout", "web"]
    await store.ping(NOW)


async def test_a_storm_on_a_full_disk_is_refused_to_the_last_and_logged_once(
    disk: SmallDisk, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await leave_no_room(disk, store)
    caplog.clear()
    results = await asyncio.gather(
        *(write_alert(store, f"storm-{n}") for n in range(2_000)), return_exceptions=True
    )
    assert {type(item) for item in results} == {StoreError}
    assert len(caplog.records) <= 1, caplog.messages[:3]
    disk.make_room()
    await write_alert(store, "afterwards")
    ends = [message for message in caplog.messages if "takes changes again" in message]
    assert len(ends) == 1


async def test_whoever_watches_the_store_hears_when_it_fills_and_when_it_works_again(
    disk: SmallDisk, store: Store
) -> None:
    received = store.signal(Topic.STORE)
    await write_alert(store, "before")
    assert not received.is_set()
    await leave_no_room(disk, store)
    async with asyncio.timeout(10):
        await received.wait()
    received.clear()
    with pytest.raises(StoreError):
        await store.ping(NOW)
    assert not received.is_set(), "it says so once, not with each write"
    disk.make_room()
    await store.ping(NOW)
    async with asyncio.timeout(10):
        await received.wait()


async def test_a_log_that_a_long_reader_made_fill_the_disk_does_not_lie_in_its_own_way(
    disk: SmallDisk, file: Path
) -> None:
    """SQLite folds the log in after a commit only, and there is none on a full disk."""
    before = await opened_at(file)
    await before.ping(NOW)
    await before.close()  # now the file is as big as it has to be
    store = await opened_at(file)
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM incidents").fetchone()
            await ping_until_full(store)
            assert disk.free < 32_768
        await store.ping(NOW)
    finally:
        await store.close()


async def test_a_log_that_cannot_be_folded_in_loses_nothing(disk: SmallDisk, file: Path) -> None:
    """The log is as big as the file would have to be: the disk fills at the checkpoint."""
    store = await opened_at(file)
    disk.fill(but=5 << 20)
    written = await tell_until_full(store)
    assert len(written) > 100
    await store.close()
    assert file.with_name("sopbot.db-wal").exists(), "else this test is about something else"

    disk.make_room()
    second = await opened_at(file)
    try:
        for name in written:
            assert len(await second.trace(name)) == 1, name
        assert len(await second.trace(f"n{len(written)}")) == 0
        assert await write_key(second, "afterwards", NOW)
    finally:
        await second.close()
    assert count_of(file, "alerts") == len(written)


async def test_a_new_store_on_a_full_disk_is_refused_and_made_once_there_is_room(
    disk: SmallDisk, file: Path
) -> None:
    disk.fill()
    with pytest.raises(StoreError) as caught:
        await opened_at(file)
    assert f"The store {file} cannot grow: the disk is full. Make room" in str(caught.value)
    disk.make_room()
    store = await opened_at(file)
    assert await write_key(store, "k", NOW)
    await store.close()


async def test_a_store_on_a_disk_that_filled_meanwhile_says_so_at_the_start(
    disk: SmallDisk, file: Path
) -> None:
    before = await opened_at(file)
    await write_alert(before, "before")
    await before.close()
    disk.fill()
    with pytest.raises(StoreError, match="the disk is full"):
        await opened_at(file)
    disk.make_room()
    after = await opened_at(file)
    assert len(await after.trace("before")) == 1
    await after.close()


async def test_a_disk_that_stays_full_is_spoken_of_once_a_minute(
    disk: SmallDisk, store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leave_no_room(disk, store)
    caplog.clear()
    with pytest.raises(StoreError):
        await store.ping(NOW)
    assert caplog.records == []
    monkeypatch.setattr("store.engines.sqlite.REMIND", 0.0)
    with pytest.raises(StoreError):
        await store.ping(NOW)
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    assert "takes no changes" in line.getMessage()
    assert "the disk is full" in line.getMessage()


async def test_a_disk_that_was_mounted_read_only_is_named_at_the_start(
    disk: SmallDisk, file: Path
) -> None:
    await (await opened_at(file)).close()
    disk.forbid_writing()
    with pytest.raises(StoreError) as caught:
        await opened_at(file)
    text = str(caught.value)
    assert str(file) in text
    assert "Read-only file system" in text
