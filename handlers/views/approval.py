"""The approval card: exactly what will run, where each value is from, who may say yes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.policy import mentions
from bot.incidents.remediation import Parameter, RemediationStatus
from handlers.views.text import Block, button, clock, code, context, escape, line, section

COMMAND_LIMIT, VALUE_LIMIT = 2800, 600
_USER = re.compile(r"@([UW][A-Z0-9]{2,})")

_MARK = {
    RemediationStatus.AWAITING_APPROVAL: "🔐",
    RemediationStatus.APPROVED: "👍",
    RemediationStatus.REJECTED: "🚫",
    RemediationStatus.EXPIRED: "⌛",
    RemediationStatus.REVOKED: "🚫",
    RemediationStatus.DISPATCHING: "⏳",
    RemediationStatus.SUCCEEDED: "▶️",
    RemediationStatus.VERIFIED: "✅",
    RemediationStatus.FAILED: "❌",
    RemediationStatus.NOT_VERIFIED: "❌",
    RemediationStatus.OUTCOME_UNKNOWN: "❓",
}


def status_of(approval: Approval, execution: Execution | None) -> RemediationStatus:
    """The one word that is true now."""
    if execution is None or approval.state is RemediationStatus.REVOKED:
        return approval.state
    return execution.state


def approval(asked: Approval, execution: Execution | None = None) -> tuple[str, list[Block]]:
    """(fallback text, blocks). Only a card that waits for a vote has Approve and Reject."""
    status = status_of(asked, execution)
    title = line(asked.proposal.title, 140)
    blocks: list[Block] = [section(f"{_MARK.get(status, '•')} *{title}* · {status}")]
    if asked.decided:
        # What it would have touched was true when it was asked, not now.
        blocks.append(
            context(line("; ".join(_command(asked).splitlines()), 300), _votes(asked), _why(asked))
        )
    else:
        blocks += [
            section(code(_command(asked), COMMAND_LIMIT)),
            section(_parameters(asked.proposal.parameters)),
            context(_touches(asked), _rule(asked), _votes(asked)),
            *_decision(asked),
        ]
    if status is RemediationStatus.OUTCOME_UNKNOWN:
        again = button("Check again", "sopbot.check_again", asked.id)
        blocks.append({"type": "actions", "elements": [again]})
    return f"{title}: {status}", blocks


def _why(asked: Approval) -> str:
    return f"Why: {line(asked.reason, 300)}" if asked.reason else ""


def _command(asked: Approval) -> str:
    if asked.preview.command:
        return asked.preview.command
    return f"{asked.proposal.intent}: {asked.proposal.target}   (this gateway shows no preview)"


def _shown_whole(asked: Approval) -> bool:
    """Nobody says yes to what they could not read: what runs is what was shown, to its end."""
    return len(escape(_command(asked))) <= COMMAND_LIMIT and all(
        len(escape(str(p.value))) <= VALUE_LIMIT for p in asked.proposal.parameters
    )


def _parameters(parameters: Sequence[Parameter]) -> str:
    return "\n".join(
        f"`{p.name}`  {line(str(p.value), VALUE_LIMIT)}   ← {_origin(p)}" for p in parameters
    )


def _origin(parameter: Parameter) -> str:
    return _USER.sub(r"<@\1>", line(parameter.origin, 120))


def _touches(asked: Approval) -> str:
    touches = f"Touches {line(asked.preview.touches, 200)}. " if asked.preview.touches else ""
    return f"{touches}Risk: {asked.proposal.risk}. Reversible: {asked.proposal.reversible}."


def _rule(asked: Approval) -> str:
    if not asked.approvers:
        return "Nobody may approve this: policy.yaml names no approvers."
    but = f", not <@{asked.requested_by}>" if asked.requested_by else ""
    return (
        f"Needs {asked.needed} of {_people(asked.approvers)}{but} · "
        f"expires {clock(asked.expires_at)}"
    )


def _people(users: Sequence[str]) -> str:
    more = len(users) - 10
    return mentions(users[:10]) + (f" and {more} more" if more > 0 else "")


def _votes(asked: Approval) -> str:
    words = {Choice.APPROVE: "approved", Choice.REJECT: "rejected"}
    return " · ".join(
        f"<@{vote.user}> {words[vote.choice]} {clock(vote.at)}" for vote in asked.votes
    )


def _decision(asked: Approval) -> list[Block]:
    approve = button("Approve", "sopbot.approve", asked.id, style="primary")
    reject = button("Reject", "sopbot.reject", asked.id, style="danger")
    if _shown_whole(asked):
        return [{"type": "actions", "elements": [approve, reject]}]
    return [
        context("Too long to be shown whole, so it cannot be approved here."),
        {"type": "actions", "elements": [reject]},
    ]
