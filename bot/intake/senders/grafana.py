"""Grafana alerting: its Slack contact point and its webhook.

The message's title is Alertmanager's; its text lists the labels (`Labels:` with ` - a = b`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.incidents.model import Alert, AlertStatus, Severity
from bot.incidents.severity_words import severity_of
from bot.intake import guesses
from bot.intake.bracket_titles import bracket_title, group_identity, labels_of_values
from bot.intake.cleaning import parse_words
from bot.intake.drafting import Draft
from bot.intake.lines import Lines, read_lines
from bot.intake.senders.alertmanager_webhook import alerts_of
from bot.intake.slack_message import SlackMessage

MOST_MEMBERS = 100
_HEADINGS = {"firing": AlertStatus.FIRING, "resolved": AlertStatus.RESOLVED}
_STATES_AS_NAMES = parse_words("DatasourceNoData DatasourceError")
_LINKS = ("dashboard", "panel", "source", "silence", "runbook_url")


@dataclass(frozen=True, slots=True)
class _Member:
    """One alert that a message lists."""

    status: AlertStatus
    lines: Lines

    @property
    def severity(self) -> Severity:
        return severity_of(guesses.severity_spoken(guesses.severity_in(self.lines.labels)))


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse a post of Grafana's Slack contact point, else return None.

    A message is one alert. Of the alerts that it lists, it is as severe as the most severe that
    fires, and shows that one; its labels are those that all firing ones have in common.
    """
    if not _is_grafana(message):
        return None
    title = bracket_title(message)
    text = "\n".join(attachment.text for attachment in message.attachments)
    members = _members(text)
    if title is None and not members:
        return None
    guessed = labels_of_values(title) if title else {}
    status = title.status if title else message.colour or AlertStatus.FIRING
    shown = [member for member in members if member.status is status] or members
    worst = min(shown, key=lambda member: member.severity.rank, default=None)
    labels = _common([member.lines.labels for member in shown]) or guessed
    if worst is not None and (severity := guesses.severity_in(worst.lines.labels)):
        labels["severity"] = severity
    read = worst.lines.annotations if worst else {}
    annotations = {name: text for name, text in read.items() if text != "[no value]"}
    name = rule_of(labels) or guessed.get("alertname", "")
    headline = title.rest if title else message.headlines[0]
    named = [(key.removesuffix("_url").title(), annotations.get(key, "")) for key in _LINKS]
    return Draft(
        source="grafana",
        status=status,
        name=name or headline,
        title=annotations.get("summary") or (headline if name in headline else name) or headline,
        text=message.text,
        labels=labels,
        annotations=annotations,
        value=annotations.get("value") or annotations.get("values", ""),
        links=[*named, ("Grafana", message.title_link), *message.links],
        identity=group_identity(title, name or headline),
        read_from={"status": "title" if title else "colour"},
        raw=message.raw,
    ).alert()


def rule_of(labels: Mapping[str, str]) -> str:
    """Return the rule's name. Every rule without data is called DatasourceNoData, and its own name
    stands in `rulename`.
    """
    name, rule = labels.get("alertname", ""), labels.get("rulename", "")
    return f"{name}: {rule}" if rule and name in _STATES_AS_NAMES else name


def _members(text: str) -> list[_Member]:
    """Return the alerts that a message lists: `Value:` begins each, a heading says its status."""
    status, members, block = AlertStatus.FIRING, list[_Member](), list[str]()

    def finish() -> None:
        lines = read_lines("\n".join(block))
        if lines.labels:
            members.append(_Member(status, lines))
        block.clear()

    for line in text.split("\n"):
        heading = line.strip(" *_").lower()
        if heading in _HEADINGS or line.startswith("Value:"):
            finish()
            status = _HEADINGS.get(heading, status)
        block.append(line)
    finish()
    return members[:MOST_MEMBERS]


def _common(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not labels:
        return {}
    return {
        name: value
        for name, value in labels[0].items()
        if all(other.get(name) == value for other in labels[1:])
    }


def _is_grafana(message: SlackMessage) -> bool:
    return (
        any(attachment.footer.startswith("Grafana") for attachment in message.attachments)
        or "/alerting/" in message.title_link
        or message.sender.lower().startswith("grafana")
    )


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a body of Grafana: Alertmanager's, with the organisation's number."""
    return isinstance(body.get("alerts"), list) and "orgId" in body


def parse_body(body: object) -> list[Alert]:
    """Parse Grafana's webhook: one Alert for each entry of `alerts`."""
    return alerts_of(body, "grafana")
