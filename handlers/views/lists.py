"""The answers to commands: short, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.approvals.model import Approval, Freeze
from bot.incidents.model import (
    GroupedAlert,
    Incident,
    IncidentStatus,
    TimelineEntry,
    UnmatchedResolve,
)
from bot.intake.reading import StoredActivity
from bot.language import _, plural
from handlers.views.approval import with_mentions
from handlers.views.steering import resolved_mark
from handlers.views.text import ago, clock, inline_code, line, quote, symbol, untrusted_line
from handlers.views.why import why
from handlers.views.words import word


def unmatched(
    resolves: Sequence[UnmatchedResolve], activities: Sequence[StoredActivity], now: datetime
) -> str:
    """One line a resolve, and one an activity, that matched no open incident, newest first."""
    if resolves:
        lines = [_("*Resolves that matched no open incident*, the newest first")]
    else:
        lines = [_("No unmatched resolves: every resolve closed an alert of an open incident.")]
    for item in resolves:
        where = " · ".join(
            untrusted_line(part, 40) for part in (item.alert.env, item.alert.service) if part
        )
        lines.append(
            _("{title}{where} · from {sender} · {duration} ago · {tracking_id}").format(
                title=untrusted_line(item.alert.title, 80),
                where=f" · {where}" if where else "",
                sender=untrusted_line(item.sender or item.alert.source, 40),
                duration=ago(item.received_at, now),
                tracking_id=inline_code(item.tracking_id, 60),
            )
        )
    if activities:
        lines.append(_("*Activity at senders that matched no open incident*, the newest first"))
    lines += [
        _("{kind}: {text} · from {sender} · {duration} ago").format(
            kind=activity.kind,
            text=untrusted_line(activity.text, 80),
            sender=untrusted_line(activity.sender or activity.source, 40),
            duration=ago(activity.received_at, now),
        )
        for activity in activities
    ]
    return "\n".join(lines)


def incident_details(
    incident: Incident,
    timeline: Sequence[TimelineEntry],
    approvals: Sequence[Approval],
    permalink: str,
    alerts: Sequence[GroupedAlert] = (),
) -> str:
    """One incident, why its first `alerts` are in it, and its timeline."""
    resolved = incident.status is IncidentStatus.RESOLVED
    mark = resolved_mark(incident) if resolved else symbol(incident.severity)
    ids = f"{untrusted_line(incident.sop_id, 80)} · {untrusted_line(incident.tracking_id, 80)}"
    count = plural(incident.alert_count, "{count} alert", "{count} alerts")
    lines = [
        f"*{mark} · {untrusted_line(incident.title, 120)}*   `{incident.number}`",
        f"{word(incident.status)} · {count} · {ids}",
    ]
    if permalink:
        lines.append(f"<{permalink}|{_('Open the thread')}>")
    if incident.text.strip() and incident.text.strip() != incident.title.strip():
        lines.append(
            _("{source} says:").format(source=untrusted_line(incident.source, 40))
            + f"\n{quote(incident.text, 400)}"
        )
    if incident.parent_id is not None:
        lines.append(_("Child of `INC-{parent_id}`").format(parent_id=incident.parent_id))
    for alert in alerts:
        reason = why(alert.reason, alert.facts, alert.alternatives)
        lines.append(f"• {untrusted_line(alert.title, 80) or _('(no title)')}: {reason}")
    lines += [fact_line(entry) for entry in timeline[-15:]]
    lines += [
        _("🔐 {title}: awaiting approval, expires {at}").format(
            title=untrusted_line(approval.proposal.title, 100), at=clock(approval.expires_at)
        )
        for approval in [approval for approval in approvals if not approval.decided][-5:]
    ]
    return "\n".join(lines)


def frozen_now() -> str:
    """The answer to a person who froze."""
    return _("🧊 Frozen: all actions are blocked until an approver types `/incident unfreeze`.")


# Kinds of entries whose text names the people.
NAMES_PEOPLE = frozenset(
    (
        *("assigned", "reopened", "split", "merged"),
        *("severity set", "escalated", "escalation answered", "frozen", "unfrozen"),
    )
)


def fact_line(entry: TimelineEntry) -> str:
    """One timeline entry with its time, and the person in its text or after it."""
    return f"{clock(entry.at)}  {_fact(entry)}"


def _fact(entry: TimelineEntry) -> str:
    if entry.kind in NAMES_PEOPLE:
        return with_mentions(line(entry.spoken, 200))
    text = (untrusted_line if entry.kind == "note" else line)(entry.spoken, 200)
    return text + (f" <@{entry.actor}>" if entry.actor else "")


def freeze(now: Freeze | None) -> str:
    """The freeze in force, or that nothing is frozen."""
    if now is None:
        return _("Nothing is frozen. `/incident freeze on [why]` blocks all actions.")
    if now.disputed:
        return _(
            "🧊 Frozen: the store and the audit trail disagree about a freeze, so all "
            "actions are blocked. `python -m bot audit verify` has details; an approver "
            "unblocks: `/incident unfreeze`."
        )
    why = f": {untrusted_line(now.reason, 200)}" if now.reason else ""
    return _("🧊 Frozen by <@{by}> since {at}{why}. `/incident unfreeze` unblocks.").format(
        by=now.by, at=clock(now.at), why=why
    )


def unfrozen(ended: Freeze | None, now: datetime) -> str:
    """The answer to `/incident unfreeze`."""
    if ended is None:
        return _("Nothing is frozen, so nothing was unfrozen.")
    text = (
        _("Unfrozen: actions may run again. It was frozen by <@{by}> for {duration}.")
        if ended.by
        else _("Unfrozen: actions may run again. It was frozen for {duration}.")
    )
    return text.format(by=ended.by, duration=ago(ended.at, now))
