"""Uptime Kuma: its Slack notification (plain or rich) and its webhook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, optional_text, optional_time, wrong
from bot.intake.slack_message import SlackMessage

_STATE = re.compile(
    # The name excludes `[`: otherwise the pattern tries each of many as its beginning, repeatedly.
    r"\[(?P<name>[^\[\]\n]{1,200})\] \[[^\]\w]{0,4}(?P<state>Up|Down)\] ?(?P<text>.*)"
)
_CERTIFICATE = re.compile(r"\[(?P<name>[^\]\n]{1,200})\]\s?\[https?://.*certificate", re.IGNORECASE)
_UP, _MAINTENANCE = 1, 3


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse `[name] [🔴 Down] reason` or `[name] [✅ Up] reason`, else return None."""
    ours = "kuma" in message.sender.lower()
    for headline in message.headlines:
        if "[" not in headline[:100]:
            continue
        if match := _STATE.search(headline, 0, 1_000):  # a mention may precede it
            resolved = match["state"] == "Up"
            return _monitor(
                match["name"],
                AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
                match["text"],
                text=message.text,
                links=message.links,
                raw=message.raw,
            )
        if ours and (match := _CERTIFICATE.match(headline, 0, 1_000)):
            return _monitor(
                match["name"],
                AlertStatus.FIRING,
                headline,
                category="certificate",
                text=message.text,
                links=message.links,
                raw=message.raw,
            )
    return None


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a webhook of Uptime Kuma."""
    return {"heartbeat", "monitor", "msg"} <= set(body)


def parse_body(body: object) -> list[Alert]:
    """Parse `{heartbeat, monitor, msg}`; both objects are null in Kuma's test message."""
    whole = an_object(body, "body")
    if not {"heartbeat", "monitor", "msg"} & set(whole):
        raise wrong("msg", "there, with heartbeat and monitor, as Uptime Kuma sends it")
    message = optional_text(whole.get("msg"), "msg")
    beat = an_object(whole.get("heartbeat") or {}, "heartbeat")
    monitor = an_object(whole.get("monitor") or {}, "monitor")
    certificate = _CERTIFICATE.match(message)
    named = _STATE.match(message) or certificate
    name = optional_text(monitor.get("name"), "monitor.name") or (
        named["name"] if named else message
    )
    resolved = beat.get("status") in (_UP, _MAINTENANCE) and not certificate
    changed_at = optional_time(beat.get("time"), "heartbeat.time")
    reason = optional_text(beat.get("msg"), "heartbeat.msg") or message
    return [
        _monitor(
            name,
            AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
            reason,
            category="certificate" if certificate else "",
            text="\n".join(part for part in (message, reason) if part),
            labels=_labels(monitor),
            starts_at=None if resolved else changed_at,
            ends_at=changed_at if resolved else None,
            links=[("Site", optional_text(monitor.get("url"), "monitor.url"))],
            raw=whole,
        )
    ]


def _monitor(
    name: str,
    status: AlertStatus,
    reason: str,
    *,
    category: str = "",
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> Alert:
    labels = {"monitor": name, **(labels or {})}
    return Draft(
        source="uptime-kuma",
        status=status,
        name=name,
        title=f"{name}: {reason}" if reason else name,
        env=guesses.env_of(labels)[0] or guesses.env_inside(name.replace(" ", "-")),
        service=labels.get("service", "") or guesses.subject_of(name) or name,
        category=category or "availability",
        severity=guesses.severity_in(labels) or "high",
        labels=labels,
        identity={"monitor": name, "about": category},
        **more,
    ).alert()


def _labels(monitor: Mapping[str, Any]) -> dict[str, str]:
    labels = {}
    for name in ("hostname", "type"):
        labels[name] = optional_text(monitor.get(name), f"monitor.{name}")
    tags = monitor.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, Mapping):
            name = optional_text(tag.get("name"), "monitor.tags").strip().lower()
            labels[name] = optional_text(tag.get("value"), "monitor.tags") or "true"
    return labels
