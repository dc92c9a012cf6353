"""Lines of a log become alerts: a pattern in linear time, and one alert for all lines of a kind.

The patterns are the operator's, the lines are hostile. So a pattern is no regular expression: every
part of it is bound to its first match, and no line can make the search go back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.incidents.model import Alert, AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake.drafting import Draft, still
from bot.validation import form

SOURCE = "log"
LINE_LIMIT = 4096  # bytes of a line that are read
KINDS_LIMIT = 50  # alerts of one reading; the lines of further kinds are counted together
FIELDS = ("service", "env", "region", "category", "severity", "title")

_TOKEN = re.compile(
    r"\\(?P<escaped>.)|\{(?P<name>[a-z][a-z0-9_]{0,40})(?P<run>\*?)\}|(?P<any>\*)|(?P<bad>[{}\\])"
    r"|(?P<text>[^\\{}*]+)",
    re.DOTALL,
)


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern; ValueError says what is wrong with it.

    `{name}` is a word, `{name*}` and `*` are any text, `\\` takes the next character as it is. A
    pattern that begins with text is found anywhere in a line.
    """
    compiled, literal, gap = "", "", ".*?"
    names: set[str] = set()

    def bound() -> str:
        return f"(?>{gap}{re.escape(literal)})" if literal else ""

    for position, token in enumerate(_TOKEN.finditer(text)):
        if token["bad"]:
            raise ValueError(f"a field is written {{name}} or {{name*}}, a sign \\{token['bad']}")
        if token["escaped"] or token["text"]:
            literal += token["escaped"] or token["text"]
            continue
        if position and not literal:
            raise ValueError("between two fields there must be text")
        compiled, literal = compiled + bound(), ""
        name = token["name"]
        if name in names:
            raise ValueError(f"{{{name}}} stands twice")
        gap = ".*?" if token["any"] or token["run"] else r"\S+?"
        if name:
            names.add(name)
            gap = f"(?P<{name}>{gap})"
    if not compiled and not literal:
        raise ValueError("must have some text, else every line is an alert")
    return re.compile(compiled + (bound() if literal else gap.replace("?)", ")")), re.DOTALL)


class LinePattern(BaseModel):
    """Selects the lines that become alerts; a field of the pattern overrides the value here."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[
        str, form(r"[a-z0-9][a-z0-9_-]{0,40}", "must be lower case: letters, digits, '_', '-'")
    ]
    pattern: str = Field(min_length=1, max_length=500)
    service: str = ""
    env: str = ""
    region: str = ""
    category: str = ""
    severity: str = "medium"

    @field_validator("severity")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if known_severity(value) is None:
            raise ValueError("must be a severity, such as critical, high, medium, low")
        return value

    @field_validator("pattern")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        compile_pattern(value)
        return value

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, ready to match."""
        return compile_pattern(self.pattern)

    @property
    def sender(self) -> str:
        """The sender of its alerts."""
        return f"log:{self.name}"


class Poller(LinePattern):
    """One file whose lines become alerts."""

    file: Annotated[str, form(r"/[^\x00]+", "must be an absolute path")]
    every_seconds: int = Field(default=10, ge=1, le=3600)

    @property
    def key(self) -> str:
        """The name of its position in the store: another file has another position."""
        return f"{self.name} {self.file}"


Argument = Annotated[str, form(r"[^\x00]{0,4096}", "must be text of at most 4096 characters")]


class CommandPoller(LinePattern):
    """One program that prints what is wrong now; each of its lines that match is an alert."""

    command: tuple[Argument, ...] = Field(min_length=1, max_length=100)
    every_seconds: int = Field(default=60, ge=5, le=86_400)
    timeout_seconds: int = Field(default=30, ge=1, le=600)

    @field_validator("command")
    @classmethod
    def _is_absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value[0].startswith("/"):
            raise ValueError("must begin with the absolute path of a program; no shell runs it")
        return value


@dataclass(slots=True)
class _Kind:
    draft: Draft
    lines: int = 1


@dataclass(slots=True)
class _Kinds:
    known: dict[str, _Kind] = field(default_factory=dict)
    others: int = 0


def alerts_of(poller: LinePattern, lines: Iterable[bytes], host: str = "") -> list[Alert]:
    """Return an alert for each kind of line that matches, KINDS_LIMIT at most.

    Lines of one kind differ in numbers and times only. One more alert counts the lines of further
    kinds. A `host` is a label, and a part of what identifies the alert.
    """
    kinds = _Kinds()
    for line in lines:
        text = line[:LINE_LIMIT].decode("utf-8", "replace").rstrip("\r\n")
        match = poller.compiled.match(text)
        if match is None:
            continue
        groups = {name: value for name, value in match.groupdict().items() if value}
        _count(kinds, poller, text, groups | ({"host": host} if host else {}))
    alerts = []
    for kind in kinds.known.values():
        if kind.lines > 1:
            kind.draft.text += f"\n({kind.lines:,} such lines at once)"
        alerts.append(kind.draft.alert())
    if kinds.others:
        alerts.append(_overflow(poller, kinds.others, host))
    return alerts


def _count(kinds: _Kinds, poller: LinePattern, text: str, groups: dict[str, str]) -> None:
    values = {name: groups.get(name) or getattr(poller, name, "") for name in FIELDS}
    labels = {name: value for name, value in groups.items() if name not in FIELDS}
    labels["poller"] = poller.name
    scope = {name: values[name] for name in ("service", "env", "region", "category")}
    identity = scope | labels | {"line": still(values["title"] or text)}
    key = "\x1f".join(identity.values())
    if key in kinds.known:
        kinds.known[key].lines += 1
    elif len(kinds.known) >= KINDS_LIMIT:
        kinds.others += 1
    else:
        values["title"] = values["title"] or text
        kinds.known[key] = _Kind(_draft(poller, text, labels, identity, values))


def _overflow(poller: LinePattern, lines: int, host: str) -> Alert:
    title = f"{poller.name}: {lines:,} more lines match, of more than {KINDS_LIMIT} kinds"
    values = {name: getattr(poller, name, "") for name in FIELDS} | {"title": title}
    labels = {"poller": poller.name} | ({"host": host} if host else {})
    return _draft(poller, title, labels, labels | {"line": "more kinds"}, values).alert()


def _draft(
    poller: LinePattern,
    text: str,
    labels: dict[str, str],
    identity: dict[str, str],
    values: dict[str, str],
) -> Draft:
    return Draft(
        source=SOURCE,
        status=AlertStatus.FIRING,
        name=poller.name,
        raw={"line": text},
        identity=identity,
        text=text,
        labels=labels,
        title=values["title"],
        service=values["service"],
        env=values["env"],
        region=values["region"],
        category=values["category"],
        severity=values["severity"],
    )
