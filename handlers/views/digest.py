"""The digest by the clock: what is open, what happened, and what waits."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Freeze
from bot.incidents.digests import DigestFacts, DueDigest
from bot.incidents.home import HomeFacts
from bot.incidents.model import Incident, Severity
from handlers.views import lists
from handlers.views.places import thread_link
from handlers.views.steering import resolved_mark
from handlers.views.text import (
    SYMBOL,
    Block,
    clock,
    context,
    line,
    plural,
    section,
    span,
    untrusted_line,
)

NAMED = 5  # resolved incidents that it names


def digest_message(
    due: DueDigest, facts: DigestFacts, frozen: Freeze | None
) -> tuple[str, list[Block]]:
    """(fallback text, blocks)."""
    home = facts.home
    counts = home.severities
    total = sum(counts.values())
    head = f"Digest {line(due.name, 64)}: {plural(total, 'open incident')}"
    by_severity = " · ".join(
        f"{SYMBOL[severity]} {counts[severity]:,}" for severity in Severity if counts.get(severity)
    )
    blocks = [section(f"*{head}*{f'   {by_severity}' if by_severity else ''}")]
    if frozen:
        blocks.append(section(lists.freeze(frozen)))
    for title, incidents, count in (
        ("Yours", home.mine.incidents, home.mine.total),
        ("Open, most severe first", home.others, total - home.mine.total),
    ):
        if incidents:
            blocks.append(section("\n".join([f"*{title}*", *_lines(incidents, count, home)])))
    if waits := _waits(facts):
        blocks.append(section("\n".join(["*Waiting*", *waits])))
    blocks.append(section("\n".join(_happened(due, home))))
    muted = f"{plural(home.muted.total, 'incident')} muted. " if home.muted.total else ""
    blocks.append(context(f"{muted}`/incident list` shows all; the Home tab has the buttons."))
    return head, blocks


def _lines(incidents: Sequence[Incident], total: int, home: HomeFacts) -> list[str]:
    lines = [_line(incident, home) for incident in incidents]
    more = total - len(lines)
    return [*lines, f"… and {more:,} more"] if more > 0 else lines


def _line(incident: Incident, home: HomeFacts) -> str:
    owner = f" · 👀 <@{incident.acknowledged_by}>" if incident.acknowledged_by else ""
    return (
        f"{SYMBOL[incident.severity]} {_number(incident.id, home)}"
        f" {untrusted_line(incident.title, 80)} · since {clock(incident.display.since)}{owner}"
    )


def _number(incident_id: int, home: HomeFacts) -> str:
    place = home.places.get(incident_id)
    return f"<{thread_link(*place)}|INC-{incident_id}>" if place else f"`INC-{incident_id}`"


def _waits(facts: DigestFacts) -> list[str]:
    lines = [
        f"🔐 {_number(incident_id, facts.home)} {untrusted_line(title, 100)}: awaiting approval"
        for incident_id, title in facts.waiting
    ]
    if facts.waiting_total > len(lines):
        lines.append(f"… and {facts.waiting_total - len(lines):,} more approvals")
    if facts.unacknowledged:
        verb = "is" if facts.unacknowledged == 1 else "are"
        lines.append(
            f"{plural(facts.unacknowledged, 'critical or high incident')} {verb} not acknowledged"
        )
    return lines


def _happened(due: DueDigest, home: HomeFacts) -> list[str]:
    lasted = span((due.due_at - due.since).total_seconds())
    counts = f"{plural(home.opened, 'incident')} opened, {home.resolved.total:,} resolved"
    lines = [f"*Last {lasted}*: {counts}"]
    for item in home.resolved.incidents[:NAMED]:
        if item.resolved_at:
            title = untrusted_line(item.title, 80)
            at = clock(item.resolved_at)
            lines.append(f"{resolved_mark(item)} {_number(item.id, home)} {title} · {at}")
    return lines
