"""Collects what is known about an incident, for its thread and for the advisor."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot.approvals.outcomes import Outcomes
from bot.enrichment.gathering import gather
from bot.enrichment.kubernetes.about import About, about_alert
from bot.enrichment.model import FACT_CHARS, Evidence, KnownFact, SourceFailure
from bot.enrichment.segment import EvidenceSource
from bot.incidents.deploys import Deploy, Symptom, cause_among
from bot.incidents.model import Alert, Incident
from bot.incidents.subject_reader import subject_of
from bot.response.dependencies import Dependencies
from bot.response.gateway_evidence import facts_about
from bot.response.gateway_targets import BUTTONS, named_by, readable, target_of
from bot.response.lessons import Lessons
from bot.response.memory import Memory
from bot.response.runbooks import Runbooks
from store.operations.advice_context import AdviceContext
from store.operations.evidence import History

OWN = "own history"
DEPLOYS = "deploys"
MOST_OUTCOMES = 3


class Enrichment:
    """Asks the incident's own history, the runbooks, earlier incidents and, with `session`, the
    declared sources.
    """

    def __init__(
        self, dependencies: Dependencies, runbooks: Runbooks, lessons: Lessons, memory: Memory
    ) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._gateways = dependencies.gateways
        self._session = dependencies.session
        self._clock = dependencies.clock
        self._metrics = dependencies.metrics
        self._runbooks = runbooks
        self._lessons = lessons
        self._memory = memory

    async def evidence_of(self, context: AdviceContext) -> Evidence:
        """Gather, store and show it. A source that fails or is late is named in the evidence."""
        incident, now = context.incident, self._clock()
        policy = self._config.current.policy.for_scope(context.scope)
        llm = policy.llm
        past = await self._store.history(incident.id, now)
        deploys, symptoms = await self._store.deploys_of(incident.id)
        ledger = await self._store.outcomes(incident.sop_id, now)
        known = [
            *own_facts(past, now),
            *outcome_facts(ledger, incident.service, now),
            *deploy_facts(deploys, symptoms),
        ]
        target = target_of(self._config, incident, context.alert, now)
        sources = llm.sources if policy.features.evidence else ()
        evidence, read = await asyncio.gather(
            self._from_sources(sources, context, now, llm.source_timeout_ms / 1000),
            self._from_gateway(sources, incident, target, now, llm.source_timeout_ms / 1000),
        )
        lessons = await self._lessons.facts_about(context)
        passages = await self._runbooks.facts_about(context)
        passages += await self._memory.facts_about(context, lessons)
        from_gateway = [fact for fact in read if isinstance(fact, KnownFact) and fact.text]
        failures = [failure for failure in read if isinstance(failure, SourceFailure)]
        facts = [*known, *lessons, *passages, *from_gateway, *evidence.facts]
        evidence = replace(
            Evidence.of(facts, [*failures[:1], *evidence.failures]), reads=self._reads(target)
        )
        for failure in evidence.failures:
            self._metrics.advisor.source_failed(failure.word)
        if evidence.facts or evidence.failures:
            shown = bool(
                past.fix or deploys or len(evidence.facts) > len(known) or evidence.failures
            )
            await self._store.store_evidence(incident, evidence, now, shown=shown)
        return evidence

    async def _from_sources(
        self,
        sources: Sequence[EvidenceSource],
        context: AdviceContext,
        now: datetime,
        seconds: float,
    ) -> Evidence:
        if self._session is None or not sources:
            return Evidence()
        return await gather(
            self._session,
            sources,
            parts_of(context.incident, context.alert),
            now,
            seconds=seconds,
            about=self._about(context.alert),
        )

    async def _from_gateway(
        self,
        sources: Sequence[EvidenceSource],
        incident: Incident,
        target: str,
        now: datetime,
        seconds: float,
    ) -> list[KnownFact | SourceFailure]:
        name = next((source.name for source in sources if source.kind == "gateway"), "")
        if not name or not target:
            return []
        return await facts_about(
            self._gateways, self._config, name, incident, target, now, seconds=seconds
        )

    def _reads(self, target: str) -> tuple[str, ...]:
        actions = readable(self._config, target)
        return tuple(verb for verb in BUTTONS if named_by(actions, verb))

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


def outcome_facts(ledger: Sequence[Outcomes], service: str, now: datetime) -> Iterator[KnownFact]:
    """Return what became of the actions of the incident's SOP that ran, its own service first."""
    tried = [row for row in ledger if row.ran]
    for row in sorted(tried, key=lambda row: row.service != service)[:MOST_OUTCOMES]:
        confidence = f"; confidence {row.word}" if row.word else ""
        text = (
            f"proposed {row.proposed}, approved {row.approved}, ran {row.ran}; verified to help"
            f" {row.helped}, did not help {row.did_not_help}{confidence}"
        )
        yield KnownFact(OWN, f"{row.action_id} on {row.service[:100] or '?'} so far", text, now)


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
