"""Builds what Amazon's services send: trouble, reminder, higher severity, end.

The builders take the same as those of `cloud_payloads`.
"""

from __future__ import annotations

import json
from typing import Any

from tests.intake.cloud_payloads import Builder, at, slack


def sns(message: Any, number: int, subject: str = "") -> dict[str, Any]:
    return {
        "Type": "Notification", "MessageId": f"0f1e2d3c-4b5a-4697-8887-{number:012d}",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:quay-alarms", "Subject": subject,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": at(number), "SignatureVersion": "1",
    }  # fmt: skip


def _reason(number: int) -> str:
    return f"Threshold Crossed: 1 datapoint [{40 + number}.5] was greater than the threshold (20.0)"


def cloudwatch_alarm(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    metric = {
        "MetricName": "Errors", "Namespace": "AWS/Lambda",
        "Dimensions": [{"name": "FunctionName", "value": subject}],
    }  # fmt: skip
    return sns({
        "AlarmName": f"prod-{subject}-errors", "AlarmDescription": "Too many errors",
        "AWSAccountId": "111122223333", "NewStateValue": "OK" if is_over else "ALARM",
        "NewStateReason": _reason(number), "StateChangeTime": at(number), "Region": "EU (Ireland)",
        "AlarmArn": f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:prod-{subject}-errors",
        "Trigger": {"Metrics": [
            {"Id": "e1", "Expression": "m1 / 60", "ReturnData": True},
            {"Id": "m1", "MetricStat": {"Metric": metric, "Stat": "Sum"}, "ReturnData": False},
        ]},
    }, number)  # fmt: skip


def cloudwatch_composite(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:"
    return sns({
        "AlarmName": f"prod-{subject}-errors", "AWSAccountId": "111122223333",
        "NewStateValue": "OK" if is_over else "ALARM",
        "NewStateReason": f"{arn}{subject}-a transitioned to ALARM at minute {number}",
        "StateChangeTime": at(number), "Region": "EU (Ireland)",
        "AlarmArn": f"{arn}prod-{subject}-errors", "AlarmRule": f"ALARM({subject}-a)",
        "TriggeringChildren": [{"Arn": f"{arn}{subject}-a", "State": {"Value": "ALARM"}}],
    }, number)  # fmt: skip


def cloudwatch_event(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    name = f"prod-{subject}-errors"
    return {
        "version": "0", "id": f"0a1b2c3d-0001-4002-8003-{number:012d}",
        "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
        "account": "111122223333", "time": at(number), "region": "eu-west-1",
        "resources": [f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}"],
        "detail": {
            "alarmName": name,
            "state": {"value": "OK" if is_over else "ALARM", "reason": _reason(number)},
            "configuration": {"metrics": [{"id": "m1", "metricStat": {"metric": {
                "name": "Errors", "namespace": "AWS/Lambda",
                "dimensions": {"FunctionName": subject}}}}]},
        },
    }  # fmt: skip


def chatbot_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    title = f"CloudWatch Alarm | prod-{subject}-errors | eu-west-1 | Account: 111122223333"
    return slack("Amazon Q Developer", number, attachments=[{
        "fallback": title, "color": "#2eb886" if is_over else "#d13212",
        "title": f"{':white_check_mark:' if is_over else ':rotating_light:'} {title}",
        "text": f"{_reason(number)}\nState change: {'ALARM → OK' if is_over else 'OK → ALARM'}",
    }])  # fmt: skip


def rds(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return sns({
        "Event Source": "db-instance", "Event Time": f"2026-11-22 10:0{number}:11.101",
        "Identifier Link": "https://console.aws.example/rds/home?region=eu-west-1#id",
        "Source ID": f"{subject}-prod", "Event Message": "Replication has stopped.",
        "Event ID": "https://docs.aws.example/rds#RDS-EVENT-0045",
    }, number, "RDS Notification Message")  # fmt: skip


def sns_text(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return sns(f"Backup of {subject} failed after {number} min", number, "backup")


FORMS: dict[str, tuple[str, str, Builder]] = {
    "cloudwatch alarm": ("http", "cloudwatch", cloudwatch_alarm),
    "cloudwatch composite alarm": ("http", "cloudwatch", cloudwatch_composite),
    "cloudwatch event": ("http", "generic", cloudwatch_event),
    "chatbot slack": ("slack", "slack", chatbot_slack),
}
# Their senders tell no end.
ENDLESS: dict[str, tuple[str, str, Builder]] = {
    "rds": ("http", "cloudwatch", rds),
    "sns text": ("http", "cloudwatch", sns_text),
}
