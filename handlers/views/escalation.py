"""An escalation: the answer, the line of the card, the direct message."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import Escalation, Incident, IncidentChange, TimelineEntry
from handlers.views.approval import with_mentions
from handlers.views.lists import fact_line
from handlers.views.places import thread_button
from handlers.views.text import (
    SYMBOL,
    Block,
    button,
    clock,
    context,
    line,
    section,
    untrusted_line,
)

FACTS = 6  # entries of the timeline that the direct message has


def escalated(change: IncidentChange, to: str, *, by_message: bool) -> str:
    """The answer to the person who asked another one for help."""
    number = change.incident.number
    if not change.changed:
        return (
            f"Nothing changed: {number} was escalated to <@{to}> less than 5 min ago. Call them, or"
            f" escalate it to another person."
        )
    how = "in its thread and by a direct message" if by_message else "in its thread"
    caveat = "" if by_message else " Slack took no direct message: the log has the reason."
    return (
        f"🔔 {number} is escalated: <@{to}> is asked {how}. The card shows that until they"
        f" acknowledge.{caveat}"
    )


def card_line(escalation: Escalation) -> str:
    """The line of the card while the second person has not answered."""
    return (
        f"🔔 escalated to <@{escalation.to}> by <@{escalation.by}> {clock(escalation.at)},"
        " not answered yet"
    )


def message(
    incident: Incident, entry: TimelineEntry, facts: Sequence[TimelineEntry], thread_ts: str
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the direct message to the person who is asked for help.

    `facts` are the newest entries of the timeline; `thread_ts` is the card's, or ''.
    """
    title = untrusted_line(incident.title, 150) or "(no title)"
    head = f"*{SYMBOL[incident.severity]} · {title}*   `{incident.number}`"
    request = f"🔔 {with_mentions(line(entry.text, 300))}"
    blocks = [section(f"{head}\n{request}"), context(*(fact_line(fact) for fact in facts))]
    buttons = []
    if incident.escalation and incident.resolved_at is None:
        value = str(incident.id)
        buttons.append(button("Acknowledge", "sopbot.acknowledge", value, style="primary"))
    else:
        blocks.append(context("This escalation is answered or over: nobody waits for you."))
    if thread_ts:
        buttons.append(thread_button(incident.channel, thread_ts, incident.id))
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return f"{request} · {title} · {incident.number}", blocks
