"""Composes the draft of a post-mortem: its head, its sections, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.advice.model import UNDETERMINED, Advice
from bot.incidents.model import GroupedAlert, Incident, IncidentStatus, Resolution, Severity
from bot.language import _
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
        (_("What happened"), _what_happened(facts, times)),
        (_("Impact"), _impact(facts, times)),
        (_("Times"), _times(facts, times)),
        (_("What helped, and what did not"), remedies(facts)),
        (_("Who decided what, and why"), decisions(facts)),
        (_("Evidence"), _evidence(facts)),
        (_("Advice"), _advice(facts)),
        (_("Children"), _children(facts)),
        (_("Open questions"), open_questions(facts, times, ASKS)),
        (_("Actions"), _actions(facts)),
    )
    parts = ["\n".join(_head(facts))]
    parts += [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections]
    return "\n\n".join(parts) + "\n"


def _head(facts: PostmortemFacts) -> Iterator[str]:
    incident = facts.incident
    title = inline(incident.title)
    yield "# " + _("Post-mortem of {number}: {title}").format(number=incident.number, title=title)
    yield ""
    text = _(
        "Version {version}, drafted by sopbot from the timeline at {at} UTC for {person}. Times are"
        " UTC. Quoted text is the sender's, the advisor's or a person's own. Lines with {mark} are"
        " for people."
    )
    yield text.format(
        version=facts.version,
        at=at_text(facts.made_at),
        person=person(facts.made_by, facts.names),
        mark=ASKS,
    )
    yield ""
    status = _status(facts)
    yield "- " + _("Incident: {number}, {status}").format(number=incident.number, status=status)
    yield "- " + _("Severity: {severity}").format(severity=_(incident.severity)) + _peak(facts)
    sop = _("SOP: {sop_id}") if facts.has_sop else _("SOP: {sop_id} (no SOP covers this alert)")
    yield "- " + sop.format(sop_id=incident.sop_id)
    yield "- " + _("Tracking id: {id}").format(id=inline(incident.tracking_id))
    if facts.thread_url:
        yield "- " + _("Thread: {address}").format(address=f"<{facts.thread_url}>")


def _status(facts: PostmortemFacts) -> str:
    incident = facts.incident
    if incident.status is not IncidentStatus.RESOLVED:
        return _("{status}: this draft is not final").format(status=_(incident.status))
    if incident.resolved_by:
        by = person(incident.resolved_by, facts.names)
        return _("resolved (by {person})").format(person=by)
    if incident.resolution is Resolution.STALE:
        return _("resolved (closed as stale, nobody said that it ended)")
    return _("resolved (its alerts cleared)")


def _all_alerts(facts: PostmortemFacts) -> list[GroupedAlert]:
    return [*facts.alerts, *(alert for child in facts.children for alert in child.alerts)]


def _peak(facts: PostmortemFacts) -> str:
    shown = facts.incident.severity
    seen = [alert.severity for alert in _all_alerts(facts)]
    seen += [child.incident.severity for child in facts.children]
    worst: Severity = min([shown, *seen], key=lambda severity: severity.rank)
    if worst is shown:
        return ""
    return " " + _("(at its worst {severity})").format(severity=_(worst))


def _what_happened(facts: PostmortemFacts, times: Times) -> Iterator[str]:
    incident = facts.incident
    if times.first is not None:
        alert = times.first
        text = _(
            "The first symptom was at {at}, by {source}'s time: “{title}”. The bot opened {number}"
            " at {opened}."
        )
        yield text.format(
            at=at_text(times.symptom),
            source=inline(alert.source),
            title=inline(alert.title or alert.name),
            number=incident.number,
            opened=at_text(times.opened),
        )
    else:
        text = _("The bot opened {number} at {opened}.")
        yield text.format(number=incident.number, opened=at_text(times.opened))
    if incident.text.strip():
        yield "\n" + _("The sender's text:") + f"\n\n{quoted(incident.text)}"
    yield f"\n{ASKS} " + _("One paragraph for a reader who was not there.") + "\n"
    for entry in facts.timeline:
        text = inline(named(entry.spoken, facts.names))
        by = f" ({person(entry.actor, facts.names)})" if entry.actor else ""
        yield f"- {at_text(entry.at)} **{inline(entry.kind)}**{by}: {text}"
    if not facts.timeline:
        yield "- " + _("The timeline has no entry.")


def _impact(facts: PostmortemFacts, times: Times) -> Iterator[str]:
    incident = facts.incident
    members = [incident, *(child.incident for child in facts.children)]
    services = _distinct(member.display.service for member in members)
    places = _distinct(
        part for member in members for part in (member.display.env, member.display.region)
    )
    none = _("no alert names one")
    yield "- " + _("Services: {names}").format(names=", ".join(services) or none)
    yield "- " + _("Places: {names}").format(names=", ".join(places) or none)
    text = _("Duration: {span} from the first symptom")
    if times.resolved is None:
        text = _("Duration: {span} from the first symptom, and on")
    yield "- " + text.format(span=span((times.resolved or facts.made_at) - times.symptom))
    total = sum(alert.count for alert in facts.alerts) or incident.alert_count
    different = len(facts.alerts) + facts.alerts_left_out or 1
    text = _("Alerts: {different} different, received {total} times as firing")
    yield "- " + text.format(different=different, total=total)
    if incident.value:
        text = _("Value: {value}")
        if incident.threshold:
            text = _("Value: {value} (threshold {limit})")
        limit = inline(incident.threshold)
        yield "- " + text.format(value=inline(incident.value), limit=limit)
    yield from map(_alert, facts.alerts)
    if facts.alerts_left_out:
        command = f"`python -m bot export {incident.number}`"
        text = _("{count} more: {command} has all")
        yield "  - " + text.format(count=facts.alerts_left_out, command=command)
    yield f"- {ASKS} " + _("Who was affected, and how?")


def _alert(alert: GroupedAlert) -> str:
    text = _("{severity}: “{title}” from {source}, since {at}")
    if alert.value:
        text = _("{severity}: “{title}” from {source}, since {at}, value {value}")
    return "  - " + text.format(
        severity=_(alert.severity),
        title=inline(alert.title or alert.name),
        source=inline(alert.source),
        at=at_text(alert.since),
        value=inline(alert.value),
    )


def _distinct(values: Iterator[str]) -> list[str]:
    return [inline(value) for value in dict.fromkeys(values) if value]


def _times(facts: PostmortemFacts, times: Times) -> Iterator[str]:
    yield f"| | {_('at')} | {_('after the first symptom')} |"
    yield "|---|---|---|"
    yield f"| {_('First symptom')} | {at_text(times.symptom)} | |"
    rows = (
        (_("Opened"), times.opened),
        (_("Acknowledged"), times.acknowledged),
        (_("Resolved"), times.resolved),
    )
    for name, at in rows:
        yield f"| {name} | {at_text(at) if at else _('not yet')} | {times.since_symptom(at)} |"
    reopened = [entry.at for entry in facts.timeline if entry.kind == "reopened"]
    if reopened:
        yield "\n" + _("Reopened: {times}.").format(times=", ".join(map(at_text, reopened)))


def _evidence(facts: PostmortemFacts) -> Iterator[str]:
    evidence = facts.evidence
    if evidence is None or not (evidence.facts or evidence.failures):
        yield _("No evidence is stored.")
        return
    for fact in evidence.facts:
        yield f"**{fact.id}** {inline(fact.source)}, {inline(fact.name)}, {at_text(fact.at)}:\n"
        yield f"{quoted(fact.text)}\n"
    for failure in evidence.failures:
        text = _("No answer from {source}: {why}")
        yield "- " + text.format(source=inline(failure.source), why=inline(failure.word))


def _advice(facts: PostmortemFacts) -> Iterator[str]:
    if not facts.advice:
        yield _("No advice is stored.")
        return
    yield _("Advice is a suggestion; nobody has verified it unless a section above says so.")
    for item in facts.advice:
        question = ""
        if item.question:
            text = _(", asked by {person}: “{question}”")
            asked_by = person(item.asked_by, facts.names)
            question = text.format(person=asked_by, question=inline(item.question))
        yield f"\n**{inline(item.advice.label)}**, {at_text(item.at)}{question}\n"
        yield from _one_advice(item.advice)


def _one_advice(advice: Advice) -> Iterator[str]:
    text = _("Probable cause: {cause}")
    if advice.confidence:
        text = _("Probable cause: {cause} (confidence {confidence})")
    if not advice.cause or advice.cause == UNDETERMINED:
        text = _("Probable cause: undetermined")
    yield "- " + text.format(cause=inline(advice.cause), confidence=inline(advice.confidence))
    yield from ("- " + _("Evidence: {text}").format(text=inline(item)) for item in advice.evidence)
    yield from ("- " + _("Step: {text}").format(text=inline(item)) for item in advice.next_steps)
    if advice.failure:
        why = inline(advice.failure)
        yield "- " + _("The advisor did not answer: {why}").format(why=why)
    if advice.text.strip():
        yield f"\n{quoted(advice.text)}"


def _children(facts: PostmortemFacts) -> Iterator[str]:
    incident = facts.incident
    if incident.parent_id is not None:
        text = _("{number} is itself a child of {root}.")
        yield text.format(number=incident.number, root=f"INC-{incident.parent_id}")
        return
    if not facts.children:
        yield _("None: no other incident is a child of this one.")
        return
    for child in facts.children:
        item = child.incident
        is_cause = item.id == incident.cause_id
        mark = " **" + _("(the most probable cause)") + "**" if is_cause else ""
        text = _("“{title}” ({severity}), opened {at}, {ended}").format(
            title=inline(item.title),
            severity=_(item.severity),
            at=at_text(item.opened_at),
            ended=_ended(item),
        )
        yield f"- {item.number}{mark}: {text}"


def _ended(incident: Incident) -> str:
    if incident.resolved_at is None:
        return _("open")
    return _("resolved {at}").format(at=at_text(incident.resolved_at))


def _actions(facts: PostmortemFacts) -> Sequence[str]:
    lines = []
    for item in facts.actions:
        mark = "x" if item.done_at else " "
        done = ""
        if item.done_at:
            done = " " + _("(done {at})").format(at=at_text(item.done_at))
        owner = person(item.owner, facts.names)
        lines.append(f"- [{mark}] {inline(named(item.text, facts.names))} ({owner}){done}")
    if not lines:
        number = facts.incident.number
        text = _("None yet: `/incident action {number} @owner what to do`").format(number=number)
        lines.append(f"- [ ] {ASKS} {text}")
    return lines
