"""The start of a store on PostgreSQL: its clock, its schema, and its errors."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.errors import StoreError
from store import open_store
from store.engines.clocks import DatabaseClock
from store.engines.migrations import MIGRATIONS, name_of
from store.engines.postgres import PostgresEngine
from tests.helpers.builders import NOW, alert, deliver
from tests.helpers.postgres import PostgresServer, postgres_server
from tests.helpers.stores import PostgresStorage

ROOT = Path(__file__).parents[2]
PASSWORD = "kept-to-ourselves"


# Its clock


def test_the_clock_goes_on_from_what_the_database_said_by_the_steady_clock() -> None:
    steady = [100.0]
    clock = DatabaseClock(lambda: steady[0])
    clock.set(NOW, asked_at=100.0, answered_at=100.5)
    steady[0] = 100.25
    assert clock() == NOW, "it was that time in the middle of the round trip"
    steady[0] = 160.25
    assert clock() == NOW + timedelta(seconds=60)
    clock.set(NOW + timedelta(hours=1), asked_at=160.25, answered_at=160.25)
    assert clock() == NOW + timedelta(hours=1)


def test_a_look_that_took_long_is_passed_over_unless_it_is_the_first() -> None:
    clock = DatabaseClock(lambda: 100.0)
    clock.set(NOW, asked_at=95.0, answered_at=100.0)
    assert clock() == NOW + timedelta(seconds=2.5)
    clock.set(NOW, asked_at=100.0, answered_at=100.0)
    clock.set(NOW + timedelta(hours=1), asked_at=95.0, answered_at=100.0)
    assert clock() == NOW


def test_before_it_was_told_the_clock_has_this_machines_time() -> None:
    before = datetime.now(UTC)
    clock = DatabaseClock(lambda: 5.0)
    assert before <= clock() + timedelta(milliseconds=1)
    assert clock() <= datetime.now(UTC) + timedelta(milliseconds=1)


@pytest.mark.parametrize("wrong", [timedelta(days=400), timedelta(days=-400)])
async def test_a_store_keeps_the_databases_time_however_wrong_its_own_was(
    database: str, wrong: timedelta
) -> None:
    engine = PostgresEngine(database)
    at = engine._clock.reading()
    engine._clock.set(datetime.now(UTC) + wrong, at, at)
    try:
        await engine.start()
        with psycopg.connect(database) as connection:
            (there,) = connection.execute("SELECT clock_timestamp()").fetchone() or (NOW,)
        assert abs(engine.clock() - there) < timedelta(minutes=5)
    finally:
        await engine.close()


# Its schema


@pytest.fixture
def fresh(postgres: PostgresServer) -> Iterator[str]:
    """A database of this test alone, with the present schema."""
    url = postgres.database()
    yield url
    postgres.drop(url)


@pytest.fixture
def blank(postgres: PostgresServer) -> Iterator[str]:
    """A database with nothing in it."""
    url = postgres.database(migrated=False)
    yield url
    postgres.drop(url)


def has_seen(url: str, step: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO sopbot_migrations (name) VALUES (%s)", (step,))


async def test_a_newer_schema_is_refused_by_name(fresh: str) -> None:
    has_seen(fresh, "m999_contract_votes")
    with pytest.raises(StoreError, match=r"newer sopbot \(m999_contract_votes\)") as caught:
        await open_store(fresh, owner="bot-a")
    assert caught.value.permanent
    assert "Run that version" in caught.value.remedy


async def test_a_step_that_only_adds_is_overlooked(fresh: str) -> None:
    has_seen(fresh, "m999_expand_votes")
    storage = PostgresStorage(fresh)
    try:
        store = await storage.open()
        assert await deliver(store, alert())
        assert (await store.schema())[-1] == "m999_expand_votes"
    finally:
        await storage.close()


async def test_all_that_meet_an_empty_database_at_once_succeed(blank: str) -> None:
    storage = PostgresStorage(blank)
    stores = await asyncio.gather(*(storage.open(f"bot-{number}") for number in range(4)))
    try:
        ours = [name_of(migration) for migration in MIGRATIONS]
        for store in stores:
            assert await store.schema() == ours
        incident_id = await deliver(stores[0], alert())
        assert (await stores[3].incident(incident_id)).alert_count == 1
    finally:
        await storage.close()


# What it says when it cannot


@pytest.fixture(scope="module")
def guarded(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server that asks the role `guarded` for its password."""
    with postgres_server() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        server.restart()
        yield server


