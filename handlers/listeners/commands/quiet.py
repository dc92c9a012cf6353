"""Makes and ends silences and mutes."""

from __future__ import annotations

from bot.incidents.model import Incident
from bot.incidents.silences import parse_mute, parse_silence
from handlers.listeners.commands.call import Call
from handlers.listeners.silences import silence_id
from handlers.views import silences


async def silence(call: Call, rest: str) -> str:
    """Keep alerts that match from opening incidents."""
    made = await call.service.silences.silence(parse_silence(rest), call.user, call.key)
    return silences.made(made)


async def unsilence(call: Call, rest: str) -> str:
    """End a silence."""
    ended, by_this = await call.service.silences.end(silence_id(rest), call.user)
    return silences.ended(ended, by_this=by_this)


async def mute(call: Call, rest: str) -> str:
    """Keep the incident's thread quiet."""

    async def act(incident: Incident, text: str) -> str:
        change = await call.service.silences.mute(incident.id, parse_mute(text), call.user)
        return silences.muted(change)

    return await call.each(rest, act)


async def unmute(call: Call, rest: str) -> str:
    """End the mute."""

    async def act(incident: Incident, _text: str) -> str:
        return silences.unmuted(await call.service.silences.unmute(incident.id, call.user))

    return await call.each(rest, act)
