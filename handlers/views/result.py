"""Shows the result of a dispatch: its output, its outcome, and whether it helped."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.approvals.model import Approval, Execution
from bot.approvals.reason_text import sentence
from bot.incidents.model import Incident, Resolution
from bot.incidents.remediation import RemediationStatus
from bot.language import _, spoken, translated
from bot.remediation.catalogue import inverse_of
from handlers.views import learning
from handlers.views.newer_blocks import StepState, details, plan
from handlers.views.steering import reopen_button
from handlers.views.text import (
    Block,
    ago,
    button,
    clock,
    code,
    context,
    inline_code,
    line,
    quote,
    section,
    span,
    untrusted_line,
)
from handlers.views.words import word


def result(execution: Execution, approval: Approval) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a dispatch, with or without an answer."""
    title = untrusted_line(approval.proposal.title, 140)
    head = f"{_HEAD.get(execution.state, '•')} *{title}*: {outcome_text(execution)}"
    blocks: list[Block] = [section(head), plan(_("Steps"), _steps(execution))]
    answer = execution.answer or {}
    output = str(answer.get("stdout") or answer.get("stderr") or "")
    if answer.get("command") and not approval.preview.command:
        blocks.append(
            context(_("Ran: {command}").format(command=inline_code(str(answer["command"]), 300)))
        )
    if output.strip():
        shown = section(code(output.strip(), 1500), expand=True)
        ran_well = execution.state in _RAN and answer.get("exit_code") in (None, 0)
        blocks += details(_("Output"), [shown]) if ran_well else [shown]
    error = spoken(execution.error)
    if execution.state is RemediationStatus.REVOKED:
        error = error or translated(
            sentence(approval.reason)
        )  # an older version stored it with both
    if error:
        blocks.append(section(quote(error, 600), expand=True))
    verification = _verification(execution)
    if verification:
        blocks.append(context(verification))
    if execution.state is RemediationStatus.NOT_VERIFIED:
        blocks += _undo(execution, approval)
    if execution.retry_until:
        retry = button(_("Try again"), "sopbot.try_again", approval.id)
        until = clock(execution.retry_until)
        blocks.append(
            context(
                _("It did not run. Its approval holds until {until}: press Try again.").format(
                    until=until
                )
            )
        )
        blocks.append({"type": "actions", "elements": [retry]})
    return f"{title}: {outcome_text(execution)}", blocks


def _steps(execution: Execution) -> list[tuple[str, StepState]]:
    """The steps of the remediation that are done, and the one that it is at."""
    state, done = execution.state, StepState.COMPLETE
    steps = [(_("Approved"), done)]
    if state not in _RAN:
        text = {
            RemediationStatus.FAILED: _("Did not run, or failed"),
            RemediationStatus.OUTCOME_UNKNOWN: _("Sent; the outcome is unknown"),
        }.get(state, _("Not sent"))
        return [*steps, (text, StepState.ERROR)]
    steps.append((_("Ran"), done))
    if state is RemediationStatus.UNDONE:
        return [*steps, (_("Undone"), done)]
    if state is RemediationStatus.VERIFIED:
        return [*steps, (_("Checked: it helped"), done)]
    if state is RemediationStatus.NOT_VERIFIED:
        return [*steps, (_("Checked: not verified"), StepState.ERROR)]
    if execution.concluded_at:
        return [*steps, (_("Checked: could not tell whether it helped"), StepState.ERROR)]
    checking = StepState.IN_PROGRESS if execution.verify_until else StepState.PENDING
    return [*steps, (_("Check whether it helped"), checking)]


def _undo(execution: Execution, approval: Approval) -> list[Block]:
    if inverse_of(approval.proposal, execution.answer or {}) is None:
        return [context(_("Cannot be undone. The bot does not propose it again in this incident."))]
    undo = button(_("Undo"), "sopbot.undo", approval.id)
    return [{"type": "actions", "elements": [undo]}]


_RAN = frozenset(
    {
        RemediationStatus.SUCCEEDED,
        RemediationStatus.VERIFIED,
        RemediationStatus.NOT_VERIFIED,
        RemediationStatus.UNDONE,
    }
)
_HEAD = {
    RemediationStatus.SUCCEEDED: "▶️",
    RemediationStatus.VERIFIED: "✅",
    RemediationStatus.NOT_VERIFIED: "❌",
    RemediationStatus.UNDONE: "↩️",
    RemediationStatus.FAILED: "❌",
    RemediationStatus.OUTCOME_UNKNOWN: "❓",
}


