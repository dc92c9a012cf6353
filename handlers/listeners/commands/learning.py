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
    """The newest lessons of an SOP ID; or remove a wrong one."""
    parts = rest.split()
    if parts and parts[0].casefold() == "remove":
        lesson_id = _number(parts[1] if len(parts) == 2 else "")
        return view.removed(await call.service.lessons.remove(lesson_id, call.user))
    sop_id = rest.strip("` ")
    if not sop_id:
        raise InputError(
            deferred("Lessons of which SOP?"),
            remedy=deferred("Name it: `/sop lessons sop_…`. It stands on the card."),
        )
    return view.lesson_list(sop_id, await call.service.lessons.about(sop_id, call.channel))


def _number(text: str) -> int:
    number = text.strip("`#")
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise InputError(
            deferred("Which lesson?"),
            remedy=deferred(
                "For example `/sop lessons remove 3`. `/sop lessons sop_…` has the numbers."
            ),
        )
    return int(number)


async def draft(call: Call, rest: str) -> str:
    """Draft an SOP from an incident, as a file in its thread."""
    incident, _rest = await call.subject(rest)
    await call.service.lessons.request_draft(incident.id, call.user, call.key)
    return view.draft_requested(incident.number)
