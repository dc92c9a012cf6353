"""A real MariaDB: each target is a database with a fault of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql

from tests.faults.fault import Fault, State, System
from tests.faults.systems.sessions import SessionFaults
from tests.helpers.gateway_servers import mariadb_server

_TARGETS = {"shop-sql": "shop", "wiki-sql": "wiki", "stats-sql": "stats"}


class _Sessions:
    """Sessions that applications opened and do not close, by what is wrong with them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open: list[Any] = []

    def connect(self, user: str, database: str | None = None) -> Any:
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=user, database=database, autocommit=True
        )

    def ask(self, *statements: str, database: str | None = None) -> list[Any]:
        """Return the rows of the last statement, as root, who has sessions only for a moment."""
        connection = self.connect("root", database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def of_the_app(self) -> list[tuple[int, str, str, int]]:
        """Return (id, database, command, milliseconds in it) of the application's sessions."""
        rows = self.ask(
            "SELECT id, db, command, time_ms FROM information_schema.processlist WHERE user = 'app'"
        )
        return [(int(i), str(d), str(c), float(t)) for i, d, c, t in rows]  # type: ignore[misc]

    def begin(self, database: str, *statements: str) -> None:
        connection = self.connect("app", database)
        self._open.append(connection)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def run_aside(self, database: str, statement: str) -> None:
        """Run a statement that does not end, in a thread."""
        connection = self.connect("app", database)
        self._open.append(connection)

        def run() -> None:
            with contextlib.suppress(pymysql.MySQLError), connection.cursor() as cursor:
                cursor.execute(statement)

        threading.Thread(target=run, daemon=True).start()

    def wait_for(self, database: str, number: int) -> None:
        """Wait until so many sessions have been in their state for over a second."""
        while sum(d == database and t > 2100 for _, d, _, t in self.of_the_app()) < number:
            time.sleep(0.05)

    def close(self) -> None:
        for connection in self._open:
            with contextlib.suppress(pymysql.MySQLError, OSError):
                connection.close()
        self._open.clear()

    def state(self) -> State:
        """Return the sessions by account and database, without those of root and the gateway."""
        rows = self.ask(
            "SELECT user, db, id FROM information_schema.processlist "
            "WHERE user IN ('app', 'reader') ORDER BY id"
        )
        groups = defaultdict(list)
        for user, database, number in rows:
            groups[f"session {database}/{user}"].append(number)
        return {name: tuple(ids) for name, ids in groups.items()}


@contextmanager
def mariadb() -> Iterator[System]:
    """One server. In each database a reader stands by, which no action may end."""
    with mariadb_server() as port, contextlib.ExitStack() as stack:
        them = _Sessions(port)
        them.ask(
            *(f"CREATE DATABASE {name}" for name in _TARGETS.values()),
            *(f"CREATE USER {name}@'127.0.0.1'" for name in ("app", "reader", "gw")),
            *(f"GRANT ALL ON *.* TO {name}@'127.0.0.1'" for name in ("app", "reader")),
            "GRANT PROCESS, CONNECTION ADMIN ON *.* TO gw@'127.0.0.1'",
        )
        for database in _TARGETS.values():
            them.ask("CREATE TABLE items (id int PRIMARY KEY)", database=database)
            stack.callback(them.connect("reader", database).close)
        yield System(
            name="mariadb",
            targets={
                name: {
                    "executor": "mysql", "host": "127.0.0.1", "port": port, "user": "gw",
                    "tls": False, "databases": [database],
                }
                for name, database in _TARGETS.items()
            },
            state=them.state,
            faults=_faults(them),
        )  # fmt: skip


def _faults(them: _Sessions) -> tuple[Fault, ...]:
    fault = SessionFaults(
        them,
        _TARGETS,
        action="mysql.kill_sessions",
        changes="mariadb session {database}/app",
        parameters={"min_seconds": 1, "user": "app"},
    ).fault

    def pile_up(database: str) -> int:
        for _ in range(8):
            them.begin(database, "SELECT 1")
        return 8

    def hold_the_table(database: str) -> int:
        them.begin(database, "LOCK TABLES items WRITE")
        return 1

    def reads_the_table() -> bool:
        them.ask("SET STATEMENT max_statement_time = 0.3 FOR SELECT * FROM items", database="wiki")
        return True

    def run_away(database: str) -> int:
        them.run_aside(database, "SELECT SLEEP(600)")
        return 1

    def is_idle() -> bool:
        return not any(d == "stats" and c == "Query" for _, d, c, _ in them.of_the_app())

    return (
        fault(
            "mariadb-sleeping-sessions", "Sleeping sessions pile up", "shop-sql", "checkmk",
            pile_up, lambda: sum(d == "shop" for _, d, _, _ in them.of_the_app()) < 3,
        ),
        fault(
            "mariadb-stuck-lock", "A sleeping session holds the lock of a table", "wiki-sql",
            "newrelic", hold_the_table, reads_the_table,
        ),
        fault(
            "mariadb-runaway-query", "A runaway query keeps the database busy", "stats-sql",
            "alertmanager", run_away, is_idle, "mysql.kill_queries",
        ),
    )  # fmt: skip
