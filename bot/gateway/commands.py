"""Declared commands: actions that an operator writes in the config, as an argv with parameters.

No shell reads them. A parameter is a whole argument or a declared part of one, its value must fit
its pattern, and an argument that begins with `-` only because of a value is refused.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, create_model, model_validator

from bot.gateway.actions import Action, Parameters
from bot.gateway.errors import NotAllowed
from bot.gateway.parts import Argument, EnvName, Glob, Part, User
from bot.remediation.patterns import Pattern
from bot.validation import form

ActionId = Annotated[
    str,
    form(
        r"[a-z][a-z0-9_]{0,39}(\.[a-z0-9_]{1,40}){1,3}", "must be an id such as cache.warm, a-z 0-9"
    ),
]
ParameterName = Annotated[str, form(r"[a-z][a-z0-9_]{0,39}", "a parameter has a name in a-z 0-9 _")]
_RESERVED = frozenset({"target", "probe_url"})


def _pattern(value: str) -> str:
    Pattern(value)
    return value


class CommandParameter(Part):
    """One typed parameter: text by a pattern, a whole number within bounds, or a choice.

    `may_be_option` allows a value that begins with `-` at the beginning of an argument.
    """

    type: Literal["text", "integer", "choice"] = "text"
    description: str = Field(default="", max_length=200)
    pattern: Annotated[str, Field(max_length=200), AfterValidator(_pattern)] = ""
    minimum: int = 0
    maximum: int = 1_000_000
    choices: list[Argument] = Field(default_factory=list, max_length=100)
    default: int | str | None = None
    may_be_option: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "text" and not self.pattern:
            raise ValueError("pattern: a text needs one")
        if self.type == "choice" and not self.choices:
            raise ValueError("choices: a choice needs them")
        if self.default is not None and (problem := self.problem_of(self.default)):
            raise ValueError(f"default: {problem}")
        return self

    def problem_of(self, value: Any) -> str:
        """Return the reason why this is no value of the parameter, else ''."""
        if self.type == "integer":
            if type(value) is not int:
                return "must be a whole number"
            good = self.minimum <= value <= self.maximum
            return "" if good else f"must be {self.minimum} to {self.maximum}"
        if not isinstance(value, str):
            return "must be text"
        if self.type == "choice":
            return "" if value in self.choices else f"must be one of {', '.join(self.choices)}"
        good = Pattern(self.pattern).matches(value) and "\0" not in value
        return "" if good else "does not have the form that is expected"

    def annotation(self) -> Any:
        """Return the field's type for pydantic, from which the JSON schema is made."""
        if self.type == "integer":
            return Annotated[int, Field(ge=self.minimum, le=self.maximum)]
        if self.type == "choice":
            return Literal[tuple(self.choices)]
        return Annotated[str, AfterValidator(self._checked), Field(json_schema_extra=self._schema)]

    def _checked(self, value: str) -> str:
        if problem := self.problem_of(value):
            raise ValueError(problem)
        return value

    def _schema(self, schema: dict[str, Any]) -> None:
        schema["pattern"] = f"^(?:{Pattern(self.pattern).text})$"


class Verify(Part):
    """A program that runs after the command: exit code 0 means that the command helped."""

    argv: list[Argument] = Field(min_length=1)
    timeout_seconds: float = Field(default=30, gt=0, le=300)


