"""Shows an action on its way: how far the gateway is, Cancel, and what people may say of it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Approval, Execution
from bot.incidents.remediation import RemediationStatus
from bot.language import _
from handlers.views.newer_blocks import StepState, plan
from handlers.views.text import Block, button, context, inline_code, untrusted_line


def on_its_way(
    approval: Approval, execution: Execution | None, status: RemediationStatus
) -> list[Block]:
    """The part of the approval card of an action that was sent; none of any other."""
    if status is RemediationStatus.OUTCOME_UNKNOWN:
        check = button(_("Check again"), "sopbot.check_again", approval.id)
        done = button(_("Mark done by hand"), "sopbot.by_hand", approval.id)
        not_run = button(_("It did not run"), "sopbot.did_not_run", approval.id)
        return [{"type": "actions", "elements": [check, done, not_run]}]
    if status is not RemediationStatus.DISPATCHING or execution is None:
        return []
    if execution.progress is None:
        return []
    steps = [(_("Approved"), StepState.COMPLETE), (_("Runs"), StepState.IN_PROGRESS)]
    message = [context(inline_code(execution.progress, 200))] if execution.progress else []
    cancel: list[Block] = [{"type": "actions", "elements": [_cancel_button(approval)]}]
    return [plan(_("Steps"), steps), *message, *(cancel if execution.cancellable else [])]


def _cancel_button(approval: Approval) -> Block:
    """Slack itself asks once before it sends the press."""
    confirm: Block = {
        "title": {"type": "plain_text", "text": _("Cancel it?")},
        "text": {
            "type": "plain_text",
            "text": _("It ends half-way. What it has done by then stays."),
        },
        "confirm": {"type": "plain_text", "text": _("Cancel it")},
        "deny": {"type": "plain_text", "text": _("Let it run")},
    }
    return button(_("Cancel"), "sopbot.cancel_run", approval.id, confirm=confirm)


def running_lines(approvals: Sequence[Approval]) -> list[str]:
    """A line of the incident's card for each action that the gateway runs."""
    return [
        _("⏳ runs now: {title}").format(title=untrusted_line(approval.proposal.title, 140))
        for approval in approvals
    ]
