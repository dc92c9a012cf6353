"""Folders of files: what is removed, and how links and other tricks lead nowhere."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import Cancelled, ConfigError
from bot.gateway.executors.file_walk import Stop, Tally, Walk
from bot.remediation.client import ActionCall


def call(**parameters) -> ActionCall:
    return ActionCall(action_id="files.remove", target="it", parameters=parameters)


NOW = {"older_than_seconds": 0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "cache"
    (root / "deep" / "er").mkdir(parents=True)
    for path in ("a.tmp", "b.tmp", "keep.txt", "deep/c.tmp", "deep/er/d.tmp"):
        (root / path).write_bytes(b"x" * 5000)
    return root


@pytest.fixture
def desk_of(start):
    async def begin(folder: Path, **changes):
        target = {
            "executor": "files",
            "root": str(folder),
            "globs": ["*.tmp"],
            "min_age_seconds": 0,
        }
        state = f"state-{uuid.uuid4().hex}"
        return await start({"it": target | changes}, state=state)

    return begin


def names(root: Path) -> list[str]:
    return sorted(p.name for p in root.rglob("*") if p.is_file())


async def test_a_plan_counts_the_files_and_their_space_and_the_execution_removes_them(
    folder, desk_of
):
    desk = await desk_of(folder)
    before = names(folder)
    plan = await desk.client.plan(call(**NOW))
    assert plan.touches[0] == "4 files, 32.0 KiB"
    assert names(folder) == before, "a plan removes nothing"
    report = await desk.client.execute(ActionCall(action_id="files.report", target="it"), key="r")
    assert report.stdout.startswith("4 files that may be removed, 32.0 KiB\nfree: ")

    outcome = await desk.client.execute(call(**NOW), key="k1", digest=plan.digest)

    assert outcome.stdout.startswith("it: removed 4 files, 32.0 KiB; ")
    assert names(folder) == ["keep.txt"]
    assert (folder / "deep" / "er").is_dir()
    repeat = await desk.client.execute(call(**NOW), key="k2")
    assert repeat.stdout.startswith("it: removed 0 files, 0 B; ")
    assert (await desk.client.health()).status == "healthy"


async def test_young_files_too_many_files_and_a_folder_that_is_gone_are_left_alone(folder, desk_of):
    desk = await desk_of(folder)
    assert (await desk.client.plan(call(older_than_seconds=60))).touches == ("0 files, 0 B",)
    os.utime(folder / "a.tmp", (0, 0))  # whoever may touch a file may also make it look old
    assert (await desk.client.plan(call(older_than_seconds=60))).touches == ("0 files, 0 B",)
    for changes, code in (
        ({"max_files": 3}, "TOO_MUCH"),
        ({"min_age_seconds": 5}, "TARGET_REFUSED"),
        ({"root": str(folder / "nobody")}, "TARGET_REFUSED"),
        ({"root": str(folder / "a.tmp")}, "TARGET_REFUSED"),
    ):
        other = await desk_of(folder, **changes)
        outcome = await other.client.execute(call(**NOW), key="k1")
        assert (outcome.error_code, outcome.nothing_ran) == (code, True)
    assert len(names(folder)) == 5


@pytest.mark.attack("ASI02")
async def test_no_link_is_followed_and_no_parameter_leads_elsewhere(folder, tmp_path, desk_of):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.tmp").write_text("x")
    (folder / "link.tmp").symlink_to(outside / "precious.tmp")
    (folder / "linked").symlink_to(outside)
    (folder / "deep" / "up.tmp").symlink_to("../../outside/precious.tmp")
    os.mkfifo(folder / "pipe.tmp")
    (folder / "two\nlines.tmp").write_text("x")
    desk = await desk_of(folder)
    for hostile in (
        {"older_than_seconds": 0, "root": str(outside)},
        {"older_than_seconds": 0, "globs": ["*"]},
        {"older_than_seconds": 0, "path": "../outside"},
        {"older_than_seconds": -1},
        {"older_than_seconds": "0"},
        {"older_than_seconds": 1e300},
        {"older_than_seconds": True},
        {"older_than_seconds": None},
        {"older_than_seconds": 2**70},
    ):
        outcome = await desk.client.execute(call(**hostile), key=uuid.uuid4().hex)
        assert outcome.nothing_ran, hostile
    outcome = await desk.client.execute(call(**NOW), key="k1")
    assert outcome.stdout.startswith("it: removed 5 files, "), outcome
    assert (outside / "precious.tmp").read_text() == "x"
    assert (folder / "link.tmp").is_symlink()
    assert (folder / "pipe.tmp").exists()
    linked = tmp_path / "alias"
    linked.symlink_to(outside)
    by_link = await desk_of(linked)
    outcome = await by_link.client.execute(call(**NOW), key="k1")
    assert (outcome.error_code, outcome.nothing_ran) == ("TARGET_REFUSED", True)
    assert (outside / "precious.tmp").exists()


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("name", ["sub", "f.tmp"])
def test_what_becomes_a_link_between_its_check_and_its_use_leads_nowhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The attacker wins the race each time: the exchange happens as the check returns."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    for path in (root / "sub" / "f.tmp", root / "f.tmp", outside / "f.tmp"):
        path.write_text("x")
    victims = {"sub": outside, "f.tmp": outside / "f.tmp"}
    real_stat = os.stat

    def stat_then_exchange(path, *arguments, **options):
        status = real_stat(path, *arguments, **options)
        place = root / name
        if path == name and not place.is_symlink():
            place.rename(tmp_path / "aside")
            place.symlink_to(victims[name])
        return status

    with Walk(root, ("*.tmp",), 0, most=10, seconds=60) as walk, monkeypatch.context() as patch:
        patch.setattr(os, "stat", stat_then_exchange)
        walk.remove(Stop(), lambda tally: None)
    assert (outside / "f.tmp").exists()
    assert (tmp_path / "aside").exists(), "the exchange took place"


@pytest.mark.attack("ASI02")
def test_a_file_moved_out_of_a_folder_that_was_opened_is_not_followed(tmp_path: Path):
    """The walk holds the folder itself: moving it elsewhere moves no other files into its reach."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.tmp").write_text("x")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "a.tmp").write_text("precious")
    with Walk(root, ("*.tmp",), 0, most=10, seconds=60) as walk:
        (root).rename(tmp_path / "moved")
        root.symlink_to(precious)
        tally = walk.remove(Stop(), lambda tally: None)
    assert tally.files == 1
    assert (precious / "a.tmp").exists()


