"""The alerts that the benchmarks send, in their senders' formats. Pure."""

from __future__ import annotations

import json
from typing import Any

_DIGITS = "bcdfghjklmnpqrst"


def word(number: int) -> str:
    """Spell a number in letters: digits in a text never distinguish two alerts."""
    text = ""
    while True:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
        if not number:
            return text.rjust(4, _DIGITS[0])


def slack_event(channel: str, ts: str, *, service: str, instance: str) -> dict[str, Any]:
    """Return a post of Alertmanager's default template, as Slack delivers it."""
    title = f"[FIRING:1] HighErrorRate prod host-{instance} ({service} cpu critical)"
    link = "http://alertmanager.example.org:9093/#/alerts?receiver=default"
    return {
        "type": "message",
        "subtype": "bot_message",
        "text": "",
        "username": "Alertmanager",
        "bot_id": "B0ALERTMA",
        "app_id": "A0ALERTMA",
        "attachments": [
            {
                "id": 1,
                "title": title,
                "title_link": link,
                "fallback": f"{title} | <{link}>",
                "color": "a30200",
                "mrkdwn_in": ["fallback", "pretext", "text"],
            }
        ],
        "ts": ts,
        "channel": channel,
        "event_ts": ts,
        "channel_type": "channel",
    }


def webhook_body(number: int, groups: int) -> bytes:
    """Return one firing alert of Alertmanager's webhook; its group is `number` % `groups`."""
    labels = {
        "alertname": "HighErrorRate",
        "service": f"shop-{word(number % groups)}",
        "category": "cpu",
        "env": "prod",
        "severity": "critical",
        "instance": f"host-{word(number)}",
    }
    body = {
        "version": "4",
        "groupKey": '{}:{alertname="HighErrorRate"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "sopbot",
        "groupLabels": {"alertname": "HighErrorRate"},
        "commonLabels": labels,
        "commonAnnotations": {"summary": "Error rate above 5 %"},
        "externalURL": "http://alertmanager.example.org:9093",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": {"summary": "Error rate above 5 %"},
                "startsAt": "2026-11-21T03:04:05Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.example.org:9090/graph?g0.expr=up",
                "fingerprint": f"{number:016x}",
            }
        ],
    }
    return json.dumps(body).encode()
