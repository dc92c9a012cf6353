"""AWS CloudWatch alarms: posted by the notify-slack Lambda, or delivered by SNS over HTTP.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.incidents.model import Alert, AlertStatus, Hyperlink
from bot.intake import guesses
from bot.intake.cleaning import http_url
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, at, optional_text, optional_time, wrong
from bot.intake.slack_message import SlackMessage

_VALUE = re.compile(r"\[\s*(-?[0-9.eE+-]+)")
# The hosts of SNS in its regions (a pattern). Anybody can get another host below amazonaws.com.
SNS_HOST = r"sns\.[a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?"
_SNS = re.compile(rf"https://{SNS_HOST}/\S{{0,2000}}")
_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_THRESHOLD = re.compile(r"threshold \((-?[0-9.eE+-]+)\)")
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


class Signature(StrEnum):
    """Result of the check of an SNS signature."""

    VERIFIED = "verified"
    INVALID = "invalid"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """The result of a check, and the reason why the signature is not verified.

    The signature covers `account` (AWS) and `message_id`; both are empty unless it is verified.
    """

    signature: Signature
    why: str = ""
    account: str = ""
    message_id: str = ""

    @property
    def sender(self) -> str:
        """Return the sender of the message, for `Delivery.sender`.

        The account is part of it, because anybody with an account can have SNS sign a message.
        """
        return f"http:cloudwatch-{self.account or 'unverified'}"


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


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a message of SNS, or an alarm that was posted without SNS."""
    return ("TopicArn" in body and "Type" in body) or (
        "AlarmName" in body and "NewStateValue" in body
    )


def parse_body(body: object) -> list[Alert]:
    """Parse an SNS notification whose Message is an alarm, or the alarm itself.

    A subscription that awaits its confirmation becomes an alert with the address to open: otherwise
    nobody would see it.
    """
    whole = an_object(body, "body")
    kind = optional_text(whole.get("Type"), "Type")
    if kind in _CONFIRMATIONS:
        return [_confirmation(whole, kind)]
    where, alarm = "", whole
    # SNS signs the Message, but not the fields beside it.
    if "Message" in whole and (kind or "AlarmName" not in whole):
        where, alarm = "Message", _message(whole)
    name = optional_text(alarm.get("AlarmName"), at(where, "AlarmName"))
    if not name:
        raise wrong(at(where, "AlarmName"), "the alarm's name")
    trigger = an_object(alarm.get("Trigger") or {}, at(where, "Trigger"))
    labels = _dimensions(trigger.get("Dimensions"))
    for key, field in (("metric_name", "MetricName"), ("namespace", "Namespace")):
        labels[key] = optional_text(trigger.get(field), at(where, f"Trigger.{field}"))
    labels["account"] = optional_text(alarm.get("AWSAccountId"), at(where, "AWSAccountId"))
    arn = optional_text(alarm.get("AlarmArn"), at(where, "AlarmArn")).split(":")
    reason = optional_text(alarm.get("NewStateReason"), at(where, "NewStateReason"))
    description = optional_text(alarm.get("AlarmDescription"), at(where, "AlarmDescription"))
    state = optional_text(alarm.get("NewStateValue"), at(where, "NewStateValue"))
    changed = optional_time(alarm.get("StateChangeTime"), at(where, "StateChangeTime"))
    resolved = state == "OK"
    return [
        _alarm(
            name,
            state,
            reason,
            description=description,
            text="\n".join(part for part in (description, reason) if part),
            region=arn[3]
            if len(arn) > 3
            else optional_text(alarm.get("Region"), at(where, "Region")),
            labels=labels,
            threshold=optional_text(trigger.get("Threshold"), at(where, "Trigger.Threshold")),
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
    return Draft(
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
        # Only SNS sends the account; both endpoints must identify an alarm in the same way.
        identity={"alarm_name": name, "region": region},
        **more,
    ).alert()


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
            name = optional_text(item.get("name", item.get("Name")), "Trigger.Dimensions")
            labels[name] = optional_text(item.get("value", item.get("Value")), "Trigger.Dimensions")
    return labels


def with_signature(
    alerts: Sequence[Alert], body: Mapping[str, Any], check: SignatureCheck
) -> list[Alert]:
    """Return the alerts of this body, each with the result of the signature check in its text.

    Only a verified message gets the button that confirms a subscription.
    """
    return [_with_signature(alert, body, check) for alert in alerts]


def _with_signature(alert: Alert, body: Mapping[str, Any], check: SignatureCheck) -> Alert:
    mark = {"sns_signature": str(check.signature)}
    alert = replace(alert, labels=mark | {**alert.labels, **mark})
    if check.signature is not Signature.VERIFIED:
        return replace(alert, text=f"SNS signature not verified: {check.why}.\n{alert.text}")
    if body.get("Type") not in _CONFIRMATIONS:
        return alert
    url = http_url(optional_text(body.get("SubscribeURL"), "SubscribeURL"))
    if _SNS.fullmatch(url) is None:
        return alert
    return replace(alert, links=(Hyperlink("Confirm the subscription", url), *alert.links))


def _confirmation(whole: Mapping[str, Any], kind: str) -> Alert:
    topic = optional_text(whole.get("TopicArn"), "TopicArn")
    return Draft(
        source="cloudwatch",
        status=AlertStatus.FIRING,
        name=f"SNS {kind}",
        title=f"Amazon SNS waits for a confirmation: {topic}",
        # A signature proves that SNS sent this, not that the topic is ours.
        text="Confirm only a subscription that you made, of a topic that you know."
        f"\n{optional_text(whole.get('Message'), 'Message')}",
        service=topic.rsplit(":", 1)[-1],
        severity="low",
        identity={"topic": topic, "kind": kind},
        raw=whole,
    ).alert()
