"""The questions that the stored facts leave open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.advice.model import UNDETERMINED
from bot.incidents.model import IncidentStatus, Resolution
from bot.incidents.remediation import RemediationStatus
from bot.language import N_, _
from bot.postmortem.facts import PostmortemFacts
from bot.postmortem.markdown import inline
from bot.postmortem.times import Times, span

_LATE = timedelta(minutes=5)  # from the first symptom to a person

_ASKED_OF_ACTIONS = {
    RemediationStatus.OUTCOME_UNKNOWN: N_("Did it run? Its outcome is unknown: {title}?"),
    RemediationStatus.NOT_VERIFIED: N_("Why did it not help: {title}?"),
    RemediationStatus.FAILED: N_("Why did it fail: {title}?"),
    RemediationStatus.EXPIRED: N_("Why did nobody decide in time: {title}?"),
}


def open_questions(facts: PostmortemFacts, times: Times, asks: str) -> Iterator[str]:
    """Yield a question a line; `asks` begins each that only people can answer."""
    for question in (*_of_the_incident(facts, times), *_of_its_sources(facts)):
        yield f"- {asks} {question}"


def _of_the_incident(facts: PostmortemFacts, times: Times) -> Iterator[str]:
    incident = facts.incident
    causes = [item.advice.cause for item in facts.advice if item.advice.cause != UNDETERMINED]
    if causes:
        text = _("What was the root cause? The advisor's newest suggestion: {cause}.")
        yield text.format(cause=inline(causes[-1]).rstrip("."))
    else:
        yield _("What was the root cause?")
    if incident.status is not IncidentStatus.RESOLVED:
        text = _("The incident is {status}: what ends it?")
        yield text.format(status=_(incident.status))
    if incident.resolution is Resolution.STALE:
        yield _("Did it really end? It was closed because nothing was heard of it.")
    if times.acknowledged is None:
        yield _("Why did nobody acknowledge it?")
    elif times.acknowledged - times.symptom > _LATE:
        text = _("Why did it take {waited} until somebody acknowledged it?")
        yield text.format(waited=span(times.acknowledged - times.symptom))
    for remedy in facts.remedies:
        state = remedy.execution.state if remedy.execution else remedy.approval.state
        if question := _ASKED_OF_ACTIONS.get(state):
            yield _(question).format(title=inline(remedy.approval.proposal.title))
    if incident.status is IncidentStatus.RESOLVED and not incident.fixed_by:
        yield _("What fixed it? No action is verified as the fix.")


def _of_its_sources(facts: PostmortemFacts) -> Iterator[str]:
    if any(entry.kind == "reopened" for entry in facts.timeline):
        yield _("Why did it come back after it was resolved?")
    if facts.incident.related_id is not None:
        text = _("Was {number} the same fault?")
        yield text.format(number=f"INC-{facts.incident.related_id}")
    if not facts.has_sop:
        yield _("No SOP covers this alert: who writes it?")
    for failure in facts.evidence.failures if facts.evidence else ():
        text = _("Why did {source} not answer ({why})?")
        yield text.format(source=inline(failure.source), why=inline(failure.word))
    yield _("Which alert would have shown it earlier, and which alerts were noise?")
