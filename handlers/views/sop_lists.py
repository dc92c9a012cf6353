"""The answers about SOPs: lists, one SOP, what ran under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.incidents.model import Incident, IncidentChange
from bot.incidents.remediation import RemediationStatus
from bot.incidents.sops import Sop
from bot.language import _, plural
from handlers.views.addresses import host_of, is_address
from handlers.views.places import thread_link
from handlers.views.text import (
    ago,
    clock,
    escape,
    inline_code,
    line,
    untrusted_line,
)
from handlers.views.words import word

SHOWN = 15  # SOPs in one answer

Uses = Mapping[str, tuple[int, int, str, str]]
"""By SOP ID: how many incidents used it, the last one's number, its channel and its card's ts."""


def sop_list(sops: Sequence[Sop], problems: int, uses: Uses) -> str:
    """One line an SOP, the most used first."""
    if not sops and not problems:
        return _("No SOPs are loaded. Put JSONL files into SOP_DIR.")
    by_use = sorted(sops, key=lambda sop: -uses[sop.sop_id][0] if sop.sop_id in uses else 0)
    order = _(", the most used first") if uses else ""
    lines = [f"*{plural(len(sops), '{count} SOP', '{count} SOPs')}*{order}", *_lines(by_use, uses)]
    if len(sops) > SHOWN:
        lines.append(
            _("… and {count} more: `/sop search words` finds them").format(count=len(sops) - SHOWN)
        )
    if problems:
        lines.append(
            _("⚠️ {lines} could not be read: `python -m bot check` names them.").format(
                lines=plural(problems, "{count} line", "{count} lines")
            )
        )
    return "\n".join(lines)


def sop_hits(sops: Sequence[Sop], text: str, uses: Uses) -> str:
    """The SOPs that have every word, best first."""
    what = inline_code(text, 60)
    if not sops:
        return _("No SOP has all of {what}. `/sop list` shows them.").format(what=what)
    lines = [
        _("*{sops}* with {what}, best first").format(
            sops=plural(len(sops), "{count} SOP", "{count} SOPs"), what=what
        ),
        *_lines(sops, uses),
    ]
    if len(sops) > SHOWN:
        lines.append(_("… and {count} more: add a word").format(count=len(sops) - SHOWN))
    hint = _("`/sop show {sop_id}` shows one, `/sop link INC-1 {sop_id}` uses it.")
    return "\n".join([*lines, hint.format(sop_id=sops[0].sop_id)])


def _lines(sops: Sequence[Sop], uses: Uses) -> list[str]:
    return [
        f"`{sop.sop_id}` {untrusted_line(sop.title or _('(no title)'), 80)} · {sop.priority}"
        + _use(uses.get(sop.sop_id))
        for sop in sops[:SHOWN]
    ]


def _use(use: tuple[int, int, str, str] | None) -> str:
    if use is None:
        return _(" · never used")
    count, last, channel, ts = use
    return _(" · {incidents}, last {thread}").format(
        incidents=plural(count, "{count} incident", "{count} incidents"),
        thread=_thread(last, channel, ts),
    )


def _thread(incident_id: int, channel: str, ts: str) -> str:
    if not ts:
        return f"`INC-{incident_id}`"
    return f"<{thread_link(channel, ts)}|INC-{incident_id}>"


def sop_details(sop: Sop, recent: Sequence[Incident], now: datetime, uses: Uses) -> str:
    """One SOP as written, and the incidents that used it last."""
    lines = [f"*{untrusted_line(sop.title or sop.sop_id, 120)}*   `{sop.sop_id}` · {sop.priority}"]
    if sop.keys:
        lines.append(
            _("keys: {keys}").format(keys=" ".join(inline_code(key, 60) for key in sop.keys[:8]))
        )
    for title, items, shown in (
        (_("Commands"), sop.command, inline_code),
        (_("Metrics"), sop.metric, inline_code),
        (_("Logs"), sop.log, inline_code),
        (_("Fix"), sop.fix_action, line),
    ):
        if items:
            lines.append(f"*{title}*")
            lines += [f"• {shown(item, 200)}" for item in items[:5]]
    for action in sop.actions:
        lines.append(_("🔐 offers {action}").format(action=inline_code(action.action, 60)))
    if is_address(sop.runbook):
        lines.append(
            _("Runbook: {link}").format(link=f"<{escape(sop.runbook)}|{host_of(sop.runbook)}>")
        )
    if recent:
        lines.append(
            _("*Last used*{use}").format(use=_use(uses[sop.sop_id]) if sop.sop_id in uses else "")
        )
        for past in recent[:5]:
            when = _("{duration} ago").format(duration=ago(past.opened_at, now))
            lines.append(
                f"`{past.number}` {word(past.status)} · {when} · {untrusted_line(past.title, 70)}"
            )
    lines.append(_("`/sop runs {sop_id}` shows what ran under it.").format(sop_id=sop.sop_id))
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
        return _("Nothing ran under {sop_id} yet. `/sop show {name}` shows it.").format(
            sop_id=inline_code(sop_id, 64), name=sop_id
        )
    total = sum(counts.values())
    by_state = " · ".join(
        f"{counts[state]} {word(state)}" for state in RemediationStatus if state in counts
    )
    lines = [
        _("*{runs} under* {sop_id}: {by_state}").format(
            runs=plural(total, "{count} run", "{count} runs"),
            sop_id=inline_code(sop_id, 64),
            by_state=by_state,
        )
    ]
    lines += [
        _("`INC-{incident_id}` {title} on {target} · {state} · {at}").format(
            incident_id=incident_id,
            title=untrusted_line(title, 80),
            target=inline_code(target, 60),
            state=word(state),
            at=clock(at),
        )
        for incident_id, title, target, state, at in newest
    ]
    if total > len(newest):
        lines.append(
            _(
                "The newest {count} are shown; `/incident show INC-1` has those of an incident."
            ).format(count=len(newest))
        )
    return "\n".join(lines)


def linked(change: IncidentChange) -> str:
    """The answer to the person who linked an incident to an SOP."""
    number, sop_id = change.incident.number, change.incident.sop_id
    if not change.changed:
        return _("Nothing changed: {number} uses `{sop_id}` already.").format(
            number=number, sop_id=sop_id
        )
    return _(
        "🔗 {number} uses `{sop_id}` now. The actions that it offers are proposed in the "
        "thread; `/incident ask {number} what now?` asks the advisor with it."
    ).format(number=number, sop_id=sop_id)
