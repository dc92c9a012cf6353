"""Writes the notices in plain text, with an incident's facts."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.model import Approval
from bot.incidents.model import Incident
from bot.intake.cleaning import one_line
from bot.notify.model import NoticeKind, OutsideMessage

LONGEST_TEXT = 1000
SECOND_TIME = (
    "You may have got this already: the bot was stopped while it sent it, so it sends it once more."
)
NOT_IN_SLACK = "Slack does not show this: it has been unreachable for {minutes} min."


def about_incident(incident: Incident, key: str, seconds: float) -> OutsideMessage:
    """The notice of a critical incident."""
    title = f"{incident.severity.upper()}: {one_line(incident.title, 150)} ({incident.number})"
    return OutsideMessage(
        NoticeKind.TRIGGER,
        key,
        title,
        _text(incident, seconds),
        (incident.number,),
        _facts(incident),
    )


def about_approval(
    incident: Incident, approval: Approval, key: str, seconds: float
) -> OutsideMessage:
    """The notice of an approval that waits. It can be approved in Slack only."""
    action = one_line(approval.proposal.title, 150)
    head = f"Awaiting approval: {action} ({incident.number})"
    approvers = ", ".join(f"@{who}" for who in approval.approvers) or "nobody"
    text = (
        f"{action} on {one_line(approval.proposal.target, 100)} needs {approval.needed} of"
        f" {approvers}, until {_time(approval.expires_at)}.\n"
        "It can be approved in Slack only, once Slack can be reached.\n\n"
        f"{_text(incident, seconds)}"
    )
    facts = {**_facts(incident), "approval": approval.id, "expires_at": _time(approval.expires_at)}
    return OutsideMessage(NoticeKind.TRIGGER, key, head, text, (incident.number,), facts)


def slack_is_back(incidents: list[int], key: str) -> OutsideMessage:
    """The notice that Slack shows what went out before."""
    numbers = tuple(f"INC-{number}" for number in incidents)
    title = f"Slack is back: {', '.join(numbers[:5])}" + (" …" if len(numbers) > 5 else "")
    text = f"Slack shows these incidents now: {', '.join(numbers)}. Go on there."
    return OutsideMessage(NoticeKind.RETURNED, key, title, text, numbers)


def _text(incident: Incident, seconds: float) -> str:
    shown = incident.display
    facts = (
        ("incident", incident.number),
        ("status", incident.status.value),
        ("where", " · ".join(filter(None, (shown.env, shown.region, shown.service)))),
        ("since", _time(shown.since)),
        ("value", incident.value and f"{incident.value} (threshold {incident.threshold or '-'})"),
        ("alerts", str(incident.alert_count)),
        ("SOP", incident.sop_id),
        ("tracking id", incident.tracking_id),
    )
    lines = [f"{name}: {one_line(value, 200)}" for name, value in facts if value]
    sender_text = incident.text.strip()[:LONGEST_TEXT]
    quoted = [f"> {line}" for line in sender_text.splitlines()]
    source = one_line(incident.source, 40)
    return "\n".join(
        [
            one_line(incident.title, 200),
            "",
            *lines,
            *([f"\n{source} says:", *quoted] if quoted else []),
            "",
            NOT_IN_SLACK.format(minutes=max(1, round(seconds / 60))),
        ]
    )


def _facts(incident: Incident) -> dict[str, str]:
    shown = incident.display
    return {
        "severity": incident.severity.value,
        "status": incident.status.value,
        "env": shown.env,
        "region": shown.region,
        "service": shown.service,
        "since": _time(shown.since),
        "sop_id": incident.sop_id,
        "tracking_id": incident.tracking_id,
    }


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
