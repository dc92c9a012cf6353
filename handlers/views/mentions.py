"""The answers to mentions and direct messages."""

from __future__ import annotations

from collections.abc import Mapping

from bot.incidents.home import ListedIncidents
from bot.incidents.model import Incident
from handlers.views.places import thread_link
from handlers.views.text import SYMBOL, clock, plural, untrusted_line

Place = tuple[str, str]


def open_here(listed: ListedIncidents, places: Mapping[int, Place]) -> str:
    """The open incidents of a channel, the most severe first, each with its thread."""
    if not listed.total:
        return (
            "No open incidents in this channel. `/incident list` shows those of all channels;"
            " a mention in an incident's thread asks the advisor."
        )
    lines = [f"*{plural(listed.total, 'open incident')} in this channel*, most severe first"]
    for incident in listed.incidents:
        owner = f" · 👀 <@{incident.acknowledged_by}>" if incident.acknowledged_by else ""
        lines.append(
            f"{SYMBOL[incident.severity]} {_number(incident, places.get(incident.id))}"
            f" {untrusted_line(incident.title, 80)} · since {clock(incident.display.since)}{owner}"
        )
    more = listed.total - len(listed.incidents)
    if more > 0:
        lines.append(f"… and {more:,} more: `/incident list`")
    first = listed.incidents[0].number
    lines.append(f"To ask the advisor, name one: `@sopbot {first} why now?`")
    return "\n".join(lines)


def _number(incident: Incident, place: Place | None) -> str:
    return f"<{thread_link(*place)}|{incident.number}>" if place else f"`{incident.number}`"


def question_sent(incident: Incident, place: Place | None) -> str:
    """The answer to a question that was sent to the advisor."""
    link = f" <{thread_link(*place)}|Open thread>" if place else ""
    return f"Question sent; the answer will be posted in the thread of {incident.number}.{link}"


def question_repeated(incident: Incident, place: Place | None) -> str:
    """The answer to a person who has a message explained that was explained before."""
    link = f" <{thread_link(*place)}|Open thread>" if place else ""
    return (
        f"Somebody asked about this message already: the thread of {incident.number} has the"
        f" answer, or will have it soon.{link} For another question:"
        f" `/incident ask {incident.number} why now?`"
    )


def help_page(commands: str) -> str:
    """The help: the commands, and what a mention does."""
    return (
        f"{commands}\nMention the bot in an incident's thread to ask the advisor, or anywhere with"
        " a number: `@sopbot INC-7 why now?`. In a direct message the number is enough."
    )
