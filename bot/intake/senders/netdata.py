"""Netdata: the Slack messages of an agent (`alarm-notify.sh`), and Netdata Cloud's webhook.

https://github.com/netdata/netdata src/health/notifications
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft, still
from bot.intake.fields import at, objects, optional_text, wrong
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare
from bot.intake.times import read_time

_HEADLINE = re.compile(
    r"(?P<host>[^\s,]{1,200}) (?P<state>(?:is|needs|was|has|recovered)[^,]{0,60}),"
    r" (?P<chart>[^\s,(]{1,200})(?: \((?P<family>[^)]{1,100})\))?(?:, (?P<alarm>[^\n]{1,300}))?"
)
_VALUE = re.compile(r" = .*| \(.*")
_SEVERITIES = (("critical", "critical"), ("attention", "warning"), ("warning", "warning"))


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse `host is critical, chart (family), alarm = value`, else return None."""
    if "netdata" not in message.sender.lower():
        return None
    matches = (_HEADLINE.match(bare(text)[:800]) for text in message.headlines)
    match = next(filter(None, matches), None)
    if match is None:
        return None
    host, state, chart = match["host"], match["state"].lower(), match["chart"].strip("`*_")
    family = (match["family"] or "").strip("_*`")
    title = match["alarm"] or next((item.title for item in message.attachments), "") or chart
    alarm = _VALUE.sub("", title.strip("*_`")).strip("*_` ")
    resolved = "recovered" in state
    severity = next((word for sign, word in _SEVERITIES if sign in state), "")
    _, _, value = title.strip("*_`").partition(" = ")
    return Draft(
        source="netdata",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=alarm,
        title=f"{alarm} on {host}",
        text=message.text,
        env=guesses.env_inside(host),
        service="" if guesses.looks_like_address(host) else host,
        severity="" if resolved else severity,
        labels={"host": host, "chart": chart, "family": family},
        value=value,
        links=message.links,
        identity={"host": host, "chart": chart, "alarm": still(alarm)},
        read_from={"status": "title", "severity": "title", "env": "guess"},
        raw=message.raw,
    ).alert()


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a webhook of Netdata Cloud."""
    return {"alert", "chart", "family", "severity"} <= set(body)


def parse_body(body: object) -> list[Alert]:
    """Parse Netdata Cloud's webhook. It names the node only in the sentence `message`."""
    return [_of_webhook(item, where) for where, item in objects(body)]


def _of_webhook(item: Mapping[str, Any], where: str) -> Alert:
    def text(name: str) -> str:
        return optional_text(item.get(name), at(where, name))

    alarm, chart = text("alert"), text("chart")
    if not alarm:
        raise wrong(at(where, "alert"), "the name of Netdata's alert")
    severity, node = text("severity").lower(), text("node") or text("host")
    resolved = severity in ("clear", "ok") or text("status").lower() in ("clear", "ok")
    time = read_time(item.get("date"))
    labels = {name: text(name) for name in ("chart", "context", "space", "family", "class")}
    return Draft(
        source="netdata",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=alarm,
        title=f"{alarm} on {node}" if node else f"{alarm}: {text('info')}",
        text="\n".join(part for part in (text("message"), text("info")) if part),
        env=guesses.env_inside(node),
        service=node,
        severity="" if resolved else severity,
        labels={name: value for name, value in {**labels, "host": node}.items() if value},
        value=text("value"),
        starts_at=None if resolved else time,
        ends_at=time if resolved else None,
        links=[("Alert", text("alert_url"))],
        identity={"host": node, "chart": chart, "alarm": alarm, "space": text("space")},
        read_from={"env": "guess"},
        raw=item,
    ).alert()
