"""A database server of PostgreSQL as a target, and its actions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bot.gateway.actions import Action, NoParameters, Parameters
from bot.gateway.parts import Argument, WithPassword

MAX_PID = 2**31 - 1


class PostgresTarget(WithPassword):
    """Sessions of the declared databases of one server; those of superusers only if declared."""

    executor: Literal["postgresql"]
    host: Argument = Field(min_length=1, max_length=255)
    port: int = Field(default=5432, ge=1, le=65535)
    database: Argument = Field(default="postgres", min_length=1, max_length=63)
    user: Argument = Field(min_length=1, max_length=63)
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"
    sslrootcert: Path | Literal["system"] = "system"
    databases: list[Argument] = Field(min_length=1, max_length=100)
    protected_users: list[Argument] = Field(default_factory=list, max_length=100)
    superusers: bool = False
    max_sessions: int = Field(default=20, ge=1, le=500)
    timeout_seconds: float = Field(default=10, gt=0, le=120)


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain a NUL byte")
    return value


_Filter = Annotated[str, AfterValidator(_no_nul)]


class SessionFilter(Parameters):
    """Selects the sessions that match every given field. Text is compared as a whole."""

    min_seconds: int = Field(
        default=300, ge=1, le=31_536_000, description="in this state for at least so long"
    )
    user: _Filter = Field(default="", max_length=63, description="of exactly this role")
    application: _Filter = Field(
        default="", max_length=63, description="with exactly this application_name"
    )
    pid: int = Field(default=0, ge=0, le=MAX_PID, description="only this one; 0 is any")


class TerminateParameters(SessionFilter):
    """`idle in transaction` holds locks; `active` runs a query."""

    state: Literal["idle in transaction", "idle", "active"] = "idle in transaction"


TERMINATE = Action(
    id="postgres.terminate_sessions",
    verb="terminate",
    title="End sessions of the database",
    mutating=True,
    parameters=TerminateParameters,
    risk="high",
    blast="open transactions of these sessions are rolled back, their clients lose the connection",
    verified_by="the gateway waits until the sessions are gone",
)
CANCEL = Action(
    id="postgres.cancel_queries",
    verb="cancel",
    title="Cancel running queries of the database",
    mutating=True,
    parameters=SessionFilter,
    risk="medium",
    blast="these queries end with an error, their sessions stay",
    verified_by="the gateway waits until the queries have ended",
)
REPORT = Action(
    id="postgres.report",
    verb="report",
    title="Report activity, locks and sizes of the database",
    mutating=False,
    parameters=NoParameters,
    risk="low",
)
