"""A restore: the store comes back whole, or it stays as it was."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from store import Store, open_store
from store.admin import backups, condition, moves
from store.admin.files import alone
from store.admin.locations import file_of
from store.engines.tables import steps
from tests.helpers.builders import AUDIT_KEY, alert, deliver
from tests.helpers.filled_stores import (
    ENGINES,
    MORE,
    ROOT,
    Silent,
    StoreMaker,
    bot_lives,
    change,
    content,
    from_the_future,
    in_the_middle,
    is_whole,
)
from tests.helpers.old_stores import unborn

NOBODY = 65534


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    """A store with a bit of everything, and a few thousand alerts."""
    return store_maker.filled(request.param, MORE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the backup goes."""
    return tmp_path / "backup.db"


async def with_store(url: str, name: str) -> int:
    store: Store = await open_store(url, owner="next", audit_key=AUDIT_KEY)
    try:
        return await deliver(store, alert(service=name, fingerprint=f"fp-{name}"))
    finally:
        await store.close()


# The way back


async def id_of(url: str) -> str:
    store = await open_store(url, owner="asker")
    try:
        return await store.identity()
    finally:
        await store.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_store_that_is_restored_or_copied_is_the_same_store(
    engine: str, url: str, file: Path, store_maker: StoreMaker
) -> None:
    """It must know the messages that it posted, and take nobody else's for its own."""
    own = asyncio.run(id_of(url))
    assert own == asyncio.run(id_of(url)) != asyncio.run(id_of(store_maker.empty(engine)))
    backups.backup(url, file, Silent())
    restored, copied = store_maker.empty(engine), store_maker.empty(engine)
    backups.restore(file, restored, Silent())
    asyncio.run(id_of(copied))  # a bot has looked at it, and done nothing there
    moves.copy(url, copied, Silent())
    assert asyncio.run(id_of(restored)) == asyncio.run(id_of(copied)) == own


@pytest.mark.parametrize("engine", ENGINES)
def test_a_drill_what_was_backed_up_comes_back_on_either_engine(
    engine: str, url: str, file: Path, store_maker: StoreMaker
) -> None:
    before = content(url)
    backups.backup(url, file, Silent())
    storage = store_maker.empty(engine)
    done = backups.restore(file, storage, Silent())
    assert content(storage) == before
    assert is_whole(storage)
    assert done.kept is None
    last = max(row[0] for row in before["incidents"])
    assert asyncio.run(with_store(storage, "after")) == last + 1
    assert file.exists(), "the backup stays"


def test_the_present_file_is_kept_beside_with_what_is_only_in_its_log(
    store_maker: StoreMaker, file: Path, tmp_path: Path
) -> None:
    old, url = store_maker.filled("sqlite"), f"sqlite:///{tmp_path / 'bot' / 'sopbot.db'}"
    backups.backup(old, file, Silent())
    with subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.store_writer", url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        returned = [writer.stdout.readline().strip() for _ in range(100)]
        writer.kill()
    present = file_of(url)
    assert present
    assert Path(f"{present}-wal").stat().st_size, "a killed bot leaves its log"
    present.chmod(0o640)

    done = backups.restore(file, url, Silent())
    assert content(url) == content(old)
    assert stat.S_IMODE(present.stat().st_mode) == 0o640
    assert done.kept
    assert done.kept.name.startswith("sopbot.db.before-restore-2")
    assert not set(returned) - {row[8] for row in content(f"sqlite:///{done.kept}")["alerts"]}
    second = backups.restore(file, url, Silent())
    assert second.kept
    assert second.kept != done.kept
    backups.restore(done.kept, url, Silent())
    assert not set(returned) - {row[8] for row in content(url)["alerts"]}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_number_that_people_know_never_becomes_another_incident(
    engine: str, store_maker: StoreMaker, file: Path
) -> None:
    url = store_maker.filled(engine)
    backups.backup(url, file, Silent())
    known = [asyncio.run(with_store(url, f"since-{n}")) for n in range(3)]
    backups.restore(file, url, Silent(), replace=True)
    assert asyncio.run(with_store(url, "after")) == max(known) + 1


def test_a_damaged_present_file_is_replaced_and_its_log_does_not_reach_the_new_one(
    store_maker: StoreMaker, file: Path, tmp_path: Path
) -> None:
    good = store_maker.filled("sqlite")
    backups.backup(good, file, Silent())
    present = tmp_path / "sopbot.db"
    present.write_bytes(b"\xa5" * 40_000)
    Path(f"{present}-wal").write_bytes(b"\x5a" * 4_000)
    done = backups.restore(file, f"sqlite:///{present}", Silent())
    assert content(f"sqlite:///{present}") == content(good)
    assert done.kept
    assert done.kept.read_bytes() == b"\xa5" * 40_000
    assert Path(f"{done.kept}-wal").read_bytes() == b"\x5a" * 4_000


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_restored_beneath_a_running_bot(
    engine: str, store_maker: StoreMaker, file: Path
) -> None:
    url = store_maker.filled(engine)
    backups.backup(url, file, Silent())
    asyncio.run(with_store(url, "since"))
    bot_lives(url)
    before = content(url)
    held = file_of(url)
    if held:
        with alone(held), pytest.raises(StoreError, match="A bot is running"):
            backups.restore(file, url, Silent(), replace=True)
    else:
        with pytest.raises(StoreError, match="A bot is running"):
            backups.restore(file, url, Silent(), replace=True)
    assert content(url) == before


