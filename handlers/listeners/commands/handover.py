"""Hands everything of a person over to another one."""

from __future__ import annotations

from bot.errors import InputError
from bot.language import deferred
from handlers.listeners.commands.call import PERSON, Call
from handlers.views import handover as view
from handlers.views.text import typed


async def handover(call: Call, rest: str) -> str:
    """Offer the person's open incidents to the named one."""
    taker = PERSON.fullmatch(rest.strip())
    if taker is None:
        raise InputError(
            deferred("{text} is nobody in Slack: choose the person behind `@`.", text=typed(rest))
            if rest.strip()
            else deferred("Hand over to whom?"),
            remedy=deferred("Name one person: `/incident handover @ben`."),
        )
    offered = await call.service.handovers.offer(
        call.user, taker[1], call.outbox.direct.direct_channel, call.key
    )
    return view.offered(offered)
