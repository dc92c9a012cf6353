"""Describes people's actions on an incident, as the store reports them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.approvals.model import Approval
from bot.incidents.model import Incident, IncidentChange, IncidentStatus, Resolution, TimelineEntry
from bot.language import _, plural
from handlers.views.approval import with_mentions
from handlers.views.text import Block, ago, button, line, section, symbol, untrusted_line
from handlers.views.words import word

_MARKS = {
    "assigned": "👀",
    "severity set": "🔺",
    "escalated": "🔔",
    "escalation answered": "👀",
    "frozen": "🧊",
}


def acknowledged(change: IncidentChange, user: str, now: datetime) -> str:
    """The answer to the person who acknowledged, with the present owner."""
    incident = change.incident
    number = incident.number
    if change.changed and change.former and change.former != user:
        return _(
            "🔔 You answered the escalation of {number}. It is still <@{former}>'s: "
            "`/incident assign {number} me` takes it over."
        ).format(number=number, former=change.former)
    if change.changed:
        return _(
            "👀 {number} is yours. `/incident show {number}` has its story and its thread."
        ).format(number=number)
    since = (
        _(" ({duration} ago)").format(duration=ago(incident.acknowledged_at, now))
        if incident.acknowledged_at
        else ""
    )
    if change.former == user:
        return _("{number} is yours already{since}.").format(number=incident.number, since=since)
    return _(
        "Nothing changed: {number} is <@{former}>'s, who acknowledged it{since}. "
        "`/incident assign {number} me` takes it over."
    ).format(number=incident.number, former=change.former, since=since)


def assigned(change: IncidentChange, assignee: str, user: str) -> str:
    """The answer to the person who assigned it, with the present owner."""
    number = change.incident.number
    if change.changed:
        text = _("👀 {number} is yours.") if assignee == user else _("👀 {number} is <@{to}>'s.")
    elif assignee == user:
        text = _("Nothing changed: {number} is yours already.")
    else:
        text = _("Nothing changed: {number} is <@{to}>'s already.")
    parts = [text.format(number=number, to=assignee)]
    if change.changed and change.former:
        mention = _("<@{former}>, the previous owner, is mentioned in its thread.")
        parts.append(mention.format(former=change.former))
    return " ".join(parts)


def reopened(change: IncidentChange) -> str:
    """The answer to the person who reopened it."""
    number = change.incident.number
    if not change.changed:
        return _("Nothing changed: {number} is not resolved, it is {status}.").format(
            number=number, status=word(change.incident.status)
        )
    return _(
        "{number} is open again. Nobody has acknowledged it yet: `/incident ack "
        "{number}` makes it yours."
    ).format(number=number)


def went_on_already(change: IncidentChange) -> str:
    """The answer to a person who says that it goes on, when the question is settled."""
    number = change.incident.number
    return _(
        "Nothing changed: an alert or another person said already that {number} goes on."
    ).format(number=number)


def steered(entry: TimelineEntry) -> tuple[str, list[Block]]:
    """(fallback text, blocks) in the thread; it mentions the owner."""
    mark = _MARKS.get(entry.kind, "🔁")
    text = f"{mark} {with_mentions(line(entry.spoken, 300))}"
    return text, [section(text)]


def severity_set(change: IncidentChange, user: str) -> str:
    """The answer to the person who set the severity."""
    incident = change.incident
    if not change.changed:
        text = (
            _("Nothing changed: {number} is {severity}, as you have set it.")
            if change.former == user
            else _("Nothing changed: {number} is {severity}, as <@{former}> has set it.")
        )
        return text.format(
            number=incident.number, severity=word(incident.severity), former=change.former
        )
    return _(
        "{number} is {severity} now. Alerts do not change that until the incident ends."
    ).format(severity=symbol(incident.severity), number=incident.number)


def noted(incident: Incident) -> str:
    """The answer to the person who left a note."""
    return _("📝 Noted: the thread and the timeline of {number} quote you.").format(
        number=incident.number
    )


def resolved_by_command(incident: Incident) -> str:
    """The answer to the person who resolved it."""
    number = incident.number
    return _(
        "✅ {number} is resolved. `/incident postmortem {number}` drafts its post-mortem; "
        "`/incident reopen {number}` opens it again."
    ).format(number=number)


def resolve_warning(
    incident: Incident, waiting: Sequence[Approval], children: Sequence[Incident] = ()
) -> str:
    """The consequences of closing the incident, for a person who must confirm.

    `children` are those that are open.
    """
    parts = []
    if children:
        numbers = ", ".join(child.number for child in children[:3])
        more = _(" and {count} more").format(count=len(children) - 3) if len(children) > 3 else ""
        parts.append(
            _("Resolves its children too: {numbers}{more}.").format(numbers=numbers, more=more)
        )
    if incident.firing:
        parts.append(
            plural(incident.firing, "{count} alert still fires.", "{count} alerts still fire.")
        )
    if waiting:
        titles = ", ".join(untrusted_line(approval.proposal.title, 60) for approval in waiting[:3])
        more = _(" and {count} more").format(count=len(waiting) - 3) if len(waiting) > 3 else ""
        parts.append(
            _("Resolving revokes what waits for approval: {titles}{more}.").format(
                titles=titles, more=more
            )
        )
    return " ".join(parts)


def resolve_alone(incident: Incident) -> str:
    """The answer if a command named several incidents that each need a confirmation."""
    return _(
        "{number} is not resolved: an alert fires, an action waits, or a child is open. "
        "`/incident resolve {number}` asks you about it."
    ).format(number=incident.number)


def resolve_modal(
    incident: Incident, waiting: Sequence[Approval], children: Sequence[Incident] = ()
) -> Block:
    """The modal that asks before closing an incident with a firing alert or a waiting approval."""
    return {
        "type": "modal",
        "callback_id": "sopbot.resolve_modal",
        "private_metadata": str(incident.id),
        "title": {
            "type": "plain_text",
            "text": _("Resolve {number}").format(number=incident.number)[:24],
        },
        "submit": {"type": "plain_text", "text": _("Resolve")},
        "close": {"type": "plain_text", "text": _("Keep it open")},
        "blocks": [
            section(f"*{untrusted_line(incident.title, 150) or _('(no title)')}*"),
            section(resolve_warning(incident, waiting, children)),
        ],
    }


def resolve_button(incident: Incident, children: Sequence[Incident] = ()) -> Block:
    """The button that resolves; while an alert fires, Slack itself asks for confirmation."""
    value = str(incident.id)
    still_open = [child for child in children if child.status is not IncidentStatus.RESOLVED]
    if not incident.firing and not still_open:
        return button(_("Resolve"), "sopbot.resolve", value)
    confirm: Block = {
        "title": {
            "type": "plain_text",
            "text": _("Resolve {number}?").format(number=incident.number),
        },
        "text": {
            "type": "plain_text",
            "text": resolve_warning(incident, (), still_open)
            + f" {_('Actions that wait for approval are revoked.')}",
        },
        "confirm": {"type": "plain_text", "text": _("Resolve")},
        "deny": {"type": "plain_text", "text": _("Keep it open")},
    }
    return button(_("Resolve"), "sopbot.resolve", value, confirm=confirm)


def reopen_button(incident: Incident) -> Block:
    """The button that reopens."""
    return button(_("Reopen"), "sopbot.reopen", str(incident.id))


def resolved_mark(incident: Incident) -> str:
    """The first words about a resolved incident: one that is stale may still go on."""
    return _("💤 STALE") if incident.resolution is Resolution.STALE else _("✅ RESOLVED")
