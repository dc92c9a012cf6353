"""A file that cannot be used is named, with what to do about it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from store import Store, open_store
from store.engines.sqlite import SqliteEngine
from tests.helpers.builders import NOW
from tests.helpers.locked_files import held
from tests.helpers.stores import write_key

NOBODY = 65534


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


async def refused(file: Path) -> str:
    """Return what `open_store` says of a file that it cannot use."""
    with pytest.raises(StoreError) as caught:
        await open_store(url_of(file), owner="bot-a")
    text = str(caught.value)
    assert str(file) in text, "an operator must learn which file"
    assert caught.value.remedy, "and what to do about it"
    return text


async def test_a_schema_from_the_future_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    await (await open_store(url_of(file), owner="bot-a")).close()
    with closing(sqlite3.connect(file)) as plain, plain:
        plain.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('sopbot', 'm999_tomorrow', '2030-01-01')"
        )
    text = await refused(file)
    assert "newer sopbot (m999_tomorrow)" in text
    assert "Run that version" in text


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Dear diary, " * 500)
    assert "is damaged or not a sopbot store" in await refused(file)
    assert file.read_text().startswith("Dear diary"), "somebody else's file stays as it was"


async def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    store = await open_store(url_of(file), owner="bot-a")
    for number in range(200):
        await write_key(store, f"k{number}", NOW)
    await store.close()
    damaged = bytearray(file.read_bytes())
    damaged[8192:] = b"\xa5" * (len(damaged) - 8192)
    file.write_bytes(damaged)
    text = await refused(file)
    assert "is damaged" in text
    assert "Restore a backup" in text


async def test_a_folder_where_the_file_should_be_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "sopbot.db"
    folder.mkdir()
    assert "cannot be opened" in await refused(folder)


async def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert "cannot be opened" in await refused(tmp_path / "data" / "sopbot.db")


async def test_missing_folders_are_made(tmp_path: Path) -> None:
    file = tmp_path / "var" / "lib" / "sopbot.db"
    await (await open_store(url_of(file), owner="bot-a")).close()
    assert file.exists()


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder that a user without root's rights owns, and that user's rights for this test.

    Root may write anywhere whatever the mode says, so as root nothing would be read-only.
    """
    folder = Path(tempfile.mkdtemp(prefix="sopbot-store-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


async def test_a_read_only_file_is_named(ordinary_user: Path) -> None:
    file = ordinary_user / "sopbot.db"
    await (await open_store(url_of(file), owner="bot-a")).close()
    file.chmod(0o400)
    text = await refused(file)
    assert "cannot be written" in text
    assert "owner and mode" in text


async def test_a_file_without_permissions_is_named(ordinary_user: Path) -> None:
    file = ordinary_user / "sopbot.db"
    await (await open_store(url_of(file), owner="bot-a")).close()
    file.chmod(0)
    assert "cannot be opened" in await refused(file)


async def test_a_read_only_folder_is_named(ordinary_user: Path) -> None:
    forbid_writing(ordinary_user)
    assert "cannot be opened" in await refused(ordinary_user / "sopbot.db")
    assert "cannot be opened" in await refused(ordinary_user / "below" / "sopbot.db")


def forbid_writing(folder: Path) -> None:
    folder.chmod(0o500)


async def test_a_file_that_another_process_holds_fails_the_write_and_then_works_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "sopbot.db"
    engine = SqliteEngine(str(file), busy_timeout=0.05)
    await engine.start()
    store = Store(engine, owner="bot-a")
    try:
        with held(file):
            with pytest.raises(StoreError) as caught:
                await write_key(store, "k", NOW)
            assert await store.incident_counts() == {}, "reading goes on"
        text = str(caught.value)
        assert str(file) in text
        assert "in use by another process" in text
        assert "One bot a file" in text
        assert not caught.value.permanent
        assert await write_key(store, "k", NOW), "what failed was not written"
    finally:
        await store.close()


async def test_a_file_that_another_process_holds_at_the_start_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sopbot.db"
    with closing(sqlite3.connect(file)) as plain, plain:
        plain.execute("CREATE TABLE other (x)")
    with held(file):
        engine = SqliteEngine(str(file), busy_timeout=0.05)
        with pytest.raises(StoreError, match="in use by another process"):
            await engine.start()
        await engine.close()
