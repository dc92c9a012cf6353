"""The bot's own backups: complete, proved, kept for as long as the settings say, and no secret."""

from __future__ import annotations

import asyncio
import json
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.backups.configuration_archive import ConfigurationFiles
from bot.backups.folder import Backup, good_backups
from bot.backups.schedule import read_schedule
from bot.backups.scheduled import RETRY, BackupPlan, ScheduledBackups
from bot.errors import StoreError
from bot.observability.metrics import Metrics
from store.admin import drills, files
from tests.helpers.bot_processes import Command
from tests.helpers.builders import AUDIT_KEY, NOW
from tests.helpers.commands import environment
from tests.helpers.filled_stores import ENGINES, Silent, StoreMaker, change, content
from tests.helpers.waiting import until

SECRET = "xoxb-a-secret-of-the-tests"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


@pytest.fixture
def sqlite_url(store_maker: StoreMaker) -> str:
    return store_maker.filled("sqlite")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    (folder / "sops").mkdir(parents=True)
    (folder / "sources").mkdir()
    (folder / "segments").mkdir()
    (folder / "policy.yaml").write_text(
        "includes: [segments/notify.yaml]\nremediate: {approvers: [sre]}\n"
    )
    (folder / "segments" / "notify.yaml").write_text("notify: {}\n")
    (folder / "approvers.yaml").write_text("sre: [U0ANA00001]\n")
    (folder / "services.yaml").write_text("services: {}\n")
    (folder / "task_instructions.md").write_text("Be brief.\n")
    (folder / "sops" / "web.jsonl").write_text('{"sop_id": "sop_web"}\n')
    (folder / ".env").write_text(f"SLACK_BOT_TOKEN={SECRET}\n")
    return folder


@pytest.fixture
def make(
    tmp_path: Path, config: Path, clock: Clock, metrics: Metrics
) -> Callable[..., ScheduledBackups]:
    folder = tmp_path / "backups"
    folder.mkdir()

    def made(url: str, **changes: Any) -> ScheduledBackups:
        fields: dict[str, Any] = {
            "folder": folder,
            "schedule": read_schedule("1d"),
            "keep": 2,
            "max_age": timedelta(hours=26),
            "store_url": url,
            "key": AUDIT_KEY,
            "files": ConfigurationFiles(*_places(config)),
            "secrets": [SECRET, ""],
        }
        return ScheduledBackups(BackupPlan(**fields | changes), clock, metrics)

    return made


def _places(config: Path) -> tuple[Path, None, Path, Path, Path, Path]:
    names = ("policy.yaml", "services.yaml", "sops", "sources", "gateways.yaml")
    policy, services, sops, sources, gateways = (config / name for name in names)
    return policy, None, services, sops, sources, gateways


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def test_a_due_backup_is_made_proved_and_kept(
    url: str, make: Any, clock: Clock, metrics: Metrics, tmp_path: Path
) -> None:
    scheduled = make(url)
    with pytest.raises(StoreError, match="no good backup yet"):
        await scheduled.check()
    await scheduled.run()
    await scheduled.check()
    folder = tmp_path / "backups"
    (backup,) = good_backups(folder)
    assert content(f"sqlite:///{backup.store}") == content(url)
    assert {path.name for path in folder.iterdir() if path.name.startswith(".drill")} == set()
    manifest = json.loads(backup.manifest.read_text())
    assert manifest["rows"] == sum(len(rows) for rows in content(url).values())
    assert manifest["audit_rows"] == len(content(url)["audit"])
    assert manifest["sha256"] == drills.digest_of_file(backup.store)
    with tarfile.open(backup.configuration) as archive:
        names = archive.getnames()
        assert SECRET.encode() not in b"".join(
            file.read() for name in names if (file := archive.extractfile(name))
        )
    assert names == [
        *("policy.yaml", "segments/notify.yaml", "approvers.yaml", "task_instructions.md"),
        *("services.yaml", "sops/web.jsonl"),
    ]
    assert manifest["configuration"] == names
    assert stat.S_IMODE(backup.configuration.stat().st_mode) == 0o600
    assert value(metrics, "sopbot_backups_total", outcome="good") == 1
    assert value(metrics, "sopbot_backup_last_success_timestamp_seconds") == backup.at.timestamp()

    await scheduled.run()
    assert len(good_backups(folder)) == 1, "the next one is not due yet"
    precious = folder / "sopbot-by-hand.db"
    precious.write_text("somebody's")
    (folder / "sopbot-20200101T000000Z.db").write_text("of a process that was killed")
    for _ in range(3):
        clock.now += timedelta(days=1)
        await scheduled.run()
    ages = [clock.now - good.at for good in good_backups(folder)]
    assert [age.days for age in ages] == [0, 1], "the newest two are kept"
    kept = [path.name for path in folder.iterdir()]
    assert len(kept) == 7, "six files of two backups, and the file of another name"
    assert precious.read_text() == "somebody's"
    clock.now += timedelta(hours=27)
    with pytest.raises(StoreError, match=r"is 27\.0 hours old"):
        await scheduled.check()


