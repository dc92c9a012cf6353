"""A handover as its two people see it in their direct messages with the bot."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import Incident, IncidentStatus
from bot.incidents.records import Handover, HandoverState
from bot.language import _, ngettext, number, plural
from handlers.views.text import Block, button, clock, section, sections, symbol, untrusted_line

MOST = 120  # incidents in one message


def message(
    handover: Handover, incidents: Sequence[Incident], *, to_taker: bool
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) for the taker, with the buttons, or for the giver."""
    count = plural(len(handover.incidents), "{count} incident", "{count} incidents")
    if handover.state is HandoverState.WAITING:
        head = (
            _("🤝 <@{giver}> hands {count} over to you").format(giver=handover.giver, count=count)
            if to_taker
            else _("🤝 You hand {count} over to <@{taker}>, who has not accepted yet").format(
                count=count, taker=handover.taker
            )
        )
    else:
        head = _ended(handover)
    blocks: list[Block] = [section(f"*{head}*"), *_lines(handover, incidents)]
    if handover.state is HandoverState.WAITING:
        value = str(handover.id)
        cancel = button(_("Decline") if to_taker else _("Cancel"), "sopbot.cancel_handover", value)
        accept = button(_("Accept"), "sopbot.accept_handover", value, style="primary")
        blocks.append({"type": "actions", "elements": [accept, cancel] if to_taker else [cancel]})
    return head, blocks


def _ended(handover: Handover) -> str:
    at = f" {clock(handover.ended_at)}" if handover.ended_at else ""
    if handover.state is HandoverState.CANCELLED:
        return _("🤝 Handover ended by <@{ended_by}>{at}; no incident changed its owner").format(
            ended_by=handover.ended_by, at=at
        )
    left = len(handover.incidents) - len(handover.moved)
    moved = ngettext(
        "🤝 {moved} incident of <@{giver}> is <@{taker}>'s{at}{more}",
        "🤝 {moved} incidents of <@{giver}> are <@{taker}>'s{at}{more}",
        len(handover.moved),
    )
    more = _("; {left} had another owner by then, or had ended").format(left=left) if left else ""
    return moved.format(
        moved=number(len(handover.moved)),
        giver=handover.giver,
        taker=handover.taker,
        at=at,
        more=more,
    )


def _lines(handover: Handover, incidents: Sequence[Incident]) -> list[Block]:
    ordered = sorted(incidents, key=lambda incident: (incident.severity.rank, -incident.id))
    lines = [_line(handover, incident) for incident in ordered[:MOST]]
    if len(ordered) > MOST:
        lines.append(
            _("… and {count} more: `/incident list mine`").format(count=len(ordered) - MOST)
        )
    return sections(lines)


def _line(handover: Handover, incident: Incident) -> str:
    where = untrusted_line(incident.display.service or incident.display.env, 30)
    place = f" · {where}" if where else ""
    state = ""
    if handover.state is HandoverState.ACCEPTED and incident.id not in handover.moved:
        state = _(" · _not handed over_")
    elif incident.status is IncidentStatus.RESOLVED:
        state = _(" · resolved")
    title = untrusted_line(incident.title, 70)
    return (
        f"{symbol(incident.severity)} · `{incident.number}` {title}{place}"
        f" · {clock(incident.display.since)}{state}"
    )


def late(handover: Handover, incidents: Sequence[Incident]) -> tuple[str, list[Block]]:
    """(fallback text, blocks) for the giver of a critical incident that nobody accepted."""
    critical = [
        item.number for item in incidents if not item.severity.rank and not item.resolved_at
    ]
    numbers = ", ".join(f"`{number}`" for number in critical[:10])
    state = (
        ngettext("{numbers} stays yours", "{numbers} stay yours", len(critical)).format(
            numbers=numbers
        )
        if critical
        else _("none of it is critical any more")
    )
    text = _(
        "⏰ <@{taker}> has not accepted your handover since {at}: {state}. Call "
        "<@{taker}>, or hand over to another person: `/incident handover @chloe`."
    ).format(taker=handover.taker, at=clock(handover.made_at), state=state)
    return text, [section(text)]


def offered(handover: Handover) -> str:
    """The answer to the person who typed the command."""
    taker = f"<@{handover.taker}>"
    return _(
        "🤝 {incidents} offered to {taker} in a direct message. They stay yours until "
        "{taker} accepts. Your direct messages with the bot have *Cancel*."
    ).format(
        incidents=plural(len(handover.incidents), "{count} incident", "{count} incidents"),
        taker=taker,
    )


def ended_already(handover: Handover) -> str:
    """The answer to a person who pressed a button of a handover that had ended."""
    return _("Nothing changed: {ended}.").format(ended=_ended(handover))
