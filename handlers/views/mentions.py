"""The answers to mentions and direct messages."""

from __future__ import annotations

from collections.abc import Mapping

from bot.incidents.home import ListedIncidents
from bot.incidents.model import Incident
from bot.language import _, number, plural
from handlers.views.places import open_thread, thread_link
from handlers.views.text import clock, symbol, untrusted_line

Place = tuple[str, str]


def open_here(listed: ListedIncidents, places: Mapping[int, Place]) -> str:
    """The open incidents of a channel, the most severe first, each with its thread."""
    if not listed.total:
        return _(
            "No open incidents in this channel. `/incident list` shows those of all "
            "channels; a mention in an incident's thread asks the advisor."
        )
    lines = [
        _("*{incidents} in this channel*, most severe first").format(
            incidents=plural(listed.total, "{count} open incident", "{count} open incidents")
        )
    ]
    for incident in listed.incidents:
        owner = f" · 👀 <@{incident.acknowledged_by}>" if incident.acknowledged_by else ""
        lines.append(
            _("{severity} {incident} {title} · since {at}{owner}").format(
                severity=symbol(incident.severity),
                incident=_number(incident, places.get(incident.id)),
                title=untrusted_line(incident.title, 80),
                at=clock(incident.display.since),
                owner=owner,
            )
        )
    more = listed.total - len(listed.incidents)
    if more > 0:
        lines.append(_("… and {more} more: `/incident list`").format(more=number(more)))
    first = listed.incidents[0].number
    lines.append(_("To ask the advisor, name one: `@sopbot {first} why now?`").format(first=first))
    return "\n".join(lines)


def _number(incident: Incident, place: Place | None) -> str:
    return f"<{thread_link(*place)}|{incident.number}>" if place else f"`{incident.number}`"


def question_sent(incident: Incident, place: Place | None) -> str:
    """The answer to a question that was sent to the advisor."""
    text = _("Question sent; the answer will be posted in the thread of {number}.").format(
        number=incident.number
    )
    return f"{text} {open_thread(*place)}" if place else text


def question_repeated(incident: Incident, place: Place | None) -> str:
    """The answer to a person who has a message explained that was explained before."""
    parts = (
        _(
            "Somebody asked about this message already: the thread of {number} has the answer, or"
            " will have it soon."
        ),
        open_thread(*place) if place else "",
        _("For another question: `/incident ask {number} why now?`"),
    )
    return " ".join(part.format(number=incident.number) for part in parts if part)


def help_page(commands: str) -> str:
    """The help: the commands, and what a mention does."""
    mention = _(
        "Mention the bot in an incident's thread to ask the advisor, or anywhere with a number:"
        " `@sopbot INC-7 why now?`. In a direct message the number is enough."
    )
    return f"{commands}\n{mention}"
