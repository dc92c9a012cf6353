"""Silences of Alertmanager (`/api/v2/silences`), in its words and in ours.

Both ways lose nothing silently: a silence that the other side cannot say exactly is not translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bot.errors import InputError
from bot.incidents.environments import Environments, folded
from bot.incidents.matchers import LABEL
from bot.incidents.model import Severity
from bot.incidents.severity_words import severity_synonyms
from bot.incidents.silences import LONGEST_REASON, Silence, checked_matcher

ORIGIN = "alertmanager/"
"""The origin of a silence that was read from Alertmanager begins with this; then comes its id."""

_KEYS = {
    "alertname": "name",
    "service": "service",
    "env": "env",
    "severity": "severity",
    "region": "region",
}
_NAMES = {key: label for label, key in _KEYS.items()} | {"category": "category"}
# A regular expression that a list of globs says too.
_SIMPLE = re.compile(r"(?:[\w ./:@-]|\\[.+*?()\[\]{}|^$-]|\.\*)+")


def silence_from(item: Mapping[str, Any], channel: str, environments: Environments) -> Silence:
    """Translate an active silence of Alertmanager; InputError says why it cannot be."""
    match: dict[str, tuple[str, ...]] = {}
    for matcher in item["matchers"]:
        name, value = str(matcher["name"]), str(matcher["value"])
        if not matcher.get("isEqual", True):
            raise InputError(f"the matcher of {name!r} excludes")
        globs = tuple(_globs(name, value)) if matcher["isRegex"] else (_literal(name, value),)
        key = _KEYS.get(name, LABEL + name)
        if key == "env" and not any(environments.fitting(folded(glob)) for glob in globs):
            key = LABEL + name
        match[key] = globs
    author, comment = str(item.get("createdBy", "")), str(item.get("comment", ""))
    return Silence(
        id=0,
        matcher=checked_matcher(match, environments),
        reason=f"{author}: {comment}"[:LONGEST_REASON],
        author="",
        origin=ORIGIN + str(item["id"]),
        channel=channel,
        made_at=datetime.fromisoformat(str(item["startsAt"])),
        ends_at=datetime.fromisoformat(str(item["endsAt"])),
    )


def _literal(name: str, value: str) -> str:
    if "*" in value or (name == "env" and "?" in value):
        raise InputError(f"the value of {name!r} has a wildcard of ours")
    return value


def _globs(name: str, regex: str) -> Iterator[str]:
    """Yield the globs that match what a simple regular expression matches."""
    inner = regex.removeprefix("^").removesuffix("$")
    grouped = re.fullmatch(r"\((?:\?:)?([^()]*)\)", inner)
    for part in (grouped[1] if grouped else inner).split("|"):
        if not _SIMPLE.fullmatch(part) or r"\*" in part or r"\|" in part or r"\?" in part:
            raise InputError(f"the regular expression of {name!r} is no list of globs")
        yield re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\.\*", "*", part))


def body_of(silence: Silence, mark: str, environments: Environments) -> dict[str, Any] | None:
    """Return the silence as Alertmanager takes it, or None if its matchers cannot say it.

    `mark` at the end of its comment names it. Alertmanager compares upper and lower case apart, and
    knows no environments, so each value becomes a regular expression of all its spellings.
    """
    matchers: list[dict[str, Any]] = []
    for key, globs in silence.matcher.match.items():
        label = key.removeprefix(LABEL) if key.startswith(LABEL) else _NAMES.get(key)
        if label is None:
            return None
        values = [spelling for glob in globs for spelling in _spellings(key, glob, environments)]
        matchers.append(_matcher(label, values))
    if not silence.covers_critical:
        critical = (Severity.CRITICAL.value, *severity_synonyms(Severity.CRITICAL))
        matchers.append(_matcher("severity", critical) | {"isEqual": False})
    return {
        "matchers": matchers,
        "startsAt": silence.made_at.isoformat(),
        "endsAt": silence.ends_at.isoformat(),
        "createdBy": f"sopbot ({silence.author})",
        "comment": f"{silence.reason} {mark}",
    }


def _matcher(label: str, values: Any) -> dict[str, Any]:
    parts = (
        "".join(".*" if part == "*" else re.escape(part) for part in _parts(value))
        for value in dict.fromkeys(values)
    )
    return {"name": label, "value": f"(?i:{'|'.join(parts)})", "isRegex": True, "isEqual": True}


def _parts(glob: str) -> list[str]:
    return re.split(r"(\*)", glob)


def _spellings(key: str, glob: str, environments: Environments) -> Iterator[str]:
    yield glob
    if key == "env":
        for name in environments.fitting(folded(glob)) & frozenset(environments.names):
            yield from (name, *environments.names[name])
    if key == "severity":
        for severity in Severity:
            if folded(glob) in (severity, *severity_synonyms(severity)):
                yield from (severity.value, *severity_synonyms(severity))
