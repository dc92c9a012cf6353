"""`python -m bot upgrade --check`: what changes, whether running bots can go on, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.upgrade_command.commands import check_store, first_line, is_contract
from store.admin.locations import file_of
from store.engines.migrations import MIGRATIONS
from store.engines.tables import steps
from tests.helpers.bot_processes import Command
from tests.helpers.commands import environment
from tests.helpers.filled_stores import (
    ENGINES,
    StoreMaker,
    bot_lives,
    change,
    from_the_future,
)


def m999_contract_columns() -> str:
    """Remove a column that nothing uses any more."""
    return ""


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


def check(url: str, folder: Path) -> tuple[int, str, str]:
    return Command(["upgrade", "--check"], environment({"STORE_URL": url}), folder).ended()


def forget(url: str, *names: str) -> None:
    """Let the store look as if these migrations were never run."""
    table = "_sqlite_migrations" if file_of(url) else "sopbot_migrations"
    for name in names:
        change(url, f"DELETE FROM {table} WHERE name = ?", name)  # noqa: S608 - our own names


def test_the_plan_names_each_migration_and_whether_bots_can_go_on(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot_lives(url)
    code, out, err = check(url, tmp_path)
    assert (code, err) == (0, "")
    assert "replicas  1 alive\n  bot-alive since " in out
    assert "✓ This version changes nothing in the store" in out

    forget(url, steps()[-1])
    code, out, _ = check(url, tmp_path)
    assert code == 0
    assert f"  {steps()[-1]}: {first_line(MIGRATIONS[-1])}\n" in out
    assert "✓ 1 migration; running bots of the version before can go on meanwhile." in out
    assert ("Replace the other replicas" in out) != bool(file_of(url))
    assert "To go back, start the old version" in out
    assert check(url, tmp_path)[1] == out, "it changes nothing"

    contracting = (*MIGRATIONS, m999_contract_columns)
    assert check_store(url, contracting) == 1
    says = "✗ m999_contract_columns: the running bots still use what this removes."
    assert says in capsys.readouterr().out
    change(url, "DELETE FROM replicas")
    assert check_store(url, contracting) == 0, "nobody uses it"
    out = capsys.readouterr().out
    assert "2 migrations; no bot runs. The version before cannot use the store" in out
    assert "can go on meanwhile" not in out
    assert ("restore FILE --replace` with the old" in out) != bool(file_of(url))
    assert "Replace the other replicas" not in out


def test_a_store_of_a_newer_version_is_refused(store_maker: StoreMaker, tmp_path: Path) -> None:
    url = store_maker.filled("sqlite")
    from_the_future(url)
    code, _, err = check(url, tmp_path)
    assert code == 1
    assert "newer" in err
    assert check("sqlite:////nowhere/none.db", tmp_path)[0] == 1


def test_every_migration_says_what_it_changes() -> None:
    assert all(first_line(migration).endswith(".") for migration in MIGRATIONS)
    assert is_contract(m999_contract_columns)
