"""Answers to commands: short, paged, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.approvals.model import Approval, Freeze
from bot.incidents.model import Incident, IncidentStatus, Severity, TimelineEntry
from bot.incidents.sops import Sop
from handlers.views.approval import named
from handlers.views.text import (
    SYMBOL,
    ago,
    clock,
    escape,
    host_of,
    inline_code,
    is_address,
    line,
    plural,
    quote,
    said,
)

HELP = """*sopbot*: One thread per incident, advice, and no action without approval.
`/incident list`   open incidents; `/incident list before INC-1` pages on
`/incident show INC-1`   one incident and its story
`/incident ack INC-1`   take ownership; `/incident assign INC-1 me` takes it over
`/incident resolve INC-1`   mark as resolved; `/incident reopen INC-1` opens it again
`/incident ask INC-1 why now?`   ask the advisor; the answer is posted in the thread
`/incident fix INC-1 restart|stop|start [service] [grace_seconds=5]`   propose it; others approve
`/incident freeze on [why]`   block all actions; `/incident unfreeze` unblocks
`/incident help`   this page
`/sop list`   the procedures        `/sop show sop_…`   one of them
You can omit the number if only one incident is open."""


def incidents(
    found: Sequence[Incident], now: datetime, counts: Mapping[Severity, int], *, more: bool = False
) -> str:
    """One line an incident; `counts` are of all that are open."""
    if not found:
        return "No open incidents."
    total = sum(counts.values())
    words = " · ".join(f"{SYMBOL[one]} {counts[one]}" for one in Severity if counts.get(one))
    some = f", {len(found)} of them, the newest first" if len(found) < total else ""
    lines = [f"*{plural(total, 'open incident')}*{some}   {words}"]
    for one in found:
        acked = f" · 👀 <@{one.acknowledged_by}>" if one.acknowledged_by else ""
        where = " · ".join(
            said(part, 40) for part in (one.display.env, one.display.service) if part
        )
        lines.append(
            f"{SYMBOL[one.severity]} `{one.number}` {said(one.title, 80)}"
            f"{f' · {where}' if where else ''} · {ago(one.display.since, now)}{acked}"
        )
    if more:
        lines.append(f"Older ones: `/incident list before {found[-1].number}`")
    return "\n".join(lines)


def incident(
    one: Incident, story: Sequence[TimelineEntry], approvals: Sequence[Approval], permalink: str
) -> str:
    """One incident and its story."""
    mark = "✅ RESOLVED" if one.status is IncidentStatus.RESOLVED else SYMBOL[one.severity]
    ids = f"{said(one.sop_id, 80)} · {said(one.tracking_id, 80)}"
    lines = [
        f"*{mark} · {said(one.title, 120)}*   `{one.number}`",
        f"{one.status} · {plural(one.alert_count, 'alert')} · {ids}",
    ]
    if permalink:
        lines.append(f"<{permalink}|Open the thread>")
    if one.text.strip() and one.text.strip() != one.title.strip():
        lines.append(f"{line(one.source, 40)} says:\n{quote(one.text, 400)}")
    lines += [f"{clock(entry.at)}  {_fact(entry)}" for entry in story[-15:]]
    lines += [
        f"🔐 {said(asked.proposal.title, 100)}: awaiting approval,"
        f" expires {clock(asked.expires_at)}"
        for asked in [asked for asked in approvals if not asked.decided][-5:]
    ]
    return "\n".join(lines)


FROZEN = "🧊 Frozen: all actions are blocked until an approver types `/incident unfreeze`."


def _fact(entry: TimelineEntry) -> str:
    """One timeline entry; the person is named in it or behind it."""
    if entry.kind in ("assigned", "reopened"):
        return named(line(entry.text, 200))
    text = (said if entry.kind == "note" else line)(entry.text, 200)
    return text + (f" <@{entry.actor}>" if entry.actor else "")


def freeze(now: Freeze | None) -> str:
    """Whether anything may run."""
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
    """What `/incident unfreeze` ended."""
    if ended is None:
        return "Nothing is frozen, so nothing was unfrozen."
    by = f" by <@{ended.by}>" if ended.by else ""
    return f"Unfrozen: actions may run again. It was frozen{by} for {ago(ended.at, now)}."


def sops(known: Sequence[Sop], problems: int) -> str:
    """One line an SOP."""
    if not known and not problems:
        return "No SOPs are loaded. Put JSONL files into SOP_DIR."
    lines = [f"*{plural(len(known), 'SOP')}*"]
    lines += [
        f"`{sop.sop_id}` {said(sop.title or '(no title)', 80)} · {sop.priority}"
        for sop in known[:30]
    ]
    if len(known) > 30:
        lines.append(f"… and {len(known) - 30} more")
    if problems:
        lines.append(
            f"⚠️ {plural(problems, 'line')} could not be read: `python -m bot check` names them."
        )
    return "\n".join(lines)


def sop(one: Sop, recent: Sequence[Incident], now: datetime) -> str:
    """One SOP as written, and where it was used last."""
    lines = [f"*{said(one.title or one.sop_id, 120)}*   `{one.sop_id}` · {one.priority}"]
    if one.keys:
        lines.append("keys: " + " ".join(inline_code(key, 60) for key in one.keys[:8]))
    for title, items, shown in (
        ("Commands", one.command, inline_code),
        ("Metrics", one.metric, inline_code),
        ("Logs", one.log, inline_code),
        ("Fix", one.fix_action, line),
    ):
        if items:
            lines.append(f"*{title}*")
            lines += [f"• {shown(item, 200)}" for item in items[:5]]
    for action in one.actions:
        lines.append(f"🔐 offers {inline_code(action.action, 60)}")
    if is_address(one.runbook):
        lines.append(f"Runbook: <{escape(one.runbook)}|{host_of(one.runbook)}>")
    if recent:
        lines.append("*Last used*")
        for past in recent[:5]:
            when = f"{ago(past.opened_at, now)} ago"
            lines.append(f"`{past.number}` {past.status} · {when} · {said(past.title, 70)}")
    return "\n".join(lines)
