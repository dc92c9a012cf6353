"""Collects what is known about an incident, for its thread and for the advisor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import aiohttp

from bot.configuration import LiveConfiguration
from bot.enrichment.gathering import gather
from bot.enrichment.kubernetes.about import About, about_alert
from bot.enrichment.model import FACT_CHARS, Evidence, KnownFact
from bot.incidents.deploys import Deploy, Symptom, cause_among
from bot.incidents.model import Alert, Incident
from bot.incidents.subject_reader import subject_of
from bot.observability.metrics import Metrics
from bot.response.lessons import Lessons
from bot.response.runbooks import Runbooks
from store import Store
from store.operations.advice_context import AdviceContext
from store.operations.evidence import History

OWN = "own history"
DEPLOYS = "deploys"


class Enrichment:
    """Asks the incident's own history, the runbooks and the declared sources (with `session`)."""

    def __init__(
        self,
        store: Store,
        config: LiveConfiguration,
        session: aiohttp.ClientSession | None,
        clock: Callable[[], datetime],
        metrics: Metrics,
        runbooks: Runbooks,
        lessons: Lessons,
    ) -> None:
        self._store = store
        self._config = config
        self._session = session
        self._clock = clock
        self._metrics = metrics
        self._runbooks = runbooks
        self._lessons = lessons

    async def evidence_of(self, context: AdviceContext) -> Evidence:
        """Gather, store and show it. A source that fails or is late is named in the evidence."""
        incident, now = context.incident, self._clock()
        policy = self._config.current.policy.for_scope(context.scope)
        llm = policy.llm
        past = await self._store.history(incident.id, now)
        deploys, symptoms = await self._store.deploys_of(incident.id)
        known = [*own_facts(past, now), *deploy_facts(deploys, symptoms)]
        if self._session is None or not llm.sources or not policy.features.evidence:
            evidence = Evidence()
        else:
            evidence = await gather(
                self._session,
                llm.sources,
                parts_of(incident, context.alert),
                now,
                seconds=llm.source_timeout_ms / 1000,
                about=self._about(context.alert),
            )
        lessons = await self._lessons.facts_about(context)
        passages = await self._runbooks.facts_about(context)
        facts = [*known, *lessons, *passages, *evidence.facts]
        evidence = Evidence.of(facts, evidence.failures)
        for failure in evidence.failures:
            self._metrics.advisor.source_failed(failure.word)
        if evidence.facts or evidence.failures:
            shown = bool(
                past.fix or deploys or len(evidence.facts) > len(known) or evidence.failures
            )
            await self._store.store_evidence(incident, evidence, now, shown=shown)
        return evidence

    def _about(self, alert: Alert | None) -> About | None:
        if alert is None:
            return None
        sops = self._config.current.sops
        return about_alert(alert, subject_of(alert, sops.environments, sops.services))


def own_facts(past: History, now: datetime) -> Iterator[KnownFact]:
    """Return what the store knows of earlier incidents."""
    if past.similar_day:
        text = f"{past.similar_hour} others in the last hour, {past.similar_day} in the last 24 h"
        yield KnownFact(OWN, "incidents of this service and category", text, now)
    if past.last is not None and past.last.resolved_at is not None:
        fix = f"fixed by: {past.fix}" if past.fix else "no action of the bot fixed it"
        text = f"{past.last.number}, {past.last.title[:200]}; {fix}"
        yield KnownFact(OWN, "last incident of this SOP", text, past.last.resolved_at)


def deploy_facts(deploys: Sequence[Deploy], symptoms: Sequence[Symptom]) -> Iterator[KnownFact]:
    """Return a fact for each deploy, the newest first, and which one is the probable cause."""
    cause = cause_among(deploys, symptoms)
    for deploy in deploys:
        began = max(symptom.at for symptom in symptoms if symptom.service == deploy.service)
        before = f"{(began - deploy.at).total_seconds() / 60:.0f} min before the first alert"
        parts = [
            f"{deploy.name} {deploy.version}".rstrip(),
            f"by {deploy.by}",
            before,
            deploy.url,
        ]
        text = ", ".join(part for part in parts if part not in ("", "by "))
        is_cause = ": probable cause" if deploy is cause else ""
        yield KnownFact(DEPLOYS, f"deploy{is_cause}", text[:FACT_CHARS], deploy.at)


def parts_of(incident: Incident, alert: Alert | None) -> dict[str, str]:
    """Return the parts of the subject that a query may name."""
    labels = alert.labels if alert else incident.labels
    return {
        "service": incident.service,
        "env": incident.env,
        "region": incident.region,
        "name": alert.name if alert else "",
        "namespace": labels.get("namespace", ""),
        "host": labels.get("host", "") or labels.get("instance", ""),
        "pod": labels.get("pod", ""),
    }
