"""Gives every test a clean environment and a HOME of its own, and skips with a reason."""

from __future__ import annotations

import gc
import logging
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest

from bot.settings import NAMES
from tests.helpers.databases import PostgresDatabase
from tests.helpers.filled_stores import StoreMaker
from tests.helpers.ports import kept_port
from tests.helpers.postgres import PostgresServer, postgres_server, programs

pytest_plugins = ["tests.copied_schema", "tests.measuring", "tests.swept", "tests.longest_first"]

# A deadline would assert a wall-clock time, and so would the health check of slow generation: a
# busy machine breaks both.
hypothesis.settings.register_profile(
    "sopbot", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("sopbot")

_OURS = (
    *("SLACK_", "AI_COMMAND_GATEWAY_", "QCHAT_", "ADVISOR_", "XDG_"),
    *("QPROXY_", "RALPH_", "HEALTH_CHECK_", "RUNBOOK_", "NATS_"),
)


def unavailable(reason: str) -> NoReturn:
    """Skip with the reason; with REQUIRE_SERVICES=1 that is a failure."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"REQUIRE_SERVICES=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.services("program", …)` names the programs that the test runs."""
    for marker in item.iter_markers("services"):
        for program in marker.args:
            if shutil.which(program) is None:
                unavailable(f"{program} is not on this machine (make services)")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile, and scan what the collection made never again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three a core: two leave a quarter of the processors idle, for most tests wait in between."""
    return min(3 * (os.cpu_count() or 1), 16)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """A report may quote anything; half a surrogate pair in it would end the whole run."""
    return _without_lone_surrogates((yield))


def _without_lone_surrogates(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode(errors="backslashreplace").decode()
    if isinstance(data, dict):
        return {key: _without_lone_surrogates(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(map(_without_lone_surrogates, data))
    return data


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """No setting of the machine and no file of its HOME reaches a test. Returns the new HOME."""
    for name in list(os.environ):
        base = name.upper().removesuffix("_FILE")
        if base in NAMES or base.startswith(_OURS):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """A test that sets up the log lines of a process leaves no handler and no level behind."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {log: log.level for log in _loggers()}
    yield
    root.handlers[:] = handlers
    changed = [log for log in _loggers() if log.level != levels.get(log, logging.NOTSET)]
    for log in changed:
        log.level = levels.get(log, logging.NOTSET)
    if changed:
        root.setLevel(root.level)  # all loggers forget what they are enabled for, once


def _loggers() -> list[logging.Logger]:
    known = logging.getLogger().manager.loggerDict.values()
    return [logging.getLogger(), *(log for log in known if isinstance(log, logging.Logger))]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--store sqlite` runs the scenarios on that engine alone."""
    parser.addoption("--store", choices=("sqlite", "postgresql", "both"), default="both")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test run; each test takes a database of its own."""
    if programs() is None:
        unavailable("PostgreSQL is not on this machine (make services)")
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def own_databases(postgres: PostgresServer) -> Iterator[list[PostgresDatabase]]:
    """The database of this test worker, at the end of the list; behind those that were changed."""
    databases: list[PostgresDatabase] = []
    yield databases
    for database in databases:
        database.close()


@pytest.fixture
def own_database(
    postgres: PostgresServer, own_databases: list[PostgresDatabase]
) -> PostgresDatabase:
    """An empty PostgreSQL database: emptying one costs a twentieth of making one."""
    if not own_databases or own_databases[-1].changed:
        own_databases.append(PostgresDatabase(postgres.database()))
    else:
        own_databases[-1].empty()
    return own_databases[-1]


@pytest.fixture(scope="session")
def store_maker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> StoreMaker:
    """Stores, empty or filled: each kind is filled once in a test run."""
    return StoreMaker(
        tmp_path_factory.mktemp("places"), lambda: request.getfixturevalue("postgres")
    )


@pytest.fixture
def free_port() -> Iterator[Callable[[], int]]:
    """Picks a port that nothing listens on and that nobody else is given during this test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(kept_port())
