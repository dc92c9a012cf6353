"""An incident that a person reports: it goes the same way as an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.errors import InputError
from bot.incidents.model import Alert, AlertStatus, Hyperlink, Incident, Severity
from bot.incidents.reporters import SOURCE, sender_of
from bot.language import deferred
from bot.response.receive import Delivery

LONGEST_TITLE, LONGEST_TEXT = 150, 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of a person. `channel` is where they made it, `link` the address of a message.

    `key` is the same for a redelivery, and for the same message.
    """

    key: str
    user: str
    title: str
    severity: Severity = Severity.HIGH
    service: str = ""
    env: str = ""
    text: str = ""
    channel: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """The incident that a report opened or joined; None if a silence suppresses it."""

    incident: Incident | None
    opened: bool


def delivery_of(report: Report, alert_channels: Sequence[str]) -> Delivery:
    """The report as a delivery of one alert. InputError without a title.

    The card goes to the channel of the report if that is an alert channel; else the routes of the
    policy choose, and at last it is the first alert channel.
    """
    title = " ".join(report.title.split())[:LONGEST_TITLE]
    if not title:
        raise InputError(
            deferred("A title is required."),
            field="title",
            remedy=deferred("Say in a few words what is wrong."),
        )
    alert = Alert(
        source=SOURCE,
        status=AlertStatus.FIRING,
        name=title,
        title=title,
        text=report.text.strip()[:LONGEST_TEXT],
        env=report.env.strip(),
        service=report.service.strip(),
        severity=report.severity,
        severity_raw=report.severity,
        labels={"reported_by": report.user},
        links=(Hyperlink("message", report.link),) if report.link else (),
        fingerprint=report.key,
        read_from=dict.fromkeys(("title", "severity", "env", "service"), "field"),
        raw={"title": title, "text": report.text[:LONGEST_TEXT], "reported_by": report.user},
    )
    is_here = report.channel in alert_channels
    return Delivery(
        key=report.key,
        channel=report.channel if is_here else alert_channels[0],
        alerts=[alert],
        sender=sender_of(report.user),
        routed=not is_here,
    )
