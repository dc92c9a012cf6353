"""One typed command, and a row of the table of commands."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.errors import InputError, NotFound, SopbotError
from bot.incidents.listing import ListFilter
from bot.incidents.model import Incident
from bot.language import deferred
from bot.response import IncidentService
from bot.response.readers import check_channels
from handlers.listeners.errors import Failures
from handlers.listeners.incidents import incident_id
from handlers.outbound.outbox import Outbox
from handlers.views.help import Topic
from handlers.views.text import typed
from handlers.views.words import word
from store import Store

NAMED = 5  # open incidents that the answer names if the command names none
MOST_NAMED = 10  # incidents that one command may change
INCIDENT_NUMBER = re.compile(r"(INC-?|#)?\d+", re.IGNORECASE)
_NAMED = re.compile(  # one of several numbers; but not the 30 of "30 min"
    r"((?:INC-?|#)?\d+),?(?:\s+(?!\s|(?:min(?:ute)?s?|h(?:ou)?rs?|days?|[mhd])\b)|$)", re.IGNORECASE
)
PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Verb:
    """One command. `usage` is an example to type, `help` says in one line what it does."""

    run: Callable[[Call, str], Awaitable[str]]
    usage: str
    help: str
    topic: Topic
    members_only: bool = False  # its answer is about all channels


@dataclass(frozen=True, slots=True)
class Call:
    """One command: who typed it and where, and the key by which a redelivery is recognised.

    `channels` are those whose incidents a guest may read; None for a member.
    """

    service: IncidentService
    outbox: Outbox
    now: datetime
    verbs: Mapping[str, Verb]  # the table that has this command
    line: str  # the command and its verb, as "/incident ack"
    payload: dict[str, Any]  # as Slack sent it
    channels: frozenset[str] | None = None

    @property
    def store(self) -> Store:
        """The store."""
        return self.service.store

    @property
    def user(self) -> str:
        """The id of the person who typed it."""
        return str(self.payload["user_id"])

    @property
    def channel(self) -> str:
        """The id of the channel in which it was typed."""
        return str(self.payload.get("channel_id") or "")

    @property
    def trigger_id(self) -> str:
        """Opens a modal, within three seconds."""
        return str(self.payload["trigger_id"])

    @property
    def key(self) -> str:
        """The idempotency key."""
        return f"command/{self.trigger_id}"

    async def incident(self, name: str) -> Incident:
        """The incident with this number; Refused for a guest who is not in its channel."""
        incident = await self.store.incident(incident_id(name))
        check_channels(self.channels, incident)
        return incident

    async def subject(self, text: str) -> tuple[Incident, str]:
        """The named incident, or the only open incident, and the rest of the text."""
        first, _sep, rest = text.partition(" ")
        if INCIDENT_NUMBER.fullmatch(first):
            return await self.incident(first), rest.strip()
        chosen = ListFilter(channels=self.channels)
        worst = (await self.store.listed_incidents(chosen, None, NAMED)).incidents
        if len(worst) == 1:
            return worst[0], text
        if not worst:
            raise NotFound(
                deferred("No incident is open."),
                remedy=deferred("`/incident list all` shows the last ones."),
            )
        names = ", ".join(f"{incident.number} ({word(incident.severity)})" for incident in worst)
        raise InputError(
            deferred("{text} is not an incident number.", text=typed(first))
            if first
            else deferred("Which incident?"),
            remedy=deferred(
                "Name it: `{line} {number}`. The most severe that are open: {names}.",
                line=self.line,
                number=worst[0].number,
                names=names,
            ),
        )

    async def each(self, text: str, act: Callable[[Incident, str], Awaitable[str]]) -> str:
        """Call `act` with each named incident and the rest of the text; an answer a line.

        A refusal of one incident is its line, on record as any refusal; the others go on.
        """
        numbers, rest = leading_numbers(text)
        if not numbers:
            return await act(*await self.subject(text))
        if len(numbers) == 1:
            return await act(await self.incident(numbers[0]), rest)
        if len(numbers) > MOST_NAMED:
            raise InputError(
                deferred("Nothing was done: that names {count} incidents.", count=len(numbers)),
                remedy=deferred("Name at most {most} at once.", most=MOST_NAMED),
            )
        lines = []
        for number in numbers:
            try:
                lines.append(await act(await self.incident(number), rest))
            except SopbotError as error:
                verb = self.line.partition(" ")[2]
                alone = {**self.payload, "text": f"{verb} {number} {rest}".strip()}
                sentence = await Failures(self.service).answer_to(error, alone)
                lines.append(sentence if number in sentence else f"`{number}`: {sentence}")
        return "\n".join(lines)


def leading_numbers(text: str) -> tuple[list[str], str]:
    """The incidents that the text begins with, each once, and the rest of it."""
    numbers: dict[int, str] = {}
    while match := _NAMED.match(text):
        number = incident_id(match[1])
        numbers[number] = f"INC-{number}"
        text = text[match.end() :]
    return list(numbers.values()), text.strip()