async def test_a_failure_keeps_the_backups_before_and_is_tried_again_later(
    store_maker: StoreMaker, make: Any, clock: Clock, metrics: Metrics, tmp_path: Path, config: Path
) -> None:
    url = store_maker.filled("sqlite")
    scheduled, folder = make(url), tmp_path / "backups"
    await scheduled.run()
    clock.now += timedelta(days=1)
    (config / "services.yaml").write_text(f"services: {{}} # {SECRET}\n")
    await scheduled.run()
    with pytest.raises(StoreError, match="holds the value of a secret setting") as caught:
        await scheduled.check()
    assert SECRET not in str(caught.value)
    assert len(list(folder.iterdir())) == 3, "nothing of the failed one is left"
    assert value(metrics, "sopbot_backups_total", outcome="failed") == 1
    (config / "services.yaml").write_text("services: {}\n")
    (config / "policy.yaml").write_text("includes: [gone.yaml]\n")  # no reason to go without one
    await scheduled.run()
    assert len(good_backups(folder)) == 1, "it waits, because each attempt reads the whole store"
    clock.now += RETRY
    await scheduled.run()
    await scheduled.check()
    assert len(good_backups(folder)) == 2


async def test_a_store_whose_trail_was_edited_gives_no_good_backup(
    url: str, make: Any, tmp_path: Path
) -> None:
    change(url, "UPDATE audit SET actor = 'U0EVE' WHERE seq = 4")
    scheduled = make(url)
    await scheduled.run()
    with pytest.raises(StoreError, match="row 4 was edited"):
        await scheduled.check()
    assert good_backups(tmp_path / "backups") == []
    assert list((tmp_path / "backups").glob("*.db")), "it may be all that is left of the store"


