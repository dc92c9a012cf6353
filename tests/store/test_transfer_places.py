"""The places of a transfer: a URL names a file or a server, and its schema must fit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import SettingsError, StoreError
from store.admin import moves
from store.admin.locations import file_of, shown
from store.engines.tables import steps
from tests.helpers.filled_stores import (
    ENGINES,
    MORE,
    Silent,
    StoreMaker,
    from_the_future,
)


@pytest.fixture(params=ENGINES)
def source(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    """A store with a bit of everything, and a few thousand alerts."""
    return store_maker.filled(request.param, MORE)


@pytest.fixture(params=ENGINES)
def target(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    """A place where nothing is."""
    return store_maker.empty(request.param)


@pytest.mark.parametrize("step", ["m999_contract_tomorrow", "m999_expand_tomorrow"])
def test_a_newer_schema_on_either_side_is_refused_by_name(
    source: str, target: str, step: str
) -> None:
    moves.migrate(target)
    from_the_future(target, step)
    with pytest.raises(StoreError, match=f"newer schema.*{step}"):
        moves.copy(source, target, Silent())
    from_the_future(source, step)
    with pytest.raises(StoreError, match=f"newer schema.*{step}"):
        moves.copy(source, target, Silent())


def test_an_older_source_is_refused_with_what_to_do(target: str, tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("CREATE TABLE _sqlite_migrations (id, migration_set, name, applied_at)")
        plain.execute("INSERT INTO _sqlite_migrations VALUES (1, 'sopbot', 'm000_expand_x', '')")
        plain.commit()
    with pytest.raises(StoreError, match="m000_expand_x"):
        moves.copy(f"sqlite:///{file}", target, Silent())
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("DELETE FROM _sqlite_migrations")
        plain.commit()
    with pytest.raises(StoreError, match="is not a sopbot store"):
        moves.copy(f"sqlite:///{file}", target, Silent())


@pytest.mark.parametrize("engine", ENGINES)
def test_migrate_says_what_it_did(engine: str, store_maker: StoreMaker) -> None:
    url = store_maker.empty(engine, migrated=False)
    assert moves.migrate(url) == tuple(steps())
    assert moves.migrate(url) == ()
    from_the_future(url)
    with pytest.raises(StoreError, match="newer sopbot"):
        moves.migrate(url)


# Places


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("postgresql://u:secret@h:5432/d", "postgresql://u:…@h:5432/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        (
            "postgres://h/d?password=secret&sslmode=require",
            "postgres://h/d?password=…&sslmode=require",
        ),
        ("postgresql://u:se:cr@et@h/d", "postgresql://u:…@h/d"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, text: str) -> None:
    assert shown(url) == text


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "sopbot.db", ""])
def test_what_is_no_place_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="STORE_URL"):
        file_of(url)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'target.db'}"
    with pytest.raises(StoreError, match="There is no store"):
        moves.copy(f"sqlite:///{tmp_path / 'nothing.db'}", target, Silent())
    assert list(tmp_path.iterdir()) == []
