"""Dynatrace: problem notifications by webhook.

https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, text_at, time_at, wrong

# Dynatrace's order of what a problem is; it names no other severity.
_SEVERITIES = {"AVAILABILITY": "critical", "ERROR": "high", "PERFORMANCE": "medium",
               "RESOURCE_CONTENTION": "medium", "CUSTOM_ALERT": "medium"}  # fmt: skip
# Nobody is told the end of a problem that became part of another, which has its own notice.
_ENDS = ("RESOLVED", "CLOSED", "MERGED")
_SERVICE_KINDS = ("SERVICE", "APPLICATION", "PROCESS_GROUP")


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a problem with Dynatrace's own names."""
    return "ProblemID" in body and ("State" in body or "ProblemTitle" in body)


def parse_body(body: object) -> list[Alert]:
    """Parse one problem."""
    whole = an_object(body, "body")
    problem = text_at(whole, "ProblemID", "PID")
    if not problem:
        raise wrong("ProblemID", "the problem's id, as Dynatrace sends it")
    title = text_at(whole, "ProblemTitle") or f"Dynatrace problem {problem}"
    state, kind = text_at(whole, "State").upper(), text_at(whole, "ProblemSeverity").upper()
    labels = _tags(text_at(whole, "Tags"))
    entity = text_at(whole, "ImpactedEntities.0.name")
    is_service = text_at(whole, "ImpactedEntities.0.type").startswith(_SERVICE_KINDS)
    has_one = not text_at(whole, "ImpactedEntities.1.name")
    status = AlertStatus.RESOLVED if state in _ENDS else AlertStatus.FIRING
    details = "ProblemDetailsJSON."
    return [
        Draft(
            source="dynatrace",
            status=status,
            name=title,
            title=f"{title} on {entity}" if entity and has_one else title,
            text="\n".join(
                part
                for part in (
                    text_at(whole, "ProblemDetailsText"),
                    text_at(whole, "ImpactedEntity"),
                )
                if part
            ),
            service=guesses.service_of(labels)[0] or (entity if has_one else ""),
            severity=_SEVERITIES.get(kind, kind),
            labels={
                **labels,
                "problem": problem,
                "impact": text_at(whole, "ProblemImpact"),
                "problem_severity": kind,
                "entity": entity,
            },
            starts_at=time_at(whole, f"{details}startTime", "StartTime", "ProblemStartTime"),
            ends_at=time_at(whole, f"{details}endTime", "EndTime"),
            links=[("Dynatrace", text_at(whole, "ProblemURL"))],
            identity={"problem": problem},
            read_from={
                "status": "field" if state in ("OPEN", *_ENDS) else "guess",
                "severity": "guess" if kind in _SEVERITIES else "field",
                **({} if is_service or not entity else {"service": "guess"}),
            },
            raw=whole,
        ).alert()
    ]


def _tags(text: str) -> dict[str, str]:
    """Parse `env:prod, [AWS]team:shop, blue`."""
    tags = {}
    for item in text[:5_000].split(","):
        name, colon, value = item.strip().rpartition("]")[2].partition(":")
        tags[name.strip().lower()] = value.strip() if colon else "true"
    return tags
