"""Builds what cloud services and hosted monitoring send: trouble, reminder, higher severity, end.

Each builder takes (subject, number, is_severe, is_over). `number` stands for all that differs from
one notification to the next: values, times and event ids.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Builder = Callable[[str, int, bool, bool], Any]

_BEGIN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def at(number: int) -> str:
    """Return the time of a notification."""
    return f"{_BEGIN + timedelta(minutes=number):%Y-%m-%dT%H:%M:%S}Z"


def seconds(number: int) -> int:
    return int((_BEGIN + timedelta(minutes=number)).timestamp())


def slack(sender: str, number: int, **parts: Any) -> dict[str, Any]:
    ts = f"{seconds(number)}.000100"
    return {
        "type": "message", "text": parts.pop("text", ""), "bot_id": "B0CLOUD",
        "bot_profile": {"name": sender}, "ts": ts, "event_ts": ts, **parts,
    }  # fmt: skip


def azure(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    target = "/subscriptions/1111/resourcegroups/quay-prod/providers/microsoft.web/sites/" + subject
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": {
        "essentials": {
            "alertId": f"/subscriptions/1111/providers/Microsoft.AlertsManagement/alerts/{number}",
            "alertRule": "site-errors", "severity": "Sev1" if is_severe else "Sev3",
            "signalType": "Metric", "monitorCondition": "Resolved" if is_over else "Fired",
            "alertTargetIDs": [target], "configurationItems": [subject],
            "firedDateTime": at(number), "description": "The site answers with errors",
            **({"resolvedDateTime": at(number)} if is_over else {}),
        },
        "alertContext": {"condition": {"allOf": [{
            "metricName": "Http5xx", "threshold": "5", "metricValue": 5 + number,
            "dimensions": [{"name": "Instance", "value": "i-1"}]}]}},
    }}  # fmt: skip


def azure_older(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {"schemaId": "AzureMonitorMetricAlert", "data": {
        "version": "2.0", "status": "Deactivated" if is_over else "Activated",
        "context": {
            "timestamp": at(number), "name": "site-errors", "severity": "1" if is_severe else "3",
            "condition": {"allOf": [{"metricName": "Http5xx", "metricValue": number}]},
            "resourceName": subject,
            "resourceId": f"/subscriptions/1/resourceGroups/quay-prod/providers/w/sites/{subject}",
        },
    }}  # fmt: skip


def gcp(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {"version": "1.2", "incident": {
        "incident_id": f"0.mk{number}", "scoping_project_id": "quay-prod",
        "url": "https://console.cloud.google.com/monitoring/alerting/incidents/0.mk",
        "started_at": seconds(1), "ended_at": seconds(number) if is_over else None,
        "state": "closed" if is_over else "open",
        "severity": "Critical" if is_severe else "Warning",
        "summary": f"Request count of {subject} is above 5 with a value of {5 + number}",
        "observed_value": f"{5 + number}", "threshold_value": "5", "policy_name": "Request errors",
        "condition_name": "5xx rate", "policy_user_labels": {"team": "quay"},
        "resource": {"type": "cloud_run_revision", "labels": {
            "service_name": subject, "location": "europe-west1", "project_id": "quay-prod"}},
        "metric": {"type": "run.googleapis.com/request_count", "labels": {"class": "5xx"}},
    }}  # fmt: skip


def pagerduty(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {"event": {
        "id": f"01QUAY{number:020d}", "resource_type": "incident", "occurred_at": at(number),
        "event_type": f"incident.{'resolved' if is_over else 'triggered'}",
        "data": {
            "id": f"PINC-{subject}", "type": "incident", "number": 6, "created_at": at(1),
            "html_url": f"https://quay.pagerduty.example/incidents/PINC-{subject}",
            "title": "[FIRING:1] Posting lags", "service": {"id": "P1", "summary": subject},
            "priority": {"summary": "P1"} if is_severe else None, "urgency": "high",
        },
    }}  # fmt: skip


def with_event(event_type: str, **data: Any) -> Any:
    """Another event about the incident of `pagerduty`, by Ana Lima."""
    body = pagerduty("cart-api", 2, False, False)
    body["event"]["event_type"] = event_type
    body["event"]["agent"] = {"summary": "Ana Lima"}
    body["event"]["data"] |= data
    return body


def opsgenie(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "action": "Close" if is_over else "Create", "integrationType": "Webhook",
        "source": {"name": "", "type": "web"},
        "alert": {
            "alertId": f"70413a06-{subject}", "alias": f"lag-{subject}", "message": "Posting lags",
            "tags": ["env:prod", "ledger"], "tinyId": "28", "entity": subject, "priority":
            "P1" if is_severe else "P3", "createdAt": seconds(1) * 1000, "updatedAt":
            seconds(number) * 1_000_000_000, "username": "alert@quay.example",
            "description": f"Lag is {number} minutes", "details": {"queue": "posting"},
        },
    }  # fmt: skip


def datadog_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    state = "Recovered" if is_over else "Triggered" if is_severe else "Warn"
    scope = f"env:prod,service:{subject}"
    return {
        "id": f"74210000{number}", "event_type": "query_alert_monitor", "date": f"{seconds(1)}000",
        "title": f"[{state} on {{{scope}}}] Latency is high", "last_updated": f"{seconds(1)}000",
        "org": {"id": "11", "name": "quay"}, "body": f"p99 is {number} s @webhook-sopbot",
    }  # fmt: skip


def datadog_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    state = "Recovered" if is_over else "Triggered" if is_severe else "Warn"
    return slack("Datadog", number, attachments=[{
        "color": "#41C464" if is_over else "#E01E5A",
        "title": f"{state}: {'[P1] ' if is_severe else ''}Latency of {subject} is high",
        "title_link": f"https://app.datadoghq.example/event/event?id=7{number}",
        "text": f"p99 is {number} s\nTags: env:prod, service:{subject}",
    }])  # fmt: skip


def newrelic(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "id": f"0a1b-{subject}", "issueUrl": "https://one.newrelic.example/nrai?pane=1",
        "title": f"Heap % > 85 for at least {number} minutes on '{subject}'",
        "priority": "CRITICAL" if is_severe else "HIGH", "impactedEntities": [subject],
        "totalIncidents": number, "state": "CLOSED" if is_over else "ACTIVATED",
        "trigger": "INCIDENT_CLOSED" if is_over else "INCIDENT_ADDED", "createdAt":
        seconds(1) * 1000, "updatedAt": seconds(number) * 1000, "sources": ["newrelic"],
        "alertPolicyNames": ["Ledger"], "alertConditionNames": ["Memory"], "workflowName": "quay",
    }  # fmt: skip


def newrelic_older(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "current_state": "closed" if is_over else "open", "details": f"Apdex < .7 for {number} min",
        "severity": "CRITICAL" if is_severe else "WARN", "policy_name": "Quay", "condition_id": 1,
        "condition_name": "Apdex", "event_type": "INCIDENT", "incident_id": f"12-{subject}",
        "targets": [{"id": "2", "name": subject, "type": "Application", "labels": {}}],
        "timestamp": seconds(number) * 1000,
    }  # fmt: skip


def dynatrace(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "State": "RESOLVED" if is_over else "OPEN", "ProblemID": f"P-{subject}", "PID": f"{number}",
        "ProblemTitle": "Failure rate increase", "ProblemImpact": "SERVICE",
        "ProblemSeverity": "AVAILABILITY" if is_severe else "PERFORMANCE", "Tags": "env:prod, quay",
        "ImpactedEntity": f"Failure rate increase on Web service {subject}",
        "ImpactedEntities": [{"type": "SERVICE", "name": subject, "entity": "SERVICE-1"}],
        "ProblemURL": "https://quay.live.dynatrace.example/#problems",
        "ProblemDetailsText": f"{number}.5 % of the requests fail",
        "ProblemDetailsJSON": {"startTime": seconds(1) * 1000},
    }  # fmt: skip


def kibana(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "rule": {"id": "r1", "name": "Error rate", "tags": ["env:prod"]}, "date": at(number),
        "alert": {"id": subject, "actionGroup": "recovered" if is_over else "threshold met"},
        "context": {"message": f"{number} errors", "value": number, "service": {"name": subject}},
        "severity": "critical" if is_severe else "medium",
    }  # fmt: skip


def kibana_document(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "kibana.alert.rule.name": "Error rate", "kibana.alert.instance.id": subject,
        "kibana.alert.status": "recovered" if is_over else "active",
        "kibana.alert.severity": "critical" if is_severe else "warning",
        "kibana.alert.reason": f"{number} errors in 5 min", "kibana.alert.start": at(1),
        "service.name": subject, "service.environment": "prod", "@timestamp": at(number),
    }  # fmt: skip


def pingdom(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "check_id": sum(subject.encode()), "check_name": f"{subject} health", "check_type": "HTTP",
        "check_params": {"hostname": f"{subject}.quay.example", "full_url": "https://quay.example"},
        "previous_state": "DOWN" if is_over else "UP", "current_state": "UP" if is_over else "DOWN",
        "importance_level": "HIGH", "state_changed_timestamp": seconds(number), "tags": [],
        "long_description": "OK" if is_over else f"Timeout after {number} s",
    }  # fmt: skip


def alerta(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    trouble = "critical" if is_severe else "minor"
    return {
        "id": f"24c1b9b2-{number}", "lastReceiveId": f"24c1b9b2-{number}", "resource": "quay-1",
        "event": "QueueDrains" if is_over else "QueueGrows", "environment": "Production",
        "correlate": ["QueueGrows", "QueueDrains"], "service": [subject], "group": "Queue",
        "severity": "normal" if is_over else trouble, "value": f"{number} messages",
        "previousSeverity": "minor", "status": "closed" if is_over else "open",
        "text": f"{number} messages wait", "createTime": at(number), "duplicateCount": number,
        "tags": ["dc=eu1", "queue"], "attributes": {}, "origin": "checker/quay-1",
    }  # fmt: skip


def betterstack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {"data": {
        "id": f"30{number}", "type": "incident",
        "attributes": {
            "name": f"{subject} health", "url": "https://quay.example", "http_method": "get",
            "cause": f"Timeout after {number} s", "started_at": at(1), "acknowledged_at": None,
            "resolved_at": at(number) if is_over else None,
            "status": "Resolved" if is_over else "Started", "team_name": "quay",
        },
        "relationships": {"monitor": {"data": {"id": f"m-{subject}", "type": "monitor"}}},
    }}  # fmt: skip


def statuspage(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "page": {"id": "pg1", "status_indicator": "major", "status_description": "Partial outage"},
        "incident": {
            "id": f"in-{subject}", "name": "Elevated errors", "created_at": at(1),
            "status": "resolved" if is_over else ("investigating", "identified")[number % 2],
            "impact": "critical" if is_severe else "major", "shortlink": "https://stspg.example/x",
            "resolved_at": at(number) if is_over else None, "components": [{"name": subject}],
            "incident_updates": [{"body": f"Update {number}", "status": "identified"}],
        },
    }  # fmt: skip


def statuspage_component(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    trouble = "major_outage" if is_severe else "partial_outage"
    return {
        "page": {"id": "pg1"}, "component": {"id": f"c-{subject}", "name": subject},
        "component_update": {
            "id": f"u{number}", "component_id": f"c-{subject}", "created_at": at(number),
            "old_status": "operational", "new_status": "operational" if is_over else trouble,
        },
    }  # fmt: skip


def healthchecks(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "name": f"{subject} backup", "slug": f"{subject}-backup", "tags": "prod nightly",
        "desc": "Nightly backup", "grace": 3600, "n_pings": 200 + number, "timeout": 86400,
        "status": "up" if is_over else "down", "last_ping": at(number),
        "unique_key": f"k-{subject}",
    }  # fmt: skip


def healthchecks_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    state = "UP" if is_over else "DOWN"
    return slack("Healthchecks.io", number, attachments=[{
        "fallback": f'The check "{subject} backup" is {state}.',
        "color": "good" if is_over else "danger", "title": f"“{subject} backup” is {state}.",
        "title_link": f"https://healthchecks.example/checks/k-{subject}/details/",
        "fields": [{"title": "Total Pings", "value": f"{200 + number}", "short": True}],
    }])  # fmt: skip


def splunk(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "sid": f"scheduler__quay__search__{number}", "search_name": "Errors by service",
        "app": "search", "owner": "quay", "results_link": "https://splunk.example/app/search/@go",
        "result": {"service": subject, "count": f"{10 + number}", "_time": f"{seconds(number)}",
                   "severity": "critical" if is_severe else "high"},
    }  # fmt: skip


def elastalert(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "@timestamp": at(number), "_id": f"doc{number}", "_index": "logs-quay", "num_hits": number,
        "num_matches": 1, "rule_name": "Error burst", "message": f"{number} errors",
        "service": {"name": subject},
    }  # fmt: skip


def graylog(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "event_definition_id": "ed1", "event_definition_type": "aggregation-v1",
        "event_definition_title": "Too many errors", "event_definition_description": "By service",
        "event": {
            "id": f"01EV{number}", "timestamp": at(number), "message": f"count()={number}",
            "source": "graylog-1", "key": subject, "key_tuple": [subject], "alert": True,
            "priority": 3 if is_severe else 2, "fields": {"service": subject},
        },
        "backlog": [{"message": f"error {number}", "source": "host-1", "fields": {}}],
    }  # fmt: skip


FORMS: dict[str, tuple[str, str, Builder]] = {
    "azure": ("http", "azure", azure),
    "azure older": ("http", "generic", azure_older),
    "gcp": ("http", "gcp", gcp),
    "pagerduty": ("http", "pagerduty", pagerduty),
    "opsgenie": ("http", "opsgenie", opsgenie),
    "datadog http": ("http", "datadog", datadog_http),
    "datadog slack": ("slack", "slack", datadog_slack),
    "newrelic": ("http", "newrelic", newrelic),
    "newrelic older": ("http", "newrelic", newrelic_older),
    "dynatrace": ("http", "dynatrace", dynatrace),
    "kibana": ("http", "elastic", kibana),
    "kibana document": ("http", "elastic", kibana_document),
    "pingdom": ("http", "pingdom", pingdom),
    "alerta": ("http", "alerta", alerta),
    "betterstack": ("http", "betterstack", betterstack),
    "statuspage": ("http", "statuspage", statuspage),
    "statuspage component": ("http", "statuspage", statuspage_component),
    "healthchecks": ("http", "healthchecks", healthchecks),
    "healthchecks slack": ("slack", "slack", healthchecks_slack),
}
# Their senders tell no end.
ENDLESS: dict[str, tuple[str, str, Builder]] = {
    "splunk": ("http", "splunk", splunk),
    "elastalert": ("http", "elastic", elastalert),
    "graylog": ("http", "graylog", graylog),
}
