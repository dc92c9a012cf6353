"""Gives a person the export of an incident, as `python -m bot export` writes it."""

from __future__ import annotations

import asyncio
import json

from bot.errors import Refused
from bot.language import deferred
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies
from bot.response.handover import DirectChannel


class Exports:
    """Asks for exports, and makes their files."""

    def __init__(self, dependencies: Dependencies, decisions: Decisions) -> None:
        self._store = dependencies.store
        self._clock = dependencies.clock
        self._export_incident = dependencies.export_incident
        self._decisions = decisions
        self._one_at_a_time = asyncio.Lock()

    async def request(
        self, incident_id: int, user: str, direct_channel: DirectChannel, once: str
    ) -> str:
        """Enqueue the export to the person, on record; returns the name of its file.

        Guests are refused: an export has the raw alerts, whoever may read the channel.
        """
        await self._decisions.check_person(user)
        channel = await direct_channel(user)
        if not channel:
            raise Refused(
                deferred("Not exported: Slack opens no direct message to you."),
                remedy=deferred(
                    "The app needs the scope `im:write`; or run `python -m bot export`."
                ),
            )
        return await self._store.request_export(incident_id, user, channel, once, self._clock())

    async def document(self, incident_id: int) -> str:
        """Return the export as JSON. It is read on a thread: it proves the whole audit trail."""
        async with self._one_at_a_time:
            document = await asyncio.to_thread(self._export_incident, incident_id)
            return await asyncio.to_thread(json.dumps, document, indent=1, default=str) + "\n"
