"""The approval card: exactly what will run, where each value is from, who may approve."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.approvals import blocker_text
from bot.approvals.blockers import Blocker, BlockerKind
from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.policy import mention, mentions, who_can_still_approve
from bot.approvals.record import TrackRecord
from bot.incidents.environments import UNKNOWN
from bot.incidents.remediation import Parameter, RemediationStatus
from bot.remediation.catalogue import CATALOGUE, editable
from handlers.views.text import (
    Block,
    button,
    clock,
    code,
    context,
    day,
    escape,
    line,
    plural,
    said,
    section,
    span,
)

COMMAND_LIMIT, VALUE_LIMIT = 2800, 600
_WHO = re.compile(r"@([UW][A-Z0-9]{2,}|S0[A-Z0-9]{2,})")

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
    """The one word that is true now."""
    if execution is None or approval.state is RemediationStatus.REVOKED:
        return approval.state
    return execution.state


def approval(
    asked: Approval,
    execution: Execution | None = None,
    record: TrackRecord | None = None,
    blocker: Blocker | None = None,
) -> tuple[str, list[Block]]:
    """(fallback text, blocks). Only a card that waits for a vote has Approve and Reject.

    `record` is what this SOP's action has been good for; while there is a `blocker` no press of
    Approve can succeed, so the card says what holds it back, and until when, in its place.
    """
    status = status_of(asked, execution)
    title = said(asked.proposal.title, 140)
    blocks: list[Block] = [section(f"{_MARK.get(status, '•')} *{title}* · {status}")]
    if asked.decided:
        # What it would have touched was true when it was asked, not now.
        command = line("; ".join(_command(asked).splitlines()), 300).replace("```", "'''")
        blocks.append(context(command, *_votes(asked), _why(asked), _told(execution)))
    else:
        blocks += [
            # Slack must not fold away what runs: the approver has to see all of it.
            section(code(_command(asked), COMMAND_LIMIT), expand=True),
            section(_parameters(asked.proposal.parameters), expand=True),
            context(_environment(asked)),
            context(_unseen(asked), _touches(asked), _rule(asked), *_votes(asked)),
            context(_track(record)),
            *_blocked(asked, blocker),
            *_decision(asked, blocker),
        ]
    if status is RemediationStatus.OUTCOME_UNKNOWN:
        again = button("Check again", "sopbot.check_again", asked.id)
        done = button("Mark done by hand", "sopbot.by_hand", asked.id)
        not_run = button("It did not run", "sopbot.did_not_run", asked.id)
        blocks.append({"type": "actions", "elements": [again, done, not_run]})
    return f"{title}: {status}", blocks


def _why(asked: Approval) -> str:
    return f"Why: {named(line(asked.reason, 300))}" if asked.reason else ""


def _told(execution: Execution | None) -> str:
    """What the gateway or a person said of it."""
    if execution is None:
        return ""
    if execution.state is RemediationStatus.DISPATCHING and execution.running_at:
        began = f", sent {clock(execution.started_at)}" if execution.started_at else ""
        return f"Still running at the gateway{began}. The outcome is looked up every few seconds."
    if not execution.by_hand:
        return ""
    if execution.state is RemediationStatus.FAILED:
        return f"It did not run, says <@{execution.by_hand}>"
    return f"Marked done by hand by <@{execution.by_hand}>"


def _blocked(asked: Approval, blocker: Blocker | None) -> list[Block]:
    """What holds it back and until when."""
    if blocker is None:
        return []
    if blocker.kind is BlockerKind.FROZEN and blocker.since:
        why = f": {line(blocker.reason, 200)}" if blocker.reason else ""
        said = f"🧊 Frozen by <@{blocker.user}>, {clock(blocker.since)}{why}."
        return [section(f"{said} Nobody can approve until `/incident unfreeze`.")]
    # Its fields are escaped and not the whole sentence: the times are Slack's own dates.
    escaped = replace(
        blocker,
        subject=line(blocker.subject, 100),
        reason=line(blocker.reason, 300),
        user=line(blocker.user, 60),
    )
    said = named(blocker_text.why(escaped, clock))
    parts = [f"⏸️ *Nobody can approve this now:* {said}."]
    if blocker.until is None:
        parts.append(line(blocker_text.remedy(blocker), 200))
    elif blocker.until < asked.expires_at:
        parts.append(f"It can be approved from {clock(blocker.until)}.")
    else:
        parts.append(
            f"That ends {clock(blocker.until)}, after this approval expires: propose it again then."
        )
    return [section(" ".join(part for part in parts if part))]


def _track(record: TrackRecord | None) -> str:
    """What the one who decides would ask: did it help before?"""
    if record is None or not record.runs:
        return "This action has never run for this SOP"
    parts = [f"run {record.runs}×", f"verified {record.verified}×"]
    if record.came_back:
        parts.append(f"reopened within an hour {record.came_back}×")
    if record.median_recovery is not None:
        parts.append(f"median recovery {span(record.median_recovery)}")
    if record.last_failed_at:
        by = f", approved by <@{record.last_failed_by}>" if record.last_failed_by else ""
        parts.append(f"last failed {day(record.last_failed_at)}{by}")
    return "This SOP: " + ", ".join(parts)


def _unseen(asked: Approval) -> str:
    if asked.terms.seen:
        return ""
    return f"⚠️ No alert of this incident names {line(asked.proposal.target, 100)}."


def _command(asked: Approval) -> str:
    if asked.preview.command:
        return asked.preview.command
    return f"{asked.proposal.intent}: {asked.proposal.target}   (this gateway shows no preview)"


def _shown_whole(asked: Approval) -> bool:
    """Nobody says yes to what they could not read: what runs is what was shown, to its end."""
    return len(escape(_command(asked))) <= COMMAND_LIMIT and all(
        len(escape(str(p.shown))) <= VALUE_LIMIT for p in asked.proposal.parameters
    )


def _parameters(parameters: Sequence[Parameter]) -> str:
    return "\n".join(
        f"`{p.name}`  {line(str(p.shown), VALUE_LIMIT)}   ← {_origin(p)}" for p in parameters
    )


def _origin(parameter: Parameter) -> str:
    return named(line(parameter.origin, 120))


def named(text: str) -> str:
    """People and user groups in words of ours, `@U…` and `@S…`, as Slack shows them."""
    return _WHO.sub(lambda found: mention(found[1]), text)


def _environment(asked: Approval) -> str:
    """Where it would run, and who says so: it decided which rule of the policy applies."""
    if not asked.terms.environments:
        return ""
    target, *others = asked.terms.environments
    parts = ["from the target"]
    if target == UNKNOWN and asked.preview.environment:
        parts = [f"policy.yaml does not declare {line(asked.preview.environment, 60)}"]
    elif target == UNKNOWN:
        parts = ["the gateway does not report it"]
    if others:
        parts.append(f"the alert says {line(asked.terms.bound.env, 60)}")
    if others or target == UNKNOWN:
        parts.append("the strictest rule applies")
    return f"Environment: {target} ({'; '.join(parts)})"


def _touches(asked: Approval) -> str:
    touches = f"Touches {line(asked.preview.touches, 200)}. " if asked.preview.touches else ""
    action = CATALOGUE.get(asked.proposal.action_id)
    meanwhile = f" Meanwhile {action.blast}." if action else ""
    return (
        f"{touches}Risk: {asked.proposal.risk}. Reversible: {asked.proposal.reversible}.{meanwhile}"
    )


def _rule(asked: Approval) -> str:
    """The policy in words."""
    if not asked.approvers:
        return "Nobody may approve this: policy.yaml names no approvers."
    parts = [
        _needed(asked),
        f"expires {clock(asked.expires_at)}",
    ]
    if asked.terms.reason_required:
        parts.append("asks for a reason")
    if asked.terms.only_in_windows:
        parts.append("only in a maintenance window")
    return " · ".join(parts)


def waits(asked: Approval) -> str:
    """One that waits for a vote, in a line."""
    needed = (
        _needed(asked) if asked.approvers else "Cannot be approved: policy.yaml names no approvers"
    )
    return f"{said(asked.proposal.title, 120)} ({needed[0].lower()}{needed[1:]})"


def _needed(asked: Approval) -> str:
    """How many more approvals it needs, and who can still give one."""
    users, groups = who_can_still_approve(asked)
    left = max(1, asked.needed - len(asked.said_yes))
    more = " more" if asked.said_yes else ""
    out = sorted({*asked.interested, *asked.said_yes})
    # A group is shown whole: who of it cannot count has to be said.
    but = f" (not {mentions(out)})" if groups and out else ""
    who = f": {_people((*users, *groups))}{but}" if users or groups else ""
    return f"Needs {plural(left, f'{more} approval'.strip())}{who}"


def _people(users: Sequence[str]) -> str:
    more = len(users) - 10
    return mentions(users[:10]) + (f" and {more} more" if more > 0 else "")


def _votes(asked: Approval) -> list[str]:
    """A line for what everybody said; while more are needed, how many."""
    words = {Choice.APPROVE: "approved", Choice.REJECT: "rejected"}
    said = [
        f"<@{vote.user}> {words[vote.choice]} {clock(vote.at)}"
        + (f": {line(vote.reason, 150)}" if vote.reason else "")
        for vote in asked.votes[:10]
    ]
    left = asked.needed - len(asked.said_yes)
    if said and not asked.decided and left > 0:
        said.append(f"{left} more needed")
    return [" · ".join(said)]


def _decision(asked: Approval, blocker: Blocker | None) -> list[Block]:
    approve = button("Approve", "sopbot.approve", asked.id, style="primary")
    reject = button("Reject", "sopbot.reject", asked.id, style="danger")
    if not _shown_whole(asked):
        return [
            context("Too long to be shown whole, so it cannot be approved here."),
            {"type": "actions", "elements": [reject]},
        ]
    dry_run = button("Dry run", "sopbot.dry_run", asked.id)
    change = [button("Edit", "sopbot.edit", asked.id)] if _can_be_edited(asked) else []
    votes = [reject] if blocker else [approve, reject]
    return [{"type": "actions", "elements": [*votes, dry_run, *change]}]


def _can_be_edited(asked: Approval) -> bool:
    names = editable(asked.proposal.action_id)
    return any(parameter.name in names for parameter in asked.proposal.parameters)