class Command(Part):
    """One declared command. `plan` is the sentence that people read before they approve it."""

    title: str = Field(min_length=1, max_length=100)
    argv: list[Argument] = Field(min_length=1, max_length=100)
    parameters: dict[ParameterName, CommandParameter] = Field(default_factory=dict)
    targets: list[Glob] = Field(min_length=1)
    plan: str = Field(default="", max_length=500)
    mutating: bool = True
    inverse: str = ""
    verify: Verify | None = None
    risk: Literal["low", "medium", "high"] = "high"
    timeout_seconds: float = Field(default=60, gt=0, le=3600)
    user: User = ""
    cwd: Path | None = None
    env: dict[EnvName, Argument] = Field(default_factory=dict)
    pass_env: list[EnvName] = Field(default_factory=lambda: ["PATH", "HOME", "LANG", "TZ"])

    @model_validator(mode="after")
    def _templates(self) -> Self:
        if reserved := _RESERVED & self.parameters.keys():
            raise ValueError(f"parameters: {min(reserved)} is a name that the bot uses")
        for field, argv in self._argvs():
            if any(names for _, names in pieces(argv[0])):
                raise ValueError(f"{field}: the program is fixed, so it has no {{parameter}}")
            self._check(field, argv)
        self._check("plan", [self.plan])
        return self

    def _argvs(self) -> Iterator[tuple[str, Sequence[str]]]:
        yield "argv", self.argv
        if self.verify:
            yield "verify.argv", self.verify.argv

    def _check(self, field: str, texts: Sequence[str]) -> None:
        known = {"target", *self.parameters}
        for text in texts:
            for _, name in pieces(text):
                if name and name not in known and not name.startswith("target."):
                    raise ValueError(f"{field}: {{{name}}} is no parameter; write {{{{ for a brace")

    def fits(self, target: str) -> bool:
        """Return True if the command may act on this target."""
        return any(fnmatchcase(target, glob) for glob in self.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredAction(Action):
    """The action that a declared command is in the catalogue."""

    command: Command


def action_of(action_id: str, command: Command) -> DeclaredAction:
    """Return the catalogue's entry of a declared command."""
    fields: dict[str, Any] = {
        name: (
            parameter.annotation(),
            Field(
                default=... if parameter.default is None else parameter.default,
                description=parameter.description or None,
            ),
        )
        for name, parameter in command.parameters.items()
    }
    model: type[BaseModel] = create_model(action_id, __base__=Parameters, **fields)
    return DeclaredAction(
        id=action_id,
        verb="command",
        title=command.title,
        mutating=command.mutating,
        parameters=model,
        inverse=command.inverse,
        risk=command.risk,
        verified_by="the gateway runs the declared check after it" if command.verify else "",
        cancellable=True,
        executor="command",
        command=command,
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a sentence with its parameters filled in."""
    return "".join(literal + values.get(name, "") for literal, name in pieces(text))


def arguments(argv: Sequence[str], values: Mapping[str, str], options: frozenset[str]) -> list[str]:
    """Return the argv with its parameters filled in.

    NotAllowed OPTION_INJECTION: a value would make an argument an option, and its parameter is
    not in `options`.
    """
    made: list[str] = []
    for template in argv:
        argument = filled(template, values)
        name = _beginning(template, values)
        if name and name not in options and argument.startswith("-"):
            raise NotAllowed(
                "OPTION_INJECTION", f"{name} would make an option of the argument {template!r}"
            )
        made.append(argument)
    return made


def _beginning(template: str, values: Mapping[str, str]) -> str:
    """Return the parameter with which the filled text begins; '' if it begins as declared."""
    for literal, name in pieces(template):
        if literal:
            return ""
        if values.get(name):
            return name
    return ""


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield (text before, name of the parameter); the name is '' at the end."""
    for literal, name, spec, conversion in string.Formatter().parse(text):
        if spec or conversion or name == "":
            raise ValueError(f"{text!r}: write {{name}} for a parameter and {{{{ for a brace")
        yield literal, name or ""


def problems_of(
    commands: Mapping[str, Command], built_in: Mapping[str, Action], targets: Mapping[str, Any]
) -> list[str]:
    """Return one line for each command that the rest of the config makes impossible."""
    problems: list[str] = []
    for action_id, command in commands.items():
        field = f"commands.{action_id}"
        if action_id in built_in:
            problems.append(f"{field}: is an action of the gateway; give it another id")
        if command.inverse and command.inverse not in commands:
            problems.append(f"{field}.inverse: there is no command {command.inverse}")
        if not any(command.fits(target) for target in targets):
            problems.append(f"{field}.targets: no target has such a name")
    return problems
