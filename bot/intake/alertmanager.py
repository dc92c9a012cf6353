"""Prometheus Alertmanager: its default Slack message, and common custom templates.

Default title: `[FIRING:2] HighErrorRate prod-eu1 (checkout-api shop critical)`: the values of the
group's labels, then in brackets those of the common labels, without names (Alertmanager,
template/default.tmpl, `slack.default.title`). A message becomes one alert: nothing in it
distinguishes the members of a group.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

from bot.incidents.model import Alert, AlertStatus, known_severity
from bot.intake import guesses
from bot.intake.drafting import Draft, still
from bot.intake.lines import read_lines
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

_BRACKET = re.compile(
    r"\[(FIRING|RESOLVED)(?::\d+)?(?:\s*[,|]\s*(FIRING|RESOLVED)(?::\d+)?)?\]", re.IGNORECASE
)
_COMMON = re.compile(r"\(([^()]*)\)\s*$")
_RECEIVER = re.compile(r"[?&]receiver=([^&#]+)")
_LINK_OF_FALLBACK = re.compile(r"\s\|\s*https?://\S+$")


@dataclass(frozen=True, slots=True)
class BracketTitle:
    """The parts of `[FIRING:1, RESOLVED:1] group values (common values)`."""

    status: AlertStatus
    rest: str
    group: tuple[str, ...]
    common: tuple[str, ...]


def bracket_title(message: SlackMessage) -> BracketTitle | None:
    """Return the first headline with `[FIRING…]` or `[RESOLVED…]` near its start, or None."""
    for headline in message.headlines:
        if "[" not in headline[:40]:
            continue
        line = headline.split("\n", 1)[0][:1_000]
        match = _BRACKET.search(line, 0, 60)
        if match is None:
            continue
        firing = "firing" in match[0].lower()
        rest = _LINK_OF_FALLBACK.sub("", line[match.end() :]).strip(" *_~`|:-")
        common = _COMMON.search(rest)
        group = rest[: common.start()] if common else rest
        return BracketTitle(
            AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
            # Without group labels the brackets hold all values.
            rest if group.strip() or not common else common[1],
            tuple(group.split()),
            tuple(common[1].split()) if common else (),
        )
    return None


def labels_of_values(title: BracketTitle) -> dict[str, str]:
    """Name bare label values, if a value identifies its label; the others become value_1, …

    alertname is the first value. env and region are recognised by their form, severity by its word.
    service is the first other word of the common values, else of the group's. A category's own name
    (`availability`) is used as a service only if there is no other word.
    """
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
    service_words = [
        token for token in _common_first(spare, title) if guesses.is_service_word(token)
    ]
    service = next((word for word in service_words if not guesses.is_category(word)), "")
    service = service or next(iter(service_words), "")
    if service:
        labels["service"] = service
    rest = _without(spare, service)
    for number, token in enumerate(rest, start=1):
        labels[f"value_{number}"] = token
    return labels


def _common_first(tokens: list[str], title: BracketTitle) -> list[str]:
    return sorted(tokens, key=lambda token: token not in title.common)


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
    group = " ".join(title.group) if title else ""
    return {"group": still(group or name)}


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse an Alertmanager post, default or customised; return None for another sender's."""
    if "/alerting/" in message.title_link or _is_grafana(message):
        return None
    title = bracket_title(message)
    if title is None and not _is_ours(message):
        return None
    lines = read_lines(message.text)
    labels = dict(lines.labels)
    if "alert" in labels:
        labels.setdefault("alertname", labels.pop("alert"))
    if title is not None:
        labels = {**labels_of_values(title), **labels} if not labels else _named(title, labels)
    headline = bare(message.headlines[0].split("\n", 1)[0]) if message.headlines else ""
    shown = title.rest if title else headline
    name = labels.get("alertname") or shown
    return Draft(
        source="alertmanager",
        status=title.status if title else message.colour or AlertStatus.FIRING,
        name=name,
        title=lines.annotations.get("summary") or shown or name,
        text=message.text,
        labels=labels,
        annotations=lines.annotations,
        links=[(_link_label(url, label), url) for label, url in message.links],
        identity=group_identity(title, name),
        raw=message.raw,
    ).alert()


def _named(title: BracketTitle, labels: dict[str, str]) -> dict[str, str]:
    """Named labels win; the title adds the missing ones."""
    guessed = labels_of_values(title)
    known = ("alertname", "severity", "env", "region")
    extra = {key: guessed[key] for key in known if key in guessed}
    if not guesses.service_of(labels) and "service" in guessed:
        extra["service"] = guessed["service"]
    return {**extra, **labels}


def _is_ours(message: SlackMessage) -> bool:
    sender = message.sender.lower()
    return (
        "alertmanager" in sender or "prometheus" in sender or "/#/alerts" in message.title_link
    ) and bool(message.headlines)


def _is_grafana(message: SlackMessage) -> bool:
    return any(attachment.footer.startswith("Grafana") for attachment in message.attachments)


def _link_label(url: str, label: str) -> str:
    """Label the link to Alertmanager with the receiver that its address carries."""
    if "/#/alerts" not in url:
        return label
    receiver = _RECEIVER.search(url)
    return f"Alertmanager ({unquote_plus(receiver[1])})" if receiver else "Alertmanager"
