"""Describes people's actions on an incident, as the store reports them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.approvals.model import Approval
from bot.incidents.model import Incident, IncidentChange, IncidentStatus, Resolution, TimelineEntry
from handlers.views.approval import with_mentions
from handlers.views.text import (
    SYMBOL,
    Block,
    ago,
    button,
    line,
    plural,
    section,
    untrusted_line,
)

_MARKS = {"assigned": "👀", "severity set": "🔺", "escalated": "🔔", "escalation answered": "👀"}


def acknowledged(change: IncidentChange, user: str, now: datetime) -> str:
    """The answer to the person who acknowledged, with the present owner."""
    incident = change.incident
    number = incident.number
    if change.changed and change.former and change.former != user:
        return (
            f"🔔 You answered the escalation of {number}. It is still <@{change.former}>'s:"
            f" `/incident assign {number} me` takes it over."
        )
    if change.changed:
        return f"👀 {number} is yours. `/incident show {number}` has its story and its thread."
    since = f" ({ago(incident.acknowledged_at, now)} ago)" if incident.acknowledged_at else ""
    if change.former == user:
        return f"{incident.number} is yours already{since}."
    return (
        f"Nothing changed: {incident.number} is <@{change.former}>'s, who acknowledged it{since}."
        f" `/incident assign {incident.number} me` takes it over."
    )


def assigned(change: IncidentChange, assignee: str, user: str) -> str:
    """The answer to the person who assigned it, with the present owner."""
    number = change.incident.number
    whose = "yours" if assignee == user else f"<@{assignee}>'s"
    if not change.changed:
        return f"Nothing changed: {number} is {whose} already."
    former = change.former
    mention = f" <@{former}>, the previous owner, is mentioned in its thread." if former else ""
    return f"👀 {number} is {whose}.{mention}"


def reopened(change: IncidentChange) -> str:
    """The answer to the person who reopened it."""
    number = change.incident.number
    if not change.changed:
        return f"Nothing changed: {number} is not resolved, it is {change.incident.status}."
    return (
        f"{number} is open again. Nobody has acknowledged it yet: `/incident ack {number}` makes"
        " it yours."
    )


def went_on_already(change: IncidentChange) -> str:
    """The answer to a person who says that it goes on, when the question is settled."""
    number = change.incident.number
    return f"Nothing changed: an alert or another person said already that {number} goes on."


def steered(entry: TimelineEntry) -> tuple[str, list[Block]]:
    """(fallback text, blocks) in the thread; it mentions the owner."""
    mark = _MARKS.get(entry.kind, "🔁")
    text = f"{mark} {with_mentions(line(entry.text, 300))}"
    return text, [section(text)]


def severity_set(change: IncidentChange, user: str) -> str:
    """The answer to the person who set the severity."""
    incident = change.incident
    mark = f"{SYMBOL[incident.severity]}: {incident.number}"
    if not change.changed:
        by = "you have" if change.former == user else f"<@{change.former}> has"
        return f"Nothing changed: {incident.number} is {incident.severity}, as {by} set it."
    return f"{mark} has the severity that you set. Alerts do not change it until the incident ends."


def noted(incident: Incident) -> str:
    """The answer to the person who left a note."""
    return f"📝 Noted: the thread and the timeline of {incident.number} quote you."


def resolved_by_command(incident: Incident) -> str:
    """The answer to the person who resolved it."""
    number = incident.number
    return (
        f"✅ {number} is resolved. `/incident postmortem {number}` drafts its post-mortem;"
        f" `/incident reopen {number}` opens it again."
    )


def resolve_warning(
    incident: Incident, waiting: Sequence[Approval], children: Sequence[Incident] = ()
) -> str:
    """The consequences of closing the incident, for a person who must confirm.

    `children` are those that are open.
    """
    parts = []
    if children:
        numbers = ", ".join(child.number for child in children[:3])
        more = f" and {len(children) - 3} more" if len(children) > 3 else ""
        parts.append(f"Resolves its children too: {numbers}{more}.")
    if incident.firing:
        verb = "fires" if incident.firing == 1 else "fire"
        parts.append(f"{plural(incident.firing, 'alert')} still {verb}.")
    if waiting:
        titles = ", ".join(untrusted_line(approval.proposal.title, 60) for approval in waiting[:3])
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        parts.append(f"Resolving revokes what waits for approval: {titles}{more}.")
    return " ".join(parts)


def resolve_alone(incident: Incident) -> str:
    """The answer if a command named several incidents that each need a confirmation."""
    return (
        f"{incident.number} is not resolved: an alert fires, an action waits, or a child is open."
        f" `/incident resolve {incident.number}` asks you about it."
    )


def resolve_modal(
    incident: Incident, waiting: Sequence[Approval], children: Sequence[Incident] = ()
) -> Block:
    """The modal that asks before closing an incident with a firing alert or a waiting approval."""
    return {
        "type": "modal",
        "callback_id": "sopbot.resolve_modal",
        "private_metadata": str(incident.id),
        "title": {"type": "plain_text", "text": f"Resolve {incident.number}"[:24]},
        "submit": {"type": "plain_text", "text": "Resolve"},
        "close": {"type": "plain_text", "text": "Keep it open"},
        "blocks": [
            section(f"*{untrusted_line(incident.title, 150) or '(no title)'}*"),
            section(resolve_warning(incident, waiting, children)),
        ],
    }


def resolve_button(incident: Incident, children: Sequence[Incident] = ()) -> Block:
    """The button that resolves; while an alert fires, Slack itself asks for confirmation."""
    value = str(incident.id)
    still_open = [child for child in children if child.status is not IncidentStatus.RESOLVED]
    if not incident.firing and not still_open:
        return button("Resolve", "sopbot.resolve", value)
    confirm: Block = {
        "title": {"type": "plain_text", "text": f"Resolve {incident.number}?"},
        "text": {
            "type": "plain_text",
            "text": f"{resolve_warning(incident, (), still_open)}"
            " Actions that wait for approval are revoked.",
        },
        "confirm": {"type": "plain_text", "text": "Resolve"},
        "deny": {"type": "plain_text", "text": "Keep it open"},
    }
    return button("Resolve", "sopbot.resolve", value, confirm=confirm)


def reopen_button(incident: Incident) -> Block:
    """The button that reopens."""
    return button("Reopen", "sopbot.reopen", str(incident.id))


def resolved_mark(incident: Incident) -> str:
    """The first words about a resolved incident: one that is stale may still go on."""
    return "💤 STALE" if incident.resolution is Resolution.STALE else "✅ RESOLVED"
