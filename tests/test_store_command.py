"""`python -m bot store …` as an operator runs it: a process, its words, its exit code."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import load_store
from store.admin import condition
from store.admin.files import alone
from store.admin.invariants import INVARIANTS
from store.admin.locations import file_of
from store.engines.tables import steps
from tests.helpers.bot_processes import Command
from tests.helpers.commands import environment
from tests.helpers.filled_stores import (
    ENGINES,
    ROOT,
    StoreMaker,
    bot_lives,
    change,
    content,
)

LONG_AGO = "2020-01-01T00:00:00.000000Z"


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


def run(*text: object, folder: Path, **settings: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    return Command(["store", *map(str, text)], environment(settings), folder).ended()


# What each verb says


def test_status_says_how_the_store_is(url: str, tmp_path: Path) -> None:
    bot_lives(url)
    code, out, err = run("status", folder=tmp_path, STORE_URL=url)
    assert code == 0, err
    rows = condition.read_condition(url).rows
    for table, count in rows.items():
        assert re.search(rf"^  {table} +{count:,}$", out, re.MULTILINE), out
    assert f"schema    {steps()[-1]}\n" in out, "the newest migration, on one line"
    widths = {len(shown) for shown in re.findall(r"^  [a-z_]+ +[\d,]+$", out, re.MULTILINE)}
    assert len(widths) == 1, "the counts stand below each other"
    assert "replicas  1 alive\n  bot-alive since " in out
    assert re.search(r"^outbox    \d+ waiting, 3 given up$", out, re.MULTILINE)
    for invariant in INVARIANTS:
        assert f"✓ {invariant.name}\n" in out
    assert err == "looking\n", "no bar where there is no terminal"


def test_status_forecasts_when_the_disk_is_full(url: str, tmp_path: Path) -> None:
    _, out, _ = run("status", folder=tmp_path, STORE_URL=url)
    assert "growth    not known yet: the bot measures it for two days first\n" in out
    engine = "sqlite" if file_of(url) else "postgresql"
    for days, size in ((4, 1_000_000), (2, 5_194_304), (0, 9_388_608)):
        at = datetime.now(UTC) - timedelta(days=days)
        stored = (engine, f"{at:%Y-%m-%d}", f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", size)
        change(url, "INSERT INTO store_sizes (engine, day, at, bytes) VALUES (?, ?, ?, ?)", *stored)
    _, out, _ = run("status", folder=tmp_path, STORE_URL=url)
    assert "growth    2.0 MiB a day over the last 4 days; the " in out
    assert ("disk is full in " in out or "is not full in 10 years" in out) == bool(file_of(url))


def test_status_names_what_is_broken_and_fails(url: str, tmp_path: Path) -> None:
    change(url, "DELETE FROM outbox WHERE key = 'card:1'")
    code, out, _ = run("status", folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert "✗ every open incident that is no child has its card: not so for INC-1\n" in out
    assert f"of {len(INVARIANTS)} do not hold" in out


def test_status_looks_and_makes_nothing(tmp_path: Path) -> None:
    code, _, err = run("status", folder=tmp_path)
    assert code == 1
    assert "There is no store" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_migrate_says_what_was_done(engine: str, store_maker: StoreMaker, tmp_path: Path) -> None:
    storage = store_maker.empty(engine, migrated=False)
    code, out, _ = run("migrate", folder=tmp_path, STORE_URL=storage)
    assert code == 0
    assert out.startswith("".join(f"✓ {step}\n" for step in steps()))
    code, out, _ = run("migrate", folder=tmp_path, STORE_URL=storage)
    assert code == 0
    assert "was up to date already" in out


@pytest.mark.parametrize("engine", ENGINES)
def test_copy_says_where_to_go_on(
    url: str, engine: str, store_maker: StoreMaker, tmp_path: Path
) -> None:
    target = store_maker.empty(engine).replace("sopbot@", "sopbot:hunter2@")
    code, out, err = run("copy", "--to", target, folder=tmp_path, STORE_URL=url)
    assert code == 0, err
    assert content(target) == content(url)
    shown = target.replace("hunter2", "…")
    assert out.endswith(f"Next: set STORE_URL={shown} and start the bot.\n")
    assert "hunter2" not in out + err
    assert re.search(r"^copying [\d,]+ rows$", err, re.MULTILINE)

    code, _, err = run("copy", "--to", target, folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert "is not empty" in err
    assert "--replace" in err
    assert run("copy", "--to", target, "--replace", folder=tmp_path, STORE_URL=url)[0] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_copy_beneath_a_running_bot_says_that_it_is_a_rehearsal(
    url: str, engine: str, store_maker: StoreMaker, tmp_path: Path
) -> None:
    target, file = store_maker.empty(engine), file_of(url)
    if file:
        with alone(file):
            code, out, err = run("copy", "--to", target, folder=tmp_path, STORE_URL=url)
    else:
        bot_lives(url)
        code, out, err = run("copy", "--to", target, folder=tmp_path, STORE_URL=url)
    assert code == 0, err
    assert "A rehearsal: a bot is running and still writes to the old store. Stop it" in out
    assert out.endswith("then copy again with --replace.\n")
    assert "Next" not in out


def test_backup_and_restore_say_what_they_did(url: str, tmp_path: Path) -> None:
    before = content(url)
    code, out, err = run("backup", "b.db", folder=tmp_path, STORE_URL=url)
    assert code == 0, err
    assert re.fullmatch(r"✓ .* is in b\.db: [\d,]+ rows, [\d.]+ MiB\.\n", out), out
    code, _, err = run("backup", "b.db", folder=tmp_path, STORE_URL=url)
    assert code == 1
    assert "`--force` replaces it" in err

    change(url, "DELETE FROM votes")
    code, out, err = run("restore", "b.db", "--replace", folder=tmp_path, STORE_URL=url)
    assert code == 0, err
    assert content(url) == before
    assert ("is kept as" in out) == bool(file_of(url))
    assert "Next: start the bot." in out


def test_prune_forgets_by_the_policy_and_gives_space_back(url: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("retention: {alerts_days: 3, deliveries_days: 2}\n")
    change(url, "UPDATE deliveries SET seen_at = ?", LONG_AGO)
    change(url, "UPDATE alerts SET received_at = ?", LONG_AGO)
    change(url, "UPDATE incidents SET resolved_at = ? WHERE status = 'resolved'", LONG_AGO)
    before = condition.read_condition(url).rows
    code, out, err = run("prune", folder=tmp_path, STORE_URL=url, POLICY_FILE="policy.yaml")
    assert code == 0, err
    after = condition.read_condition(url)
    assert f"✓ deleted {before['deliveries']} deliveries older than 2 days." in out
    gone = before["alerts"] - after.rows["alerts"]
    assert f"✓ deleted {gone} alerts of incidents resolved more than 3 days ago." in out
    assert gone > 0
    assert not after.broken
    assert ("given back to the disk" in out) == bool(file_of(url))


# Settings


def test_only_the_place_is_asked_for_and_it_may_come_from_three_sides(
    store_maker: StoreMaker, tmp_path: Path
) -> None:
    url = store_maker.filled("sqlite")
    (tmp_path / ".env").write_text(f"STORE_URL={url}\nHTTP_ADDR=nonsense\n")
    assert run("status", folder=tmp_path)[0] == 0
    assert run("status", folder=tmp_path, STORE_URL="sqlite:///none.db")[0] == 1
    (tmp_path / "secret").write_text(f"{url}\n")
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN_FILE=/none\n")
    assert run("status", folder=tmp_path, store_url_file=str(tmp_path / "secret"))[0] == 0


@pytest.mark.parametrize(
    ("texts", "settings", "text"),
    [
        (("status",), {"STORE_URL": "mysql://secret"}, "STORE_URL: mysql is not known here"),
        (("status",), {"STORE_URL": "sqlite://"}, "STORE_URL: a store in memory"),
        (
            ("status",),
            {"STORE_URL_FILE": "none"},
            "the file of STORE_URL_FILE cannot be read",
        ),
        (("status",), {"STORE_ULR": "sqlite:///secret"}, "did you mean STORE_URL?"),
        (("copy", "--to", "mysql://secret"), {}, "--to: mysql is not known here"),
        (("prune",), {"POLICY_FILE": "none.yaml"}, "POLICY_FILE: none.yaml cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    texts: tuple[str, ...], settings: dict[str, str], text: str, tmp_path: Path
) -> None:
    code, out, err = run(*texts, folder=tmp_path, **settings)
    assert code == 78
    assert text in err
    assert "secret" not in out + err


def test_a_server_that_is_not_there_is_named_without_its_password(
    tmp_path: Path, store_maker: StoreMaker
) -> None:
    for url in (
        "postgresql://u:hunter2@127.0.0.1:1/none",
        store_maker.empty("postgresql").replace("sopbot@", "sopbot:hunter2@") + "-none",
    ):
        for text in (("status",), ("backup", "b.db"), ("prune",), ("migrate",)):
            policy = str(ROOT / "config/policy.yaml")
            code, out, err = run(*text, folder=tmp_path, STORE_URL=url, POLICY_FILE=policy)
            assert code == 1
            assert "✗ The store PostgreSQL 127.0.0.1:" in err
            assert "hunter2" not in out + err
            assert "Traceback" not in err
    assert "does not exist. Create it" in err
    assert list(tmp_path.iterdir()) == []


def test_the_place_is_never_shown() -> None:
    settings = load_store({"STORE_URL": "postgresql://u:hunter2@h/d"}, Path("none"))
    assert "hunter2" not in repr(settings)
    with pytest.raises(SettingsError):
        load_store({"store_urll": "x"}, Path("none"))


def test_help_names_every_verb(tmp_path: Path) -> None:
    code, out, _ = run("--help", folder=tmp_path)
    assert code == 0
    docs = (ROOT / "docs/store.md").read_text(encoding="utf-8")
    verbs = re.findall(r"^    (\w+) ", out, re.MULTILINE)
    assert set(verbs) == {"migrate", "status", "copy", "backup", "restore", "drill", "prune"}
    for verb in verbs:
        assert f"`store {verb}" in docs, f"docs/store.md does not explain {verb}"
    for verb in ("copy", "backup", "restore"):
        for option in re.findall(r"--\w+", run(verb, "--help", folder=tmp_path)[1]):
            assert option == "--help" or f"`{option}" in docs, f"docs/store.md: {verb} {option}"


def test_a_backup_opens_without_us(store_maker: StoreMaker, tmp_path: Path) -> None:
    assert run("backup", "b.db", folder=tmp_path, STORE_URL=store_maker.filled("sqlite"))[0] == 0
    (tmp_path / "b.db").chmod(0o400)
    with closing(sqlite3.connect(f"file:{tmp_path / 'b.db'}?mode=ro", uri=True)) as plain:
        (opened,) = plain.execute("SELECT COUNT(*) FROM incidents").fetchone()
    assert opened > 10
