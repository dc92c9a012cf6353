"""The SOP library: matches alerts to procedures and fills in their text.

One JSON object a line. A bad line is reported with file and line, and the rest still loads.
Matching: the exact SOP ID of the alert's incident key first, then keys (every key must match): the
best priority wins, then the more specific (more keys, fewer globs), then the earlier line. The
lines of a file called example.jsonl come last: the bundled example never beats an operator's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.incidents.addresses import NO_USERINFO, has_userinfo
from bot.incidents.environments import DEFAULT, Environments
from bot.incidents.keys import incident_key_of, is_sop_id, sop_id_of
from bot.incidents.model import Alert
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.incidents.sop_keys import Key, SpelledAlert, read_key, spelled
from bot.validation import field_problems

EXAMPLE = "example.jsonl"


class Priority(IntEnum):
    """The rank of an SOP among those whose keys match."""

    HIGH = 0
    MIDDLE = 1
    LOW = 2


# The documented limits of an SOP's displayed content.
_LIMITS = {"command": 5, "metric": 5, "log": 3, "parameter": 3, "fix_action": 3}


class ProposedAction(BaseModel):
    """An action that the SOP offers: a catalogue id, its parameters, and the condition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    when: str = ""

    @field_validator("parameters")
    @classmethod
    def _tells_no_password(cls, value: dict[str, Any]) -> dict[str, Any]:
        if has_userinfo(str(value.get("probe_url", ""))):
            raise ValueError(f"probe_url {NO_USERINFO}")
        return value

    @field_validator("when")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if value:
            read_key(value)
        return value


class Sop(BaseModel):
    """One standard operating procedure, as the operator wrote it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sop_id: str
    incident_key: str = ""
    keys: tuple[str, ...] = ()
    priority: str = "MIDDLE"
    title: str = ""
    command: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    parameter: tuple[str, ...] = ()
    fix_action: tuple[str, ...] = ()
    runbook: str = ""
    actions: tuple[ProposedAction, ...] = ()

    @field_validator("sop_id")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        if not is_sop_id(value):
            raise ValueError("only a-z, 0-9, '_' and '-' are allowed, 1 to 64 of them")
        return value

    @field_validator("priority")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value.upper() not in Priority.__members__:
            raise ValueError(f"{value!r} is not one of HIGH, MIDDLE, LOW")
        return value.upper()

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            read_key(key)
        return value


@dataclass(frozen=True, slots=True)
class SopProblem:
    """A line that could not be used: its position, and the remedy."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class SopLibrary:
    """Every usable SOP, indexed for matching; the policy declares `environments`, the catalogue
    `services`.
    """

    sops: tuple[Sop, ...] = ()
    problems: tuple[SopProblem, ...] = ()
    environments: Environments = DEFAULT
    services: Catalogue = NO_SERVICES
    _by_id: Mapping[str, Sop] = field(default_factory=dict)
    _keys: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)  # by SOP ID
    known_services: frozenset[str] = frozenset()
    """The services, in lower case, that keys of SOPs and the catalogue name."""

    @classmethod
    def load(
        cls,
        files: Iterable[tuple[str, str]],
        environments: Environments = DEFAULT,
        services: Catalogue = NO_SERVICES,
    ) -> Self:
        """Parse (file name, text) pairs; bad lines and duplicates become `problems`."""
        sops: list[Sop] = []
        examples: set[str] = set()
        problems: list[SopProblem] = []
        by_id: dict[str, Sop] = {}
        for file, text in files:
            # Not splitlines(): JSON text may hold U+2028 and other characters that it treats as
            # line ends.
            for number, line in enumerate(text.split("\n"), start=1):
                if not line.strip() or line.lstrip().startswith("#"):
                    continue
                try:
                    sop = Sop.model_validate(json.loads(line))
                except (ValidationError, ValueError, RecursionError) as error:
                    problems += [SopProblem(file, number, why) for why in _reasons(error)]
                    continue
                if sop.sop_id in by_id:
                    problems.append(SopProblem(file, number, f"{sop.sop_id} is there already"))
                    continue
                by_id[sop.sop_id] = sop
                sops.append(sop)
                if file.rpartition("/")[2] == EXAMPLE:
                    examples.add(sop.sop_id)
        sops.sort(key=lambda sop: (sop.sop_id in examples, *specificity(sop)))
        keys = {sop.sop_id: tuple(map(read_key, sop.keys)) for sop in sops}
        named = {key[4:].lower() for sop in sops for key in sop.keys if key.startswith("svc:")}
        for service in services.services.values():
            named |= {name.lower() for name in (service.name, *service.aliases)}
        known = frozenset(name for name in named if not set("*?[") & set(name))
        return cls(tuple(sops), tuple(problems), environments, services, by_id, keys, known)

    def get(self, sop_id: str) -> Sop | None:
        """Return the SOP of that id."""
        return self._by_id.get(sop_id)

    def is_for(self, sop: Sop, action: ProposedAction, alert: Alert, target_env: str) -> bool:
        """Return True if the operator intends the action for this alert and a target in
        `target_env`.

        It checks the SOP's keys, or the hash of a key, and the action's `when`. An alert may also
        name an SOP: that displays the SOP, but lets nothing run by itself. Nor can an alert's word
        for its environment choose an action for a target in another environment.
        """
        return all(
            self._is_chosen(sop, action, replace(alert, env=env)) for env in (alert.env, target_env)
        )

    def _is_chosen(self, sop: Sop, action: ProposedAction, alert: Alert) -> bool:
        fields = spelled(alert, self.environments, self.services)
        if action.when and not read_key(action.when).fits(fields):
            return False
        if self._fits(sop, fields):
            return True
        spellings = {alert.env, *self.environments.spellings(alert.env)}
        return any(
            sop.sop_id
            == sop_id_of(incident_key_of(env, alert.service, alert.category, alert.severity))
            for env in spellings
        )

    def match(self, alert: Alert, incident_key: str) -> Sop | None:
        """Return the SOP for an alert, in the order of the module docstring."""
        for sop_id in (alert.sop_id, sop_id_of(incident_key)):
            if sop_id in self._by_id:
                return self._by_id[sop_id]
        fields = spelled(alert, self.environments, self.services)
        return next((sop for sop in self.sops if self._fits(sop, fields)), None)

    def _fits(self, sop: Sop, fields: SpelledAlert) -> bool:
        # A plain loop, because it runs once for each pair of alert and SOP.
        for key in self._keys[sop.sop_id]:
            if not key.fits(fields):
                return False
        return bool(sop.keys)


