"""The actions of an incident and their effect, and who decided what and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.approvals.mentions import is_group
from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.reason_text import sentence
from bot.incidents.remediation import RemediationStatus
from bot.language import N_, _, spoken, translated
from bot.postmortem.facts import PostmortemFacts, Remedy
from bot.postmortem.markdown import inline, named, person, quoted
from bot.postmortem.times import at_text

_DECISIONS = frozenset(
    {
        "acknowledged",
        "assigned",
        "escalated",
        "handed_over",
        "merged",
        "muted",
        "reopened",
        "resolved",
        "severity",
        "sop",
        "split",
        "still",
        "unmuted",
    }
)
"""The kinds of timeline entries that are a decision if a person made them."""

_EFFECT = {
    RemediationStatus.VERIFIED: N_("helped"),
    RemediationStatus.NOT_VERIFIED: N_("did not help"),
    RemediationStatus.FAILED: N_("failed"),
    RemediationStatus.OUTCOME_UNKNOWN: N_("outcome unknown"),
    RemediationStatus.UNDONE: N_("was undone"),
    RemediationStatus.SUCCEEDED: N_("ran; nothing tells whether it helped"),
}


def remedies(facts: PostmortemFacts) -> Iterator[str]:
    """Yield a line for each action, with its effect."""
    if not facts.remedies:
        yield _("No action was proposed.")
        return
    for remedy in facts.remedies:
        yield from _remedy(remedy)


def _remedy(remedy: Remedy) -> Iterator[str]:
    approval, execution = remedy.approval, remedy.execution
    state = execution.state if execution else approval.state
    known = _EFFECT.get(state)
    effect = _(known) if known else _("did not run: {state}").format(state=_(state))
    target = inline(approval.proposal.target)
    text = _("{title} on {target}").format(title=inline(approval.proposal.title), target=target)
    yield f"- **{effect}**: {text}"
    if approval.preview.command:
        command = inline("; ".join(approval.preview.command.splitlines()))
        yield "  - " + _("Command: {command}").format(command=command)
    for parameter in approval.proposal.parameters:
        yield f"  - {inline(parameter.name)}: {inline(str(parameter.shown))}"
    if execution is not None:
        yield from _execution(execution)


def _execution(execution: Execution) -> Iterator[str]:
    if execution.started_at is not None:
        took = f", {execution.seconds:.1f} s" if execution.seconds is not None else ""
        yield "  - " + _("Ran at {at}").format(at=at_text(execution.started_at)) + took
    if execution.verify_note:
        yield "  - " + _("Verification: {note}").format(
            note=inline(translated(execution.verify_note))
        )
    if execution.error:
        yield "  - " + _("Error: {error}").format(error=inline(spoken(execution.error)))


def decisions(facts: PostmortemFacts) -> Iterator[str]:
    """Yield every decision of a person, in order of time, and the notes that people wrote."""
    lines: list[tuple[datetime, str]] = []
    for entry in facts.timeline:
        if entry.actor and entry.kind in _DECISIONS:
            what = inline(named(entry.spoken, facts.names))
            lines.append((entry.at, f"{person(entry.actor, facts.names)}: {what}"))
        elif entry.kind == "note":
            text = _indented(quoted(entry.spoken))
            head = _("{person} noted:").format(person=person(entry.actor, facts.names))
            note = f"{head}\n\n{text}\n"
            lines.append((entry.at, note))
    for remedy in facts.remedies:
        lines += _votes(remedy.approval, facts)
    if not lines:
        yield _("No person decided anything.")
    for at, text in sorted(lines, key=lambda line: line[0]):
        yield f"- {at_text(at)} {text}"


def _indented(text: str) -> str:
    """Return lines that belong to the item of a list above them."""
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _votes(approval: Approval, facts: PostmortemFacts) -> Iterator[tuple[datetime, str]]:
    title = inline(approval.proposal.title)
    by = person(approval.requested_by, facts.names) if approval.requested_by else _("the SOP")
    approvers = ", ".join(
        _("group {name}").format(name=inline(who)) if is_group(who) else person(who, facts.names)
        for who in approval.approvers
    )
    text = _("{person} proposed: {title}")
    if approvers:
        text = _("{person} proposed: {title} (needed {count} of {approvers})")
    proposed = text.format(person=by, title=title, count=approval.needed, approvers=approvers)
    yield approval.requested_at, proposed
    for vote in approval.votes:
        is_approval = vote.choice is Choice.APPROVE
        text = _("{person} approved: {title}") if is_approval else _("{person} rejected: {title}")
        why = _(", because “{why}”").format(why=inline(vote.reason)) if vote.reason else ""
        yield vote.at, text.format(person=person(vote.user, facts.names), title=title) + why
    if approval.decided and approval.decided_at:
        reason = translated(sentence(approval.reason)) if approval.reason else ""
        why = inline(named(reason, facts.names)) if reason else ""
        yield approval.decided_at, f"{title}: {_(approval.state)}" + (f", {why}" if why else "")
