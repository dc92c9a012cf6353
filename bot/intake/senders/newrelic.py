"""New Relic: notifications of a workflow, and the older ones of a notification channel.

https://docs.newrelic.com/docs/alerts/get-notified/intro-notifications/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert
from bot.intake import guesses, states
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, text_at, texts_at, time_at, value_at, wrong
from bot.intake.reading import Activity, ActivityKind


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for one of the two default payloads."""
    return ("issueUrl" in body and "state" in body and "alertConditionNames" in body) or (
        {"current_state", "condition_name", "policy_name"} <= body.keys()
    )


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one notification; an acknowledgement is activity."""
    whole = an_object(body, "body")
    if "current_state" in whole:
        return [_older(whole)]
    if not text_at(whole, "state"):
        raise wrong("state", "ACTIVATED, CREATED or CLOSED, as a workflow of New Relic sends it")
    return [_workflow(whole)]


def _workflow(whole: Mapping[str, Any]) -> Alert | Activity:
    title = text_at(whole, "title", "annotations.title.0", "alertConditionNames.0")
    issue = text_at(whole, "id", "issueId")
    # One issue collects more entities while it is open, so only its id stays the same.
    identity = {"issue": issue} if issue else {"title": title}
    state = text_at(whole, "state")
    if "ACKNOWLEDGED" in (state.upper(), text_at(whole, "trigger").upper().rpartition("_")[2]):
        kind = ActivityKind.ACKNOWLEDGED
        if text_at(whole, "trigger").upper().startswith("UN"):
            kind = ActivityKind.UNACKNOWLEDGED
        owner = text_at(whole, "owner")
        return activity_about("newrelic", identity, kind, title, actor=owner, is_stated=True)
    names = texts_at(whole, "impactedEntities")
    status = states.status_of(state)
    resolved = status is states.RESOLVED
    return Draft(
        source="newrelic",
        status=status,
        name=text_at(whole, "alertConditionNames.0") or title,
        title=title,
        text="\n".join(part for part in (title, ", ".join(names[:20])) if part),
        # Several entities are no one service.
        service=names[0] if len(names) == 1 else "",
        severity=text_at(whole, "priority", "severity"),
        labels={
            "issue": issue,
            "policy": text_at(whole, "alertPolicyNames.0"),
            "condition": text_at(whole, "alertConditionNames.0"),
            "workflow": text_at(whole, "workflowName"),
        },
        starts_at=time_at(whole, "activatedAt", "createdAt"),
        ends_at=time_at(whole, "closedAt", "updatedAt") if resolved else None,
        links=[("New Relic", text_at(whole, "issueUrl", "issuePageUrl"))],
        identity=identity,
        read_from={"status": "field" if states.state_of(state) else "guess"},
        raw=whole,
    ).alert()


def _older(whole: Mapping[str, Any]) -> Alert | Activity:
    condition, policy = text_at(whole, "condition_name"), text_at(whole, "policy_name")
    incident = text_at(whole, "incident_id")
    target = text_at(whole, "targets.0.name")
    identity = {"incident": incident} if incident else {"condition": condition, "policy": policy}
    details = text_at(whole, "details")
    state = text_at(whole, "current_state")
    if state.lower() == "acknowledged":
        text = f"{condition}: {details}"
        owner = text_at(whole, "owner")
        kind = ActivityKind.ACKNOWLEDGED
        return activity_about("newrelic", identity, kind, text, actor=owner, is_stated=True)
    own = value_at(whole, "targets.0.labels")
    labels = {
        str(name).lower(): text_at(own, name)
        for name in (own if isinstance(own, dict) else ())
        if "." not in name
    }
    status = states.status_of(state)
    at = time_at(whole, "timestamp")
    return Draft(
        source="newrelic",
        status=status,
        name=condition,
        title=f"{condition}: {details}" if details else condition,
        text=details,
        service=guesses.service_of(labels)[0] or target,
        severity=text_at(whole, "severity", "priority"),
        labels={**labels, "policy": policy, "incident": incident, "target": target},
        starts_at=at if status is states.FIRING else None,
        ends_at=at if status is states.RESOLVED else None,
        links=[
            ("New Relic", text_at(whole, "incident_url")),
            ("Runbook", text_at(whole, "runbook_url")),
        ],
        identity=identity,
        read_from={"status": "field" if states.state_of(state) else "guess"},
        raw=whole,
    ).alert()
