"""A rig for each system that the gateway acts on: the system, the work for it, and how to look."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import redis

from tests.helpers.postgres import PostgresServer

PASSWORD = "the-gateways-own-password"
_PAGE = Path(__file__).parents[2] / "docs" / "gateway-systems.md"


def documented(begins: str) -> str:
    """Return the statement of the docs that begins so: the tests give exactly these rights."""
    (line,) = [line for line in _PAGE.read_text("utf-8").splitlines() if line.startswith(begins)]
    return line


@dataclass(frozen=True)
class Rig:
    """`target` lacks the password, which the test puts into a file.

    `work()` makes things that the call matches, and bystanders, for the block. `left()` returns how
    many of each there are. `marker` is what the client sends once it acts. Each of `hostile` is a
    set of parameters that must be refused, or match nothing.
    """

    target: dict[str, Any]
    action: str
    parameters: dict[str, Any]
    work: Callable[[], AbstractContextManager[None]]
    left: Callable[[], tuple[int, int]]
    marker: bytes
    report: str
    in_report: str
    hostile: list[dict[str, Any]] = field(default_factory=list)
    touched: str = ""


def postgres_rig(server: PostgresServer) -> Rig:
    """Two sessions idle in a transaction; beside them one that is idle, one of a superuser, one of
    another database, one of the gateway's role and one of the bot.
    """
    with psycopg.connect(server.url, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'gw'").fetchone():
            admin.execute(
                f"CREATE ROLE gw LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'"
            )
            admin.execute(documented("GRANT pg_").replace("sopbot_gateway", "gw"))
            admin.execute("CREATE ROLE app LOGIN")
            admin.execute("CREATE DATABASE orders")
            hba = server.folder / "data" / "pg_hba.conf"
            hba.write_text("host all gw 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
            admin.execute("SELECT pg_reload_conf()")
    app = server.url_of("orders").replace("sopbot@", "app@")

    @contextmanager
    def work() -> Iterator[None]:
        with contextlib.ExitStack() as stack:

            def connect(url: str, name: str, *, begins: bool = True, **more: Any) -> None:
                connection = psycopg.connect(url, application_name=name, **more)
                stack.callback(connection.close)
                connection.execute("SELECT 1")
                if not begins:
                    connection.rollback()

            connect(app, "worker")
            connect(app, "worker")
            connect(app, "reader", begins=False)
            connect(server.url_of("orders"), "superuser")
            connect(server.url_of("postgres").replace("sopbot@", "app@"), "elsewhere")
            connect(app.replace("app@", "gw@"), "the gateway", password=PASSWORD)
            connect(app, "sopbot store")
            yield

    def left() -> tuple[int, int]:
        with psycopg.connect(server.url) as admin:
            rows = admin.execute(
                "SELECT application_name, count(*) FROM pg_stat_activity WHERE application_name = "
                "ANY('{worker,reader,superuser,elsewhere,the gateway,sopbot store}') GROUP BY 1"
            ).fetchall()
        workers = dict(rows).get("worker", 0)
        return workers, sum(number for _, number in rows) - workers

    return Rig(
        target={
            "executor": "postgresql",
            "host": "127.0.0.1",
            "port": server.port,
            "user": "gw",
            "sslmode": "disable",
            "databases": ["orders"],
        },
        action="postgres.terminate_sessions",
        parameters={"min_seconds": 1},
        work=work,
        left=left,
        marker=b"pg_terminate_backend",
        report="postgres.report",
        in_report="orders: 5 idle in transaction",
        touched="2 sessions",
        hostile=[
            {"user": "' OR 1=1 --"},
            {"application": "worker' OR 'a'='a"},
            {"application": "%"},
            {"application": "worker\0"},
            {"user": "app; SELECT pg_terminate_backend(1)"},
            {"state": "active' OR true --"},
            {"state": ["idle"]},
            {"pid": "0 OR true"},
            {"pid": -1},
            {"pid": 2**40},
            {"min_seconds": 0},
            {"min_seconds": True},
            {"min_seconds": 1e300},
            {"databases": ["postgres"]},
            {"superusers": True},
            {"user": "x" * 64},
        ],
    )


def mysql_rig(port: int) -> Rig:
    """Two sessions that sleep; beside them one of root and one of another database."""

    def connect(user: str = "root", **more: Any) -> Any:
        return pymysql.connect(host="127.0.0.1", port=port, user=user, autocommit=True, **more)

    with connect() as admin, admin.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS orders")
        cursor.execute("CREATE DATABASE IF NOT EXISTS other")
        cursor.execute("CREATE USER IF NOT EXISTS app@'127.0.0.1'")
        cursor.execute("GRANT ALL ON *.* TO app@'127.0.0.1'")
        cursor.execute("CREATE USER IF NOT EXISTS gw@'127.0.0.1' IDENTIFIED BY %s", (PASSWORD,))
        grant = documented("GRANT PROCESS").partition(";")[0]
        cursor.execute(grant.replace("sopbot_gateway@'10.0.0.5'", "gw@'127.0.0.1'"))

    @contextmanager
    def work() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for user, database in (
                ("app", "orders"), ("app", "orders"), ("root", "orders"), ("app", "other")
            ):  # fmt: skip
                connection = connect(user, database=database)
                stack.callback(_close, connection)
            yield

    def left() -> tuple[int, int]:
        with connect() as admin, admin.cursor() as cursor:
            cursor.execute(
                "SELECT user, db FROM information_schema.processlist "
                "WHERE db IN ('orders', 'other')"
            )
            rows = cursor.fetchall()
        workers = sum(row == ("app", "orders") for row in rows)
        return workers, len(rows) - workers

    return Rig(
        target={
            "executor": "mysql",
            "host": "127.0.0.1",
            "port": port,
            "user": "gw",
            "tls": False,
            "databases": ["orders"],
        },
        action="mysql.kill_sessions",
        parameters={"min_seconds": 1},
        work=work,
        left=left,
        marker=b"KILL",
        report="mysql.report",
        in_report="app@orders",
        touched="2 sessions",
        hostile=[
            {"user": "' OR 1=1 -- "},
            {"user": "app\\"},
            {"user": "root"},
            {"state": "Sleep' OR 'a'='a"},
            {"pid": "1; KILL 2"},
            {"pid": -1},
            {"min_seconds": 0},
            {"min_seconds": "1"},
            {"protected_users": []},
            {"user": "gw"},
        ],
    )


def _close(connection: Any) -> None:
    with contextlib.suppress(pymysql.MySQLError, OSError):
        connection.close()


# The example of docs/gateway.md.
REDIS_ACL = documented("ACL SETUSER").partition("… ")[2]


def memcached_rig(port: int) -> Rig:
    """Keys of the declared prefix and another one; the rig deletes one of them."""

    def ask(*lines: str) -> list[str]:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            login = f"gw {PASSWORD}"
            connection.sendall(f"set login 0 0 {len(login)}\r\n{login}\r\n".encode())
            with connection.makefile("rb") as answers:
                assert answers.readline() == b"STORED\r\n"
                text = "".join(f"{line}\r\n" for line in (*lines, "quit"))
                connection.sendall(text.encode())
                return answers.read().decode().splitlines()

    @contextmanager
    def work() -> Iterator[None]:
        ask(*(f"set {key} 0 0 1\r\nx" for key in ("page:1", "page:2", "pages", "session:1")))
        yield
        ask("flush_all")

    def left() -> tuple[int, int]:
        lines = ask("get page:1 page:2 pages session:1")
        keys = {line.split()[1] for line in lines if line.startswith("VALUE")}
        return len(keys & {"page:1"}), len(keys - {"page:1"})

    return Rig(
        target={
            "executor": "memcached",
            "host": "127.0.0.1",
            "port": port,
            "user": "gw",
            "prefixes": ["page:"],
        },
        action="memcached.delete_key",
        parameters={"key": "page:1"},
        work=work,
        left=left,
        marker=b"delete",
        report="memcached.report",
        in_report="evicted: 0",
        touched="key page:1",
        hostile=[
            {"key": "session:1"},
            {"key": "page:1 noreply"},
            {"key": "page:1\r\nflush_all"},
            {"key": "page:1\nflush_all"},
            {"key": "page:\0"},
            {"key": "page"},
            {"key": "*"},
            {"key": ""},
            {"key": "page:" + "x" * 250},
            {"key": "page:é"},
            {"key": ["page:1"]},
            {"key": "page:1", "noreply": True},
            {},
        ],
    )


def redis_rig(port: int) -> Rig:
    """2,500 keys of the declared prefix; beside them keys that only look like it."""
    admin = redis.Redis(port=port)
    admin.execute_command("ACL", "SETUSER", "gw", "on", f">{PASSWORD}", *REDIS_ACL.split())

    @contextmanager
    def work() -> Iterator[None]:
        admin.flushall()
        admin.mset({f"cache:page:{number}": "x" * 50 for number in range(2500)})
        admin.mset({"session:1": "a", "cache": "b", "cachet:1": "c", "CACHE:page:1": "d"})
        admin.set("cache:other", "e")
        yield
        admin.flushall()

    def left() -> tuple[int, int]:
        keys = admin.keys()
        pages = sum(key.startswith(b"cache:page:") for key in keys)
        return pages, len(keys) - pages

    return Rig(
        target={
            "executor": "redis",
            "host": "127.0.0.1",
            "port": port,
            "user": "gw",
            "prefixes": ["cache:"],
        },
        action="redis.delete_keys",
        parameters={"prefix": "cache:page:"},
        work=work,
        left=left,
        marker=b"UNLINK",
        report="redis.report",
        in_report="evicted: 0 keys",
        touched="2,500 keys that begin with cache:page:",
        hostile=[
            {"prefix": "*"},
            {"prefix": "cache:*"},
            {"prefix": "cache:[a-z]age:"},
            {"prefix": "cache:page:?"},
            {"prefix": "cache:page:\\"},
            {"prefix": "session:"},
            {"prefix": ""},
            {"prefix": "cache"},
            {"prefix": "cache:\r\nFLUSHALL\r\n"},
            {"prefix": "cache:\0"},
            {"prefix": ["cache:page:"]},
            {"prefix": "CACHE:page:"},
            {"prefix": "cache:" + "x" * 300},
            {"prefix": "cache:page:", "db": 1},
            {},
        ],
    )
