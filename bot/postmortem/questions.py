"""The questions that the stored facts leave open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.advice.model import UNDETERMINED
from bot.incidents.model import IncidentStatus, Resolution
from bot.incidents.remediation import RemediationStatus
from bot.postmortem.facts import PostmortemFacts
from bot.postmortem.markdown import inline
from bot.postmortem.times import Times, span

_LATE = timedelta(minutes=5)  # from the first symptom to a person

_ASKED_OF_ACTIONS = {
    RemediationStatus.OUTCOME_UNKNOWN: "Did it run? Its outcome is unknown",
    RemediationStatus.NOT_VERIFIED: "Why did it not help",
    RemediationStatus.FAILED: "Why did it fail",
    RemediationStatus.EXPIRED: "Why did nobody decide in time",
}


def open_questions(facts: PostmortemFacts, times: Times, asks: str) -> Iterator[str]:
    """Yield a question a line; `asks` begins each that only people can answer."""
    incident = facts.incident
    causes = [item.advice.cause for item in facts.advice if item.advice.cause != UNDETERMINED]
    known = f" The advisor's newest suggestion: {inline(causes[-1]).rstrip('.')}." if causes else ""
    yield f"- {asks} What was the root cause?{known}"
    if incident.status is not IncidentStatus.RESOLVED:
        yield f"- {asks} The incident is {incident.status}: what ends it?"
    if incident.resolution is Resolution.STALE:
        yield f"- {asks} Did it really end? It was closed because nothing was heard of it."
    if times.acknowledged is None:
        yield f"- {asks} Why did nobody acknowledge it?"
    elif times.acknowledged - times.symptom > _LATE:
        waited = span(times.acknowledged - times.symptom)
        yield f"- {asks} Why did it take {waited} until somebody acknowledged it?"
    for remedy in facts.remedies:
        state = remedy.execution.state if remedy.execution else remedy.approval.state
        if question := _ASKED_OF_ACTIONS.get(state):
            yield f"- {asks} {question}: {inline(remedy.approval.proposal.title)}?"
    if incident.status is IncidentStatus.RESOLVED and not incident.fixed_by:
        yield f"- {asks} What fixed it? No action is verified as the fix."
    if any(entry.kind == "reopened" for entry in facts.timeline):
        yield f"- {asks} Why did it come back after it was resolved?"
    if incident.related_id is not None:
        yield f"- {asks} Was INC-{incident.related_id} the same fault?"
    if not facts.has_sop:
        yield f"- {asks} No SOP covers this alert: who writes it?"
    for failure in facts.evidence.failures if facts.evidence else ():
        yield f"- {asks} Why did {inline(failure.source)} not answer ({inline(failure.word)})?"
    yield f"- {asks} Which alert would have shown it earlier, and which alerts were noise?"
