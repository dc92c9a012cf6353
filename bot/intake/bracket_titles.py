"""Reads the titles of Alertmanager's default template, which Grafana writes too:
`[FIRING:1] HighErrorRate prod-eu1 (checkout-api shop critical)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bot.incidents.model import AlertStatus
from bot.incidents.names import is_exporter
from bot.incidents.severity_words import known_severity
from bot.intake import guesses
from bot.intake.cleaning import parse_words
from bot.intake.drafting import still
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

_BRACKET = re.compile(
    r"\[ ?(FIRING|RESOLVED)(?:[: ] ?\d+)?(?:\s?[,|]?\s?(FIRING|RESOLVED)(?:[: ] ?\d+)?)? ?\]",
    re.IGNORECASE,
)
_COMMON = re.compile(r"\(([^()]*)\)\s*$")
# A word of these, and no values in brackets, make a sentence.
_PROSE = parse_words(
    "a an the is are was has have had been for on in at to of with than not no more less over under"
    " by from and or its it this that all any too above below within since after"
)
_PAIR = re.compile(r"([A-Za-z_][\w.]{0,60})=(?:\"([^\"]{1,200})\"|([^\s\",]{1,200}))")
_HANGING = re.compile(r" (?:for|on|at|in|of)$")  # before a value that the template did not have
_LINK_OF_FALLBACK = re.compile(r"\s\|\s*https?://\S+$")


@dataclass(frozen=True, slots=True)
class BracketTitle:
    """The parts of `[FIRING:1, RESOLVED:1] group values (common values)`.

    `is_of_values` is False for a sentence behind the brackets. `named` are labels that the
    template wrote with their names: `(severity="critical", team="quay")`.
    """

    status: AlertStatus
    rest: str
    group: tuple[str, ...]
    common: tuple[str, ...]
    is_of_values: bool = True
    named: Mapping[str, str] = field(default_factory=dict)


def bracket_title(message: SlackMessage) -> BracketTitle | None:
    """Return the first headline with `[FIRING…]` or `[RESOLVED…]` near its start, or None.

    One that consists of label values, as the default template writes it, comes before a sentence:
    words of a sentence are no label values.
    """
    sentence = None
    for headline in message.headlines:
        title = _bracket_title(headline)
        if title is not None and title.is_of_values:
            return title
        sentence = sentence or title
    return sentence


def _bracket_title(headline: str) -> BracketTitle | None:
    if "[" in headline[:60]:
        line, _, below = headline[:2_000].partition("\n")
        match = _BRACKET.search(line[:1_000], 0, 80)
        if match is None:
            return None
        firing = "firing" in match[0].lower()
        rest = line[match.end() : 1_000]
        if not rest.strip(" *_~`|:-"):  # the name stands in the line below
            rest = below.split("\n", 1)[0][:1_000]
        rest = bare(_LINK_OF_FALLBACK.sub("", rest)).strip(" *_~`|:-")
        common = _COMMON.search(rest)
        if common and (named := dict(_pairs(common[1]))):
            rest = _HANGING.sub("", rest[: common.start()].strip())
            status = AlertStatus.FIRING if firing else AlertStatus.RESOLVED
            return BracketTitle(status, rest, (), (), is_of_values=False, named=named)
        group = rest[: common.start()] if common else rest
        is_of_values = common is not None or _PROSE.isdisjoint(rest.lower().split())
        return BracketTitle(
            AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
            # Without group labels the brackets hold all values.
            rest if group.strip() or not common else common[1],
            tuple(group.split()),
            tuple(common[1].split()) if common else (),
            is_of_values,
        )
    return None


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(match[1].lower(), match[2] or match[3]) for match in _PAIR.finditer(text)]


def labels_of_values(title: BracketTitle) -> dict[str, str]:
    """Name bare label values, if a value identifies its label; the others become value_1, …

    alertname is the first value. env and region are recognised by their form, severity by its word.
    Alertmanager writes the values in the order of their labels' names, so a `service` comes after
    `env`, `instance` and `job`, and before `severity`: of several words of the group it is the
    last. Else it is the first word of the common values, else the group's only word. A category's
    own name (`availability`) is used as a service only if there is no other word. A sentence holds
    no values.
    """
    if not title.is_of_values:
        return {}
    labels: dict[str, str] = {}
    name = _alert_name(title)
    if name:
        labels["alertname"] = name
    spare: list[str] = []
    for token in _without((*title.group, *title.common), name):
        key = _name_of(token)
        if key and key not in labels:
            labels[key] = token
        else:
            spare.append(token)
    service = _service_among([token for token in spare if guesses.is_service_word(token)], title)
    if service:
        labels["service"] = service
    rest = _without(spare, service)
    for number, token in enumerate(rest, start=1):
        labels[f"value_{number}"] = token
    return labels


def _service_among(values: list[str], title: BracketTitle) -> str:
    of_group = [word for word in values if word in title.group and not guesses.is_category(word)]
    if len(of_group) > 1 or (of_group and _follows_what_measures(of_group[0], title.group)):
        return of_group[-1]
    of_common = [word for word in values if word not in title.group]
    by_rank = sorted([*of_common, *of_group], key=guesses.is_category)
    return next(iter(by_rank), next(iter(values), ""))


def _follows_what_measures(word: str, group: Sequence[str]) -> bool:
    """Return True if an instance or a scrape job stands before the word: its label sorts later."""
    before = group[: group.index(word)]
    return any(guesses.looks_like_address(token) or is_exporter(token) for token in before)


# The titles of a burst, cut to 1,000 characters, repeat the same few words.
@lru_cache(maxsize=1024)
def _name_of(token: str) -> str:
    if known_severity(token):
        return "severity"
    if guesses.looks_like_env(token):
        return "env"
    if guesses.looks_like_region(token):
        return "region"
    return "instance" if guesses.looks_like_address(token) else ""


def _alert_name(title: BracketTitle) -> str:
    for values in (title.group, title.common):
        if values and not _name_of(values[0]):
            return values[0]
    return ""


def _without(tokens: Sequence[str], gone: str) -> list[str]:
    """Return the tokens in order, each once, without `gone`."""
    return [token for token in dict.fromkeys(tokens) if token != gone]


def group_identity(title: BracketTitle | None, name: str) -> dict[str, str]:
    """Return the identity of the group, not of its members: the same for FIRING:1, FIRING:3,
    RESOLVED.

    The common values shrink when a second alert joins, so they are no part of it.
    """
    group = " ".join(title.group) if title and title.is_of_values else ""
    return {"group": still(group or name)}
