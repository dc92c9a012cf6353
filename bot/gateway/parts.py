"""The parts of the gateway's config from which every system builds its own: names, limits, targets.

It knows no system. A system's own target model derives from `Target` and stands in its executor's
file.
"""

from __future__ import annotations

import os
import pwd
import re
import unicodedata
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from yarl import URL

from bot.validation import form


def _http(value: str) -> str:
    url = URL(value)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("must be an http:// or https:// address")
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain a NUL byte")
    return value


def _environment(value: str) -> str:
    word = unicodedata.normalize("NFKC", value).strip().lower()
    if value and not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", word):
        raise ValueError("must be a word in a-z 0-9 . _ - (an environment such as production)")
    return word


def _user(value: str) -> str:
    if not value:
        return value
    try:
        uid = pwd.getpwnam(value).pw_uid
    except KeyError:
        raise ValueError("is no user of this machine") from None
    if os.geteuid() not in (0, uid):
        raise ValueError("only a gateway that runs as root can start a process as another user")
    return value


Name = Annotated[
    str,
    form(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "a name has letters, digits, '.', '_', '-': 1 to 100"),
]
Argument = Annotated[str, AfterValidator(_no_nul)]
EnvName = Annotated[
    str, form(r"[A-Za-z_][A-Za-z0-9_]*", "must be the name of an environment variable")
]
HttpUrl = Annotated[str, AfterValidator(_http)]
User = Annotated[str, AfterValidator(_user)]
Glob = Annotated[
    str, form(r"[a-zA-Z0-9._*-]{1,100}", "must be a name in which '*' stands for any text")
]


class Part(BaseModel):
    """A part of the config: an unknown key is an error, and an error never shows a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Limits(Part):
    """Time limits in seconds, and the amounts of history that are kept."""

    queue_seconds: float = Field(default=5, gt=0, le=60)
    concurrent: int = Field(default=16, ge=1, le=1000)
    plans_per_minute: int = Field(default=600, ge=1, le=100_000)
    docker_seconds: float = Field(default=10, gt=0, le=120)
    stop_seconds: float = Field(default=10, gt=0, le=120)
    drain_seconds: float = Field(default=170, gt=0, le=600)
    keep_days: int = Field(default=90, ge=1, le=3650)
    connections: int = Field(default=1000, ge=16, le=100_000)
    connections_per_address: int = Field(default=100, ge=1, le=100_000)
    log_bytes: int = Field(default=1_048_576, ge=4096, le=1_073_741_824)


class Target(Part):
    """Fields of every target. `environment` selects the rule of the bot's policy.

    Only actions whose id matches one of `actions` may be requested of it. `owner` is for people.
    A system names its secrets in `secret_names`: for `password` its model has the two fields
    `password_env` and `password_file`, and the gateway resolves whichever is given.
    """

    secret_names: ClassVar[tuple[str, ...]] = ()

    executor: str
    environment: Annotated[str, AfterValidator(_environment)] = ""
    actions: list[Glob] = Field(default_factory=lambda: ["*"], min_length=1, max_length=100)
    owner: str = Field(default="", max_length=200)

    def allows(self, action_id: str) -> bool:
        """Return True if the operator allows this action on the target."""
        return any(fnmatchcase(action_id, glob) for glob in self.actions)

    def acts_on_us(self, names: Collection[str]) -> str:  # noqa: ARG002 - a derived one reads it
        """Return the field and the reason if this is the bot, its gateway or a caller, else ''.

        `names` are those of the bot, the gateway and the callers, in lower case.
        """
        return ""

    @property
    def inherited(self) -> Sequence[str]:
        """Return the gateway's variables that a program of this target inherits."""
        return ()

    @property
    def runs_as_gateway(self) -> bool:
        """Return True if a program of this target runs as the gateway's own user."""
        return False


class WithPassword(Target):
    """A target with one password, by reference: never in the config itself."""

    secret_names: ClassVar[tuple[str, ...]] = ("password",)

    password_env: EnvName | None = None
    password_file: Path | None = None
