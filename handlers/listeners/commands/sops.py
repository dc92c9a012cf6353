"""Reads the SOPs that are loaded."""

from __future__ import annotations

from bot.errors import NotFound
from handlers.listeners.commands.call import Call
from handlers.views import lists
from handlers.views.text import typed


async def list_sops(call: Call, _rest: str) -> str:
    """One line an SOP."""
    library = call.service.sops
    return lists.sop_list(library.sops, len(library.problems))


async def show(call: Call, rest: str) -> str:
    """One SOP, and the incident that used it last."""
    known = call.service.sops.get(rest.strip("` "))
    if known is None:
        raise NotFound(f"There is no SOP {typed(rest)}.", remedy="`/sop list` shows them.")
    return lists.sop_details(known, await call.store.incidents_of_sop(known.sop_id), call.now)
