"""Mapping files (`config/sources/*.yaml`): how an operator has the bodies of a sender read.

A mapping matches the source of POST /alerts/{source}, and says by JMESPath where each field of an
alert stands. A field without an expression is read from the labels, as for any other sender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.declared_files import read_mapping, validate
from bot.errors import InputError
from bot.incidents.model import GUESS, Alert, AlertStatus, Severity
from bot.intake import states
from bot.intake.checked import checked_key, checked_sop_id
from bot.intake.cleaning import VALUE_LIMIT, one_line
from bot.intake.drafting import Draft, identifying, still
from bot.intake.expressions import BodyReader, Expression, parse_expression
from bot.intake.fields import wrong
from bot.intake.general_body import alert_of_anything
from bot.intake.headline import read_headline
from bot.intake.times import read_time
from bot.validation import form

MOST_ALERTS = 500
_LISTED = 20  # items of a list that becomes a text


def _is_expression(text: str) -> str:
    parse_expression(text)
    return text


ExpressionText = Annotated[str, AfterValidator(_is_expression)]
Name = Annotated[
    str, form(r"[a-z0-9][a-z0-9-]{0,39}", "must be a source: a-z, 0-9 and '-', at most 40")
]
LabelName = Annotated[str, form(r"[A-Za-z_][\w.-]{0,79}", "must be the name of a label")]
Word = Annotated[str, Field(min_length=1, max_length=80)] | int
FieldName = Literal[
    "name", "title", "text", "status", "severity", "service", "env", "region", "category",
    "value", "threshold", "starts_at", "ends_at", "fingerprint", "link", "tracking_id",
    "incident_key", "sop_id",
]  # fmt: skip
_SUBJECTS = ("name", "title", "text", "service")
_TAKEN_OVER = (
    "text", "env", "region", "service", "category", "value", "threshold", "fingerprint",
    "tracking_id",
)  # fmt: skip


class Match(BaseModel):
    """The bodies that a mapping is for: the source they are posted to, and what they must have."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    source: Name
    path: ExpressionText = "@"


