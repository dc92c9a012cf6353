"""A database server of MySQL or MariaDB as a target, and its actions."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from bot.gateway.actions import Action, Parameters
from bot.gateway.parts import Argument, WithPassword

_SYSTEM_USERS = ("root", "mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema")


class MysqlTarget(WithPassword):
    """Sessions of the declared databases of one server, without those of `protected_users`."""

    executor: Literal["mysql"]
    host: Argument = Field(min_length=1, max_length=255)
    port: int = Field(default=3306, ge=1, le=65535)
    user: Argument = Field(min_length=1, max_length=80)
    tls: bool = True
    ca_file: Path | None = None
    databases: list[Argument] = Field(min_length=1, max_length=100)
    protected_users: list[Argument] = Field(
        default_factory=lambda: list(_SYSTEM_USERS), max_length=100
    )
    max_sessions: int = Field(default=20, ge=1, le=500)
    timeout_seconds: float = Field(default=10, gt=0, le=120)


class QueryFilter(Parameters):
    """Selects the sessions that match every given field. Text is compared as a whole."""

    min_seconds: int = Field(
        default=300, ge=1, le=31_536_000, description="in this state for at least so long"
    )
    user: str = Field(default="", max_length=80, description="of exactly this user")
    pid: int = Field(default=0, ge=0, le=2**63 - 1, description="only this connection; 0 is any")


class SessionFilter(QueryFilter):
    """`Sleep` waits for its client, maybe inside a transaction; `Query` runs a query."""

    state: Literal["Sleep", "Query"] = "Sleep"


KILL_SESSIONS = Action(
    id="mysql.kill_sessions",
    verb="kill",
    title="End sessions of the database",
    mutating=True,
    parameters=SessionFilter,
    risk="high",
    blast="open transactions of these sessions are rolled back, their clients lose the connection",
    verified_by="the gateway waits until the sessions are gone",
)
KILL_QUERIES = Action(
    id="mysql.kill_queries",
    verb="cancel",
    title="Cancel running queries of the database",
    mutating=True,
    parameters=QueryFilter,
    risk="medium",
    blast="these queries end with an error, their sessions stay",
    verified_by="the gateway waits until the queries have ended",
)
REPORT = Action(
    id="mysql.report",
    verb="report",
    title="Report activity and sizes of the database",
    mutating=False,
    risk="low",
)
