"""Keeps lessons of incidents, and drafts an SOP from one."""

from __future__ import annotations

from bot.errors import InputError
from bot.language import deferred
from handlers.listeners.commands.call import Call
from handlers.views import learning as view


async def lesson(call: Call, rest: str) -> str:
    """Keep a lesson for the next incident of its kind."""
    incident, text = await call.subject(rest)
    return view.kept(await call.service.lessons.add(incident.id, text, call.user, call.key))


async def lessons(call: Call, rest: str) -> str:
    """The newest lessons of an SOP ID."""
    sop_id = rest.strip("` ")
    if not sop_id:
        raise InputError(
            deferred("Lessons of which SOP?"),
            remedy=deferred("Name it: `/sop lessons sop_…`. It stands on the card."),
        )
    return view.lesson_list(sop_id, await call.store.lessons_about(sop_id))


async def draft(call: Call, rest: str) -> str:
    """Draft an SOP from an incident, as a file in its thread."""
    incident, _rest = await call.subject(rest)
    await call.service.lessons.request_draft(incident.id, call.user, call.key)
    return view.draft_requested(incident.number)
