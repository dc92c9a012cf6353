"""Decides who owns an incident."""

from __future__ import annotations

from bot.errors import InputError
from handlers.listeners.commands.call import PERSON, Call
from handlers.views import steering


async def acknowledge(call: Call, rest: str) -> str:
    """Make the person the owner, unless another person owns the incident."""
    incident, _ = await call.subject(rest)
    change = await call.service.acknowledge(incident.id, call.user)
    return steering.acknowledged(change, call.user, call.now)


async def assign(call: Call, rest: str) -> str:
    """Make the named person the owner."""
    incident, name = await call.subject(rest)
    who = PERSON.fullmatch(name.strip())
    if name.strip().lower() == "me":
        assignee = call.user
    elif who:
        assignee = who[1]
    else:
        raise InputError(
            "Assign it to whom?",
            remedy=f"`/incident assign {incident.number} me`, or name somebody: `@ben`.",
        )
    change = await call.service.assign(incident.id, assignee, call.user)
    return steering.assigned(change, assignee, call.user)
