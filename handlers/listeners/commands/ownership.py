"""Decides who owns an incident."""

from __future__ import annotations

from bot.errors import InputError
from bot.incidents.model import Incident
from bot.language import deferred
from handlers.listeners.commands.call import PERSON, Call
from handlers.views import escalation, steering
from handlers.views.text import typed


async def acknowledge(call: Call, rest: str) -> str:
    """Make the person the owner, unless another person owns the incident."""

    async def act(incident: Incident, _text: str) -> str:
        change = await call.service.acknowledge(incident.id, call.user)
        return steering.acknowledged(change, call.user, call.now)

    return await call.each(rest, act)


async def assign(call: Call, rest: str) -> str:
    """Make the named person the owner."""

    async def act(incident: Incident, name: str) -> str:
        assignee = call.user if name.lower() == "me" else person_in(name)
        if not assignee:
            raise InputError(
                deferred(
                    "{text} is nobody in Slack: choose the person behind `@`.", text=typed(name)
                )
                if name
                else deferred("Assign it to whom?"),
                remedy=deferred(
                    "`/incident assign {number} me`, or name somebody: `@ben`.",
                    number=incident.number,
                ),
            )
        change = await call.service.assign(incident.id, assignee, call.user)
        return steering.assigned(change, assignee, call.user)

    return await call.each(rest, act)


async def escalate(call: Call, rest: str) -> str:
    """Ask a second person for help."""

    async def act(incident: Incident, text: str) -> str:
        name, _sep, reason = text.partition(" ")
        to = person_in(name)
        if not to:
            raise InputError(
                deferred(
                    "{text} is nobody in Slack: choose the person behind `@`.", text=typed(name)
                )
                if name
                else deferred("Escalate it to whom?"),
                remedy=deferred("`/incident escalate {number} @ben why`.", number=incident.number),
            )
        change, by_message = await call.service.remarks.escalate(
            incident.id,
            to,
            call.user,
            reason.strip(),
            call.outbox.direct.direct_channel,
            f"{call.key}/{incident.id}",
        )
        return escalation.escalated(change, to, by_message=by_message)

    return await call.each(rest, act)


def person_in(text: str) -> str:
    """The id of the person whom the text mentions, and nothing else; '' without one."""
    who = PERSON.fullmatch(text.strip())
    return who[1] if who else ""