def test_a_database_that_is_not_empty_is_replaced_only_when_told(
    store_maker: StoreMaker, file: Path
) -> None:
    url = store_maker.filled("postgresql")
    backups.backup(url, file, Silent())
    expected = content(url)
    asyncio.run(with_store(url, "since"))
    since = content(url)
    with pytest.raises(StoreError, match="is not empty") as caught:
        backups.restore(file, url, Silent())
    assert "--replace" in caught.value.remedy
    assert content(url) == since
    backups.restore(file, url, Silent(), replace=True)
    assert content(url) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_a_restore_killed_in_the_middle_leaves_the_store_as_it_was(
    engine: str, store_maker: StoreMaker, file: Path
) -> None:
    backups.backup(store_maker.filled("sqlite", MORE), file, Silent())
    url = store_maker.empty(engine) if engine == "postgresql" else store_maker.filled(engine)
    before = content(url)
    with in_the_middle("restore", str(file), url) as process:
        process.kill()
        assert process.wait() == -9
    assert content(url) == before
    backups.restore(file, url, Silent())
    assert content(url) == content(f"sqlite:///{file}")


# Backups that are none


@pytest.fixture(params=ENGINES)
def storage(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    """An empty store."""
    url = store_maker.empty(request.param)
    moves.migrate(url)
    return url


def refused(file: Path, storage: str) -> str:
    with pytest.raises(StoreError) as caught:
        backups.restore(file, storage, Silent(), replace=True)
    assert str(file) in str(caught.value), "an operator must learn which file"
    assert caught.value.remedy
    assert not any(content(storage).values())
    return str(caught.value)


def test_a_damaged_backup_is_refused(store_maker: StoreMaker, storage: str, file: Path) -> None:
    backups.backup(store_maker.filled("sqlite"), file, Silent())
    data = bytearray(file.read_bytes())
    data[len(data) // 2 :] = b"\xa5" * (len(data) - len(data) // 2)
    file.write_bytes(data)
    assert "is damaged" in refused(file, storage)


def test_a_cut_backup_is_refused(store_maker: StoreMaker, storage: str, file: Path) -> None:
    backups.backup(store_maker.filled("sqlite"), file, Silent())
    os.truncate(file, file.stat().st_size // 2)
    assert "is damaged" in refused(file, storage)


def test_what_is_no_store_is_refused(storage: str, file: Path) -> None:
    file.write_text("Dear diary, " * 500)
    assert "no SQLite file" in refused(file, storage)
    file.unlink()
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("CREATE TABLE other (x)")
    assert "is not a store of sopbot" in refused(file, storage)
    file.write_bytes(b"")
    assert "is not a store of sopbot" in refused(file, storage)
    file.unlink()
    assert "There is no file" in refused(file, storage)


def test_a_backup_of_a_newer_sopbot_is_refused_by_name(
    store_maker: StoreMaker, storage: str, file: Path
) -> None:
    backups.backup(store_maker.filled("sqlite"), file, Silent())
    from_the_future(f"sqlite:///{file}")
    assert "newer sopbot (m999_contract_tomorrow)" in refused(file, storage)


def test_an_older_backup_is_brought_up_to_date(storage: str, file: Path) -> None:
    done = backups.restore(unborn(file), storage, Silent())
    assert done.migrated == tuple(steps())
    assert condition.read_condition(storage).behind == ()
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("SELECT COUNT(*) FROM _sqlite_migrations").fetchone() == (0,), (
            "the backup itself stays as it is"
        )


def test_a_store_is_not_restored_from_itself(store_maker: StoreMaker) -> None:
    url = store_maker.filled("sqlite")
    itself = file_of(url)
    assert itself
    with pytest.raises(StoreError, match="both source and target"):
        backups.restore(itself, url, Silent())


def test_what_a_backup_breaks_is_told(store_maker: StoreMaker, storage: str, file: Path) -> None:
    url = store_maker.filled("sqlite")
    change(url, "DELETE FROM outbox WHERE key = 'card:1'")
    assert backups.backup(url, file, Silent()).broken
    assert backups.restore(file, storage, Silent()).broken


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_root_restores_or_locks_stays_the_bots(store_maker: StoreMaker, file: Path) -> None:
    url = store_maker.filled("sqlite")
    present = file_of(url)
    assert present
    backups.backup(url, file, Silent())
    os.chown(present, NOBODY, NOBODY)
    backups.restore(file, url, Silent())
    assert present.stat().st_uid == NOBODY
    assert Path(f"{present}.lock").stat().st_uid == NOBODY
