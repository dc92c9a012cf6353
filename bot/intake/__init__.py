"""Parses strangers' JSON (Slack messages, HTTP bodies) into alerts.

One file and one line per sender. Everything here is pure: no I/O, no clock. The results are clean
(see `cleaning`) but still hostile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import NotFound
from bot.incidents.model import Alert
from bot.intake import (
    airflow,
    alertmanager,
    alertmanager_webhook,
    cloudwatch,
    generic,
    generic_body,
    grafana,
    sentry,
    uptime_kuma,
    zabbix,
)
from bot.intake.slack_message import SlackMessage, read_message

__all__ = ["PARSERS", "Parser", "parse_body", "parse_message", "source_name"]


@dataclass(frozen=True, slots=True)
class Parser:
    """The parser of one sender.

    `message` returns None for a Slack message of another sender; `body` raises InputError. A sender
    without such a form has None there.
    """

    name: str
    message: Callable[[SlackMessage], Alert | None] | None
    body: Callable[[object], list[Alert]] | None


# A message is tried in this order; generic takes everything else.
PARSERS: tuple[Parser, ...] = (
    Parser("alertmanager", alertmanager.parse_message, alertmanager_webhook.parse_body),
    Parser("grafana", grafana.parse_message, grafana.parse_body),
    Parser("cloudwatch", cloudwatch.parse_message, cloudwatch.parse_body),
    Parser("sentry", sentry.parse_message, sentry.parse_body),
    Parser("uptime-kuma", uptime_kuma.parse_message, uptime_kuma.parse_body),
    Parser("zabbix", zabbix.parse_message, None),
    Parser("airflow", None, airflow.parse_body),
    Parser("anomaly", None, generic_body.parse_anomaly),
    Parser("generic", generic.parse_message, generic_body.parse_body),
)


def parse_message(message: Mapping[str, Any]) -> list[Alert]:
    """Return the alerts of a Slack message event (or of the message inside `message_changed`).

    Never raises. Empty only when the message holds nothing that a person could read or open, such
    as `message_deleted`.
    """
    read = read_message(message)
    for parser in PARSERS:
        if parser.message is not None and (alert := parser.message(read)) is not None:
            return [alert]
    return []


def source_name(source: str) -> str:
    """Return the source of POST /alerts/{source} as the table of parsers spells it."""
    return source.strip().lower().replace("_", "-")


def parse_body(source: str, body: object) -> list[Alert]:
    """Return the alerts of a JSON body posted to /alerts/{source}; at least one.

    Raises NotFound for a source without an HTTP form, and InputError with the field's name for a
    malformed body.
    """
    name = source_name(source)
    for parser in PARSERS:
        if parser.name == name and parser.body is not None:
            return parser.body(body)
    known = ", ".join(parser.name for parser in PARSERS if parser.body is not None)
    raise NotFound("There is no such alert source.", remedy=f"Known sources: {known}.")
