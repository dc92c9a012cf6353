"""Datadog: monitor notifications by its webhook (default and own payloads) and by its Slack app.

https://docs.datadoghq.com/integrations/webhooks/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.cleaning import LOOKED_AT
from bot.intake.drafting import Draft, still
from bot.intake.fields import an_object, text_at, texts_at, time_at, wrong
from bot.intake.slack_message import SlackMessage

_STATES = r"(?:Re-?)?(?:Triggered|Warn(?:ing)?|No Data|Recovered|OK)|Renotify|Alert"
_SCOPE = r"(?: on \{(?P<scope>[^{}\n]{0,500})\})?"
_PRIORITY = r"(?:\[(?P<priority>P[1-5])\]\s{0,3})?"
# `[P2] [Triggered on {host:a}] name` by webhook and mail, `Triggered: [P2] name` in Slack.
_BRACKETED = re.compile(
    rf"\s{{0,3}}{_PRIORITY}\[(?P<state>{_STATES}){_SCOPE}\]\s{{0,3}}(?P<name>.*)", re.IGNORECASE
)
_BEFORE_COLON = re.compile(
    rf"\s{{0,3}}(?P<state>{_STATES}){_SCOPE}:\s{{0,3}}{_PRIORITY}(?P<name>.*)", re.IGNORECASE
)
_TAG = re.compile(r"(?<![\w./-])([A-Za-z][\w./-]{0,99}):([^,{}\s]{1,200})")
_PRIORITY_FIRST = re.compile(r"\[(P[1-5])\]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Title:
    state: str
    priority: str
    scope: str
    name: str


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse `Triggered: [P2] name` (also Warn, No Data, Recovered) of the Slack app, else None."""
    if "datadog" not in message.sender.lower():
        return None
    for headline in message.headlines:
        if title := _title(headline):
            break
    else:
        return None
    tags = dict(_TAG.findall(_line_of(message.text, "tags")))
    return _alert(
        title,
        monitor="",
        labels=tags | dict(_TAG.findall(title.scope)),
        text=message.text,
        links=message.links,
        raw=message.raw,
    )


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for the default payload, or one with Datadog's own variables."""
    return ("alert_transition" in body and ("alert_id" in body or "event_type" in body)) or (
        {"event_type", "org", "last_updated", "title"} <= body.keys()
    )


def parse_body(body: object) -> list[Alert]:
    """Parse one notification of a monitor."""
    whole = an_object(body, "body")
    title = _title(text_at(whole, "title", "event_title"))
    state = text_at(whole, "alert_transition") or (title.state if title else "")
    if not state:
        raise wrong("alert_transition", "a state, or a title such as [Triggered] name")
    title = title or _Title("", "", "", text_at(whole, "title", "event_title"))
    name = text_at(whole, "alert_title") or title.name
    scope = text_at(whole, "alert_scope", "scope") or title.scope
    listed = ",".join(texts_at(whole, "tags")) or text_at(whole, "tags")
    labels = dict(_TAG.findall(listed[:LOOKED_AT])) | dict(_TAG.findall(scope))
    for label, field in (("host", "hostname"), ("host", "host_name"), ("metric_name", "metric")):
        labels.setdefault(label, text_at(whole, field))
    return [
        _alert(
            _Title(
                state,
                text_at(whole, "alert_priority", "priority_label") or title.priority,
                scope,
                _PRIORITY_FIRST.sub("", name) or f"Datadog monitor {text_at(whole, 'alert_id')}",
            ),
            monitor=text_at(whole, "alert_id", "monitor_id"),
            labels=labels,
            text=text_at(whole, "body", "event_msg", "text_only_msg"),
            at=whole,
            links=[
                ("Datadog", text_at(whole, "link", "url")),
                ("Snapshot", text_at(whole, "snapshot")),
            ],
            raw=whole,
        )
    ]


def _title(text: str) -> _Title | None:
    line = text[:1_000].split("\n", 1)[0]
    match = _BRACKETED.match(line) or _BEFORE_COLON.match(line)
    if match is None:
        return None
    name = match["name"].strip()
    inner = _PRIORITY_FIRST.match(name)
    priority = match["priority"] or (inner[1] if inner else "")
    name = _PRIORITY_FIRST.sub("", name)
    return _Title(match["state"], priority or "", match["scope"] or "", name)


def _alert(
    title: _Title,
    *,
    monitor: str,
    labels: Mapping[str, str],
    at: object = None,
    **more: Any,
) -> Alert:
    state = title.state.lower()
    resolved = state.removeprefix("re-") in ("recovered", "ok")
    time = time_at(at, "date", "last_updated")
    shown = f"{title.name} ({title.scope})" if title.scope else title.name
    is_warning = "warn" in state
    return Draft(
        source="datadog",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=title.name,
        title=shown,
        severity=title.priority or ("warning" if is_warning else guesses.severity_in(labels)),
        labels={**labels, "monitor_id": monitor, "scope": title.scope, "state": title.state},
        starts_at=None if resolved else time,
        ends_at=time if resolved else None,
        # The groups of one monitor are alerts of their own.
        identity={
            "monitor": monitor or still(title.name),
            "scope": ",".join(sorted(part.strip() for part in title.scope.split(","))),
        },
        read_from={"severity": "title" if title.priority or is_warning else "label"},
        **more,
    ).alert()


def _line_of(text: str, name: str) -> str:
    """Return the value of a line `Tags: …`."""
    for line in text[:LOOKED_AT].split("\n"):
        if line[:40].strip(" *_").lower().startswith(f"{name}:"):
            return line
    return ""