async def test_files_that_claim_to_be_of_later_or_of_no_time_hold_no_backup_up(
    sqlite_url: str, make: Any, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    times = ("29990101T000000Z", "29990102T000000Z", "20269999T999999Z")
    foreign = [f"sopbot-{at}.{end}" for at in times for end in ("json", "db")]
    for name in foreign:
        (folder / name).write_text("{}")
    scheduled = make(sqlite_url)
    with pytest.raises(StoreError, match="no good backup yet"):
        await scheduled.check()
    for _ in range(3):
        await scheduled.run()
        await scheduled.check()
        clock.now += timedelta(days=1)
    ages = [(clock.now - good.at).days for good in good_backups(folder, clock.now)]
    assert ages == [1, 2], "they are neither due nor newer, and no kept one makes room for them"
    assert all((folder / name).exists() for name in foreign), "nobody else's files are deleted"


async def test_the_manifest_is_private_and_follows_no_link(
    sqlite_url: str, make: Any, config: Path, clock: Clock, tmp_path: Path
) -> None:
    scheduled, folder = make(sqlite_url), tmp_path / "backups"
    await scheduled.run()
    (backup,) = good_backups(folder)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    clock.now += timedelta(days=1)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    partial = Path(f"{Backup(folder, clock.now).manifest}.partial")

    class Planting(ConfigurationFiles):
        """Somebody plants a link while the bot reads the operator's files."""

        def named(self) -> Iterator[tuple[str, Path]]:
            partial.symlink_to(victim)
            return ConfigurationFiles.named(self)

    await make(sqlite_url, files=Planting(*_places(config))).run()
    assert victim.read_text() == "precious"
    assert good_backups(folder) == [backup]
    assert partial not in list(folder.iterdir()), "what was planted is deleted with the rest"


async def test_a_folder_that_is_not_there_fails_the_check_and_not_the_bot(
    store_maker: StoreMaker, make: Any, tmp_path: Path
) -> None:
    scheduled = make(store_maker.filled("sqlite"), folder=tmp_path / "unmounted")
    await scheduled.run()
    with pytest.raises(StoreError, match="cannot be read"):
        await scheduled.check()


async def test_the_end_of_the_bot_ends_a_backup_in_the_middle(
    store_maker: StoreMaker, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled = make(store_maker.filled("sqlite"))
    copying, go_on, copy_pages = threading.Event(), threading.Event(), files.copy_pages

    def slow(*arguments: Any) -> None:
        copying.set()
        assert go_on.wait(20)
        copy_pages(*arguments)

    monkeypatch.setattr(files, "copy_pages", slow)
    run = asyncio.create_task(scheduled.run())
    assert await asyncio.to_thread(copying.wait, 20)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    go_on.set()
    await until(lambda: not list((tmp_path / "backups").iterdir()), why="nothing of it is left")


def drill(*arguments: object, folder: Path, **settings: str) -> tuple[int, str, str]:
    key = {"AUDIT_KEY": AUDIT_KEY.raw.decode()}
    texts = ["store", "drill", *map(str, arguments)]
    return Command(texts, environment(key | settings), folder).ended()


async def test_store_drill_proves_the_newest_backup_and_names_a_changed_one(
    store_maker: StoreMaker, make: Any, tmp_path: Path
) -> None:
    url, folder = store_maker.filled("postgresql"), tmp_path / "backups"
    await make(url).run()
    (backup,) = good_backups(folder)
    where = {"BACKUP_DIR": str(folder)}
    code, out, err = drill(folder=tmp_path, **where)
    assert code == 0, err
    rows = content(url)
    assert f"{sum(map(len, rows.values())):,} rows.\n" in out
    assert f"  incidents   {len(rows['incidents']):>12,}\n" in out
    assert f"✓ the audit trail: {len(rows['audit']):,} rows, each as it was written." in out
    assert "✓ both files are as they were written" in out

    scratch = store_maker.empty("postgresql")
    code, out, err = drill("--scratch", scratch, folder=tmp_path, **where)
    assert code == 0, err
    assert not any(map(len, content(scratch).values())), "the scratch database is empty again"
    code, _, err = drill("--scratch", url, folder=tmp_path, **where)
    assert (code, content(url)) == (1, rows), "a database that holds something is never touched"
    assert "is not empty" in err

    change(f"sqlite:///{backup.store}", "UPDATE audit SET actor = 'U0EVE' WHERE seq = 4")
    code, _, err = drill(folder=tmp_path, **where)
    assert code == 1
    assert "its SHA-256 differs from the manifest" in err
    copied = backup.store.rename(tmp_path / "alone.db")
    code, _, err = drill(copied, folder=tmp_path)
    assert code == 1
    assert "row 4 was edited" in err
    assert drill(folder=tmp_path)[0] == 78, "nothing says where backups are"


def test_a_drill_refuses_a_scratch_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="needs no name"):
        drills.drill(tmp_path / "x.db", AUDIT_KEY, Silent(), scratch="sqlite:///x.db")
