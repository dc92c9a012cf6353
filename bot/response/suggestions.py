"""Proposes an action that a step of an answer recommends, for a person who presses Propose."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.advice.model import Advice, advice_from
from bot.approvals.model import Approval
from bot.approvals.outcomes import Outcomes
from bot.errors import InputError, NotFound, Refused
from bot.incidents.model import Alert, Incident
from bot.language import deferred
from bot.remediation.catalogue import enabled_in
from bot.remediation.suggestions import Suggestion, match_step
from bot.response import proposal_parts
from bot.response.dependencies import Dependencies
from bot.response.proposals import Proposals
from store.rows import AdviceRecord

MOST_STEPS = 8  # of an answer: so many are shown


class Suggestions:
    """Matches steps to actions. Targets and parameters are the alert's, the SOP's or a person's.

    A press is matched again: neither the button nor the message says what is proposed.
    """

    def __init__(self, dependencies: Dependencies, proposals: Proposals) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._proposals = proposals

    async def matched(self, record: AdviceRecord) -> Mapping[int, Suggestion]:
        """Return the suggestions of a model's advice by the number of their steps, from 0."""
        advice = advice_from(record.body) if record.body else None
        if advice is None or not advice.by_model or not advice.next_steps:
            return {}
        incident = await self._store.incident(record.incident_id)
        if incident.resolved_at is not None:
            return {}
        return self._match(advice, incident, await self._store.latest_alert(incident.id))

    async def shown(self, record: AdviceRecord) -> Mapping[int, Suggestion]:
        """Return those of `matched` that have a button: none waits for approval or runs already."""
        matched = {} if record.replaced_by else await self.matched(record)
        if not matched:
            return {}
        under_way = await self._store.actions_under_way(record.incident_id)
        incident = await self._store.incident(record.incident_id)
        ledger = await self._store.outcomes(incident.sop_id, self._clock())
        tried = {row.action_id: row for row in ledger if row.service == incident.service}
        return {
            number: _with_outcomes(suggestion, tried.get(suggestion.action.id))
            for number, suggestion in matched.items()
            if (suggestion.action.id, suggestion.target) not in under_way
        }

    async def suggestion(self, advice_id: int, step: int) -> tuple[Incident, Suggestion]:
        """Return the incident and the suggestion of a step; Refused if it has none now."""
        record = await self._store.advice(advice_id)
        if record is None:
            raise NotFound(deferred("This advice is no longer stored."))
        suggestion = (await self.matched(record)).get(step)
        if suggestion is None:
            raise Refused(deferred("Not proposed: this step no longer names an action."))
        return await self._store.incident(record.incident_id), suggestion

    async def propose(
        self, advice_id: int, step: int, user: str, target: str = ""
    ) -> tuple[Approval, bool]:
        """Propose the step's action for a person; somebody else must approve it.

        `target` is what the person typed, '' for the target of the alert or the SOP. Returns the
        approval, and whether it is new.
        """
        incident, suggestion = await self.suggestion(advice_id, step)
        values = await self._values(incident, suggestion)
        if target.strip():
            values = {"target": (target.strip(), f"asked by @{user}")}
        if not values:
            raise InputError(deferred("A target is required."), field="target")
        digest = hashlib.sha256(str(values["target"][0]).encode()).hexdigest()[:16]
        # Once in each episode: the end of the last one ended what it proposed.
        episode = await self._store.times_reopened(incident.id)
        cause = f"advice/{advice_id}/{step}/{digest}" + (f"/{episode}" if episode else "")
        action_id = suggestion.action.id
        return await self._proposals.by_person(incident, action_id, values, user, cause)

    def _match(
        self, advice: Advice, incident: Incident, alert: Alert | None
    ) -> dict[int, Suggestion]:
        actions = tuple(enabled_in(self._config.current.policy.remediate).values())
        known = proposal_parts.named_targets(incident, alert)
        default = (incident.service, "alert: service") if incident.service else None
        suggestions: dict[int, Suggestion] = {}
        for number, step in enumerate(advice.next_steps[:MOST_STEPS]):
            suggestion = match_step(step, actions, known, default)
            if suggestion is not None:
                suggestions[number] = suggestion
        return suggestions

    async def _values(
        self, incident: Incident, suggestion: Suggestion
    ) -> dict[str, tuple[Any, str]]:
        """Return the values with their origins: the SOP's if it offers the action on the target."""
        if not suggestion.target:
            return {}
        current = self._config.current
        sop, alert = current.sops.get(incident.sop_id), await self._store.latest_alert(incident.id)
        if sop is not None and alert is not None:
            declared = current.policy.remediate.declared
            for _, action in proposal_parts.offered(sop, alert, declared, current.services):
                values = proposal_parts.values_from(sop, action, alert, self._clock())
                is_same = values.get("target", ("",))[0] == suggestion.target
                if action.action == suggestion.action.id and is_same:
                    return values
        return {"target": (suggestion.target, suggestion.origin)}


def _with_outcomes(suggestion: Suggestion, row: Outcomes | None) -> Suggestion:
    if row is None:
        return suggestion
    return replace(suggestion, helped=row.helped, decided=row.helped + row.did_not_help)