def specificity(sop: Sop) -> tuple[int, int, int]:
    """Return the sort key of a matching SOP: the lowest one is used."""
    return Priority[sop.priority], -len(sop.keys), sum("*" in key for key in sop.keys)


def _reasons(error: Exception) -> list[str]:
    if isinstance(error, ValidationError):
        return [str(problem) for problem in field_problems(error, Sop)]
    if isinstance(error, json.JSONDecodeError):
        return [f"not JSON: {error.msg} at column {error.colno}"]
    return ["not usable JSON"]


TEMPLATE_NAMES = (
    "service_name",
    "alert_path",
    "expression",
    "alert_start_time",
    "alert_end_time",
    "alert_time",
)
_TEMPLATE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def template_values(alert: Alert, now: datetime) -> dict[str, str]:
    """Return the values for an SOP's templates; an absent one is ''."""

    def utc_text(time: datetime | None) -> str:
        return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""

    start = utc_text(alert.starts_at) or "now-10m"
    return {
        "service_name": alert.service,
        "alert_path": alert.labels.get("path", ""),
        "expression": alert.labels.get("expression", alert.annotations.get("expression", "")),
        "alert_start_time": start,
        "alert_end_time": utc_text(alert.ends_at) or "now",
        "alert_time": start if alert.starts_at else utc_text(now),
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `{{name}}` by its value; an unknown name becomes `<no name>`."""
    return _TEMPLATE.sub(lambda match: values.get(match[1], f"<no {match[1]}>"), text)


def rendered(sop: Sop, values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the SOP's lists with templates filled, duplicates dropped, cut to the documented
    limits.
    """
    lists: dict[str, tuple[str, ...]] = {}
    for name, limit in _LIMITS.items():
        lines: list[Any] = getattr(sop, name)
        lists[name] = tuple(dict.fromkeys(fill(line, values) for line in lines))[:limit]
    return lists
