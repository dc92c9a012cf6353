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
from handlers.views.approval import with_mentions
from handlers.views.steering import resolved_mark
from handlers.views.text import (
    SYMBOL,
    ago,
    clock,
    inline_code,
    line,
    plural,
    quote,
    untrusted_line,
)
from handlers.views.why import why


def unmatched(
    resolves: Sequence[UnmatchedResolve], activities: Sequence[StoredActivity], now: datetime
) -> str:
    """One line a resolve, and one an activity, that matched no open incident, newest first."""
    if resolves:
        lines = ["*Resolves that matched no open incident*, the newest first"]
    else:
        lines = ["No unmatched resolves: every resolve closed an alert of an open incident."]
    for item in resolves:
        where = " · ".join(
            untrusted_line(part, 40) for part in (item.alert.env, item.alert.service) if part
        )
        lines.append(
            f"{untrusted_line(item.alert.title, 80)}{f' · {where}' if where else ''}"
            f" · from {untrusted_line(item.sender or item.alert.source, 40)}"
            f" · {ago(item.received_at, now)} ago · {inline_code(item.tracking_id, 60)}"
        )
    if activities:
        lines.append("*Activity at senders that matched no open incident*, the newest first")
    lines += [
        f"{activity.kind}: {untrusted_line(activity.text, 80)}"
        f" · from {untrusted_line(activity.sender or activity.source, 40)}"
        f" · {ago(activity.received_at, now)} ago"
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
    mark = resolved_mark(incident) if resolved else SYMBOL[incident.severity]
    ids = f"{untrusted_line(incident.sop_id, 80)} · {untrusted_line(incident.tracking_id, 80)}"
    lines = [
        f"*{mark} · {untrusted_line(incident.title, 120)}*   `{incident.number}`",
        f"{incident.status} · {plural(incident.alert_count, 'alert')} · {ids}",
    ]
    if permalink:
        lines.append(f"<{permalink}|Open the thread>")
    if incident.text.strip() and incident.text.strip() != incident.title.strip():
        lines.append(f"{line(incident.source, 40)} says:\n{quote(incident.text, 400)}")
    if incident.parent_id is not None:
        lines.append(f"Part of `INC-{incident.parent_id}`")
    for alert in alerts:
        reason = why(alert.reason, alert.facts, alert.alternatives)
        lines.append(f"• {untrusted_line(alert.title, 80) or '(no title)'}: {reason}")
    lines += [fact_line(entry) for entry in timeline[-15:]]
    lines += [
        f"🔐 {untrusted_line(approval.proposal.title, 100)}: awaiting approval,"
        f" expires {clock(approval.expires_at)}"
        for approval in [approval for approval in approvals if not approval.decided][-5:]
    ]
    return "\n".join(lines)


FROZEN = "🧊 Frozen: all actions are blocked until an approver types `/incident unfreeze`."


# Kinds of entries whose text names the people.
NAMES_PEOPLE = frozenset(
    (
        *("assigned", "reopened", "split", "merged"),
        *("severity set", "escalated", "escalation answered"),
    )
)


def fact_line(entry: TimelineEntry) -> str:
    """One timeline entry with its time, and the person in its text or after it."""
    return f"{clock(entry.at)}  {_fact(entry)}"


def _fact(entry: TimelineEntry) -> str:
    if entry.kind in NAMES_PEOPLE:
        return with_mentions(line(entry.text, 200))
    text = (untrusted_line if entry.kind == "note" else line)(entry.text, 200)
    return text + (f" <@{entry.actor}>" if entry.actor else "")


def freeze(now: Freeze | None) -> str:
    """The freeze in force, or that nothing is frozen."""
    if now is None:
        return "Nothing is frozen. `/incident freeze on [why]` blocks all actions."
    if now.disputed:
        return (
            "🧊 Frozen: the store and the audit trail disagree about a freeze, so all actions are"
            " blocked. `python -m bot audit verify` has details; an approver unblocks:"
            " `/incident unfreeze`."
        )
    why = f": {line(now.reason, 200)}" if now.reason else ""
    return f"🧊 Frozen by <@{now.by}> since {clock(now.at)}{why}. `/incident unfreeze` unblocks."


def unfrozen(ended: Freeze | None, now: datetime) -> str:
    """The answer to `/incident unfreeze`."""
    if ended is None:
        return "Nothing is frozen, so nothing was unfrozen."
    by = f" by <@{ended.by}>" if ended.by else ""
    return f"Unfrozen: actions may run again. It was frozen{by} for {ago(ended.at, now)}."