def outcome_text(execution: Execution) -> str:
    """The outcome in a few words."""
    answer = execution.answer or {}
    took = ""
    if execution.seconds is not None:
        took = _(" in {seconds:.1f} s").format(seconds=execution.seconds)
    if execution.by_hand and execution.state is RemediationStatus.FAILED:
        return _("did not run, says <@{by_hand}>").format(by_hand=execution.by_hand)
    if execution.by_hand:
        return _("marked done by hand by <@{by_hand}>").format(by_hand=execution.by_hand)
    exit_code = answer.get("exit_code")
    exited = (
        _(", exit {exit_code}").format(exit_code=exit_code) if isinstance(exit_code, int) else ""
    )
    if execution.state in _RAN:
        return f"{_('ran')}{took}{exited}"
    return f"{word(execution.state)}{took}{exited}"


def _verification(execution: Execution) -> str:
    note = line(translated(execution.verify_note), 300)
    if execution.state is RemediationStatus.SUCCEEDED and execution.concluded_at:
        return _("Could not tell whether it helped: {note}").format(note=note)
    if execution.state is RemediationStatus.UNDONE:
        return _("Undone. It was not verified: {note}").format(note=note)
    if execution.state is RemediationStatus.SUCCEEDED and execution.verify_until:
        text = _("Checking until {at}").format(at=clock(execution.verify_until))
        return f"{text}: {note}" if note else text
    if execution.state is RemediationStatus.VERIFIED:
        return _("Verified: {note}").format(note=note)
    if execution.state is RemediationStatus.NOT_VERIFIED:
        return _("Not verified: {note}. The remediation may not have helped.").format(note=note)
    return ""


def resolved(
    incident: Incident,
    fixed_by: Execution | None,
    approval: Approval | None,
    waited: timedelta | None = None,
) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the end of the incident.

    `waited` is the time to acknowledge and `fixed_by` the execution that helped, both since the
    last opening.
    """
    if incident.resolved_at is None:
        text = _("{number} was resolved, and is open again.").format(number=incident.number)
        return text, [section(f"☑️ {text}")]
    ended = incident.resolved_at
    lasted = span((ended - incident.opened_at).total_seconds())
    if incident.resolution is Resolution.STALE:
        return _stale(incident, ended)
    by = (
        _("by <@{resolved_by}>").format(resolved_by=incident.resolved_by)
        if incident.resolved_by
        else _("the alert cleared")
    )
    parts = [_("lasted {duration}").format(duration=lasted)]
    if waited is not None:
        parts.append(
            _("acknowledged after {duration}").format(duration=span(waited.total_seconds()))
        )
    if fixed_by and approval:
        parts.append(
            _("fixed by: {title} (verified)").format(
                title=untrusted_line(approval.proposal.title, 140)
            )
        )
    blocks = [
        section(_("✅ *{number} resolved*: {by}").format(number=incident.number, by=by)),
        context(" · ".join(parts)),
        {
            "type": "actions",
            "elements": [_postmortem_button(incident), *learning.buttons(incident.id)],
        },
    ]
    return _("{number} resolved: {by}, {lasted}").format(
        number=incident.number, by=by, lasted=parts[0]
    ), blocks


def _postmortem_button(incident: Incident) -> Block:
    return button(_("Write the post-mortem"), "sopbot.postmortem", str(incident.id))


def _stale(incident: Incident, ended: datetime) -> tuple[str, list[Block]]:
    """Say that it was closed though nobody said that it ended, with the button that opens it."""
    silence = ago(incident.last_active_at or incident.updated_at, ended)
    what = _("{number} closed as stale").format(number=incident.number)
    why = _("no alert, reminder or person said anything for {silence}").format(silence=silence)
    after = _(
        "Nobody said that it ended. If an alert still fires, its next reminder opens the "
        "incident again; or press Reopen."
    )
    blocks = [
        section(f"💤 *{what}*: {why}\n{after}"),
        {"type": "actions", "elements": [reopen_button(incident)]},
    ]
    return f"💤 {what}: {why}", blocks
