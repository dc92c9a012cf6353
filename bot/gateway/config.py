"""The gateway's config file. Every field is checked before anything starts."""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from yarl import URL

from bot.gateway.errors import ConfigError
from bot.gateway.ourselves import runs_us
from bot.regular_files import read_regular
from bot.remediation.contract import OURSELVES
from bot.validation import field_problems, form, in_file
from bot.yaml_text import YamlProblem, read_yaml

MIN_SECRET_CHARS = 16


def _http(value: str) -> str:
    url = URL(value)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("must be an http:// or https:// address")
    return value


def _docker_url(value: str) -> str:
    url = URL(value)
    if not (
        (url.scheme == "unix" and url.path.startswith("/")) or (url.scheme == "http" and url.host)
    ):
        raise ValueError("must be unix:///path/to.sock or http://host:port")
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


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Listen(_Part):
    """Address of the gateway; port 0 means a free one."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8003, ge=0, le=65535)


class Source(_Part):
    """One caller. Its secret comes from an environment variable or a file, never from YAML."""

    secret_env: EnvName | None = None
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.secret_env and self.secret_file:
            raise ValueError("give secret_env or secret_file, not both")
        return self


class Limits(_Part):
    """Time limits in seconds, and the amounts of history that are kept."""

    queue_seconds: float = Field(default=5, gt=0, le=60)
    docker_seconds: float = Field(default=10, gt=0, le=120)
    stop_seconds: float = Field(default=10, gt=0, le=120)
    drain_seconds: float = Field(default=170, gt=0, le=600)
    keep_days: int = Field(default=90, ge=1, le=3650)
    connections: int = Field(default=1000, ge=16, le=100_000)
    connections_per_address: int = Field(default=100, ge=1, le=100_000)
    log_bytes: int = Field(default=1_048_576, ge=4096, le=1_073_741_824)


class _TargetPart(_Part):
    """Fields of every target. `environment` selects the rule of the bot's policy."""

    environment: Annotated[str, AfterValidator(_environment)] = ""


class ProcessTarget(_TargetPart):
    """A process that the gateway itself starts and supervises.

    `argv` is a list, never a shell line. `user` is the user that it runs as, with only that user's
    groups; '' is the gateway's own user.
    """

    executor: Literal["process"]
    argv: list[Argument] = Field(min_length=1)
    user: Annotated[str, AfterValidator(_user)] = ""
    cwd: Path | None = None
    env: dict[EnvName, Argument] = Field(default_factory=dict)
    pass_env: list[EnvName] = Field(default_factory=lambda: ["PATH", "HOME", "LANG", "TZ"])
    health_url: Annotated[str, AfterValidator(_http)] | None = None
    autostart: bool = True
    start_seconds: float = Field(default=30, gt=0, le=300)


class DockerTarget(_TargetPart):
    """One container, by its exact name."""

    executor: Literal["docker"]
    container: Annotated[
        str, form(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", "must be the exact name of a container")
    ]
    start_seconds: float = Field(default=30, gt=0, le=300)


Target = Annotated[ProcessTarget | DockerTarget, Field(discriminator="executor")]


class Docker(_Part):
    """The Docker Engine: its unix socket, or http:// for a socket proxy."""

    url: Annotated[str, AfterValidator(_docker_url)] = "unix:///var/run/docker.sock"


class GatewayConfig(_Part):
    """The whole file. Relative paths start at the working directory."""

    listen: Listen = Listen()
    state_dir: Path = Path("gateway-state")
    sources: dict[Name, Source] = Field(default_factory=dict)
    limits: Limits = Limits()
    docker: Docker = Docker()
    targets: dict[Name, Target] = Field(default_factory=dict)
    secrets: dict[str, SecretStr] = Field(default_factory=dict, exclude=True)

    @property
    def loopback(self) -> bool:
        """Return True if only this machine can reach the gateway."""
        if self.listen.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.listen.host).is_loopback
        except ValueError:
            return False


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> GatewayConfig:
    """Read and check the file; ConfigError names the file and every field at fault."""
    try:
        document = read_yaml(read_regular(path))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not text in UTF-8"]) from error
    except YamlProblem as problem:
        raise ConfigError([problem.at(str(path))]) from problem
    value = {} if document.value is None else document.value
    return read_config(value, name=str(path), environ=environ, line_of=document.line_of)


