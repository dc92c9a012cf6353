"""A handover as its two people see it in their direct messages with the bot."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import Incident, IncidentStatus
from bot.incidents.records import Handover, HandoverState
from bot.language import _, ngettext, number, plural
from handlers.views.text import Block, button, clock, section, sections, symbol, untrusted_line

MOST = 120  # incidents in one message
ON_HOME = 10  # numbers of incidents that the Home tab names


def message(
    handover: Handover, incidents: Sequence[Incident], *, to_taker: bool
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) for the taker, with the buttons, or for the giver."""
    is_waiting = handover.state is HandoverState.WAITING
    head = _offer(handover, to_taker=to_taker) if is_waiting else _ended(handover)
    blocks: list[Block] = [section(f"*{head}*"), *_lines(handover, incidents)]
    if is_waiting:
        blocks.append(_buttons(handover, to_taker=to_taker))
    return head, blocks


def on_home(handover: Handover, user: str) -> list[Block]:
    """A handover that waits, on the Home tab of its taker or its giver."""
    to_taker = user == handover.taker
    numbers = [f"`INC-{incident_id}`" for incident_id in handover.incidents[:ON_HOME]]
    if (left := len(handover.incidents) - len(numbers)) > 0:
        numbers.append(_("… and {count} more").format(count=number(left)))
    head = _offer(handover, to_taker=to_taker)
    since = _("since {at}").format(at=clock(handover.made_at))
    text = f"*{head}* · {since}\n{', '.join(numbers)}"
    return [section(text), _buttons(handover, to_taker=to_taker)]


def _offer(handover: Handover, *, to_taker: bool) -> str:
    count = plural(len(handover.incidents), "{count} incident", "{count} incidents")
    if to_taker:
        return _("🤝 <@{giver}> hands {count} over to you").format(
            giver=handover.giver, count=count
        )
    return _("🤝 You hand {count} over to <@{taker}>, who has not accepted yet").format(
        count=count, taker=handover.taker
    )


def _buttons(handover: Handover, *, to_taker: bool) -> Block:
    value = str(handover.id)
    cancel = button(_("Decline") if to_taker else _("Cancel"), "sopbot.cancel_handover", value)
    accept = button(_("Accept"), "sopbot.accept_handover", value, style="primary")
    return {"type": "actions", "elements": [accept, cancel] if to_taker else [cancel]}


def _ended(handover: Handover) -> str:
    at = f" {clock(handover.ended_at)}" if handover.ended_at else ""
    if handover.state is HandoverState.CANCELLED and not handover.ended_by:
        return _("🤝 Handover ended{at}: its incidents are resolved").format(at=at)
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
    another = ngettext(
        "; {left} had another owner by then, or had ended",
        "; {left} had another owner by then, or had ended",
        left,
    )
    more = another.format(left=number(left)) if left else ""
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
        "🤝 {incidents} offered to {taker} in a direct message. Nothing changes until "
        "{taker} accepts. The bot's Home tab and your direct messages with it have *Cancel*."
    ).format(
        incidents=plural(len(handover.incidents), "{count} incident", "{count} incidents"),
        taker=taker,
    )


def ended_already(handover: Handover) -> str:
    """The answer to a person who pressed a button of a handover that had ended."""
    return _("Nothing changed: {ended}.").format(ended=_ended(handover))
