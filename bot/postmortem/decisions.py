"""The actions of an incident and their effect, and who decided what and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.approvals.mentions import is_group
from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.reason_text import sentence
from bot.incidents.remediation import RemediationStatus
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
    RemediationStatus.VERIFIED: "helped",
    RemediationStatus.NOT_VERIFIED: "did not help",
    RemediationStatus.FAILED: "failed",
    RemediationStatus.OUTCOME_UNKNOWN: "outcome unknown",
    RemediationStatus.UNDONE: "was undone",
    RemediationStatus.SUCCEEDED: "ran; nothing tells whether it helped",
}


def remedies(facts: PostmortemFacts) -> Iterator[str]:
    """Yield a line for each action, with its effect."""
    if not facts.remedies:
        yield "No action was proposed."
        return
    for remedy in facts.remedies:
        yield from _remedy(remedy)


def _remedy(remedy: Remedy) -> Iterator[str]:
    approval, execution = remedy.approval, remedy.execution
    state = execution.state if execution else approval.state
    effect = _EFFECT.get(state, f"did not run: {state}")
    target = inline(approval.proposal.target)
    yield f"- **{effect}**: {inline(approval.proposal.title)} on {target}"
    if approval.preview.command:
        yield f"  - Command: {inline('; '.join(approval.preview.command.splitlines()))}"
    for parameter in approval.proposal.parameters:
        yield f"  - {inline(parameter.name)}: {inline(str(parameter.shown))}"
    if execution is not None:
        yield from _execution(execution)


def _execution(execution: Execution) -> Iterator[str]:
    if execution.started_at is not None:
        took = f", {execution.seconds:.1f} s" if execution.seconds is not None else ""
        yield f"  - Ran at {at_text(execution.started_at)}{took}"
    if execution.verify_note:
        yield f"  - Verification: {inline(execution.verify_note)}"
    if execution.error:
        yield f"  - Error: {inline(execution.error)}"


def decisions(facts: PostmortemFacts) -> Iterator[str]:
    """Yield every decision of a person, in order of time, and the notes that people wrote."""
    lines: list[tuple[datetime, str]] = []
    for entry in facts.timeline:
        if entry.actor and entry.kind in _DECISIONS:
            what = inline(named(entry.spoken, facts.names))
            lines.append((entry.at, f"{person(entry.actor, facts.names)}: {what}"))
        elif entry.kind == "note":
            text = _indented(quoted(entry.spoken))
            note = f"{person(entry.actor, facts.names)} noted:\n\n{text}\n"
            lines.append((entry.at, note))
    for remedy in facts.remedies:
        lines += _votes(remedy.approval, facts)
    if not lines:
        yield "No person decided anything."
    for at, text in sorted(lines, key=lambda line: line[0]):
        yield f"- {at_text(at)} {text}"


def _indented(text: str) -> str:
    """Return lines that belong to the item of a list above them."""
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _votes(approval: Approval, facts: PostmortemFacts) -> Iterator[tuple[datetime, str]]:
    title = inline(approval.proposal.title)
    by = person(approval.requested_by, facts.names) if approval.requested_by else "the SOP"
    approvers = ", ".join(
        f"group {inline(who)}" if is_group(who) else person(who, facts.names)
        for who in approval.approvers
    )
    needs = f" (needed {approval.needed} of {approvers})" if approvers else ""
    yield approval.requested_at, f"{by} proposed: {title}{needs}"
    for vote in approval.votes:
        verb = "approved" if vote.choice is Choice.APPROVE else "rejected"
        why = f", because “{inline(vote.reason)}”" if vote.reason else ""
        yield vote.at, f"{person(vote.user, facts.names)} {verb}: {title}{why}"
    if approval.decided and approval.decided_at:
        why = inline(named(sentence(approval.reason), facts.names)) if approval.reason else ""
        yield approval.decided_at, f"{title}: {approval.state}" + (f", {why}" if why else "")