async def refusal(url: str) -> StoreError:
    """Return how the start fails; nothing of it, its cause included, may show the password."""
    with pytest.raises(StoreError) as caught:
        await open_store(url, owner="bot-a")
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    return caught.value


def as_guarded(url: str, password: str) -> str:
    colon = ":" if password else ""
    return url.replace("//sopbot@", f"//guarded{colon}{password}@")


@pytest.mark.parametrize("password", [PASSWORD, ""])
async def test_a_wrong_password_is_told_and_not_shown(
    guarded: PostgresServer, password: str
) -> None:
    error = await refusal(as_guarded(guarded.database(), password))
    assert str(error).startswith(f"The store PostgreSQL 127.0.0.1:{guarded.port}/")
    assert "does not let us in. Check the user and password in STORE_URL." in str(error)
    assert error.permanent


async def test_a_user_that_owns_nothing_is_told_what_it_needs(guarded: PostgresServer) -> None:
    error = await refusal(as_guarded(guarded.database(migrated=False), "right"))
    assert "does not let us do that. The user in STORE_URL must own the database" in str(error)
    assert error.permanent


async def test_a_database_that_is_missing_is_told_how_to_be_made(postgres: PostgresServer) -> None:
    url = postgres.url_of("nowhere").replace("sopbot@", f"sopbot:{PASSWORD}@")
    error = await refusal(url)
    assert "/nowhere does not exist. Create it: createdb" in str(error)
    assert error.permanent


async def test_a_server_that_is_down_is_told_to_be_looked_at(free_port: Callable[[], int]) -> None:
    error = await refusal(f"postgresql://sopbot:{PASSWORD}@127.0.0.1:{free_port()}/sopbot")
    assert "Check the server and the network" in str(error)
    assert not error.permanent, "it may come back"


async def test_a_database_that_takes_no_writes_is_told(fresh: str) -> None:
    name = fresh.rpartition("/")[2]
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    error = await refusal(fresh.replace("sopbot@", f"sopbot:{PASSWORD}@"))
    assert f"/{name} takes no writes. STORE_URL must name the primary" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://sopbot:{PASSWORD}%zz@127.0.0.1/sopbot",
        f"postgresql://sopbot:{PASSWORD}@127.0.0.1/sopbot?colour=red",
        f"postgresql://sopbot:{PASSWORD}@127.0.0.1:port/sopbot",
        f"postgresql://sopbot@127.0.0.1/sopbot?password={PASSWORD}&sslmode=perhaps",
    ],
)
async def test_a_url_that_cannot_be_read_is_told_and_not_shown(url: str) -> None:
    error = await refusal(url)
    assert "STORE_URL" in str(error)
    assert error.permanent


# Its driver


def python(program: str) -> str:
    """Return what a Python of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["store", "bot.app"])
def test_who_does_not_use_postgresql_does_not_load_its_driver(module: str) -> None:
    loaded = python(
        f"import sys, {module}\n"
        "print(*(name for name in sys.modules if name.startswith('psycopg')))"
    )
    assert loaded.split() == []


def test_a_missing_driver_is_told_how_to_be_installed() -> None:
    completed = python(
        "import asyncio, sys\n"
        "sys.modules['psycopg'] = None\n"
        "from bot.errors import SettingsError\n"
        "from store import open_store\n"
        "try:\n"
        f"    asyncio.run(open_store('postgresql://u:{PASSWORD}@127.0.0.1/db', owner='bot-a'))\n"
        "except SettingsError as error:\n"
        "    print(error)\n"
    )
    assert "STORE_URL: PostgreSQL needs its driver; install it with `make postgres`" in completed
    assert PASSWORD not in completed
