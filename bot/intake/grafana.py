"""Grafana alerting: its Slack contact point and its webhook.

The message's title is Alertmanager's; its text lists the labels (`Labels:` with ` - a = b`).
"""

from __future__ import annotations

from bot.incidents.model import Alert, AlertStatus
from bot.intake.alertmanager import bracket_title, group_identity, labels_of_values
from bot.intake.alertmanager_webhook import alerts_of
from bot.intake.drafting import Draft
from bot.intake.lines import read_lines
from bot.intake.slack_message import SlackMessage

_LINKS = ("dashboard", "panel", "source", "silence", "runbook_url")


def parse_message(message: SlackMessage) -> Alert | None:
    """A post of Grafana's Slack contact point, else None."""
    if not _is_grafana(message):
        return None
    title = bracket_title(message)
    lines = read_lines("\n".join(attachment.text for attachment in message.attachments))
    if title is None and not lines.labels:
        return None
    guessed = labels_of_values(title) if title else {}
    labels = lines.labels or guessed
    name = labels.get("alertname") or guessed.get("alertname", "")
    shown = title.rest if title else message.headlines[0]
    annotations = {name: text for name, text in lines.annotations.items() if text != "[no value]"}
    value = annotations.get("value") or annotations.get("values", "")
    named = [(key.removesuffix("_url").title(), annotations.get(key, "")) for key in _LINKS]
    return Draft(
        source="grafana",
        status=title.status if title else message.colour or AlertStatus.FIRING,
        name=name or shown,
        title=annotations.get("summary") or (shown if name in shown else name) or shown,
        text=message.text,
        labels=labels,
        annotations=annotations,
        value=value,
        links=[*named, ("Grafana", message.title_link), *message.links],
        identity=group_identity(title, name or shown),
        raw=message.raw,
    ).alert()


def _is_grafana(message: SlackMessage) -> bool:
    return (
        any(attachment.footer.startswith("Grafana") for attachment in message.attachments)
        or "/alerting/" in message.title_link
        or message.sender.lower().startswith("grafana")
    )


def parse_body(body: object) -> list[Alert]:
    """Parse Grafana's webhook: one Alert for each entry of `alerts`."""
    return alerts_of(body, "grafana")
