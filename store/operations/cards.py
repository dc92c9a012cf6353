"""All that an incident's card shows, as it is at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.model import Approval
from bot.incidents.model import Incident
from bot.incidents.news import News
from store.operations import approvals, executions, incidents, news
from store.operations.part import Part
from store.rows import incident_from
from store.statements import Operation, query


@dataclass(frozen=True, slots=True)
class CardContent:
    """The stored facts that a card shows.

    `fix` is the approval of the action that was verified to have helped. `waiting` are the
    approvals that wait for a vote, oldest first, three at most; `bad_news` is what is still so,
    newest first, three at most.
    """

    incident: Incident
    fix: Approval | None
    waiting: Sequence[Approval]
    bad_news: Sequence[News]


def content(incident_id: int) -> Operation[CardContent]:
    """Return what the card of this incident shows, or NotFound.

    One query for nearly every card: of few is an approval waiting, or something bad known.
    """
    rows = yield query(
        "SELECT i.*, EXISTS (SELECT 1 FROM approvals a WHERE a.incident_id = i.id"
        " AND a.state = 'awaiting approval') AS is_asked,"
        " EXISTS (SELECT 1 FROM news n WHERE n.incident_id = i.id) AS has_news"
        " FROM incidents i WHERE i.id = ?",
        incident_id,
    )
    if not rows:
        raise incidents.unknown(incident_id)
    incident = incident_from(rows[0])
    fix = None
    if incident.fixed_by:
        execution = yield from executions.get(incident.fixed_by)
        fix = yield from approvals.get(execution.approval_id)
    waiting: Sequence[Approval] = []
    if rows[0]["is_asked"]:
        waiting = yield from approvals.waiting_of_incident(incident_id)
    bad_news: Sequence[News] = []
    if rows[0]["has_news"]:
        bad_news = yield from news.current(incident)
    return CardContent(incident, fix, waiting, bad_news)


class CardsPart(Part):
    """The methods of `Store` for the content of cards."""

    async def card_content(self, incident_id: int) -> CardContent:
        """Return what the card of an incident shows, as it is at one moment; or NotFound."""
        return await self._engine.read(content, incident_id)
