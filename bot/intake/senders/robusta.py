"""Robusta: its Slack messages. Its webhook needs no parser.

https://github.com/robusta-dev/robusta src/robusta/integrations/slack/sender.py
"""

from __future__ import annotations

import re

from bot.incidents.model import Alert, AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake import guesses
from bot.intake.drafting import Draft, identifying, still
from bot.intake.lines import read_lines
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare

_STATE = re.compile(
    r"`(?P<state>[^`\n]{0,40}(?:firing|resolved|detected|failed)[^`\n]{0,40})`", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z]+")
_BULLET = re.compile(r"^[•*-]\s*([\w./-]{1,80})\s+`([^`\n]{0,300})`", re.MULTILINE)


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse a finding: a line with its state and severity, then its title; else return None."""
    if "robusta" not in message.sender.lower():
        return None
    lines = [line for text in message.headlines[:6] for line in text.split("\n")[:4] if line]
    state_line = next((line for line in lines if _STATE.search(line)), "")
    titles = (line for line in lines if line is not state_line and not line.startswith("*Source"))
    title = bare(next(titles, "")).removeprefix("[RESOLVED] ")
    if not state_line or not title:
        return None
    resolved = "resolved" in state_line.lower()
    tokens = [word for word in _WORD.findall(_STATE.sub("", state_line)) if known_severity(word)]
    listed = {name.lower(): value for name, value in _BULLET.findall(message.text[:10_000])}
    labels = {**listed, "source": read_lines(message.text).annotations.get("source", "").strip("`")}
    labels = {name: value for name, value in labels.items() if value}
    named = {name: labels[name] for name in ("alertname", "namespace", "source") if name in labels}
    return Draft(
        source="robusta",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=labels.get("alertname", "") or title,
        title=title,
        text=message.text,
        env=guesses.env_of({"cluster": labels.get("source", ""), **labels})[0],
        severity=guesses.severity_in(labels) or next(iter(tokens), ""),
        labels=labels,
        links=message.links,
        identity={**identifying(named), "title": still(title)},
        read_from={"status": "title"},
        raw=message.raw,
    ).alert()
