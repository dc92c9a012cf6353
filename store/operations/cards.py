"""All that an incident's card shows, as it is at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.model import Approval
from bot.incidents.model import Incident
from bot.incidents.news import News
from store.operations import approvals, executions, incidents, news
from store.statements import Operation


@dataclass(frozen=True, slots=True)
class CardContent:
    """What the store knows for a card.

    `fix` is the approval of the action that was verified to have helped. `waiting` are the
    approvals that wait for a vote, oldest first, three at most; `bad_news` is what is still so,
    newest first, three at most.
    """

    incident: Incident
    fix: Approval | None
    waiting: Sequence[Approval]
    bad_news: Sequence[News]


def content(incident_id: int) -> Operation[CardContent]:
    """What the card of this incident shows, or NotFound."""
    incident = yield from incidents.get(incident_id)
    fix = None
    if incident.fixed_by:
        execution = yield from executions.get(incident.fixed_by)
        fix = yield from approvals.get(execution.approval_id)
    waiting = yield from approvals.waiting_of_incident(incident_id)
    bad_news = yield from news.standing(incident)
    return CardContent(incident, fix, waiting, bad_news)
