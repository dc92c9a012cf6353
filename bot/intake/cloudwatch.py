"""AWS CloudWatch alarms: as the notify-slack Lambda posts them, and as SNS delivers them by HTTP.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.cleaning import http_url
from bot.intake.drafting import draft
from bot.intake.fields import an_object, at, some_text, some_time, wrong
from bot.intake.slack_message import SlackMessage

_VALUE = re.compile(r"\[\s*(-?[0-9.eE+-]+)")
_SNS = re.compile(r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?/\S{0,2000}")
_THRESHOLD = re.compile(r"threshold \((-?[0-9.eE+-]+)\)")
_REGION_OF_LINK = re.compile(r"[?&]region=([a-z0-9-]+)")
# The dimension that says whose alarm it is, the most telling first.
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
    """A post of terraform-aws-notify-slack (fields "Alarm Name", "Current State"), else None."""
    fields = message.fields
    name = fields.get("alarm name", "")
    if not name:
        return None
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


def parse_body(body: object) -> list[Alert]:
    """An SNS notification whose Message is an alarm, or the alarm itself.

    A subscription that waits for its confirmation becomes an alert with the address to open:
    nobody would see it otherwise.
    """
    whole = an_object(body, "body")
    kind = some_text(whole.get("Type"), "Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return [_confirmation(whole, kind)]
    where, alarm = "", whole
    if "Message" in whole and "AlarmName" not in whole:
        where, alarm = "Message", _message(whole)
    name = some_text(alarm.get("AlarmName"), at(where, "AlarmName"))
    if not name:
        raise wrong(at(where, "AlarmName"), "the alarm's name")
    trigger = an_object(alarm.get("Trigger") or {}, at(where, "Trigger"))
    labels = _dimensions(trigger.get("Dimensions"))
    for key, field in (("metric_name", "MetricName"), ("namespace", "Namespace")):
        labels[key] = some_text(trigger.get(field), at(where, f"Trigger.{field}"))
    labels["account"] = some_text(alarm.get("AWSAccountId"), at(where, "AWSAccountId"))
    arn = some_text(alarm.get("AlarmArn"), at(where, "AlarmArn")).split(":")
    reason = some_text(alarm.get("NewStateReason"), at(where, "NewStateReason"))
    description = some_text(alarm.get("AlarmDescription"), at(where, "AlarmDescription"))
    state = some_text(alarm.get("NewStateValue"), at(where, "NewStateValue"))
    changed = some_time(alarm.get("StateChangeTime"), at(where, "StateChangeTime"))
    resolved = state == "OK"
    return [
        _alarm(
            name,
            state,
            reason,
            description=description,
            text="\n".join(part for part in (description, reason) if part),
            region=arn[3] if len(arn) > 3 else some_text(alarm.get("Region"), at(where, "Region")),
            labels=labels,
            threshold=some_text(trigger.get("Threshold"), at(where, "Trigger.Threshold")),
            starts_at=None if resolved else changed,
            ends_at=changed if resolved else None,
            raw=whole,
        )
    ]


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
    of_dimension = next((labels[key] for key in _DIMENSIONS if labels.get(key)), "")
    if of_dimension.startswith(("app/", "net/", "targetgroup/")):
        of_dimension = of_dimension.split("/")[1]
    value, limit = _VALUE.search(reason), _THRESHOLD.search(reason)
    return draft(
        source="cloudwatch",
        # INSUFFICIENT_DATA is not a recovery.
        status=AlertStatus.RESOLVED if state.upper() == "OK" else AlertStatus.FIRING,
        name=name,
        title=f"{name}: {description}" if description else name,
        env=guesses.env_inside(name),
        region=region,
        service=of_dimension or guesses.subject_of(name),
        category=guesses.category_of(name) or guesses.category_of(labels.get("metric_name", "")),
        severity=guesses.severity_word(name),
        labels=labels,
        annotations={"description": description, "reason": reason},
        value=value[1] if value else "",
        threshold=threshold or (limit[1] if limit else ""),
        # The account is known to SNS only, and both doors should name one alarm alike.
        identity={"alarm_name": name, "region": region},
        **more,
    )


def _message(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    message = whole["Message"]
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except (ValueError, RecursionError):
            raise wrong("Message", "the JSON text of a CloudWatch alarm") from None
    return an_object(message, "Message")


def _dimensions(value: object) -> dict[str, str]:
    labels = {}
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            name = some_text(item.get("name", item.get("Name")), "Trigger.Dimensions")
            labels[name] = some_text(item.get("value", item.get("Value")), "Trigger.Dimensions")
    return labels


def _confirmation(whole: Mapping[str, Any], kind: str) -> Alert:
    topic = some_text(whole.get("TopicArn"), "TopicArn")
    url = http_url(some_text(whole.get("SubscribeURL"), "SubscribeURL"))
    # Anybody can post this, and anybody can have a host below amazonaws.com: only SNS itself is
    # worth a button. The signature is not checked, so the text says what to compare.
    genuine = _SNS.fullmatch(url) is not None
    return draft(
        source="cloudwatch",
        status=AlertStatus.FIRING,
        name=f"SNS {kind}",
        title=f"Amazon SNS waits for a confirmation: {topic}",
        text="The signature of this request was not checked. Confirm only a subscription that you"
        f" made, of a topic that you know.\n{some_text(whole.get('Message'), 'Message')}",
        service=topic.rsplit(":", 1)[-1],
        severity="low",
        links=[("Confirm the subscription", url)] if genuine else [],
        identity={"topic": topic, "kind": kind},
        raw=whole,
    )
