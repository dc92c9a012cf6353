"""AWS notices that are no alarms: EventBridge and RDS events, and anything else of an SNS topic.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.incidents.model import Alert
from bot.intake import guesses, states
from bot.intake.cleaning import storable_with_json, title_of
from bot.intake.drafting import Draft, still
from bot.intake.fields import text_at, time_at, value_at
from bot.intake.general_body import alert_of_anything

# Where the events of AWS's services say what they are about; an ARN of a task changes each time.
_SUBJECTS = (
    "group", "jobName", "pipeline", "project-name", "dBInstanceIdentifier", "SourceIdentifier",
    "clusterName", "functionName", "stateMachineArn", "instance-id", "name", "service",
)  # fmt: skip
_STATES = ("state", "status", "lastStatus", "build-status", "statusCode")
_TEXTS = ("title", "Message", "message", "reason", "stoppedReason", "cause", "description")
_RUN = re.compile(r"[:/-](?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32})$")
# GuardDuty's numbers: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
_GUARDDUTY = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"))


def is_event(message: Mapping[str, Any]) -> bool:
    """Return True for an event of EventBridge."""
    return {"detail-type", "detail", "source"} <= message.keys()


def is_rds_notice(message: Mapping[str, Any]) -> bool:
    """Return True for the notice that an RDS event subscription sends."""
    return {"Event Source", "Source ID", "Event Message"} <= message.keys()


def event_alert(event: Mapping[str, Any], raw: Any) -> Alert:
    """Return an EventBridge event as an alert: its kind, what it is about, and its state."""
    kind, source = text_at(event, "detail-type"), text_at(event, "source")
    detail = value_at(event, "detail")
    arn = text_at(event, "resources.0")
    about = text_at(detail, *_SUBJECTS) or _RUN.sub("", arn)
    subject = re.split(r"[:/]", about)[-1]
    state = text_at(detail, *_STATES)
    text = text_at(detail, *_TEXTS, "service.additionalInfo.value")
    if not text:
        text = text_at(value_at(detail, "eventDescription.0"), "latestDescription")
    code = text_at(detail, "eventTypeCode", "type", "EventID")
    title = " ".join(part for part in (f"{kind}:" if subject else kind, subject, state) if part)
    return Draft(
        source="cloudwatch",
        status=states.status_of(state),
        name=f"{kind} {subject}".strip(),
        title=f"{title}: {title_of(text)}" if text else title,
        text="\n".join(part for part in (title, text, code, arn) if part),
        env=guesses.env_inside(about),
        region=text_at(event, "region"),
        service=subject,
        severity=_severity(source, text_at(detail, "severity")),
        labels={
            "event_source": source,
            "detail_type": kind,
            "account": text_at(event, "account"),
            "code": code,
        },
        starts_at=time_at(event, "time"),
        identity={"source": source, "kind": kind, "about": about, "code": code},
        read_from={
            "status": "field" if states.state_of(state) else "guess",
            "service": "guess",
            "env": "guess",
        },
        raw=raw,
    ).alert()


def rds_alert(notice: Mapping[str, Any], raw: Any) -> Alert:
    """Return a notice of RDS as an alert of the database that it names."""
    database = text_at(notice, "Source ID")
    text = text_at(notice, "Event Message")
    event_id = text_at(notice, "Event ID").rpartition("#")[2]
    link = text_at(notice, "Identifier Link")
    region = re.search(r"[?&]region=([a-z0-9-]+)", link[:500])
    return Draft(
        source="cloudwatch",
        status=states.FIRING,
        name=f"{database} {event_id}".strip(),
        title=f"{database}: {text}",
        text=text,
        env=guesses.env_inside(database),
        region=region[1] if region else "",
        service=database,
        category="database",
        labels={"event_id": event_id, "source_type": text_at(notice, "Event Source")},
        starts_at=time_at(notice, "Event Time"),
        links=[("RDS", link)],
        identity={"database": database, "event": event_id or still(text)},
        read_from={"status": "guess", "category": "guess", "env": "guess"},
        raw=raw,
    ).alert()


def other_alert(subject: str, message: object, topic: str, raw: Any) -> Alert:
    """Return any other message of a topic: JSON by the general reading, text by its first line.

    The subject is the title of a text of several lines, which often begins with a greeting.
    """
    if isinstance(message, dict):
        body = dict(message)
        if subject:
            body.setdefault("subject", subject)
    else:
        text = str(message).strip() or subject or "(an empty message)"
        is_long = "\n" in text and subject
        shown = f"{subject}\n{text}" if subject and subject not in text else text
        body = {"title": subject if is_long else title_of(text), "text": shown, "topic": topic}
    alert = alert_of_anything(body, "Message", "cloudwatch")
    stored, raw_json = storable_with_json(raw)
    return replace(alert, raw=stored, raw_json=raw_json)


def _severity(source: str, word: str) -> str:
    if source != "aws.guardduty":
        return word
    try:
        number = float(word)
    except ValueError:
        return word
    return next((name for least, name in _GUARDDUTY if number >= least), "")
