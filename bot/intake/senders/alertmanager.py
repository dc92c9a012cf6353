"""Prometheus Alertmanager: its default Slack message, and common custom templates.

Default title: `[FIRING:2] HighErrorRate prod-eu1 (checkout-api shop critical)`: the values of the
group's labels, then in brackets those of the common labels, without names (Alertmanager,
template/default.tmpl, `slack.default.title`). A message becomes one alert: nothing in it
distinguishes the members of a group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import unquote_plus

from bot.incidents.model import Alert, AlertStatus
from bot.incidents.names import is_exporter
from bot.incidents.severity_words import known_severity
from bot.intake import guesses, states
from bot.intake.cleaning import parse_words, title_of
from bot.intake.drafting import Draft, still
from bot.intake.headings import is_heading
from bot.intake.headline import Headline, read_headline
from bot.intake.label_names import start_in
from bot.intake.lines import Lines, read_lines
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

_BRACKET = re.compile(
    r"\[ ?(FIRING|RESOLVED)(?:[: ] ?\d+)?(?:\s?[,|]?\s?(FIRING|RESOLVED)(?:[: ] ?\d+)?)? ?\]",
    re.IGNORECASE,
)
_COMMON = re.compile(r"\(([^()]*)\)\s*$")
_RECEIVER = re.compile(r"[?&]receiver=([^&#]+)")
# A word of these, and no values in brackets, make a sentence.
_PROSE = parse_words(
    "a an the is are was has have had been for on in at to of with than not no more less over under"
    " by from and or its it this that all any too above below within since after"
)
_PAIR = re.compile(r"([A-Za-z_][\w.]{0,60})=(?:\"([^\"]{1,200})\"|([^\s\",]{1,200}))")
_HANGING = re.compile(r" (?:for|on|at|in|of)$")  # before a value that the template did not have
_SEVERITY_BEHIND = re.compile(r" - `?(\w{1,20})`?$")
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


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse an Alertmanager post, default or customised; return None for another sender's."""
    if "/alerting/" in message.title_link or _is_grafana(message):
        return None
    title = bracket_title(message)
    if title is None and not _is_ours(message):
        return None
    lines = read_lines(message.text)
    labels, annotations = _labelled(lines, title)
    # The default template's title needs no reading as a sentence, which costs more than the rest.
    is_default = title is not None and title.is_of_values and bool(title.common)
    headline, own = None, ""
    if message.headlines and not is_default:
        sentence = title.rest if title and not title.is_of_values and not title.named else ""
        headline = read_headline(sentence or message.headlines[0].split("\n", 1)[0])
        own = _below_heading(title, headline, message, annotations, labels)
    heading = headline
    if own:
        headline = read_headline(own)
        title = replace(title, rest=headline.title, is_of_values=False) if title else None
    if title is not None:
        labels = {**labels_of_values(title), **labels} if not labels else _named(title, labels)
    is_written = title is not None and (title.is_of_values or bool(title.named))
    shown = title.rest if title and is_written else headline.title if headline else ""
    name = labels.get("alertname") or shown
    identity = group_identity(title, _subject(title, headline, name))
    if own:
        identity = {"group": still(name), "service": labels.get("service", "")}
    service, service_label = guesses.service_of(labels)
    guessed = {"service": "guess"} if service and service_label not in lines.labels else {}
    status, status_from = _status(title, headline, message, labels)
    return Draft(
        source="alertmanager",
        status=status,
        name=name,
        title=annotations.get("summary") or shown or name,
        text=message.text,
        labels=labels,
        severity=guesses.severity_in(labels) or _severity(headline, heading),
        annotations=annotations,
        starts_at=None if status is AlertStatus.RESOLVED else start_in(labels),
        links=[(_link_label(url, label), url) for label, url in message.links],
        identity=identity,
        read_from={"status": status_from, "title": "title", **guessed},
        raw=message.raw,
    ).alert()


def _labelled(lines: Lines, title: BracketTitle | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels and annotations; a sentence behind "Alert:" is what the alert says, and its
    name only if the title has none.
    """
    labels, annotations = dict(lines.labels), dict(lines.annotations)
    if title is not None:
        labels = {**title.named, **labels}
    sentence = labels.pop("alert", "")
    if (severity := _SEVERITY_BEHIND.search(sentence)) and known_severity(severity[1]):
        labels.setdefault("severity", severity[1])
        sentence = sentence[: severity.start()]
    if " " in sentence:
        annotations.setdefault("summary", sentence)
    if sentence and not (" " in sentence and title is not None and title.is_of_values):
        labels.setdefault("alertname", sentence)
    return labels, annotations


def _below_heading(
    title: BracketTitle | None,
    headline: Headline | None,
    message: SlackMessage,
    annotations: Mapping[str, str],
    labels: Mapping[str, str],
) -> str:
    """Return what names the alert if its title is the same for every alert, else ''."""
    shown = title.rest if title else headline.title if headline else ""
    if not shown or not is_heading(read_headline(shown), shown, frozenset()):
        return ""
    if named := annotations.get("summary") or labels.get("alertname"):
        return named
    for line in message.text.split("\n", 8)[:8]:
        text = title_of(bare(line))
        if text and shown not in text and not is_heading(read_headline(text), text, frozenset()):
            return text
    return ""


def _severity(headline: Headline | None, heading: Headline | None) -> str:
    if headline is not None and headline.severity:
        return headline.severity
    return heading.severity or guesses.severity_word(heading.title) if heading else ""


def _subject(title: BracketTitle | None, headline: Headline | None, name: str) -> str:
    """Return what identifies a message whose title holds no values of its group."""
    is_sentence = title is None or not title.is_of_values
    return headline.subject if headline and is_sentence else name


def _status(
    title: BracketTitle | None,
    headline: Headline | None,
    message: SlackMessage,
    labels: Mapping[str, str],
) -> tuple[AlertStatus, str]:
    if title is not None:
        return title.status, "title"
    if (status := states.state_of(labels.get("status", "") or labels.get("state", ""))) is not None:
        return status, "label status"
    if headline is not None and headline.is_marked and headline.state is not None:
        return headline.state, "title"
    return (message.colour, "colour") if message.colour else (AlertStatus.FIRING, "guess")


def _named(title: BracketTitle, labels: dict[str, str]) -> dict[str, str]:
    """Named labels win; the title adds the missing ones."""
    guessed = labels_of_values(title)
    known = ("alertname", "severity", "env", "region")
    extra = {key: guessed[key] for key in known if key in guessed}
    if not guesses.service_of(labels)[0] and "service" in guessed:
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
