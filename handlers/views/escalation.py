"""An escalation: the answer, the line of the card, the direct message."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import Escalation, Incident, IncidentChange, TimelineEntry
from bot.language import _
from handlers.views.approval import with_mentions
from handlers.views.lists import fact_line
from handlers.views.places import thread_button
from handlers.views.text import (
    Block,
    button,
    clock,
    context,
    line,
    section,
    symbol,
    untrusted_line,
)

FACTS = 6  # entries of the timeline that the direct message has


def escalated(change: IncidentChange, to: str, *, by_message: bool) -> str:
    """The answer to the person who asked another one for help."""
    number = change.incident.number
    if not change.changed:
        return _(
            "Nothing changed: {number} was escalated to <@{to}> less than 5 min ago. "
            "Call them, or escalate it to another person."
        ).format(number=number, to=to)
    text = (
        _(
            "🔔 {number} is escalated: <@{to}> is asked in its thread and by a direct message. The"
            " card shows that until they acknowledge."
        )
        if by_message
        else _(
            "🔔 {number} is escalated: <@{to}> is asked in its thread. The card shows that until"
            " they acknowledge. Slack took no direct message: the log has the reason."
        )
    )
    return text.format(number=number, to=to)


def card_line(escalation: Escalation) -> str:
    """The line of the card while the second person has not answered."""
    return _("🔔 escalated to <@{to}> by <@{by}> {at}, not answered yet").format(
        to=escalation.to, by=escalation.by, at=clock(escalation.at)
    )


def message(
    incident: Incident, entry: TimelineEntry, facts: Sequence[TimelineEntry], thread_ts: str
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the direct message to the person who is asked for help.

    `facts` are the newest entries of the timeline; `thread_ts` is the card's, or ''.
    """
    title = untrusted_line(incident.title, 150) or _("(no title)")
    head = f"*{symbol(incident.severity)} · {title}*   `{incident.number}`"
    request = f"🔔 {with_mentions(line(entry.spoken, 300))}"
    blocks = [section(f"{head}\n{request}"), context(*(fact_line(fact) for fact in facts))]
    buttons = []
    if incident.escalation and incident.resolved_at is None:
        value = str(incident.id)
        buttons.append(button(_("Acknowledge"), "sopbot.acknowledge", value, style="primary"))
    else:
        blocks.append(context(_("This escalation is answered or over: nobody waits for you.")))
    if thread_ts:
        buttons.append(thread_button(incident.channel, thread_ts, incident.id))
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return f"{request} · {title} · {incident.number}", blocks
