"""Alerts as their senders write them: about a service, firing or over."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

JSON = dict[str, Any]


def alertmanager(service: str, name: str, summary: str, is_over: bool) -> JSON:
    status = "resolved" if is_over else "firing"
    labels = {"alertname": name, "env": "prod", "service": service, "severity": "critical"}
    return {
        "version": "4",
        "status": status,
        "receiver": "sopbot",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": {"summary": summary},
                "startsAt": "2026-11-22T04:05:06Z",
                "endsAt": _now() if is_over else "0001-01-01T00:00:00Z",
                "fingerprint": f"{zlib.crc32(service.encode()):016x}",
            }
        ],
    }


def grafana(service: str, name: str, summary: str, is_over: bool) -> JSON:
    body = alertmanager(service, name, summary, is_over)
    state = "ok" if is_over else "alerting"
    return body | {"version": "1", "orgId": 1, "state": state, "title": f"[{name}] {service}"}


def datadog(service: str, name: str, summary: str, is_over: bool) -> JSON:
    word = "Recovered" if is_over else "Triggered"
    return {
        "id": str(zlib.crc32(service.encode())),
        "event_type": "query_alert_monitor",
        "alert_type": "success" if is_over else "error",
        "title": f"[{word} on {{env:prod,service:{service}}}] {name}",
        "body": f"{summary} @webhook-sopbot",
        "org": {"id": "11", "name": "shop"},
    }


def zabbix(service: str, name: str, summary: str, is_over: bool) -> JSON:
    now = datetime.now(UTC)
    return {
        "event_id": str(zlib.crc32(service.encode())),
        "event_name": name,
        "host": service,
        "severity": "Disaster",
        "event_nseverity": "5",
        "event_value": "0" if is_over else "1",
        "trigger_status": "OK" if is_over else "PROBLEM",
        "trigger_id": "707",
        "event_date": f"{now:%Y.%m.%d}",
        "event_time": f"{now:%H:%M:%S}",
        "message": summary,
    }


def nagios(service: str, name: str, summary: str, is_over: bool) -> JSON:
    return {
        "notification_type": "RECOVERY" if is_over else "PROBLEM",
        "host_name": service,
        "service_description": name,
        "service_state": "OK" if is_over else "CRITICAL",
        "service_output": summary,
    }


def checkmk(service: str, name: str, summary: str, is_over: bool) -> JSON:
    return {
        "what": "SERVICE",
        "notificationtype": "RECOVERY" if is_over else "PROBLEM",
        "hostname": service,
        "servicedesc": name,
        "servicestate": "OK" if is_over else "CRITICAL",
        "serviceoutput": summary,
    }


def netdata(service: str, name: str, summary: str, is_over: bool) -> JSON:
    return {
        "message": f"{service} {'CLEAR' if is_over else 'CRITICAL'}",
        "alert": name,
        "info": summary,
        "chart": "system.load",
        "severity": "clear" if is_over else "critical",
        "date": _now(),
        "alert_url": "https://netdata.example/1",
        "Rooms": {"r": "all"},
        "node": service,
    }


def newrelic(service: str, name: str, summary: str, is_over: bool) -> JSON:
    return {
        "id": f"issue-{service}",
        "issueUrl": "https://one.newrelic.example/nrai",
        "title": f"{summary} on '{service}'",
        "priority": "CRITICAL",
        "impactedEntities": [service],
        "state": "CLOSED" if is_over else "ACTIVATED",
        "trigger": "INCIDENT_CLOSED" if is_over else "INCIDENT_ADDED",
        "createdAt": 1_795_341_660_000,
        "alertPolicyNames": ["Shop"],
        "alertConditionNames": [name],
        "workflowName": "sopbot",
    }


def pagerduty(service: str, name: str, summary: str, is_over: bool) -> JSON:
    return {
        "event": {
            "id": f"01{zlib.crc32(service.encode())}{int(is_over)}",
            "resource_type": "incident",
            "occurred_at": _now(),
            "event_type": "incident.resolved" if is_over else "incident.triggered",
            "data": {
                "id": f"P{zlib.crc32(service.encode())}",
                "type": "incident",
                "title": name,
                "created_at": _now(),
                "html_url": "https://shop.pagerduty.example/incidents/1",
                "service": {"id": "P1", "summary": service},
                "priority": {"summary": "P1"},
                "urgency": "high",
            },
        }
    }


def cloudwatch(service: str, name: str, summary: str, is_over: bool) -> JSON:
    alarm = {
        "AlarmName": f"prod-{service}-errors",
        "AlarmDescription": f"{name}: {summary}",
        "AWSAccountId": "111122223333",
        "NewStateValue": "OK" if is_over else "ALARM",
        "OldStateValue": "ALARM" if is_over else "OK",
        "NewStateReason": summary,
        "StateChangeTime": _now(),
        "Region": "EU (Ireland)",
        "AlarmArn": f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:prod-{service}-errors",
        "Trigger": {
            "MetricName": "Errors",
            "Namespace": "Shop",
            "Dimensions": [{"name": "ServiceName", "value": service}],
        },
    }
    return {
        "Type": "Notification",
        "MessageId": f"{service}-{int(is_over)}",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:alarms",
        "Message": json.dumps(alarm),
        "Timestamp": _now(),
        "SignatureVersion": "1",
    }


def slack_message(service: str, name: str, summary: str, is_over: bool) -> JSON:
    """The attachment of Alertmanager's default template, which arrives as a Slack message."""
    status = "RESOLVED" if is_over else "FIRING:1"
    title = f"[{status}] {name} prod {service} (availability critical)"
    return {
        "title": title,
        "title_link": "http://alertmanager.example/#/alerts?receiver=slack",
        "fallback": f"{title} | http://alertmanager.example/#/alerts?receiver=slack",
        "color": "good" if is_over else "danger",
        "text": "",
    }


SLACK = "alertmanager in Slack"


def airflow(service: str, name: str, summary: str, is_over: bool) -> JSON:
    return {
        "dag_id": service,
        "task_id": name,
        "state": "success" if is_over else "failed",
        "error_message": summary,
        "context": {"environment": "prod"},
    }


HTTP: dict[str, Callable[[str, str, str, bool], JSON]] = {
    "alertmanager": alertmanager,
    "grafana": grafana,
    "datadog": datadog,
    "zabbix": zabbix,
    "nagios": nagios,
    "checkmk": checkmk,
    "netdata": netdata,
    "newrelic": newrelic,
    "pagerduty": pagerduty,
    "cloudwatch": cloudwatch,
    "airflow": airflow,
}
"""Senders that post to /alerts/{source}."""


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
