"""Composes the draft of a post-mortem: its head, its sections, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.advice.model import UNDETERMINED
from bot.incidents.model import GroupedAlert, Incident, IncidentStatus, Resolution, Severity
from bot.postmortem.decisions import decisions, remedies
from bot.postmortem.facts import PostmortemFacts
from bot.postmortem.markdown import inline, named, person, quoted
from bot.postmortem.questions import open_questions
from bot.postmortem.times import Times, at_text, span, times_of

ASKS = "✍️"
"""Begins a line that people complete, because the bot cannot know the answer."""


def draft(facts: PostmortemFacts) -> str:
    """Return the draft as Markdown. It states stored facts only, and cuts no text."""
    times = times_of(facts)
    sections = (
        ("What happened", _what_happened(facts, times)),
        ("Impact", _impact(facts, times)),
        ("Times", _times(facts, times)),
        ("What helped, and what did not", remedies(facts)),
        ("Who decided what, and why", decisions(facts)),
        ("Evidence", _evidence(facts)),
        ("Advice", _advice(facts)),
        ("Parts of the cascade", _children(facts)),
        ("Open questions", open_questions(facts, times, ASKS)),
        ("Actions", _actions(facts)),
    )
    parts = ["\n".join(_head(facts))]
    parts += [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections]
    return "\n\n".join(parts) + "\n"


def _head(facts: PostmortemFacts) -> Iterator[str]:
    incident = facts.incident
    yield f"# Post-mortem of {incident.number}: {inline(incident.title)}"
    yield ""
    yield (
        f"Version {facts.version}, drafted by sopbot from the timeline at {at_text(facts.made_at)}"
        f" UTC for {person(facts.made_by, facts.names)}. Times are UTC. Quoted text is the"
        f" sender's, the advisor's or a person's own. Lines with {ASKS} are for people."
    )
    yield ""
    yield f"- Incident: {incident.number}, {_status(facts)}"
    yield f"- Severity: {incident.severity}{_peak(facts)}"
    yield f"- SOP: {incident.sop_id}" + ("" if facts.has_sop else " (no SOP covers this alert)")
    yield f"- Tracking id: {inline(incident.tracking_id)}"
    if facts.thread_url:
        yield f"- Thread: <{facts.thread_url}>"


def _status(facts: PostmortemFacts) -> str:
    incident = facts.incident
    if incident.status is not IncidentStatus.RESOLVED:
        return f"{incident.status}: this draft is not final"
    why = {
        Resolution.CLEARED: "its alerts cleared",
        Resolution.STALE: "closed as stale, nobody said that it ended",
    }
    by = f"by {person(incident.resolved_by, facts.names)}" if incident.resolved_by else ""
    reason = by or why.get(incident.resolution or Resolution.CLEARED, "")
    return f"resolved ({reason})"


def _all_alerts(facts: PostmortemFacts) -> list[GroupedAlert]:
    return [*facts.alerts, *(alert for child in facts.children for alert in child.alerts)]


def _peak(facts: PostmortemFacts) -> str:
    shown = facts.incident.severity
    seen = [alert.severity for alert in _all_alerts(facts)]
    seen += [child.incident.severity for child in facts.children]
    worst: Severity = min([shown, *seen], key=lambda severity: severity.rank)
    return "" if worst is shown else f" (at its worst {worst})"


def _what_happened(facts: PostmortemFacts, times: Times) -> Iterator[str]:
    incident = facts.incident
    if times.first is not None:
        alert = times.first
        yield (
            f"The first symptom was at {at_text(times.symptom)}, by {inline(alert.source)}'s time:"
            f" “{inline(alert.title or alert.name)}”. The bot opened {incident.number} at"
            f" {at_text(times.opened)}."
        )
    else:
        yield f"The bot opened {incident.number} at {at_text(times.opened)}."
    if incident.text.strip():
        yield f"\nThe sender's text:\n\n{quoted(incident.text)}"
    yield f"\n{ASKS} One paragraph for a reader who was not there.\n"
    for entry in facts.timeline:
        text = inline(named(entry.spoken, facts.names))
        by = f" ({person(entry.actor, facts.names)})" if entry.actor else ""
        yield f"- {at_text(entry.at)} **{inline(entry.kind)}**{by}: {text}"
    if not facts.timeline:
        yield "- The timeline has no entry."


def _impact(facts: PostmortemFacts, times: Times) -> Iterator[str]:
    incident = facts.incident
    members = [incident, *(child.incident for child in facts.children)]
    services = _distinct(member.display.service for member in members)
    places = _distinct(
        part for member in members for part in (member.display.env, member.display.region)
    )
    yield f"- Services: {', '.join(services) or 'no alert names one'}"
    yield f"- Places: {', '.join(places) or 'no alert names one'}"
    end = times.resolved or facts.made_at
    lasted = span(end - times.symptom)
    yield f"- Duration: {lasted} from the first symptom" + ("" if times.resolved else ", and on")
    total = sum(alert.count for alert in facts.alerts) or incident.alert_count
    different = len(facts.alerts) + facts.alerts_left_out or 1
    yield f"- Alerts: {different} different, received {total} times as firing"
    if incident.value:
        threshold = f" (threshold {inline(incident.threshold)})" if incident.threshold else ""
        yield f"- Value: {inline(incident.value)}{threshold}"
    for alert in facts.alerts:
        value = f", value {inline(alert.value)}" if alert.value else ""
        yield (
            f"  - {alert.severity}: “{inline(alert.title or alert.name)}” from"
            f" {inline(alert.source)}, since {at_text(alert.since)}{value}"
        )
    if facts.alerts_left_out:
        yield (
            f"  - {facts.alerts_left_out} more: `python -m bot export {incident.number}` has all"
        )
    yield f"- {ASKS} Who was affected, and how?"


def _distinct(values: Iterator[str]) -> list[str]:
    return [inline(value) for value in dict.fromkeys(values) if value]


def _times(facts: PostmortemFacts, times: Times) -> Iterator[str]:
    yield "| | at | after the first symptom |"
    yield "|---|---|---|"
    yield f"| First symptom | {at_text(times.symptom)} | |"
    rows = (
        ("Opened", times.opened),
        ("Acknowledged", times.acknowledged),
        ("Resolved", times.resolved),
    )
    for name, at in rows:
        yield f"| {name} | {at_text(at) if at else 'not yet'} | {times.since_symptom(at)} |"
    reopened = [entry.at for entry in facts.timeline if entry.kind == "reopened"]
    if reopened:
        yield f"\nReopened: {', '.join(map(at_text, reopened))}."


def _evidence(facts: PostmortemFacts) -> Iterator[str]:
    evidence = facts.evidence
    if evidence is None or not (evidence.facts or evidence.failures):
        yield "No evidence is stored."
        return
    for fact in evidence.facts:
        yield f"**{fact.id}** {inline(fact.source)}, {inline(fact.name)}, {at_text(fact.at)}:\n"
        yield f"{quoted(fact.text)}\n"
    for failure in evidence.failures:
        yield f"- No answer from {inline(failure.source)}: {inline(failure.word)}"


def _advice(facts: PostmortemFacts) -> Iterator[str]:
    if not facts.advice:
        yield "No advice is stored."
        return
    yield "Advice is a suggestion; nobody has verified it unless a section above says so."
    for item in facts.advice:
        advice = item.advice
        question = ""
        if item.question:
            question = f", asked by {person(item.asked_by, facts.names)}: “{inline(item.question)}”"
        yield f"\n**{inline(advice.label)}**, {at_text(item.at)}{question}\n"
        if advice.cause and advice.cause != UNDETERMINED:
            confidence = f" (confidence {inline(advice.confidence)})" if advice.confidence else ""
            yield f"- Probable cause: {inline(advice.cause)}{confidence}"
        else:
            yield "- Probable cause: undetermined"
        yield from (f"- Evidence: {inline(text)}" for text in advice.evidence)
        yield from (f"- Step: {inline(text)}" for text in advice.next_steps)
        if advice.failure:
            yield f"- The advisor did not answer: {inline(advice.failure)}"
        if advice.text.strip():
            yield f"\n{quoted(advice.text)}"


def _children(facts: PostmortemFacts) -> Iterator[str]:
    incident = facts.incident
    if incident.parent_id is not None:
        yield f"{incident.number} is itself a part of INC-{incident.parent_id}."
        return
    if not facts.children:
        yield "None: no other incident is a part of this one."
        return
    cause = incident.cause_id
    for child in facts.children:
        item = child.incident
        mark = " **(the most probable cause)**" if item.id == cause else ""
        yield (
            f"- {item.number}{mark}: “{inline(item.title)}” ({item.severity}), opened"
            f" {at_text(item.opened_at)}, {_ended(item)}"
        )


def _ended(incident: Incident) -> str:
    return f"resolved {at_text(incident.resolved_at)}" if incident.resolved_at else "open"


def _actions(facts: PostmortemFacts) -> Sequence[str]:
    lines = []
    for item in facts.actions:
        mark = "x" if item.done_at else " "
        done = f" (done {at_text(item.done_at)})" if item.done_at else ""
        owner = person(item.owner, facts.names)
        lines.append(f"- [{mark}] {inline(named(item.text, facts.names))} ({owner}){done}")
    if not lines:
        number = facts.incident.number
        lines.append(f"- [ ] {ASKS} None yet: `/incident action {number} @owner what to do`")
    return lines
