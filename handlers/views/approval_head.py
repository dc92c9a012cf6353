"""The first line of an approval card: the action, its incident, its values and its status."""

from __future__ import annotations

from bot.approvals.model import Approval, Execution
from bot.incidents.remediation import RemediationStatus
from handlers.views.text import untrusted_line
from handlers.views.words import word

MOST_DETAILS = 3  # values in the first line: the plan below shows each of them whole

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
    RemediationStatus.UNDONE: "↩️",
}


def status_of(approval: Approval, execution: Execution | None) -> RemediationStatus:
    """The present status of the remediation."""
    if execution is None or approval.state is RemediationStatus.REVOKED:
        return approval.state
    return execution.state


def head(approval: Approval, status: RemediationStatus) -> tuple[str, str]:
    """(fallback text, first line): two cards of one action differ as far as `_details` shows."""
    title, details = untrusted_line(approval.proposal.title, 140), _details(approval)
    number = f"INC-{approval.incident_id}"
    fallback = " · ".join([title, number, *details])
    first = " · ".join([f"*{title}*", f"`{number}`", *details, word(status)])
    return f"{fallback}: {word(status)}", f"{_MARK.get(status, '•')} {first}"


def _details(approval: Approval) -> list[str]:
    """The target, unless the title names it, and the values that are no defaults, all shortened.

    Cards whose values differ in the middle, or past the third, look alike here; their plans do not.
    """
    proposal = approval.proposal
    target = [] if proposal.target in proposal.title[:140] else [proposal.target]
    values = [
        # An address is no link: a shortened one would lead to another place.
        f"{parameter.name} {str(parameter.shown).replace('://', ' ')}"
        for parameter in proposal.parameters
        if parameter.origin != "default" and parameter.value != proposal.target
    ]
    more = len(values) - MOST_DETAILS
    shown = [untrusted_line(_glimpse(text), 60) for text in [*target, *values[:MOST_DETAILS]]]
    return [*shown, f"+{more}"] if more > 0 else shown


def _glimpse(text: str) -> str:
    """Its beginning and its end: values of one kind often begin alike."""
    return text if len(text) <= 40 else f"{text[:20]}…{text[-16:]}"
