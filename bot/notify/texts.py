"""Writes the notices in plain text, with an incident's facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.approvals.model import Approval
from bot.incidents.model import Incident
from bot.intake.cleaning import one_line
from bot.language import N_, _, translated
from bot.notify.model import NoticeKind, OutsideMessage

LONGEST_TEXT = 1000
SECOND_TIME = N_(
    "You may have got this already: the bot was stopped while it sent it, so it sends it once more."
)
NOT_IN_SLACK = N_("Slack does not show this: it has been unreachable for {minutes} min.")


def about_incident(incident: Incident, key: str, seconds: float) -> OutsideMessage:
    """The notice of a critical incident."""
    severity = translated(incident.severity).upper()
    title = f"{severity}: {one_line(incident.title, 150)} ({incident.number})"
    return OutsideMessage(
        NoticeKind.TRIGGER,
        key,
        title,
        _text(incident, seconds),
        (incident.number,),
        _facts(incident),
    )


def about_approval(
    incident: Incident,
    approval: Approval,
    key: str,
    seconds: float,
    names: Mapping[str, str],
) -> OutsideMessage:
    """The notice of an approval that waits. It can be approved in Slack only.

    `names` are the display names of approvers; one without a name is shown by their id alone.
    """
    action = one_line(approval.proposal.title, 150)
    head = _("Awaiting approval: {action} ({number})").format(action=action, number=incident.number)
    needs = _("{action} on {target} needs {needed} of {approvers}, until {at}.").format(
        action=action,
        target=one_line(approval.proposal.target, 100),
        needed=approval.needed,
        approvers=", ".join(_person(who, names) for who in approval.approvers) or _("nobody"),
        at=_time(approval.expires_at),
    )
    how = _("It can be approved in Slack only, once Slack can be reached.")
    text = f"{needs}\n{how}\n\n{_plan(approval)}\n\n{_text(incident, seconds)}"
    facts = {**_facts(incident), "approval": approval.id, "expires_at": _time(approval.expires_at)}
    return OutsideMessage(NoticeKind.TRIGGER, key, head, text, (incident.number,), facts)


def _person(user: str, names: Mapping[str, str]) -> str:
    """The name that a person chose, and their id: others may have that name, or it may be `all`.

    Without any `@`: a chat or a mail reader elsewhere would mention everyone for `@everyone`.
    """
    name = one_line(names.get(user, "").replace("@", " "), 60)
    return f"{name} ({user})" if name else user


def _plan(approval: Approval) -> str:
    """The values that would run, and the gateway's preview of it: two of one action differ here."""
    values = [
        f"{parameter.name}: {one_line(str(parameter.shown), 200)}"
        for parameter in approval.proposal.parameters
    ]
    command = approval.preview.command.strip()[:LONGEST_TEXT].splitlines()
    return "\n".join([*values, *(f"> {one_line(line, 200)}" for line in command)])


def slack_is_back(incidents: list[int], key: str) -> OutsideMessage:
    """The notice that Slack shows what went out before."""
    numbers = tuple(f"INC-{number}" for number in incidents)
    shown = ", ".join(numbers[:5]) + (" …" if len(numbers) > 5 else "")
    title = _("Slack is back: {numbers}").format(numbers=shown)
    text = _("Slack shows these incidents now: {numbers}. Go on there.").format(
        numbers=", ".join(numbers)
    )
    return OutsideMessage(NoticeKind.RETURNED, key, title, text, numbers)


def _text(incident: Incident, seconds: float) -> str:
    shown = incident.display
    facts = (
        (_("incident"), incident.number),
        (_("status"), translated(incident.status)),
        (_("where"), " · ".join(filter(None, (shown.env, shown.region, shown.service)))),
        (_("since"), _time(shown.since)),
        (_("value"), incident.value and _value(incident)),
        (_("alerts"), str(incident.alert_count)),
        ("SOP", incident.sop_id),
        (_("tracking id"), incident.tracking_id),
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
            *([f"\n{_('{source} says:').format(source=source)}", *quoted] if quoted else []),
            "",
            _(NOT_IN_SLACK).format(minutes=max(1, round(seconds / 60))),
        ]
    )


def _value(incident: Incident) -> str:
    return _("{value} (threshold {threshold})").format(
        value=incident.value, threshold=incident.threshold or "-"
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
