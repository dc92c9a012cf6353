"""Lists the names that senders give to the fields of an alert, as `normal_name` writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

# Our field, then its names in a body, as `normal_name` writes them; the first that is not blank
# wins. A dot leads into an object.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "name": (
        "name", "alert_name", "alertname", "metadata.alert_name", "metadata.alertname",
        "labels.alertname", "check", "rule", "anomaly_type", "incident_type", "check_name",
        "condition_name", "rule_name", "alert_rule", "alert_rule_name", "alert",
        "monitor_name", "trigger_name", "alarm_name", "problem_name", "problem", "incident_name",
        "health_rule_name", "alarm_rule_name", "issue_name", "fault", "event_type_name",
        "entity_display_name", "alarm_type",
        "service_check", "detector_name",
        "search_name", "job_name", "display_name", "event_name", "policy_name", "alarm", "monitor",
        "endpoint_name", "endpoint", "sensor_name", "sensor",
    ),
    "title": (
        "title", "summary", "subject", "annotations.summary", "alert_title", "problem_title",
        "event_title", "headline", "short_description", "heading", "message_title", "alarm_title",
        "incident_title", "issue_title", "notification_title", "alert_subject", "alert_summary",
        "event_summary", "alert_headline", "incident_summary",
    ),
    "text": (
        "text", "description", "message", "msg", "details", "raw_msg", "error_message",
        "annotations.description", "body", "long_description", "event_message", "reason", "output",
        "content", "comment", "note", "state_message", "error", "info", "alert_message",
        "alarm_message", "message_body", "formatted", "formatted_message", "human_readable",
        "alert_description", "alarm_description", "event_description", "rule_description",
        "trigger_description", "alert_body", "alert_text", "alert_details", "alert_content",
        "alarm_content", "alarm_details", "detail", "error_msg", "err_msg", "log_entry", "full_log",
        "full_message", "response_summary", "incident_reason", "summary_message", "sms_content",
        "cause", "explanation", "diagnosis", "last_message", "log", "log_message", "status_message",
        "exception", "exception_message",
    ),
    "env": ("env", "environment", "context.environment", "labels.env", "stage",
            "deployment_environment", "environment_name", "env_name", "environments", "app_env",
            "deploy_env", "target_environment"),
    "region": ("region", "aws_region", "context.region", "labels.region"),
    "service": (
        "service", "service_name", "app", "application", "context.service_name", "labels.service",
        "application_name", "app_name", "service_description", "component", "services",
        "microservice", "component_name", "system_name", "subsystem_name", "affected_service",
        "affected_services", "impacted_service",
    ),
    "category": ("category", "type", "domain"),
    "value": ("value", "current_value", "metric_value", "observed_value", "last_value"),
    "threshold": ("threshold", "threshold_value", "warning_threshold", "critical_threshold"),
    "fingerprint": ("fingerprint", "dedup_key", "deduplication_key"),
    "tracking_id": ("tracking_id", "request_id"),
    "incident_key": ("incident_key",),
    "sop_id": ("sop_id",),
}  # fmt: skip
# Of these the first counts whose word is known: `priority: normal` stands beside
# `alert_priority: P2`, and `status: sent` beside `current_state: UP`.
STATUS_NAMES = (
    # A run that is "completed" or "finished" may have failed.
    "conclusion", "final_status",
    "status", "state", "current_state", "new_state", "new_status", "alert_state",
    "alert_status", "alert_transition", "transition", "current_status", "monitor_condition",
    "incident_state", "resolution_state",
    "incident_status", "event_state", "event_status", "check_state", "check_status",
    "service_state", "host_state", "alarm_state", "problem_state", "trigger_status",
    "monitor_status", "to_state",
    "new_state_value", "result", "outcome", "phase", "health", "estado", "statut",
    "stato", "zustand", "situacao",
    # What a number in `status` means.
    "status_text", "status_label", "status_name", "status_description", "status_string",
    "state_text", "state_label", "state_name", "state_description", "state_string",
    "alert_type_friendly_name",
)  # fmt: skip
# An event is named after what became of its subject: `check.up`, `resolved_item`.
EVENT_NAMES = (
    "action", "event_action", "alert_action", "incident_action", "event_type", "notification_type",
    "event", "alert_event", "event_name", "alert_type", "kind", "type", "trigger",
    "trigger_type", "clear", "message_type",
)  # fmt: skip
SEVERITY_NAMES = (
    "severity", "incident_severity", "alert_severity", "level", "priority", "alert_priority",
    "importance_level", "importance", "urgency", "criticality", "alert_level", "severity_label",
    "severity_name", "event_severity", "sev", "impact", "gravite", "gravedad", "schweregrad",
    "trigger_type", "notification_type", "alert_type", "message_type",
)  # fmt: skip
# When the trouble began; a time under another name may be that of the message.
BEGIN_NAMES = (
    "starts_at", "start_time", "alert_start_time", "started_at", "triggered_at", "fired_at",
    "opened_at", "activated_at", "started_time", "down_since", "first_seen", "since",
)  # fmt: skip
START_NAMES = (
    "starts_at", "start_time", "alert_start_time", "timestamp", "ts", "time", "started_at",
    "created_at", "opened_at", "triggered_at", "fired_at", "fired_date_time", "occurred_at",
    "detected_at", "first_seen", "event_time", "state_changed_timestamp", "state_changed_utc_time",
    "start_date", "started", "start", "since", "date", "datetime", "created", "event_timestamp",
    "activated_at", "begin", "begin_time", "last_updated", "starttime", "create_time",
    "date_start_zoned", "date_start", "down_since", "down_at", "first_occurred_on",
    "triggered", "first_notice_at", "first_received",
    "trigger_time", "status_change_time", "incident_time",
)  # fmt: skip
END_NAMES = (
    "ends_at", "end_time", "alert_end_time", "ended_at", "resolved_at", "closed_at", "recovered_at",
    "cleared_at", "resolved_date_time", "resolved_time", "end_date", "end", "finished_at",
)  # fmt: skip
METADATA_STARTS = ("alert_start_time", "start_time", "start", "startsAt")
LINK_NAMES = (
    ("Source", "url"), ("Link", "link"), ("Runbook", "runbook_url"), ("Runbook", "runbook"),
    ("Dashboard", "dashboard_url"), ("Source", "generator_url"), ("Log", "log_url"),
    ("Source", "html_url"), ("Source", "incident_url"), ("Source", "alert_url"),
    ("Source", "issue_url"), ("Source", "event_url"), ("Source", "permalink"),
    ("Source", "web_url"), ("Source", "monitor_url"), ("Source", "check_url"),
    ("Image", "image_url"),
)  # fmt: skip
# Kept as labels under their own names, because SOP templates and keys use them.
LABEL_NAMES = (
    "path", "metric_name", "device_id", "host", "ship_id", "detector", "external_id", "hostname",
    "host_name", "instance", "pod", "container", "namespace", "cluster", "node", "device", "team",
    "location", "datacenter", "check_id", "monitor_id", "project", "entity", "monitor",
    # What an alert is about: the same rule fires for each of them.
    "node_name", "device_name", "server", "server_name", "cluster_name", "instance_name",
    "instance_id", "resource_name", "resource_id", "resource", "pod_name", "container_name",
    "sys_name", "ip", "ip_address", "queue", "topic", "database", "volume", "mountpoint", "disk",
    "interface", "bucket", "vhost", "target",
)  # fmt: skip
# What a text without a name or title is about, if it says how that is: the text differs at its end.
THING_NAMES = (
    "module", "probe", "flow", "flow_name", "task", "task_name", "script", "dag", "dag_id", "cron",
    "workflow", "pipeline", "playbook",
    "rule_id", "alarm_id", "check_id", "monitor_id", "sensor_id", "probe_id", "test_id",
)  # fmt: skip
# Their value is an environment only if it has the form of one.
ENV_HINTS = (
    "target", "tier", "stack", "deployment_name", "deployment", "account_name", "workspace",
    "profile", "group", "zone", "cluster_name",
)  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNWORDY = re.compile(r"[^a-z0-9.]+")


@lru_cache(maxsize=4096)  # the same few names come again
def normal_name(name: str) -> str:
    """Return a field's name as our tables write it: `alertName`, `Alert-Name` are alert_name."""
    if name.islower() and name.isidentifier():
        return name
    return _UNWORDY.sub("_", _CAMEL.sub("_", name[:80]).lower()).strip("_")
