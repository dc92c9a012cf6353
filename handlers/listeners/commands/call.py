"""One typed command, and a row of the table of commands."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.errors import InputError, NotFound
from bot.incidents.model import Incident
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id
from handlers.outbound.outbox import Outbox
from handlers.views.help import Topic
from store import Store

MANY, NAMED = 100, 5  # open incidents: how many are read, and named, if the command names none
INCIDENT_NUMBER = re.compile(r"(INC-?|#)?\d+", re.IGNORECASE)
PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Verb:
    """One command. `usage` is an example to type, `help` says in one line what it does."""

    run: Callable[[Call, str], Awaitable[str]]
    usage: str
    help: str
    topic: Topic


@dataclass(frozen=True, slots=True)
class Call:
    """One command: who typed it and where, and the key by which a redelivery is recognised."""

    service: IncidentService
    outbox: Outbox
    now: datetime
    verbs: Mapping[str, Verb]  # the table that has this command
    line: str  # the command and its verb, as "/incident ack"
    user: str
    channel: str
    trigger_id: str

    @property
    def store(self) -> Store:
        """The store."""
        return self.service.store

    @property
    def key(self) -> str:
        """The idempotency key."""
        return f"command/{self.trigger_id}"

    async def subject(self, text: str) -> tuple[Incident, str]:
        """The named incident, or the only open incident, and the rest of the text."""
        first, _, rest = text.partition(" ")
        if INCIDENT_NUMBER.fullmatch(first):
            return await self.store.incident(incident_id(first)), rest.strip()
        open_incidents = await self.store.open_incidents(limit=MANY)
        if len(open_incidents) == 1:
            return open_incidents[0], text
        if not open_incidents:
            raise NotFound("No incident is open.")
        worst = sorted(open_incidents, key=lambda incident: incident.severity.rank)[:NAMED]
        names = ", ".join(f"{incident.number} ({incident.severity})" for incident in worst)
        first = worst[0].number
        raise InputError(
            "Which incident?",
            remedy=f"Name it: `{self.line} {first}`. The most severe that are open: {names}.",
        )
