"""Payloads as the senders build them. Pure; the forms are those of tests/payloads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Body = dict[str, Any]
NO_END = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class RuleAlert:
    """One alert of Prometheus, as Alertmanager and Grafana hand it on."""

    labels: Mapping[str, str]
    starts_at: datetime
    summary: str = ""
    ends_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Return a hash of the labels, as Alertmanager makes one."""
        return hashlib.sha256(json.dumps(sorted(self.labels.items())).encode()).hexdigest()[:16]

    def as_json(self) -> Body:
        """Return the alert's part of a webhook."""
        return {
            "status": "resolved" if self.ends_at else "firing",
            "labels": dict(self.labels),
            "annotations": {"summary": self.summary} if self.summary else {},
            "startsAt": _time(self.starts_at),
            "endsAt": _time(self.ends_at) if self.ends_at else NO_END,
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up",
            "fingerprint": self.fingerprint,
        }


def _time(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alertmanager(*alerts: RuleAlert, group_by: Sequence[str] = ("alertname",)) -> Body:
    """Return the body of Alertmanager's webhook."""
    common = _common(alerts)
    groups = {name: common[name] for name in group_by if name in common}
    return {
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f'{k}="{v}"' for k, v in groups.items()) + "}",
        "truncatedAlerts": 0,
        "status": "resolved" if all(alert.ends_at for alert in alerts) else "firing",
        "receiver": "sopbot",
        "groupLabels": groups,
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": [alert.as_json() for alert in alerts],
    }


def grafana(*alerts: RuleAlert) -> Body:
    """Return the body of Grafana's webhook."""
    body = alertmanager(*alerts)
    state = "ok" if body["status"] == "resolved" else "alerting"
    return {
        **body,
        "orgId": 1,
        "version": "1",
        "state": state,
        "title": f"[{body['status'].upper()}]",
    }


def _common(alerts: Sequence[RuleAlert]) -> dict[str, str]:
    first = alerts[0].labels
    return {k: v for k, v in first.items() if all(a.labels.get(k) == v for a in alerts)}


def alertmanager_post(alert: RuleAlert, group_by: Sequence[str] = ("alertname",)) -> Body:
    """Return Alertmanager's default message in Slack."""
    groups = [alert.labels[name] for name in group_by if name in alert.labels]
    others = [v for k, v in sorted(alert.labels.items()) if k not in group_by]
    state = "RESOLVED" if alert.ends_at else "FIRING:1"
    title = f"[{state}] {' '.join(groups)} ({' '.join(others)})"
    link = "http://alertmanager.example:9093/#/alerts?receiver=slack"
    attachment = {
        "id": 1,
        "title": title,
        "title_link": link,
        "fallback": f"{title} | <{link}>",
        "color": "2eb886" if alert.ends_at else "a30200",
        "mrkdwn_in": ["fallback", "pretext", "text"],
    }
    return _app("Alertmanager", "B0ALERTMAN", attachments=[attachment])


def custom_post(alert: RuleAlert) -> Body:
    """Return a message of Alertmanager by a template that lists the labels."""
    state, icon = ("RESOLVED", ":white_check_mark:") if alert.ends_at else ("FIRING:1", ":fire:")
    title = f"{icon} [{state}] {alert.summary or alert.labels['alertname']}"
    details = "\n".join(f" • *{k}:* `{v}`" for k, v in sorted(alert.labels.items()))
    attachment = {
        "id": 1,
        "title": title,
        "fallback": title,
        "color": "2eb886" if alert.ends_at else "a30200",
        "text": f"*Alert:* {alert.labels['alertname']}\n*Details:*\n{details}",
    }
    return _app("Alertmanager", "B0ALERTMAN", attachments=[attachment])


def datadog(
    title: str, tags: Mapping[str, str], at: datetime, *, number: int, recovered: bool = False
) -> Body:
    """Return the body of Datadog's webhook."""
    scope = ",".join(f"{k}:{v}" for k, v in sorted(tags.items()))
    transition = "Recovered" if recovered else "Triggered"
    millis = str(int(at.timestamp() * 1000))
    return {
        "id": f"{number}{millis[-6:]}",
        "event_type": "query_alert_monitor",
        "title": f"[{transition} on {{{scope}}}] {title}",
        "alert_id": str(number),
        "alert_title": title,
        "alert_transition": transition,
        "alert_priority": "P2",
        "alert_type": "success" if recovered else "error",
        "alert_scope": scope,
        "tags": f"{scope},monitor",
        "date": millis,
        "last_updated": millis,
        "org": {"id": "11", "name": "quay"},
        "body": f"{title} @webhook-ops",
    }