def read_config(
    value: Any,
    *,
    name: str = "config",
    environ: Mapping[str, str] = os.environ,
    line_of: Callable[[tuple[str | int, ...]], int] | None = None,
) -> GatewayConfig:
    """Check the same from a parsed value; `environ` holds the secrets that `secret_env` names."""
    if isinstance(value, dict) and "secrets" in value:
        raise ConfigError([f"{name}: secrets: use sources.<name>.secret_env or secret_file"])
    try:
        config = GatewayConfig.model_validate(value)
    except ValidationError as error:
        raise ConfigError(in_file(name, field_problems(error, GatewayConfig), line_of)) from None
    secrets, problems = _secrets(config, environ)
    if not secrets and not config.loopback:
        problems.append(
            f"listen.host: {config.listen.host} is open to the network; "
            "give every source a secret, or listen on 127.0.0.1"
        )
    problems += [*_self_targets(config), *_inherited_secrets(config)]
    if problems:
        raise ConfigError([f"{name}: {problem}" for problem in problems])
    return config.model_copy(update={"secrets": secrets})


def _self_targets(config: GatewayConfig) -> list[str]:
    """Return one line for each target that is the gateway, the bot or another caller."""
    names = OURSELVES | {source.lower() for source in config.sources}
    problems: list[str] = []
    for name, target in config.targets.items():
        field = f"targets.{name}"
        if name.lower() in names:
            problems.append(f"{field}: is the name of the bot, its gateway or a caller")
        if target.executor == "docker":
            if target.container.lower() in names:
                problems.append(f"{field}.container: is the bot, its gateway or a caller")
        elif runs_us(target.argv):
            problems.append(f"{field}.argv: starts the bot or its gateway; they never act on it")
    return problems


def _inherited_secrets(config: GatewayConfig) -> list[str]:
    secrets = {source.secret_env for source in config.sources.values() if source.secret_env}
    return [
        f"targets.{name}.pass_env: {variable} holds a secret of the gateway's; no process gets it"
        for name, target in config.targets.items()
        if isinstance(target, ProcessTarget)
        for variable in target.pass_env
        if variable in secrets
    ]


def _secrets(
    config: GatewayConfig, environ: Mapping[str, str]
) -> tuple[dict[str, SecretStr], list[str]]:
    secrets: dict[str, SecretStr] = {}
    problems: list[str] = []
    unsigned: list[str] = []
    for source, entry in config.sources.items():
        field = f"sources.{source}"
        if entry.secret_env:
            secret = environ.get(entry.secret_env, "")
            where = f"{field}.secret_env: {entry.secret_env}"
            if not secret:
                problems.append(f"{where} is not set")
                continue
        elif entry.secret_file:
            where = f"{field}.secret_file: {entry.secret_file}"
            try:
                secret = read_regular(entry.secret_file).strip()
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{where} cannot be read ({type(error).__name__})")
                continue
        else:
            unsigned.append(source)
            continue
        if len(secret) < MIN_SECRET_CHARS:
            problems.append(f"{where} must hold at least {MIN_SECRET_CHARS} characters")
        # The secret that verifies a request identifies its source, so two sources cannot share one.
        elif any(secret == other.get_secret_value() for other in secrets.values()):
            problems.append(f"{where} is another source's secret too; give each its own")
        else:
            secrets[source] = SecretStr(secret)
    if secrets:
        problems += [f"sources.{source}: has no secret, others have" for source in unsigned]
    return secrets, problems
