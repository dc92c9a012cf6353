"""A Redis database as a target, and its actions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bot.gateway.actions import Action, Parameters
from bot.gateway.parts import Argument, WithPassword

_PREFIX_CHARS = 200


def _prefix(value: str) -> str:
    if not value.isprintable() or value.strip("*?[]\\") == "":
        raise ValueError("must be the printable beginning of keys, such as cache:")
    return value


Prefix = Annotated[str, AfterValidator(_prefix), Field(min_length=1, max_length=_PREFIX_CHARS)]


class RedisTarget(WithPassword):
    """The keys of one database that begin with a declared prefix. A cluster is not supported."""

    executor: Literal["redis"]
    host: Argument = Field(min_length=1, max_length=255)
    port: int = Field(default=6379, ge=1, le=65535)
    db: int = Field(default=0, ge=0, le=16_383)
    user: Argument = Field(default="", max_length=200)
    tls: bool = False
    ca_file: Path | None = None
    prefixes: list[Prefix] = Field(min_length=1, max_length=100)
    max_keys: int = Field(default=1_000_000, ge=1, le=1_000_000_000)
    timeout_seconds: float = Field(default=5, gt=0, le=60)
    scan_seconds: int = Field(default=120, ge=1, le=3600)


class DeleteParameters(Parameters):
    """Selects the keys that begin with exactly this text; no character is special in it."""

    prefix: Prefix = Field(description="begins with a declared prefix of the target")


DELETE = Action(
    id="redis.delete_keys",
    verb="delete",
    title="Delete the cached keys of a prefix",
    mutating=True,
    parameters=DeleteParameters,
    risk="high",
    blast="the values are lost; whoever needs them makes them again, at the cost of its source",
    verified_by="the gateway counts the keys that it deleted, to the end of the keyspace",
    cancellable=True,
)
REPORT = Action(
    id="redis.report",
    verb="report",
    title="Report memory, keys and evictions of the cache",
    mutating=False,
    risk="low",
)