class SourceMapping(BaseModel):
    """One mapping file.

    `alerts` leads to the object of each alert. `identity` are the parts that are the same when the
    alert fires again and when it ends; by default its name, service, environment and labels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    match: Match
    alerts: ExpressionText = "@"
    fields: dict[FieldName, ExpressionText] = Field(min_length=1)
    labels: dict[LabelName, ExpressionText] = Field(default={}, max_length=50)
    identity: tuple[ExpressionText, ...] = Field(default=(), max_length=20)
    status: dict[AlertStatus, tuple[Word, ...]] = {}
    severity: dict[Severity, tuple[Word, ...]] = {}

    @cached_property
    def _parsed(self) -> dict[str, Expression]:
        texts = (self.match.path, self.alerts, *self.fields.values(), *self.labels.values())
        return {text: parse_expression(text) for text in (*texts, *self.identity)}

    @cached_property
    def _usual_steps(self) -> int:
        """Twice as many steps as the expressions take that read one item, with short texts."""
        paths = (*self.fields.values(), *self.labels.values(), *self.identity)
        return 2 * sum(self._parsed[path].parts for path in paths)

    @cached_property
    def _statuses(self) -> dict[str, AlertStatus]:
        return {
            states.folded(str(word)): status
            for status, listed in self.status.items()
            for word in listed
        }

    @cached_property
    def _severities(self) -> dict[str, Severity]:
        return {
            states.folded(str(word)): severity
            for severity, listed in self.severity.items()
            for word in listed
        }

    def fits(self, body: object) -> bool:
        """Return whether a body of its source has what the mapping is for."""
        try:
            result = BodyReader().value(self._parsed[self.match.path], body)
        except InputError:
            return False
        return result not in (None, False, "", [], {})

    def alerts_of(self, body: object) -> list[Alert]:
        """Read a body. InputError if no alert is where the mapping says.

        An alert of another form than the mapping says is read as of a sender without one. Each has
        an equal share of the steps that are left, so that none uses up those of the next ones.
        """
        reader = BodyReader()
        items = reader.value(self._parsed[self.alerts], body)
        if items is None or items == []:
            raise wrong(self.alerts, "there, as the mapping says")
        listed = items if isinstance(items, list) else [items]
        listed, left, alerts = listed[: MOST_ALERTS + 1], reader.left, []
        for number, item in enumerate(listed):
            share = min(left, max(left // (len(listed) - number), self._usual_steps))
            own = BodyReader(share)
            alerts.append(self._alert_or_text(own, item))
            left -= share - own.left
        return alerts

    def _alert_or_text(self, reader: BodyReader, item: object) -> Alert:
        try:
            return self._alert(reader, item)
        except InputError as error:
            reason = f"the mapping of {self.match.source}: {error}"
            return alert_of_anything(item, "", self.match.source, reason)

    def _alert(self, reader: BodyReader, item: object) -> Alert:
        def read(path: str) -> str:
            return text_of(reader.value(self._parsed[path], item), path)

        texts = {str(name): read(path) for name, path in self.fields.items()}
        if not any(texts.get(name) for name in _SUBJECTS):
            raise wrong(self.fields.get("name", "name"), "given, or the title, text or service")
        labels = {name: text for name, path in self.labels.items() if (text := read(path))}
        headline = read_headline(texts.get("title") or texts.get("name") or texts.get("text", ""))
        name = texts.get("name") or headline.title or texts.get("service", "")
        taken_over: dict[str, Any] = {field: texts.get(field, "") for field in _TAKEN_OVER}
        alert = Draft(
            source=self.match.source,
            status=self._status(texts.get("status", ""), headline.state),
            name=name,
            title=texts.get("title") or name,
            **taken_over,
            severity=texts.get("severity") or headline.severity,
            labels=labels,
            starts_at=_time(texts.get("starts_at", "")),
            ends_at=_time(texts.get("ends_at", "")),
            links=[("Link", texts.get("link", ""))],
            identity={path: still(read(path)) for path in self.identity}
            or {
                **identifying(labels),
                "name": still(read_headline(name).subject),
                "service": texts.get("service", ""),
                "env": texts.get("env", ""),
            },
            incident_key=checked_key(texts.get("incident_key", ""), "incident_key"),
            sop_id=checked_sop_id(texts.get("sop_id", ""), "sop_id"),
            read_from=self._read_from(texts, "title" if headline.state else GUESS),
            raw=item,
        ).alert()
        severity = self._severities.get(states.folded(texts.get("severity", "")))
        return replace(alert, severity=severity) if severity else alert

    def _read_from(self, texts: Mapping[str, str], status: str) -> dict[str, str]:
        paths = {name: path for name, path in self.fields.items() if texts[name]}
        own = {str(name): f"mapping {one_line(path, 80)}" for name, path in paths.items()}
        return {"status": status, **own}

    def _status(self, word: str, by_title: AlertStatus | None) -> AlertStatus:
        if word:
            own = self._statuses.get(states.folded(word))
            return own or states.state_of(word) or AlertStatus.FIRING
        return by_title or AlertStatus.FIRING


def text_of(value: Any, path: str) -> str:
    """Return a result as text: of a list its first scalars.

    InputError for an object, and for a number with more digits than Python writes.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        scalars = [text_of(item, path) for item in value[:_LISTED] if not isinstance(item, list)]
        return ", ".join(text for text in scalars if text)
    if not isinstance(value, str | int | float):
        raise wrong(path, "a text, a number or a list of them")
    try:
        return str(value)
    except ValueError as error:
        raise wrong(path, "a number with fewer digits") from error


def _time(text: str) -> datetime | None:
    return read_time(text[:VALUE_LIMIT]) if text else None


@dataclass(frozen=True, slots=True)
class SourceMappings:
    """The mappings of all files, in the order of the files' names, and what is wrong with them."""

    mappings: tuple[SourceMapping, ...] = ()
    problems: tuple[str, ...] = field(default=(), compare=False)

    def find(self, source: str, body: object) -> SourceMapping | None:
        """Return the first mapping for a body of that source; None without one."""
        own = (mapping for mapping in self.mappings if mapping.match.source == source)
        return next((mapping for mapping in own if mapping.fits(body)), None)


def parse_mapping(text: str, file: str) -> SourceMapping:
    """Parse the text of one file. InputError names file, line and field, one problem a line."""
    document = read_mapping(
        text, file, field="mapping", expected="must have match and fields", may_be_empty=False
    )
    return validate(SourceMapping, document, file, field="mapping")


def load_mappings(files: Sequence[tuple[str, str]]) -> SourceMappings:
    """Load the texts of files, each with its name. A bad file is a problem; the others count."""
    mappings: list[SourceMapping] = []
    problems: list[str] = []
    for name, text in files:
        try:
            mappings.append(parse_mapping(text, name))
        except InputError as error:
            problems += error.message.splitlines()
    return SourceMappings(tuple(mappings), tuple(problems))


NO_MAPPINGS = SourceMappings()
