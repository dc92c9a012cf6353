"""A real PostgreSQL: each target is a database with a fault of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.faults.fault import Fault, State, System
from tests.faults.systems.sessions import SessionFaults
from tests.helpers.postgres import PostgresServer, postgres_server

_TARGETS = {
    "orders-db": "orders",
    "stock-db": "stock",
    "report-db": "report",
    "basket-db": "basket",
    "billing-db": "billing",
}
_OLD = 1.2  # seconds that a session must have been in its state, a little over what the SOPs say
_APP = "starts_with(application_name, 'app-')"
_OURS = "the fault run"


class _Sessions:
    """Sessions that applications opened and do not close, by what is wrong with them."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._open: list[psycopg.Connection[Any]] = []

    def connect(self, database: str, application: str, user: str = "app") -> Any:
        url = self.server.url_of(database).replace("sopbot@", f"{user}@")
        connection = psycopg.connect(url, application_name=application, autocommit=True)
        self._open.append(connection)
        return connection

    def ask(self, database: str, *statements: str) -> bool:
        """Run statements in a session of the run's own; True if all succeed within 300 ms."""
        url = self.server.url_of(database)
        with psycopg.connect(url, application_name=_OURS, autocommit=True) as connection:
            connection.execute("SET statement_timeout = 300")
            for statement in statements:
                connection.execute(statement.encode())
        return True

    def count(self, database: str, condition: str) -> int:
        query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND {condition}"  # noqa: S608 - the run's own text
        with psycopg.connect(self.server.url, application_name=_OURS) as connection:
            row = connection.execute(query.encode(), (database,)).fetchone()
        return int(row[0]) if row else 0

    def wait_for(self, database: str, number: int) -> None:
        """Wait until so many sessions of applications have been in their state for long enough."""
        old = (
            f"starts_with(application_name, 'app-') AND state_change < now() - interval '{_OLD} s'"
        )
        while self.count(database, old) < number:
            time.sleep(0.05)

    def begin(self, database: str, application: str, statement: str) -> None:
        """Open a transaction, and never end it."""
        connection = self.connect(database, application)
        connection.execute("BEGIN")
        connection.execute(statement.encode())

    def run_aside(self, database: str, application: str, statement: str) -> None:
        """Run a statement that does not end, in a thread."""
        connection = self.connect(database, application)

        def run() -> None:
            with contextlib.suppress(psycopg.Error):  # it is ended by the gateway
                connection.execute(statement.encode())

        threading.Thread(target=run, daemon=True).start()

    def close(self) -> None:
        for connection in self._open:
            with contextlib.suppress(psycopg.Error):
                connection.close()
        self._open.clear()

    def state(self) -> State:
        """Return the sessions by database and application, without the gateway's and the run's."""
        query = (
            "SELECT datname, application_name, pid FROM pg_stat_activity "
            "WHERE datname IS NOT NULL AND usename <> 'gw' AND application_name <> %s ORDER BY pid"
        )
        groups = defaultdict(list)
        with psycopg.connect(self.server.url, application_name=_OURS) as connection:
            for database, application, pid in connection.execute(query, (_OURS,)):
                groups[f"session {database}/{application}"].append(pid)
        return {name: tuple(pids) for name, pids in groups.items()}


@contextmanager
def postgres() -> Iterator[System]:
    """One server. In each database a reader stands by, which no action may end."""
    with postgres_server() as server, contextlib.ExitStack() as stack:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("CREATE ROLE gw LOGIN")
            admin.execute("GRANT pg_read_all_stats, pg_signal_backend TO gw")
            admin.execute("CREATE ROLE app LOGIN")
            admin.execute("CREATE ROLE basket LOGIN CONNECTION LIMIT 3")
            for database in _TARGETS.values():
                admin.execute(f"CREATE DATABASE {database} OWNER app".encode())
        them = _Sessions(server)
        for database in _TARGETS.values():
            url = server.url_of(database).replace("sopbot@", "app@")
            with psycopg.connect(url) as connection:
                connection.execute("CREATE TABLE items (id int PRIMARY KEY, number int)")
                connection.execute("INSERT INTO items VALUES (1, 1)")
            reader = psycopg.connect(url, application_name="reader", autocommit=True)
            stack.callback(reader.close)
        yield System(
            name="postgresql",
            targets={
                name: {
                    "executor": "postgresql", "host": "127.0.0.1", "port": server.port,
                    "user": "gw", "sslmode": "disable", "databases": [database],
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
        action="postgres.terminate_sessions",
        changes="postgresql session {database}/app-*",
        parameters={"min_seconds": 1},
    ).fault

    update = "UPDATE items SET number = number + 1 WHERE id = 1"

    def forget_transactions(database: str) -> int:
        them.begin(database, "app-shop", update)
        them.begin(database, "app-shop", "SELECT 1")
        return 2

    def hold_a_lock(database: str) -> int:
        them.begin(database, "app-import", "LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        return 1

    def run_away(database: str) -> int:
        them.run_aside(database, "app-report", "SELECT pg_sleep(600)")
        return 1

    def leak(database: str) -> int:
        for _ in range(3):
            them.connect(database, "app-pool", "basket").execute("SELECT 1")
        return 3

    def lets_the_basket_in() -> bool:
        url = them.server.url_of("basket").replace("sopbot@", "basket@")
        psycopg.connect(url, application_name=_OURS).close()
        return True

    def wait_for_ever(database: str) -> int:
        them.connect(database, "app-biller").execute("SELECT pg_advisory_lock(7)")
        for _ in range(2):
            them.run_aside(database, "app-waiter", "SELECT pg_advisory_lock(7)")
        return 3

    return (
        fault(
            "postgres-idle-in-transaction", "Sessions idle in a transaction hold row locks",
            "orders-db", "alertmanager", forget_transactions, lambda: them.ask("orders", update),
        ),
        fault(
            "postgres-stuck-lock", "A stuck session holds the lock of a table", "stock-db",
            "datadog", hold_a_lock, lambda: them.ask("stock", "SELECT * FROM items"),
            application="app-import",
        ),
        fault(
            "postgres-runaway-query", "A runaway query keeps the database busy", "report-db",
            "grafana", run_away,
            lambda: not them.count("report", f"state = 'active' AND {_APP}"),
            "postgres.cancel_queries",
        ),
        fault(
            "postgres-leaked-connections", "A pool leaked all connections of its role", "basket-db",
            "zabbix", leak, lets_the_basket_in, state="idle", user="basket",
        ),
        fault(
            "postgres-waiting-sessions", "Sessions wait for a lock that nobody releases",
            "billing-db", "pagerduty", wait_for_ever,
            lambda: not them.count("billing", "wait_event_type = 'Lock'"),
            state="active", application="app-waiter",
        ),
    )  # fmt: skip
