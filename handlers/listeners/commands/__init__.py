"""Answers `/incident` and `/sop` immediately, and only to the person who typed the command.

`verbs` is the table of all commands. A topic is a module of functions, each of which takes the
`Call` and the text after the verb, and returns the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.errors import InputError
from bot.response import IncidentService
from handlers.listeners.commands.call import Call, Verb
from handlers.listeners.commands.verbs import INCIDENT, SOP
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views.text import typed


def register(listeners: Listeners) -> None:
    """Register the two commands."""
    listeners.command("/incident", incident)
    listeners.command("/sop", sop)


async def incident(
    command: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
    clock: Callable[[], datetime],
) -> str:
    """`/incident <verb> …`."""
    return await _answer(INCIDENT, "help", command, service, outbox, clock)


async def sop(
    command: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
    clock: Callable[[], datetime],
) -> str:
    """`/sop <verb> …`."""
    return await _answer(SOP, "list", command, service, outbox, clock)


async def _answer(
    verbs: Mapping[str, Verb],
    default: str,
    command: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
    clock: Callable[[], datetime],
) -> str:
    name, text = str(command.get("command")), _as_typed(str(command.get("text") or ""))
    word, _, rest = text.strip().partition(" ")
    verb = verbs.get(word.lower() or default)
    if verb is None:
        known = ", ".join(verbs)
        raise InputError(f"{typed(f'{name} {word}')} is not known.", remedy=f"Known: {known}.")
    call = Call(
        service,
        outbox,
        clock(),
        verbs,
        line=f"{name} {word.lower()}",
        user=str(command["user_id"]),
        channel=str(command.get("channel_id") or ""),
        trigger_id=str(command["trigger_id"]),
    )
    return await verb.run(call, rest.strip())


def _as_typed(text: str) -> str:
    """The text before Slack escaped these three signs; the views escape it again."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
