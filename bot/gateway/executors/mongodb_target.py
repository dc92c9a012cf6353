"""A MongoDB server as a target, and its actions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bot.gateway.actions import Action, Parameters
from bot.gateway.parts import Argument, WithPassword
from bot.validation import form

SYSTEM_DATABASES = frozenset({"admin", "local", "config"})


def _namespace(value: str) -> str:
    database, dot, collection = value.partition(".")
    if not dot or not collection or not database or "*" in database:
        raise ValueError("must be database.collection; '*' stands for any text in the collection")
    if database in SYSTEM_DATABASES:
        raise ValueError(f"{database} belongs to MongoDB itself")
    return value


Namespace = Annotated[
    str, form(r"[ -~]{1,255}", "must be printable ASCII, at most 255"), AfterValidator(_namespace)
]


class MongodbTarget(WithPassword):
    """Operations of clients on the declared namespaces of one server, longer than `min_seconds`."""

    executor: Literal["mongodb"]
    host: Argument = Field(min_length=1, max_length=255)
    port: int = Field(default=27017, ge=1, le=65535)
    user: Argument = Field(default="", max_length=200)
    auth_database: Argument = Field(default="admin", min_length=1, max_length=64)
    tls: bool = True
    ca_file: Path | None = None
    namespaces: list[Namespace] = Field(min_length=1, max_length=100)
    protected_users: list[Argument] = Field(default_factory=list, max_length=100)
    min_seconds: int = Field(default=60, ge=1, le=31_536_000)
    max_operations: int = Field(default=20, ge=1, le=500)
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    @model_validator(mode="after")
    def _password_has_a_user(self) -> Self:
        if bool(self.user) != bool(self.password_env or self.password_file):
            raise ValueError("user: a user and a password belong together")
        return self


class OperationFilter(Parameters):
    """Selects the running operations that match every given field."""

    operation: Annotated[
        str, form(r"([A-Za-z0-9_.-]{1,64}:)?(-?\d{1,19})?", "must be the opid of an operation")
    ] = Field(default="", description="only this opid; of a mongos shard:opid")
    namespace: str = Field(
        default="", max_length=255, description="on this database.collection; * stands for any text"
    )
    min_seconds: int = Field(
        default=300, ge=1, le=31_536_000, description="running for at least so long"
    )


KILL = Action(
    id="mongodb.kill_operations",
    verb="kill",
    title="Kill running operations of the database",
    mutating=True,
    parameters=OperationFilter,
    blast="these operations end with an error; what they have written so far stays",
    verified_by="the gateway waits until the operations are gone",
    cancellable=True,
)
REPORT = Action(
    id="mongodb.report",
    verb="report",
    title="Report operations, connections and replicas of the database",
    mutating=False,
    risk="low",
)
