"""The digest by the clock: what is open, what happened, and what waits."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Freeze
from bot.incidents.digests import DigestFacts, DueDigest
from bot.incidents.home import HomeFacts
from bot.incidents.model import Incident, Severity
from bot.language import _, number, plural
from handlers.views import lists
from handlers.views.places import thread_link
from handlers.views.steering import resolved_mark
from handlers.views.text import Block, clock, context, line, section, span, symbol, untrusted_line

NAMED = 5  # resolved incidents that it names


def digest_message(
    due: DueDigest, facts: DigestFacts, frozen: Freeze | None
) -> tuple[str, list[Block]]:
    """(fallback text, blocks)."""
    home = facts.home
    counts = home.severities
    total = sum(counts.values())
    head = _("Digest {name}: {incidents}").format(
        name=line(due.name, 64),
        incidents=plural(total, "{count} open incident", "{count} open incidents"),
    )
    by_severity = " · ".join(
        f"{symbol(severity)} {number(counts[severity])}"
        for severity in Severity
        if counts.get(severity)
    )
    blocks = [section(f"*{head}*{f'   {by_severity}' if by_severity else ''}")]
    if frozen:
        blocks.append(section(lists.freeze(frozen)))
    for title, incidents, count in (
        (_("Yours"), home.mine.incidents, home.mine.total),
        (_("Open, most severe first"), home.others, total - home.mine.total),
    ):
        if incidents:
            blocks.append(section("\n".join([f"*{title}*", *_lines(incidents, count, home)])))
    if waits := _waits(facts):
        blocks.append(section("\n".join([_("*Waiting*"), *waits])))
    blocks.append(section("\n".join(_happened(due, home))))
    muted = plural(home.muted.total, "{count} incident muted.", "{count} incidents muted.")
    hint = _("`/incident list` shows all; the Home tab has the buttons.")
    blocks.append(context(f"{muted} {hint}" if home.muted.total else hint))
    return head, blocks


def _lines(incidents: Sequence[Incident], total: int, home: HomeFacts) -> list[str]:
    lines = [_line(incident, home) for incident in incidents]
    more = total - len(lines)
    return [*lines, _("… and {more} more").format(more=number(more))] if more > 0 else lines


def _line(incident: Incident, home: HomeFacts) -> str:
    owner = f" · 👀 <@{incident.acknowledged_by}>" if incident.acknowledged_by else ""
    return _("{severity} {incident} {title} · since {at}{owner}").format(
        severity=symbol(incident.severity),
        incident=_number(incident.id, home),
        title=untrusted_line(incident.title, 80),
        at=clock(incident.display.since),
        owner=owner,
    )


def _number(incident_id: int, home: HomeFacts) -> str:
    place = home.places.get(incident_id)
    return f"<{thread_link(*place)}|INC-{incident_id}>" if place else f"`INC-{incident_id}`"


def _waits(facts: DigestFacts) -> list[str]:
    lines = [
        _("🔐 {incident_id} {title}: awaiting approval").format(
            incident_id=_number(incident_id, facts.home), title=untrusted_line(title, 100)
        )
        for incident_id, title in facts.waiting
    ]
    if facts.waiting_total > len(lines):
        lines.append(
            _("… and {count} more approvals").format(count=number(facts.waiting_total - len(lines)))
        )
    if facts.unacknowledged:
        lines.append(
            plural(
                facts.unacknowledged,
                "{count} critical or high incident is not acknowledged",
                "{count} critical or high incidents are not acknowledged",
            )
        )
    return lines


def _happened(due: DueDigest, home: HomeFacts) -> list[str]:
    lasted = span((due.due_at - due.since).total_seconds())
    counts = _("{incidents} opened, {total} resolved").format(
        incidents=plural(home.opened, "{count} incident", "{count} incidents"),
        total=number(home.resolved.total),
    )
    lines = [_("*Last {lasted}*: {counts}").format(lasted=lasted, counts=counts)]
    for item in home.resolved.incidents[:NAMED]:
        if item.resolved_at:
            title = untrusted_line(item.title, 80)
            at = clock(item.resolved_at)
            lines.append(f"{resolved_mark(item)} {_number(item.id, home)} {title} · {at}")
    return lines
