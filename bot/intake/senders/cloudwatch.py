"""AWS CloudWatch alarms: posted by the notify-slack Lambda, or delivered by SNS over HTTP.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses, states
from bot.intake.cleaning import TEXT_LIMIT
from bot.intake.drafting import Draft
from bot.intake.fields import (
    an_object,
    at,
    list_at,
    optional_text,
    optional_time,
    text_at,
    value_at,
    wrong,
)
from bot.intake.senders import aws_events, sns
from bot.intake.slack_message import SlackMessage

_VALUE = re.compile(r"\[\s*(-?[0-9.eE+-]+)")
# CloudFormation ends the names that it makes so.
_GENERATED = re.compile(r"-(?=[0-9A-Za-z]{0,13}[0-9])(?=[0-9a-z]{0,13}[A-Z])[0-9A-Za-z]{11,14}$")
_THRESHOLD = re.compile(r"threshold \((-?[0-9.eE+-]+)\)")
_CHATBOT = re.compile(
    r"CloudWatch Alarm \| (?P<name>[^|\n]{1,255}) \| (?P<region>[a-z]{2}[a-z0-9-]{5,20})"
    r"(?: \| Account: (?P<account>\d{12}))?"
)
_STATE = r"(?:ALARM|OK|INSUFFICIENT_DATA)"
_CHANGE = re.compile(rf"\b{_STATE}\s{{0,3}}(?:→|->|=>|to)\s{{0,3}}({_STATE})\b")
_REGION_OF_LINK = re.compile(r"[?&]region=([a-z0-9-]+)")
# The dimensions that name the owner of the alarm, the most specific first.
_DIMENSIONS = (
    "ServiceName",
    "FunctionName",
    "ApiName",
    "DBClusterIdentifier",
    "DBInstanceIdentifier",
    "CacheClusterId",
    "TableName",
    "QueueName",
    "AutoScalingGroupName",
    "TargetGroup",
    "LoadBalancer",
    "ClusterName",
)


def parse_message(message: SlackMessage) -> Alert | None:
    """A post of terraform-aws-notify-slack (fields "Alarm Name", "Current State"), or of Amazon Q
    Developer (AWS Chatbot); else None.
    """
    fields = message.fields
    name = fields.get("alarm name", "")
    if not name:
        return _of_chatbot(message)
    link = fields.get("link to alarm", "")
    region = _REGION_OF_LINK.search(link)
    reason = fields.get("alarm reason", "")
    return _alarm(
        name,
        fields.get("current state", ""),
        reason,
        description=fields.get("alarm description", ""),
        text=message.text,
        region=region[1] if region else "",
        links=[("CloudWatch alarm", link), *message.links],
        raw=message.raw,
    )


def _of_chatbot(message: SlackMessage) -> Alert | None:
    """Read `CloudWatch Alarm | name | region | Account: 111122223333`.

    The form is not public. The state is that of a change (`OK → ALARM`), of the emoji, or of the
    colour.
    """
    for headline in message.headlines:
        if match := _CHATBOT.search(headline, 0, 1_000):
            break
    else:
        return None
    change = _CHANGE.search(message.text[:TEXT_LIMIT])
    shown_state = states.emoji_state(headline) or message.colour
    state = change[1] if change else "OK" if shown_state is AlertStatus.RESOLVED else "ALARM"
    reason = next((line for line in message.text.split("\n") if "Threshold" in line[:80]), "")
    return _alarm(
        match["name"].strip(),
        state,
        reason,
        text=message.text,
        region=match["region"],
        labels={"account": match["account"] or ""},
        links=message.links,
        raw=message.raw,
    )


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a message of SNS, or an alarm or event that was posted without SNS."""
    return (
        ("TopicArn" in body and "Type" in body)
        or ("AlarmName" in body and "NewStateValue" in body)
        or (aws_events.is_event(body) and text_at(body, "source").startswith("aws."))
        or aws_events.is_rds_notice(body)
    )


