"""A handover as its two people see it in their direct messages with the bot."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import Incident, IncidentStatus
from bot.incidents.records import Handover, HandoverState
from handlers.views.text import SYMBOL, Block, button, clock, plural, section, untrusted_line

LINES = 15  # incidents in one section
MOST = 120  # incidents in one message


def message(
    handover: Handover, incidents: Sequence[Incident], *, to_taker: bool
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) for the taker, with the buttons, or for the giver."""
    count = plural(len(handover.incidents), "incident")
    if handover.state is HandoverState.WAITING:
        head = (
            f"🤝 <@{handover.giver}> hands {count} over to you"
            if to_taker
            else f"🤝 You hand {count} over to <@{handover.taker}>, who has not accepted yet"
        )
    else:
        head = _ended(handover)
    blocks: list[Block] = [section(f"*{head}*"), *_lines(handover, incidents)]
    if handover.state is HandoverState.WAITING:
        value = str(handover.id)
        cancel = button("Decline" if to_taker else "Cancel", "sopbot.cancel_handover", value)
        accept = button("Accept", "sopbot.accept_handover", value, style="primary")
        blocks.append({"type": "actions", "elements": [accept, cancel] if to_taker else [cancel]})
    return head, blocks


def _ended(handover: Handover) -> str:
    at = f" {clock(handover.ended_at)}" if handover.ended_at else ""
    if handover.state is HandoverState.CANCELLED:
        return f"🤝 Handover ended by <@{handover.ended_by}>{at}; no incident changed its owner"
    left = len(handover.incidents) - len(handover.moved)
    moved = plural(len(handover.moved), "incident")
    verb = "is" if len(handover.moved) == 1 else "are"
    more = f"; {left} had another owner by then, or had ended" if left else ""
    return f"🤝 {moved} of <@{handover.giver}> {verb} <@{handover.taker}>'s{at}{more}"


def _lines(handover: Handover, incidents: Sequence[Incident]) -> list[Block]:
    ordered = sorted(incidents, key=lambda incident: (incident.severity.rank, -incident.id))
    lines = [_line(handover, incident) for incident in ordered[:MOST]]
    if len(ordered) > MOST:
        lines.append(f"… and {len(ordered) - MOST} more: `/incident list mine`")
    groups = (lines[start : start + LINES] for start in range(0, len(lines), LINES))
    return [section("\n".join(group)) for group in groups]


def _line(handover: Handover, incident: Incident) -> str:
    where = untrusted_line(incident.display.service or incident.display.env, 30)
    place = f" · {where}" if where else ""
    state = ""
    if handover.state is HandoverState.ACCEPTED and incident.id not in handover.moved:
        state = " · _not handed over_"
    elif incident.status is IncidentStatus.RESOLVED:
        state = " · resolved"
    return (
        f"{SYMBOL[incident.severity]} · `{incident.number}` {untrusted_line(incident.title, 70)}"
        f"{place} · {clock(incident.display.since)}{state}"
    )


def late(handover: Handover, incidents: Sequence[Incident]) -> tuple[str, list[Block]]:
    """(fallback text, blocks) for the giver of a critical incident that nobody accepted."""
    critical = [
        item.number for item in incidents if not item.severity.rank and not item.resolved_at
    ]
    verb = "stays" if len(critical) == 1 else "stay"
    numbers = ", ".join(f"`{number}`" for number in critical[:10])
    state = f"{numbers} {verb} yours" if critical else "none of it is critical any more"
    text = (
        f"⏰ <@{handover.taker}> has not accepted your handover since {clock(handover.made_at)}:"
        f" {state}. Call <@{handover.taker}>, or hand over to another person:"
        " `/incident handover @chloe`."
    )
    return text, [section(text)]


def offered(handover: Handover) -> str:
    """The answer to the person who typed the command."""
    taker = f"<@{handover.taker}>"
    return (
        f"🤝 {plural(len(handover.incidents), 'incident')} offered to {taker} in a direct message."
        f" They stay yours until {taker} accepts. Your direct messages with the bot have *Cancel*."
    )


def ended_already(handover: Handover) -> str:
    """The answer to a person who pressed a button of a handover that had ended."""
    return f"Nothing changed: {_ended(handover)}."
