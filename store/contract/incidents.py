"""What is wrong, since when, and who looks after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.model import Incident, IncidentChange, Severity, TimelineEntry
from bot.incidents.news import News
from store.contract.part import Part
from store.operations import (
    cards,
    incidents,
    news,
)
from store.operations.cards import CardContent


class Incidents(Part):
    """The methods of `Store` for incidents."""

    async def incident(self, incident_id: int) -> Incident:
        """One incident, or NotFound."""
        return await self._engine.read(incidents.get, incident_id)

    async def incident_of_approval(self, approval_id: str) -> Incident:
        """The incident of an approval, or NotFound."""
        return await self._engine.read(incidents.of_approval, approval_id)

    async def open_incidents(self, limit: int = 20, before: int | None = None) -> list[Incident]:
        """Open and acknowledged incidents, newest first; `before` an id pages on."""
        return await self._engine.read(incidents.open_ones, limit, before)

    async def news(self, news_id: int) -> News | None:
        """One piece of bad news."""
        return await self._engine.read(news.get, news_id)

    async def card_content(self, incident_id: int) -> CardContent:
        """What the card of an incident shows, as it is at one moment; or NotFound."""
        return await self._engine.read(cards.content, incident_id)

    async def report_unanswered(
        self, opened_before: datetime, mentions: Sequence[str], now: datetime
    ) -> int:
        """Report critical and high incidents opened before then that nobody acknowledged.

        Once each, to `mentions`; a channel gets a few at a time. Returns how many.
        """
        return await self._write(news.unanswered, opened_before, mentions, now)

    async def incidents_of_sop(self, sop_id: str, limit: int = 10) -> list[Incident]:
        """The newest incidents of a SOP ID."""
        return await self._engine.read(incidents.of_sop, sop_id, limit)

    async def incident_of_message(self, channel: str, ts: str) -> Incident | None:
        """The incident whose card or reply is that Slack message."""
        return await self._engine.read(incidents.of_message, channel, ts)

    async def timeline(self, incident_id: int) -> list[TimelineEntry]:
        """The story so far, oldest first."""
        return await self._engine.read(incidents.timeline, incident_id)

    async def remark(self, timeline_id: int) -> TimelineEntry | None:
        """One fact of a story."""
        return await self._engine.read(incidents.remark, timeline_id)

    async def acknowledge(self, incident_id: int, user: str, now: datetime) -> IncidentChange:
        """Open becomes acknowledged; twice changes nothing; Refused when it is resolved."""
        return await self._write(incidents.acknowledge, incident_id, user, now)

    async def assign(
        self, incident_id: int, assignee: str, by: str, now: datetime
    ) -> IncidentChange:
        """The assignee becomes the owner. Refused when it is resolved."""
        return await self._write(incidents.assign, incident_id, assignee, by, now)

    async def reopen(self, incident_id: int, user: str, now: datetime) -> IncidentChange:
        """Resolved becomes open. Refused while another one of the same service is open."""
        return await self._write(incidents.reopen, incident_id, user, now)

    async def resolve(self, incident_id: int, user: str, now: datetime) -> Incident:
        """A person closes it; what was not sent yet is revoked. Refused when it is closed."""
        return await self._write(incidents.resolve, incident_id, user, now)

    async def note(self, incident_id: int, text: str, user: str, now: datetime) -> Incident:
        """Keep a remark in the story and show it in the thread."""
        return await self._write(incidents.note, incident_id, text, user, now)

    async def open_severities(self) -> dict[Severity, int]:
        """How many incidents of each severity are open."""
        return await self._engine.read(incidents.open_severities)

    async def incident_counts(self) -> dict[str, int]:
        """How many incidents stand in each status."""
        return await self._engine.read(incidents.counts)