def parse_body(body: object) -> list[Alert]:
    """Parse an SNS notification, or the alarm or event itself.

    A topic carries whatever its publishers send: alarms, events, JSON and text; each is an alert.
    A subscription that awaits its confirmation becomes an alert with the address to open: otherwise
    nobody would see it.
    """
    whole = an_object(body, "body")
    kind = optional_text(whole.get("Type"), "Type")
    if kind in sns.CONFIRMATIONS:
        return [sns.confirmation(whole, kind)]
    where, alarm = "", whole
    # SNS signs the Message, but not the fields beside it.
    if "Message" in whole and (kind or "AlarmName" not in whole):
        message = _message(whole)
        if not isinstance(message, dict):
            if not kind:  # only a topic carries any text
                raise wrong("Message", "the JSON text of a CloudWatch alarm")
            return [_other(whole, message)]
        where, alarm = "Message", message
    if aws_events.is_event(alarm):
        event = _alarm_of_event(alarm)
        if event is None:
            return [aws_events.event_alert(alarm, whole)]
        alarm = event
    if aws_events.is_rds_notice(alarm):
        return [aws_events.rds_alert(alarm, whole)]
    if where and kind and "AlarmName" not in alarm:
        return [_other(whole, alarm)]
    return [_described(alarm, where, whole)]


def _described(alarm: Mapping[str, Any], where: str, whole: Mapping[str, Any]) -> Alert:
    """Return the alert of an alarm's own description, which stands in the field `where`."""
    name = optional_text(alarm.get("AlarmName"), at(where, "AlarmName"))
    if not name:
        raise wrong(at(where, "AlarmName"), "the alarm's name")
    trigger = an_object(alarm.get("Trigger") or {}, at(where, "Trigger"))
    labels = _metric_labels(trigger)
    labels["triggering"] = _children(list_at(alarm, "TriggeringChildren"))
    labels["account"] = optional_text(alarm.get("AWSAccountId"), at(where, "AWSAccountId"))
    arn = optional_text(alarm.get("AlarmArn"), at(where, "AlarmArn")).split(":")
    reason = optional_text(alarm.get("NewStateReason"), at(where, "NewStateReason"))
    description = optional_text(alarm.get("AlarmDescription"), at(where, "AlarmDescription"))
    state = optional_text(alarm.get("NewStateValue"), at(where, "NewStateValue"))
    changed = optional_time(alarm.get("StateChangeTime"), at(where, "StateChangeTime"))
    resolved = state == "OK"
    return _alarm(
        name,
        state,
        reason,
        description=description,
        text="\n".join(part for part in (description, reason) if part),
        region=arn[3] if len(arn) > 3 else optional_text(alarm.get("Region"), at(where, "Region")),
        labels=labels,
        threshold=optional_text(trigger.get("Threshold"), at(where, "Trigger.Threshold")),
        starts_at=None if resolved else changed,
        ends_at=changed if resolved else None,
        raw=whole,
    )


def _alarm(
    name: str,
    state: str,
    reason: str,
    *,
    description: str = "",
    region: str = "",
    labels: Mapping[str, str] | None = None,
    threshold: str = "",
    **more: Any,
) -> Alert:
    labels = {"alarm_name": name, "state": state, **(labels or {})}
    dimension = next((key for key in _DIMENSIONS if labels.get(key)), "")
    service = labels.get(dimension, "")
    if service.startswith(("app/", "net/", "targetgroup/")):
        service = service.split("/")[1]
    value, limit = _VALUE.search(reason), _THRESHOLD.search(reason)
    return Draft(
        source="cloudwatch",
        # INSUFFICIENT_DATA is not a recovery.
        status=AlertStatus.RESOLVED if state.upper() == "OK" else AlertStatus.FIRING,
        name=name,
        title=f"{name}: {description}" if description else name,
        env=guesses.env_inside(name) or guesses.env_inside(service),
        region=region,
        service=service or _service_in(name, labels.get("InstanceId", "")),
        category=guesses.category_of(name) or guesses.category_of(labels.get("metric_name", "")),
        severity=guesses.severity_word(name),
        labels=labels,
        annotations={"description": description, "reason": reason},
        value=value[1] if value else "",
        threshold=threshold or (limit[1] if limit else ""),
        # Only SNS sends the account; both endpoints must identify an alarm in the same way.
        identity={"alarm_name": name, "region": region},
        read_from={
            "service": f"label {dimension}" if dimension else "guess",
            "env": "guess",
            "severity": "title",
        },
        **more,
    ).alert()


