"""A machine that is reached by SSH as a target, its declared commands, and the actions."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from bot.gateway.actions import Action, Parameters
from bot.gateway.commands import CommandParameter, ParameterName, pieces
from bot.gateway.parts import Argument, EnvName, Name, Part, Target


class SshCommand(Part):
    """One command: an argv with typed parameters. `inverse` takes it back with the same values."""

    argv: list[Argument] = Field(min_length=1, max_length=100)
    parameters: dict[ParameterName, CommandParameter] = Field(default_factory=dict)
    mutating: bool = True
    inverse: Name | None = None
    timeout_seconds: float = Field(default=60, gt=0, le=3600)

    @model_validator(mode="after")
    def _templates(self) -> Self:
        for place, text in enumerate(self.argv):
            for _, name in pieces(text):
                if name and (place == 0 or name not in self.parameters):
                    raise ValueError(f"argv: {{{name}}} is no parameter, or stands for the program")
        return self


class SshTarget(Target):
    """One machine. The server's key must be in `known_hosts`; the gateway's key is a secret."""

    secret_names: ClassVar[tuple[str, ...]] = ("key",)

    executor: Literal["ssh"]
    host: Argument = Field(min_length=1, max_length=255)
    port: int = Field(default=22, ge=1, le=65535)
    user: Argument = Field(min_length=1, max_length=100)
    key_env: EnvName | None = None
    key_file: Path | None = None
    known_hosts: Path
    commands: dict[Name, SshCommand] = Field(min_length=1, max_length=100)
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse a machine of one of these names."""
        ours = self.host.lower() in names
        return "host: is the bot, its gateway or a caller" if ours else ""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.key_env and not self.key_file:
            raise ValueError("give key_env or key_file")
        for name, command in self.commands.items():
            if command.inverse and command.inverse not in self.commands:
                raise ValueError(f"commands.{name}.inverse: there is no command {command.inverse}")
        return self


class RunParameters(Parameters):
    """Names the command, and gives its values: one text, because a parameter is flat."""

    command: str = Field(max_length=100, description="one of the target's commands")
    values: str = Field(
        default="{}", max_length=5000, description="the command's parameters, a JSON object"
    )


RUN = Action(
    id="ssh.run",
    verb="run",
    title="Run a declared command on the machine",
    mutating=True,
    parameters=RunParameters,
    blast="as the operator says who declared it",
    verified_by="the command's exit code",
)
READ = Action(
    id="ssh.read",
    verb="read",
    title="Run a declared command that only reads",
    mutating=False,
    parameters=RunParameters,
    risk="low",
)