def datadog_post(title: str, tags: Mapping[str, str], *, recovered: bool = False) -> Body:
    """Return Datadog's message in Slack."""
    state = "Recovered" if recovered else "Triggered"
    attachment = {
        "color": "#2EB67D" if recovered else "#E01E5A",
        "title": f"{state}: [P2] {title}",
        "title_link": "https://app.datadoghq.example/event/event?id=71",
        "text": "Tags: " + ", ".join(f"{k}:{v}" for k, v in sorted(tags.items())),
    }
    return _app("Datadog", "B0DATADOG1", attachments=[attachment])


def cloudwatch(
    alarm: str, region: str, dimensions: Mapping[str, str], at: datetime, *, ok: bool = False
) -> Body:
    """Return a message of SNS with the change of an alarm."""
    state, before = ("OK", "ALARM") if ok else ("ALARM", "OK")
    message = {
        "AlarmName": alarm,
        "AWSAccountId": "111122223333",
        "NewStateValue": state,
        "OldStateValue": before,
        "NewStateReason": "Threshold Crossed: 1 datapoint [93.4] was greater than 80.0.",
        "StateChangeTime": at.isoformat(timespec="milliseconds").replace("+00:00", "+0000"),
        "Region": {"eu-west-1": "EU (Ireland)", "us-east-1": "US East (N. Virginia)"}[region],
        "AlarmArn": f"arn:aws:cloudwatch:{region}:111122223333:alarm:{alarm}",
        "Trigger": {
            "MetricName": "CPUUtilization",
            "Namespace": "AWS/ECS",
            "Dimensions": [{"name": k, "value": v} for k, v in dimensions.items()],
            "Period": 60,
            "Threshold": 80.0,
        },
    }
    return {
        "Type": "Notification",
        "MessageId": hashlib.sha256(f"{alarm}{at}{state}".encode()).hexdigest()[:32],
        "TopicArn": f"arn:aws:sns:{region}:111122223333:alarms",
        "Subject": f'{state}: "{alarm}" in {message["Region"]}',
        "Message": json.dumps(message),
        "Timestamp": _time(at),
    }


def uptime_kuma(monitor: str, number: int, env: str, at: datetime, *, up: bool = False) -> Body:
    """Return the body of Uptime Kuma's webhook."""
    text = "200 - OK" if up else "Request failed with status code 503"
    return {
        "heartbeat": {
            "monitorID": number,
            "status": 1 if up else 0,
            "time": f"{at:%Y-%m-%d %H:%M:%S}.120",
            "msg": text,
            "important": True,
        },
        "monitor": {
            "id": number,
            "name": monitor,
            "url": f"https://{monitor}.quay.example/healthz",
            "type": "http",
            "tags": [{"name": "env", "value": env}] if env else [],
        },
        "msg": f"[{monitor}] [{'✅ Up' if up else '🔴 Down'}] {text}",
    }


def plain_post(text: str, *, resolved: bool = False) -> Body:
    """Return one line of text that a script posts."""
    return _app(
        "ops-script", "B0SCRIPT01", text=f"{'✅ RESOLVED' if resolved else '🔴 FIRING'}: {text}"
    )


def deployed_post(service: str, version: str) -> Body:
    """Return the message of Argo CD after a sync."""
    attachment = {
        "title": service,
        "title_link": f"https://cd.example/applications/{service}",
        "color": "#18be52",
        "fields": [
            {"title": "Sync Status", "value": "Synced", "short": True},
            {"title": "Revision", "value": version, "short": True},
        ],
    }
    text = f":white_check_mark: Application {service} has been successfully synced at {version}."
    return _app("Argo CD", "B0ARGOCD01", text=text, attachments=[attachment])


def _app(name: str, bot_id: str, **content: Any) -> Body:
    return {
        "subtype": "bot_message",
        "text": "",
        "username": name,
        "bot_id": bot_id,
        "app_id": bot_id.replace("B0", "A0"),
        **content,
    }
