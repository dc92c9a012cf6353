"""Cites the runbooks that an incident is about, and counts who says that one is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.enrichment.model import RUNBOOK, Evidence, KnownFact
from bot.errors import NotFound
from bot.language import deferred
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies
from bot.retrieval.queries import Query, build_query
from store.operations.advice_context import AdviceContext


class Runbooks:
    """Finds passages for evidence. Their text is data: a person or a program wrote it."""

    def __init__(self, dependencies: Dependencies, decisions: Decisions) -> None:
        self._library = dependencies.runbooks
        self._store = dependencies.store
        self._clock: Callable[[], datetime] = dependencies.clock
        self._check_person = decisions.check_person

    async def facts_about(self, context: AdviceContext) -> list[KnownFact]:
        """Return the passages that fit the incident, as facts."""
        name = context.alert.name if context.alert else ""
        reports = await self._store.wrong_runbooks(context.incident.sop_id, name)
        passages = await self._library.find(query_of(context), reports)
        now = self._clock()
        return [KnownFact(RUNBOOK, item.name, item.text, now, url=item.url) for item in passages]

    async def report_wrong(self, incident_id: int, passage_id: str, user: str) -> str:
        """Count a cited passage as wrong for this SOP ID and alert name, once a person.

        Returns its name. NotFound if the incident's evidence does not cite it any more.
        """
        await self._check_person(user, "ask")
        evidence = await self._store.evidence(incident_id) or Evidence()
        for fact in evidence.facts:
            if fact.source == RUNBOOK and fact.key == passage_id:
                alert = await self._store.latest_alert(incident_id)
                name = alert.name if alert else ""
                await self._store.report_wrong_runbook(
                    incident_id, fact.name, name, user, self._clock()
                )
                return fact.name
        raise NotFound(deferred("This runbook is no longer cited for the incident."))


def query_of(context: AdviceContext) -> Query:
    """Return the query of an incident: that of its newest alert, else of its title."""
    alert, incident = context.alert, context.incident
    if alert is None:
        return build_query(title=incident.title, text=incident.text, labels=incident.labels)
    return build_query(
        name=alert.name,
        title=alert.title,
        text=alert.text,
        labels=alert.labels,
        annotations=alert.annotations,
    )