def test_a_cancelled_removal_says_how_many_files_are_gone(folder: Path):
    stop, seen = Stop(), list[Tally]()
    with Walk(folder, ("*.tmp",), 0, most=100, seconds=60) as walk:
        stop.now = True
        seen.append(walk.remove(stop, seen.append))
    assert (seen[0].files, len(names(folder))) == (0, 5)
    assert str(stop.cancelled(Tally(files=3))) == "3 files were removed by then"
    assert isinstance(stop.cancelled(Tally()), Cancelled)


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize("root", ["/", "/etc", "cache", "/var/cache/../../etc", "/srv/a/.."])
def test_a_root_that_is_no_folder_of_a_cache_is_an_error_of_the_config(root: str):
    with pytest.raises(ConfigError):
        read_config({"targets": {"it": {"executor": "files", "root": root, "globs": ["*"]}}})


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.attack("ASI08")
def test_many_folders_beside_each_other_take_no_more_open_files_than_one(folder):
    for place in range(300):
        (folder / f"d{place}").mkdir()
        (folder / f"d{place}" / "x.tmp").touch()
    before = open_files()
    with Walk(folder, ("*.tmp",), 0, most=10_000, seconds=60) as walk:
        files = walk._files(Tally(), Stop())
        most, count = before, 0
        for _ in files:
            most, count = max(most, open_files()), count + 1
    assert count == 304
    assert most - before < 10
