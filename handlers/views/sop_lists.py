"""The answers about SOPs: lists, one SOP, what ran under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.incidents.model import Incident, IncidentChange
from bot.incidents.remediation import RemediationStatus
from bot.incidents.sops import Sop
from handlers.views.places import thread_link
from handlers.views.text import (
    ago,
    clock,
    escape,
    host_of,
    inline_code,
    is_address,
    line,
    plural,
    untrusted_line,
)

SHOWN = 15  # SOPs in one answer

Uses = Mapping[str, tuple[int, int, str, str]]
"""By SOP ID: how many incidents used it, the last one's number, its channel and its card's ts."""


def sop_list(sops: Sequence[Sop], problems: int, uses: Uses) -> str:
    """One line an SOP, the most used first."""
    if not sops and not problems:
        return "No SOPs are loaded. Put JSONL files into SOP_DIR."
    by_use = sorted(sops, key=lambda sop: -uses[sop.sop_id][0] if sop.sop_id in uses else 0)
    order = ", the most used first" if uses else ""
    lines = [f"*{plural(len(sops), 'SOP')}*{order}", *_lines(by_use, uses)]
    if len(sops) > SHOWN:
        lines.append(f"… and {len(sops) - SHOWN} more: `/sop search words` finds them")
    if problems:
        lines.append(
            f"⚠️ {plural(problems, 'line')} could not be read: `python -m bot check` names them."
        )
    return "\n".join(lines)


def sop_hits(sops: Sequence[Sop], text: str, uses: Uses) -> str:
    """The SOPs that have every word, best first."""
    what = inline_code(text, 60)
    if not sops:
        return f"No SOP has all of {what}. `/sop list` shows them."
    lines = [f"*{plural(len(sops), 'SOP')}* with {what}, best first", *_lines(sops, uses)]
    if len(sops) > SHOWN:
        lines.append(f"… and {len(sops) - SHOWN} more: add a word")
    return "\n".join([*lines, "`/sop show sop_…` shows one, `/sop link INC-1 sop_…` uses it."])


def _lines(sops: Sequence[Sop], uses: Uses) -> list[str]:
    return [
        f"`{sop.sop_id}` {untrusted_line(sop.title or '(no title)', 80)} · {sop.priority}"
        + _use(uses.get(sop.sop_id))
        for sop in sops[:SHOWN]
    ]


def _use(use: tuple[int, int, str, str] | None) -> str:
    if use is None:
        return " · never used"
    count, last, channel, ts = use
    return f" · {plural(count, 'incident')}, last {_thread(last, channel, ts)}"


def _thread(incident_id: int, channel: str, ts: str) -> str:
    if not ts:
        return f"`INC-{incident_id}`"
    return f"<{thread_link(channel, ts)}|INC-{incident_id}>"


def sop_details(sop: Sop, recent: Sequence[Incident], now: datetime, uses: Uses) -> str:
    """One SOP as written, and the incidents that used it last."""
    lines = [f"*{untrusted_line(sop.title or sop.sop_id, 120)}*   `{sop.sop_id}` · {sop.priority}"]
    if sop.keys:
        lines.append("keys: " + " ".join(inline_code(key, 60) for key in sop.keys[:8]))
    for title, items, shown in (
        ("Commands", sop.command, inline_code),
        ("Metrics", sop.metric, inline_code),
        ("Logs", sop.log, inline_code),
        ("Fix", sop.fix_action, line),
    ):
        if items:
            lines.append(f"*{title}*")
            lines += [f"• {shown(item, 200)}" for item in items[:5]]
    for action in sop.actions:
        lines.append(f"🔐 offers {inline_code(action.action, 60)}")
    if is_address(sop.runbook):
        lines.append(f"Runbook: <{escape(sop.runbook)}|{host_of(sop.runbook)}>")
    if recent:
        lines.append(f"*Last used*{_use(uses[sop.sop_id]) if sop.sop_id in uses else ''}")
        for past in recent[:5]:
            when = f"{ago(past.opened_at, now)} ago"
            lines.append(
                f"`{past.number}` {past.status} · {when} · {untrusted_line(past.title, 70)}"
            )
    lines.append(f"`/sop runs {sop.sop_id}` shows what ran under it.")
    return "\n".join(lines)


def runs(
    sop_id: str,
    newest: Sequence[tuple[int, str, str, RemediationStatus, datetime]],
    counts: Mapping[RemediationStatus, int],
) -> str:
    """The actions that ran under an SOP: how many ended in each state, and the newest ones.

    One of `newest` is the incident's id, the title, the target, the state and the time.
    """
    if not newest:
        return f"Nothing ran under {inline_code(sop_id, 64)} yet. `/sop show {sop_id}` shows it."
    total = sum(counts.values())
    by_state = " · ".join(
        f"{counts[state]} {state}" for state in RemediationStatus if state in counts
    )
    lines = [f"*{plural(total, 'run')} under* {inline_code(sop_id, 64)}: {by_state}"]
    lines += [
        f"`INC-{number}` {untrusted_line(title, 80)} on {inline_code(target, 60)} · {state}"
        f" · {clock(at)}"
        for number, title, target, state, at in newest
    ]
    if total > len(newest):
        lines.append(
            f"The newest {len(newest)} are shown; `/incident show INC-1` has those of an incident."
        )
    return "\n".join(lines)


def linked(change: IncidentChange) -> str:
    """The answer to the person who linked an incident to an SOP."""
    number, sop_id = change.incident.number, change.incident.sop_id
    if not change.changed:
        return f"Nothing changed: {number} uses `{sop_id}` already."
    return (
        f"🔗 {number} uses `{sop_id}` now. The actions that it offers are proposed in the thread;"
        f" `/incident ask {number} what now?` asks the advisor with it."
    )
