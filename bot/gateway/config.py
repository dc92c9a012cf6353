"""The gateway's config file. Every field is checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field, SecretStr, ValidationError, create_model

from bot.gateway.chooser import Model
from bot.gateway.commands import ActionId, Command, problems_of
from bot.gateway.errors import ConfigError
from bot.gateway.executors.registry import KINDS, built_in_actions, missing_library
from bot.gateway.network import Listen
from bot.gateway.ourselves import runs_us
from bot.gateway.parts import EnvName, Limits, Name, Part, Target
from bot.gateway.secret_values import (
    Callers,
    SecretProblem,
    secret_of,
    secret_variables,
    source_secrets,
    target_secrets,
)
from bot.regular_files import read_regular
from bot.remediation.contract import OURSELVES
from bot.validation import field_problems, in_file
from bot.yaml_text import YamlProblem, read_yaml


class Source(Part):
    """One caller. Its secrets come from environment variables or files, never from YAML.

    `secret` is the key of its signatures, `token` a bearer token. The `previous_` ones are valid
    too, so that a secret can be exchanged while requests arrive.
    """

    secret_env: EnvName | None = None
    secret_file: Path | None = None
    previous_secret_env: EnvName | None = None
    previous_secret_file: Path | None = None
    token_env: EnvName | None = None
    token_file: Path | None = None
    previous_token_env: EnvName | None = None
    previous_token_file: Path | None = None


if TYPE_CHECKING:
    AnyTarget = Target
else:
    AnyTarget = Annotated[
        Union[tuple(kind.target for kind in KINDS.values())],  # noqa: UP007 - built from the table
        Field(discriminator="executor"),
    ]


class GatewayConfig(Part):
    """The whole file. Relative paths start at the working directory."""

    listen: Listen = Listen()
    state_dir: Path = Path("gateway-state")
    audit_file: Path | None = None
    sources: dict[Name, Source] = Field(default_factory=dict)
    limits: Limits = Limits()
    targets: dict[Name, AnyTarget] = Field(default_factory=dict)
    commands: dict[ActionId, Command] = Field(default_factory=dict, max_length=500)
    read_only: bool = False
    model: Model | None = None
    callers: Callers = Field(default=Callers(), exclude=True)
    target_secrets: dict[str, dict[str, SecretStr]] = Field(default_factory=dict, exclude=True)
    model_token: SecretStr = Field(default=SecretStr(""), exclude=True)

    @property
    def audit_path(self) -> Path:
        """Return the audit file: in the state folder unless the config names another."""
        return self.audit_file or self.state_dir / "audit.jsonl"

    @property
    def secret_variables(self) -> set[str]:
        """Return the environment variables that hold a secret of a caller or a target."""
        own = {self.model.token_env} if self.model and self.model.token_env else set()
        return {*secret_variables(self.sources, self.targets), *own}

    def section(self, kind: str) -> Any:
        """Return the part of the config of this kind of system, None if it has none."""
        return getattr(self, kind, None)


# The parts of the kinds stand beside the gateway's own: `docker: {url: …}`.
_File = create_model(
    "_File",
    __base__=GatewayConfig,
    **{  # type: ignore[call-overload]  # mypy cannot see the names of the fields
        kind.name: (kind.section, kind.section()) for kind in KINDS.values() if kind.section
    },
)


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
    if isinstance(value, dict) and (written := _RESOLVED & value.keys()):
        remedy = "use sources.<name>.secret_env or secret_file"
        raise ConfigError([f"{name}: {field}: {remedy}" for field in sorted(written)])
    try:
        config: GatewayConfig = _File.model_validate(value)
    except ValidationError as error:
        raise ConfigError(in_file(name, field_problems(error, _File), line_of)) from None
    callers, problems = source_secrets(config.sources, environ)
    if not callers and not config.listen.loopback:
        problems.append(
            f"listen.host: {config.listen.host} is open to the network; "
            "give every source a secret, or listen on 127.0.0.1"
        )
    if callers.tokens and not (config.listen.loopback or config.listen.tls):
        problems.append(
            f"listen.host: {config.listen.host} is open to the network, where anybody on the way "
            "can read a bearer token; use secrets, or listen.tls"
        )
    passwords, unreadable = target_secrets(config.targets, environ)
    model_token = ""
    if config.model:
        try:
            model_token, _ = secret_of(config.model, "token", "model", environ)
        except SecretProblem as problem:
            problems.append(str(problem))
    problems += [*unreadable, *_self_targets(config), *_inherited_secrets(config)]
    problems += problems_of(config.commands, built_in_actions(), config.targets)
    problems += [
        f"targets.{target}: {remedy}"
        for target, entry in config.targets.items()
        if (remedy := missing_library(KINDS[entry.executor]))
    ]
    if problems:
        raise ConfigError([f"{name}: {problem}" for problem in problems])
    return config.model_copy(
        update={
            "callers": callers,
            "target_secrets": passwords,
            "model_token": SecretStr(model_token),
        }
    )


_RESOLVED = frozenset({"callers", "secrets", "target_secrets", "model_token"})


def _self_targets(config: GatewayConfig) -> list[str]:
    """Return one line for each target that is the gateway, the bot or another caller."""
    names = OURSELVES | {source.lower() for source in config.sources}
    problems: list[str] = []
    for name, target in config.targets.items():
        if name.lower() in names:
            problems.append(f"targets.{name}: is the name of the bot, its gateway or a caller")
        if reason := target.acts_on_us(names):
            problems.append(f"targets.{name}.{reason}")
    problems += [
        f"commands.{name}.argv: starts the bot or its gateway; they never act on it"
        for name, command in config.commands.items()
        if runs_us(command.argv) or (command.verify and runs_us(command.verify.argv))
    ]
    return problems


def _inherited_secrets(config: GatewayConfig) -> list[str]:
    programs = {f"targets.{name}": target.inherited for name, target in config.targets.items()}
    programs |= {f"commands.{name}": command.pass_env for name, command in config.commands.items()}
    return [
        f"{field}.pass_env: {variable} holds a secret of the gateway's; no process gets it"
        for field, inherited in programs.items()
        for variable in inherited
        if variable in config.secret_variables
    ]
