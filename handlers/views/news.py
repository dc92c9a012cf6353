"""Shows bad news as a message of its own in the thread, and as a line on the card."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.mentions import mentions
from bot.approvals.model import Execution
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import from_text
from bot.incidents.model import Incident, IncidentStatus, Resolution
from bot.incidents.news import News, NewsKind
from bot.language import N_, _, spoken, translated, unpacked
from handlers.views.result import outcome_text
from handlers.views.steering import resolve_button
from handlers.views.text import Block, ago, button, clock, quote, section, span, untrusted_line
from handlers.views.words import word

MOST_MENTIONED = 10

_MARK = {
    NewsKind.REOPENED: "🔁",
    NewsKind.FLAPPING: "〰️",
    NewsKind.WORSE: "🔺",
    NewsKind.CRITICAL_PART: "🔺",
    NewsKind.NOT_HELPED: "❌",
    NewsKind.FAILED: "❌",
    NewsKind.UNKNOWN: "❓",
    NewsKind.EXPIRED: "⌛",
    NewsKind.REVOKED: "🚫",
    NewsKind.UNANSWERED: "🔔",
    NewsKind.STALE: "💤",
}
_NEXT = {
    NewsKind.FLAPPING: N_(
        "A message here says when it is steady again; the card counts the changes."
    ),
    NewsKind.REOPENED: N_("The incident is open again, and nobody has acknowledged it yet."),
    NewsKind.NOT_HELPED: N_("Check what it changed before you try anything else."),
    NewsKind.UNKNOWN: (
        N_(
            "It may have run. Check the target, then press Check again, Mark done by "
            "hand or It did not run."
        )
    ),
    NewsKind.EXPIRED: N_("Nothing ran. Propose it again if it is still needed."),
    NewsKind.REVOKED: N_("Nothing ran."),
    NewsKind.UNANSWERED: N_("Press Acknowledge on its card to take ownership."),
    NewsKind.STALE: N_("If it is over, press Resolve. If not, press Still going on."),
}


def news(item: News, incident: Incident) -> tuple[str, list[Block]]:
    """(fallback text, blocks); it mentions the people whom the news concerns."""
    whom = mentions(item.mentions[:MOST_MENTIONED]) if item.mentions else ""
    if len(item.mentions) > MOST_MENTIONED:
        whom += _(" and {count} more").format(count=len(item.mentions) - MOST_MENTIONED)
    head = f"{_MARK[item.kind]} *{_what(item, incident)}*"
    stored = unpacked(item.facts.get("message", ""), item.facts.get("why", ""))
    # An older version stored a sentence as `why`.
    why = spoken(stored).strip() or translated(sentence(from_text(item.facts.get("reason", ""))))
    parts = [
        head,
        quote(why, 600) if why else "",
        " ".join(part for part in (_did_not_last(item), _(_NEXT.get(item.kind, "")), whom) if part),
    ]
    text = f"{_MARK[item.kind]} {_what(item, incident)} · {incident.number}"
    blocks = [section("\n".join(part for part in parts if part))]
    if item.kind is NewsKind.STALE:
        still = button(_("Still going on"), "sopbot.still_going_on", str(incident.id))
        blocks.append({"type": "actions", "elements": [still, resolve_button(incident)]})
    return f"{text} {whom}".strip(), blocks


def is_unsettled(item: News, incident: Incident) -> bool:
    """Return whether nothing has answered yet if a stale incident still goes on."""
    is_open = incident.status in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED)
    return is_open and (incident.last_active_at is None or incident.last_active_at < item.at)


def settled(item: News, incident: Incident) -> tuple[str, list[Block]]:
    """(fallback text, blocks) that replace the question whether a stale incident still goes on."""
    if incident.last_active_at is not None and incident.last_active_at >= item.at:
        answer = _("{number} goes on, as an alert or a person said").format(number=incident.number)
    else:
        answer = _("{number} is {status}").format(
            number=incident.number, status=word(incident.status)
        )
    question = _("The question whether it still goes on was posted {at}.").format(at=clock(item.at))
    return f"☑️ {answer}", [section(f"☑️ *{answer}*\n{question}")]


def ended(item: News, incident: Incident, execution: Execution) -> tuple[str, list[Block]]:
    """(fallback text, blocks) that replace "outcome unknown" once it is known; mentions nobody."""
    title = untrusted_line(item.facts.get("title", ""), 140)
    head = _("{title}: the outcome is known now: {outcome}").format(
        title=title, outcome=outcome_text(execution)
    )
    text = _("The outcome was unknown from {at}. See its result in this thread.").format(
        at=clock(item.at)
    )
    return f"{head} · {incident.number}", [section(f"☑️ *{head}*\n{text}")]


def on_card(item: News, incident: Incident) -> str:
    """The same news as one line for the card."""
    text = f"{_MARK[item.kind]} {_what(item, incident)}"
    if item.kind is NewsKind.FLAPPING and not incident.firing:
        text += " · " + _("nothing fires now")
    return f"{text} · {clock(item.at)}"


def _what(item: News, incident: Incident) -> str:
    title = untrusted_line(item.facts.get("title", ""), 140)
    if item.kind is NewsKind.WORSE:
        return _("{number} got worse: {before} → {after}").format(
            number=incident.number, before=_(item.facts["before"]), after=_(item.facts["after"])
        )
    if item.kind is NewsKind.CRITICAL_PART:
        return _("{child} is a child of {number} now, and critical: {title}").format(
            child=item.facts.get("part", ""), number=incident.number, title=title
        )
    if item.kind is NewsKind.REOPENED:
        since = ago(datetime.fromisoformat(item.facts["resolved_at"]), item.at)
        if symptom := item.facts.get("symptom"):
            return _(
                "{number} is open again, {duration} after it resolved: {symptom} is another "
                "symptom of its service"
            ).format(number=incident.number, duration=since, symptom=symptom)
        after = _AFTER[Resolution(item.facts["resolution"])]
        return _(after).format(number=incident.number, duration=since)
    if item.kind is NewsKind.FLAPPING:
        changes = incident.flapping_changes or int(item.facts["changes"])
        window = span(int(item.facts["window"]))
        return _(
            "{number} is flapping: {changes} changes between firing and resolved. It "
            "stays open until it is quiet for {window}"
        ).format(number=incident.number, changes=changes, window=window)
    if item.kind is NewsKind.UNANSWERED:
        return _("Nobody has acknowledged {number}").format(number=incident.number)
    if item.kind is NewsKind.STALE:
        silence = ago(datetime.fromisoformat(item.subject), item.at)
        return _("No alert of {number} for {silence}. Is it still going on?").format(
            number=incident.number, silence=silence
        )
    return _(_ABOUT_ACTION[item.kind]).format(title=title)


_ABOUT_ACTION = {
    NewsKind.NOT_HELPED: N_("{title} did not help"),
    NewsKind.FAILED: N_("{title} failed"),
    NewsKind.UNKNOWN: N_("{title}: outcome unknown"),
    NewsKind.EXPIRED: N_("{title}: the approval expired"),
    NewsKind.REVOKED: N_("{title}: the approval was revoked"),
}
_AFTER = {
    Resolution.CLEARED: N_("{number} fires again, {duration} after it resolved"),
    Resolution.PERSON: N_("{number} fires again, {duration} after a person resolved it"),
    Resolution.STALE: N_("{number} fires again, {duration} after it was closed as stale"),
}


def _did_not_last(item: News) -> str:
    fix = untrusted_line(item.facts.get("fix", ""), 140)
    return (
        _("{fix} was verified to have helped, but it did not last.").format(fix=fix) if fix else ""
    )
