"""A backup is one file that holds a whole store; what is restored from it is that store."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from store.admin import backups, condition
from store.admin.files import alone, give_back, written_beside
from store.admin.locations import file_of
from tests.helpers.disks import small_disk
from tests.helpers.filled_stores import (
    ENGINES,
    MORE,
    ROOT,
    Silent,
    StoreMaker,
    bot_ends,
    bot_lives,
    change,
    content,
    in_the_middle,
    is_whole,
)
from tests.helpers.old_stores import unborn


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    """A store with a bit of everything, and a few thousand alerts."""
    return store_maker.filled(request.param, MORE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the backup goes."""
    return tmp_path / "backup.db"


# The backup


def test_a_backup_that_finds_no_room_names_its_own_folder_and_leaves_nothing(
    store_maker: StoreMaker, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "small", size=1 << 20) as disk:
        with pytest.raises(StoreError) as problem:
            backups.backup(store_maker.filled("sqlite", MORE), disk.folder / "b.db", Silent())
        assert str(problem.value).startswith(f"The disk of {disk.folder} is full. Make room there;")
        assert list(disk.folder.iterdir()) == []


def test_a_backup_is_one_private_file_with_all_of_it(url: str, file: Path) -> None:
    bot_lives(url)
    done = backups.backup(url, file, Silent())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert done.size == file.stat().st_size
    assert done.rows == sum(len(rows) for rows in content(url).values())
    assert file.read_bytes()[18:20] == b"\1\1", "it needs no log beside it"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    backed_up = f"sqlite:///{file}"
    assert content(backed_up) == content(url)
    assert is_whole(backed_up)
    assert condition.read_condition(backed_up).rows["replicas"] == 0, "nobody is alive in a backup"


def test_a_file_that_is_there_is_overwritten_only_by_force(url: str, file: Path) -> None:
    file.write_text("the one good backup")
    with pytest.raises(StoreError, match="is there already") as caught:
        backups.backup(url, file, Silent())
    assert "--force" in caught.value.remedy
    assert file.read_text() == "the one good backup"
    backups.backup(url, file, Silent(), force=True)
    assert content(f"sqlite:///{file}") == content(url)


def test_a_backup_killed_in_the_middle_leaves_the_one_before(url: str, file: Path) -> None:
    with in_the_middle("backup", url, str(file)) as process:
        with pytest.raises(StoreError, match="Another process is writing"):
            backups.backup(url, file, Silent())
        process.kill()
        assert process.wait() == -9
    assert not file.exists()
    backups.backup(url, file, Silent())
    assert content(f"sqlite:///{file}") == content(url)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_was_written_before_the_backup_began_is_in_it_however_busy_the_bot_is(
    file: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'busy.db'}"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.store_writer", url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        try:
            assert writer.stdout is not None
            for _ in range(3):  # drills
                returned = [writer.stdout.readline().strip() for _ in range(200)]
                backups.backup(url, file, Silent(), force=True)
                assert writer.poll() is None, "the writer went on"
                backed_up = f"sqlite:///{file}"
                assert is_whole(backed_up)
                there = {row[8] for row in content(backed_up)["alerts"]}
                assert not set(returned) - there
            assert writer.stdout.readline(), "and goes on"
        finally:
            writer.kill()
    restored = f"sqlite:///{tmp_path / 'restored.db'}"
    backups.restore(file, restored, Silent())
    assert is_whole(restored)
    assert not set(returned) - {row[8] for row in content(restored)["alerts"]}


def test_a_store_of_an_older_sopbot_is_backed_up_as_it_is(file: Path, tmp_path: Path) -> None:
    old = unborn(tmp_path / "old.db")
    backups.backup(f"sqlite:///{old}", file, Silent())
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("SELECT COUNT(*) FROM _sqlite_migrations").fetchone() == (0,)


def test_a_backup_onto_the_store_itself_or_into_no_folder_is_refused(
    store_maker: StoreMaker, tmp_path: Path
) -> None:
    store = store_maker.filled("sqlite")
    itself = file_of(store)
    assert itself
    with pytest.raises(StoreError, match="is the store itself"):
        backups.backup(store, itself, Silent(), force=True)
    with pytest.raises(StoreError, match="There is no folder"):
        backups.backup(store, tmp_path / "none" / "b.db", Silent())
    assert is_whole(store)


# Files


def test_a_part_is_gone_unless_it_was_put_in_place(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        with written_beside(target) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail(tmp_path / "x.db")
    assert list(tmp_path.iterdir()) == []


def test_a_link_where_the_part_should_go_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "x.db.partial").symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError, match="cannot be opened"), written_beside(tmp_path / "x.db"):
        pass
    assert (tmp_path / "precious").read_text() == "precious"


def test_what_is_free_goes_back_to_the_disk(store_maker: StoreMaker) -> None:
    url = store_maker.filled("sqlite", MORE)
    present = file_of(url)
    assert present
    change(url, "DELETE FROM alerts WHERE id > 100")
    assert give_back(present) > 100_000
    assert condition.read_condition(url).rows["alerts"] <= 100
    change(url, "DELETE FROM firing")
    with alone(present):
        assert give_back(present) > 10_000, "also while a bot has it"


def test_leases_end_in_order(store_maker: StoreMaker) -> None:
    url = store_maker.filled("sqlite")
    bot_lives(url)
    assert [owner for owner, _, _ in condition.read_condition(url).replicas] == ["bot-alive"]
    bot_ends(url)
    assert condition.read_condition(url).replicas == []
