"""The keys of an SOP (`svc:omada-*`, `env:prod`): parsed once, matched against alerts.

A key and an alert are compared in the same spelling: folded, severities and environments by all
their synonyms, categories by their usual short forms. A key that no alert can match is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from bot.incidents.environments import DEFAULT, Environments, environment_glob, folded
from bot.incidents.globs import glob_pattern
from bot.incidents.model import Alert, Severity
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.incidents.severity_words import severity_synonyms
from bot.incidents.subject import Subject
from bot.incidents.subject_reader import subject_of

FIELDS = {
    "svc": "service",
    "service": "service",
    "cat": "category",
    "category": "category",
    "sev": "severity",
    "severity": "severity",
    "region": "region",
    "env": "env",
    "name": "name",
}

# Common synonyms of the categories that intake assigns.
_CATEGORY_SYNONYMS = {
    "mem": "memory",
    "ram": "memory",
    "db": "database",
    "cert": "certificate",
    "certs": "certificate",
    "tls": "certificate",
    "ssl": "certificate",
    "net": "network",
    "storage": "disk",
    "filesystem": "disk",
    "queues": "queue",
    "authentication": "auth",
    "login": "auth",
    "slow": "latency",
    "error": "errors",
    "outage": "availability",
    "down": "availability",
    "deployment": "deploy",
    "etl": "pipeline",
}
_DASHES = re.compile(r"[\s_-]+")


class SpelledAlert(dict[str, frozenset[str]]):
    """All spellings of each field of an alert, by field; computed when a key first needs it."""

    def __init__(self, alert: Alert, environments: Environments, services: Catalogue) -> None:
        super().__init__()
        self._alert = alert
        self._environments = environments
        self._services = services

    @cached_property
    def subject(self) -> Subject:
        """The subject of the alert, in declared names."""
        return subject_of(self._alert, self._environments, self._services)

    def __missing__(self, field: str) -> frozenset[str]:
        made = _spellings(field, str(getattr(self._alert, field)), self._environments)
        if field in ("env", "region", "service") and (name := getattr(self.subject, field)):
            made |= _spellings(field, name, self._environments)
        self[field] = made
        return made


@dataclass(frozen=True, slots=True)
class Key:
    """One key: the alert's field and its required value."""

    field: str
    pattern: re.Pattern[str]

    def fits(self, alert: SpelledAlert) -> bool:
        """Return True if a spelling of the alert's field matches the whole pattern."""
        return any(map(self.pattern.fullmatch, alert[self.field]))


@lru_cache(maxsize=4096)  # every key of every SOP is compared with every alert
def read_key(text: str) -> Key:
    """Parse `svc:omada-*`; ValueError lists the fields, or the reason why no alert can match."""
    name, colon, pattern = folded(text).partition(":")
    if not colon or name.strip() not in FIELDS:
        raise ValueError(
            f"key {text!r} must look like svc:…, cat:…, sev:…, region:…, env:…, name:…"
        )
    field, pattern = FIELDS[name.strip()], pattern.strip()
    if field == "env" and pattern:
        try:
            environment_glob(pattern)
        except ValueError as error:
            raise ValueError(f"key {text!r}: {error}") from None
    if field == "category":
        pattern = _category(pattern)
    compiled = glob_pattern(pattern)
    if field == "severity" and not any(
        compiled.fullmatch(word) for severity in Severity for word in _severity_spellings(severity)
    ):
        known = ", ".join(Severity)
        raise ValueError(f"key {text!r} can never match: a severity is one of {known}")
    return Key(field, compiled)


def spelled(
    alert: Alert, environments: Environments = DEFAULT, services: Catalogue = NO_SERVICES
) -> SpelledAlert:
    """Return the alert's fields in all spellings; computed once, then compared with every SOP.

    Environment, region and service have the sender's own words, and the declared names.
    """
    return SpelledAlert(alert, environments, services)


def could_overlap(keys: Sequence[str], others: Sequence[str]) -> bool:
    """Return True if both lists of keys use the same fields, and one alert could match both."""
    ours, theirs = _patterns(keys), _patterns(others)
    return ours.keys() == theirs.keys() and all(
        _meet(left, right) for field in ours for left in ours[field] for right in theirs[field]
    )


def _patterns(keys: Sequence[str]) -> dict[str, list[str]]:
    patterns: dict[str, list[str]] = {}
    for key in keys:
        name, _, pattern = folded(key).partition(":")
        patterns.setdefault(FIELDS[name.strip()], []).append(pattern.strip())
    return patterns


def _meet(left: str, right: str) -> bool:
    """Return True if some text matches both globs.

    It searches a path over their characters; `*` may stay or move on.
    """
    reached, seen = [(0, 0)], {(0, 0)}
    while reached:
        i, j = reached.pop()
        if i == len(left) and j == len(right):
            return True
        a, b = left[i : i + 1], right[j : j + 1]
        steps = [(i + 1, j)] if a == "*" else []
        steps += [(i, j + 1)] if b == "*" else []
        if a == "*" and b not in ("", "*"):
            steps.append((i, j + 1))
        if b == "*" and a not in ("", "*"):
            steps.append((i + 1, j))
        if a and a == b and a != "*":
            steps.append((i + 1, j + 1))
        for step in steps:
            if step not in seen:
                seen.add(step)
                reached.append(step)
    return False


def _spellings(field: str, value: str, environments: Environments) -> frozenset[str]:
    """Return all spellings of this value in a key."""
    if field == "env":
        return environments.spellings(value) | ({""} if not value.strip() else frozenset())
    if field == "severity":
        return _severity_spellings(Severity(value))
    word = folded(value)
    if field == "category":
        return frozenset({_category(word)})
    return frozenset({word})


def _category(word: str) -> str:
    """Return one spelling of a category's name, or of a pattern for it: `-`, `_` and space are
    equal.
    """
    plain = _DASHES.sub("-", word)
    return _CATEGORY_SYNONYMS.get(plain, plain)


@lru_cache(maxsize=8)
def _severity_spellings(severity: Severity) -> frozenset[str]:
    return frozenset({severity.value, *severity_synonyms(severity)})
