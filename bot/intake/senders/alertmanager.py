"""Prometheus Alertmanager: its default Slack message, and common custom templates.

Default title: `[FIRING:2] HighErrorRate prod-eu1 (checkout-api shop critical)`: the values of the
group's labels, then in brackets those of the common labels, without names (Alertmanager,
template/default.tmpl, `slack.default.title`). A message becomes one alert: nothing in it
distinguishes the members of a group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote_plus

from bot.incidents.model import Alert, AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake import guesses, states
from bot.intake.bracket_titles import (
    BracketTitle,
    bracket_title,
    group_identity,
    labels_of_values,
)
from bot.intake.cleaning import title_of
from bot.intake.drafting import Draft, still
from bot.intake.env_titles import env_of_title
from bot.intake.general_message import subject_of
from bot.intake.headings import is_heading
from bot.intake.headline import Headline, read_headline
from bot.intake.label_names import start_in
from bot.intake.lines import Lines, read_lines
from bot.intake.members import part_that_fires
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

_RECEIVER = re.compile(r"[?&]receiver=([^&#]+)")
_SEVERITY_BEHIND = re.compile(r" - `?(\w{1,20})`?$")


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse an Alertmanager post, default or customised; return None for another sender's."""
    if "/alerting/" in message.title_link or _is_grafana(message):
        return None
    title = bracket_title(message)
    if not (source := _source(title, message)):
        return None
    text, is_mixed = part_that_fires(message.text)
    lines = read_lines(text)
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
    of_title = _identity(source, title, message, _subject(title, headline, name))
    identity = {"group": still(name), "service": labels.get("service", "")} if own else of_title
    summary = "" if "summary" in lines.differing else annotations.get("summary", "")
    env = "" if guesses.env_of(labels)[0] else env_of_title(shown)
    status, status_from = _status(title, headline, message, labels)
    if is_mixed:
        status, status_from = AlertStatus.FIRING, "text"
    return Draft(
        source=source,
        status=status,
        name=name,
        title=summary or shown or name,
        text=message.text,
        env=env,
        labels=labels,
        severity=guesses.severity_in(labels) or _severity(headline, heading) or _spoken(text),
        annotations=annotations,
        starts_at=None if status is AlertStatus.RESOLVED else start_in(labels),
        links=[(_link_label(url, label), url) for label, url in message.links],
        identity=identity,
        read_from={"status": status_from, "title": "title", **_guessed(labels, lines, env)},
        raw=message.raw,
    ).alert()


def _guessed(labels: Mapping[str, str], lines: Lines, env: str) -> dict[str, str]:
    """Return which of the values no label of the message states."""
    service, label = guesses.service_of(labels)
    guessed = {"service": "guess"} if service and label not in lines.labels else {}
    return {**guessed, "env": "guess"} if env else guessed


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


def _spoken(text: str) -> str:
    """Return the severity that stands before the alert's name in the first lines of the text."""
    lines = text.split("\n", _SEVERITY_LINES)[:_SEVERITY_LINES]
    return next(filter(None, (read_headline(line).severity for line in lines if line)), "")


_SEVERITY_LINES = 3


def _subject(title: BracketTitle | None, headline: Headline | None, name: str) -> str:
    """Return what identifies a message whose title holds no values of its group."""
    is_sentence = title is None or not title.is_of_values
    return headline.subject if headline and is_sentence else name


def _identity(
    source: str, title: BracketTitle | None, message: SlackMessage, subject: str
) -> dict[str, str]:
    """Return what identifies a message with a title of its own."""
    if source == "generic" and title is not None and title.rest:
        return {"sender": message.sender, "title": subject_of(message)}
    return group_identity(title, subject)


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


def _source(title: BracketTitle | None, message: SlackMessage) -> str:
    """Return whose message it is, or '' for one that the general reading reads.

    Rows that name the alert are read as Alertmanager's. Its end may come without them, as
    `[RESOLVED] X` alone, which any sender writes and the general reading reads: of an unnamed app
    both have the source and the identity of that reading.
    """
    if _is_ours(message):
        return "alertmanager"
    if title is None or not _is_attached(message):
        return ""
    if _is_of_template(title):
        return "alertmanager"
    lines = read_lines(message.text)
    return "" if _ALERT_ROWS.isdisjoint((*lines.labels, *lines.differing)) else "generic"


_ALERT_ROWS = frozenset(("alert", "alertname"))


def _is_attached(message: SlackMessage) -> bool:
    """Return False for plain text and blocks, which Alertmanager never posts."""
    return any(attachment.title or attachment.text for attachment in message.attachments)


def _is_of_template(title: BracketTitle) -> bool:
    """Return True for a title that only Alertmanager's template writes: several common values, a
    severity, which is what stays of them where its alerts differ, or a sentence with named labels.
    """
    has_severity = any(known_severity(value) for value in title.common)
    return len(title.common) > 1 or has_severity or bool(title.named)


def _is_grafana(message: SlackMessage) -> bool:
    return any(attachment.footer.startswith("Grafana") for attachment in message.attachments)


def _link_label(url: str, label: str) -> str:
    """Label the link to Alertmanager with the receiver that its address carries."""
    if "/#/alerts" not in url:
        return label
    receiver = _RECEIVER.search(url)
    return f"Alertmanager ({unquote_plus(receiver[1])})" if receiver else "Alertmanager"
