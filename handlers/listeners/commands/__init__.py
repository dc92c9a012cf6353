"""Answers `/incident` and `/sop` immediately, and only to the person who typed the command.

`verbs` is the table of all commands. A topic is a module of functions, each of which takes the
`Call` and the text after the verb, and returns the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.errors import InputError
from bot.language import deferred
from bot.response import IncidentService
from bot.response.readers import check_member
from handlers.listeners.commands import lists
from handlers.listeners.commands.call import INCIDENT_NUMBER, Call, Verb
from handlers.listeners.commands.meanings import BUTTONS, meant_by, where_votes_are
from handlers.listeners.commands.verbs import INCIDENT, SOP
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views.text import typed


def register(listeners: Listeners) -> None:
    """Register the two commands."""
    listeners.command("/incident", incident)
    listeners.command("/sop", sop)
    lists.register(listeners)


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
    word, _sep, rest = text.strip().partition(" ")
    verb = verbs.get(word.lower() or default)
    if verb is None:
        raise unknown(name, word.lower(), rest, verbs)
    channels = await service.readers.channels_of(str(command["user_id"]))
    if verb.members_only:
        check_member(channels)
    call = Call(
        service,
        outbox,
        clock(),
        verbs,
        line=f"{name} {word.lower() or default}",
        payload=command,
        channels=channels,
    )
    return await verb.run(call, rest.strip())


def unknown(name: str, word: str, rest: str, verbs: Mapping[str, Verb]) -> InputError:
    """The error that names the nearest verb, as it would have to be typed."""
    remedy = deferred("`{name} help` lists the commands.", name=name)
    if INCIDENT_NUMBER.fullmatch(word) and "show" in verbs:
        nearest = f"show {word}"
    else:
        nearest = meant_by(word, rest, verbs)
    if word in BUTTONS and "fix" in verbs:
        remedy = where_votes_are(remedy)
    elif nearest:
        remedy = deferred(
            "Did you mean {command}? {remedy}", command=typed(f"{name} {nearest}"), remedy=remedy
        )
    return InputError(
        deferred("{name} is not a command.", name=typed(f"{name} {word}")), remedy=remedy
    )


def _as_typed(text: str) -> str:
    """The text before Slack escaped these three signs; the views escape it again."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
