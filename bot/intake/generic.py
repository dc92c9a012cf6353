"""Accepts every message that no other parser knows: one alert that shows its text.

Nothing is ever dropped.
"""

from __future__ import annotations

import re

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.cleaning import TEXT_LIMIT, TITLE_LIMIT, one_line, parse_words, title_of
from bot.intake.drafting import Draft, identifying, still
from bot.intake.lines import read_lines
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

# Only a clear word closes an incident: "resolved" inside a sentence may mean anything.
_RESOLVED = re.compile(
    r"^\W*(?:resolved|recovered|recovery|closed|cleared|ok)\b"
    r"|(?:\b(?:is|has|been|was|now|incident|alert|problem)|[:\]|-])\s+"
    r"(?:resolved|recovered|closed|cleared|back up|up again|back to normal|ok|healthy)\W*$",
    re.IGNORECASE,
)
_MENTIONS = re.compile(r"(?:\[[^\]]{1,80}\]\s*)+")
_NEGATED = re.compile(r"\b(?:not|never|cannot|can't|couldn't|isn't|un)\b", re.IGNORECASE)
_FIRING = re.compile(
    r"\b(?:firing|alert(?:ing)?|critical|problem|down|fail(?:ed|ing|ure)?|triggered|error|warning"
    r"|unreachable|unhealthy)\b",
    re.IGNORECASE,
)
_STATE_WORDS = re.compile(
    r"\b(?:firing|resolved|recovered|recovery|closed|cleared|triggered|alert|problem|ok|is|now|has"
    r"|been|was|back|to|normal|healthy|down|up|again|critical|warning)\b|[^\w#.]+",
    re.IGNORECASE,
)
_IDENTIFYING = parse_words(
    "env environment service app application host hostname instance cluster namespace name check "
    "monitor rule alert alertname kind pod"
)


def parse_message(message: SlackMessage) -> Alert | None:
    """Return an alert from any message with readable content; None when it is empty."""
    title = _title(message)
    if not title:
        return None
    lines = read_lines(message.text)
    fields = {name.replace(" ", "_"): value for name, value in message.fields.items()}
    labels = {**lines.labels, **fields}
    name_label = next(
        (labels[key] for key in ("alertname", "alert", "alert_name") if key in labels), ""
    )
    named = {key: labels[key] for key in sorted(_IDENTIFYING) if key in labels}
    return Draft(
        source="generic",
        status=status_of_message(
            title, message.colour, labels.get("status") or labels.get("state")
        ),
        name=name_label or title,
        title=title,
        text=message.text,
        severity=guesses.severity_in(labels) or guesses.severity_word(title),
        labels={**labels, **({"sender": message.sender} if message.sender else {})},
        annotations=lines.annotations,
        links=message.links,
        identity={"sender": message.sender, "title": _theme(title, message), **identifying(named)},
        raw=message.raw,
    ).alert()


def _title(message: SlackMessage) -> str:
    mentions = ""
    for text in (*message.headlines, message.text):
        for line in text.split("\n"):
            title = title_of(bare(line))
            if title and not _MENTIONS.fullmatch(title):
                return title
            mentions = mentions or title
    # A message may hold only a mention, a picture, a button or "***".
    label, url = message.links[0] if message.links else ("", "")
    return mentions or title_of(label) or title_of(url) or one_line(message.text, TITLE_LIMIT)


def _theme(title: str, message: SlackMessage) -> str:
    """Return the title without numbers and state words; add the next line if too little is left."""
    theme = " ".join(_STATE_WORDS.sub(" ", still(title)).split())
    if len(theme) >= 8:
        return theme
    lines = message.text[:TEXT_LIMIT].split("\n")
    rest = next((line for line in lines if title_of(bare(line)) not in ("", title)), "")
    return f"{theme} {still(rest)}" if rest else theme or still(title)


def status_of_message(title: str, colour: AlertStatus | None, state: str | None) -> AlertStatus:
    """Return the status by the message's state field, else its title's words, else its colour.

    Green beside an alarm word means firing: an incident must not close by a guess.
    """
    if state:
        return guesses.status_of(state)
    if _RESOLVED.search(title) and not _NEGATED.search(title):
        return AlertStatus.RESOLVED
    if colour is AlertStatus.RESOLVED and not _FIRING.search(title):
        return AlertStatus.RESOLVED
    return AlertStatus.FIRING