def _service_in(name: str, instance: str) -> str:
    """Return the service that an alarm's name means; '' for a name that CloudFormation made, and
    for one that the console made of an instance (`awsec2-i-0123-StatusCheckFailed`).
    """
    is_made = _GENERATED.search(name) or (instance and instance in name)
    return "" if is_made else guesses.subject_of(name)


def _message(whole: Mapping[str, Any]) -> object:
    """Return the Message: an object where it is JSON, else its text."""
    message = whole["Message"]
    if isinstance(message, str):
        try:
            decoded = json.loads(message)
        except (ValueError, RecursionError):
            return message
        return decoded if isinstance(decoded, dict) else message
    return message


def _other(whole: Mapping[str, Any], message: object) -> Alert:
    return aws_events.other_alert(
        text_at(whole, "Subject"), message, text_at(whole, "TopicArn").rpartition(":")[2], whole
    )


def _alarm_of_event(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the alarm of a state change that EventBridge sends, in the form of SNS; else None."""
    detail = value_at(event, "detail")
    name = text_at(detail, "alarmName")
    if not name:
        return None
    return {
        "AlarmName": name,
        "AlarmDescription": text_at(detail, "configuration.description"),
        "AWSAccountId": text_at(event, "account"),
        "Region": text_at(event, "region"),
        "NewStateValue": text_at(detail, "state.value"),
        "NewStateReason": text_at(detail, "state.reason"),
        "StateChangeTime": text_at(detail, "state.timestamp") or text_at(event, "time"),
        "Trigger": {
            "Metrics": [
                {
                    "MetricStat": {
                        "Metric": {
                            "MetricName": text_at(metric, "metricStat.metric.name"),
                            "Namespace": text_at(metric, "metricStat.metric.namespace"),
                            "Dimensions": value_at(metric, "metricStat.metric.dimensions"),
                        }
                    }
                }
                for metric in list_at(detail, "configuration.metrics")
            ]
        },
    }


def _metric_labels(trigger: Mapping[str, Any]) -> dict[str, str]:
    """Return the metric and its dimensions.

    An alarm on an anomaly band or on metric math has them in `Metrics[]`; of several metrics only
    the dimensions count that do not contradict each other.
    """
    inner = [value_at(item, "MetricStat.Metric") for item in list_at(trigger, "Metrics")]
    labels: dict[str, str] = {}
    torn: set[str] = set()
    for metric in (trigger, *inner):
        own = _dimensions(value_at(metric, "Dimensions"))
        own["metric_name"] = text_at(metric, "MetricName")
        own["namespace"] = text_at(metric, "Namespace")
        for key, text in own.items():
            if text and labels.setdefault(key, text) != text:
                torn.add(key)
    return {key: text for key, text in labels.items() if key not in torn}


def _dimensions(value: object) -> dict[str, str]:
    """Return dimensions, which are a list of names and values or an object."""
    if isinstance(value, dict):
        return {name: text_at(value, name) for name in value if "." not in name}
    pairs = value if isinstance(value, list) else ()
    return {
        text_at(pair, "name", "Name"): text_at(pair, "value", "Value")
        for pair in pairs
        if text_at(pair, "name", "Name")
    }


def _children(value: Sequence[Any]) -> str:
    """Return the names of the alarms that made a composite alarm change."""
    names = (text_at(item, "Arn", "arn").rpartition(":alarm:")[2] for item in value)
    return ", ".join(name for name in names if name)
