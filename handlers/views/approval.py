"""The approval card: the exact plan, the origin of each value, and who may approve."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.approvals import reason_text
from bot.approvals.blockers import Blocker
from bot.approvals.mentions import mention, mentions
from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.policy import who_can_still_approve
from bot.approvals.reasons import BlockerKind, EndKind, Reason
from bot.approvals.record import TrackRecord
from bot.incidents.environments import UNKNOWN
from bot.incidents.remediation import Parameter, RemediationStatus
from bot.language import N_, _, plural, translated
from bot.remediation.catalogue import CATALOGUE, editable
from handlers.views.approval_head import head, status_of
from handlers.views.cutting import collect_cut_texts, keep_whole
from handlers.views.running import on_its_way
from handlers.views.text import (
    Block,
    button,
    clock,
    code,
    context,
    day,
    inline_code,
    line,
    section,
    sections,
    span,
    untrusted_line,
)

COMMAND_LIMIT, VALUE_LIMIT = 2800, 600
MOST_SECTIONS = 3  # of a plan: a message has some 13,200 characters of text
_WHO = re.compile(r"@([UW][A-Z0-9]{2,}|S0[A-Z0-9]{2,})")


def approval_card(
    approval: Approval,
    execution: Execution | None = None,
    record: TrackRecord | None = None,
    blocker: Blocker | None = None,
) -> tuple[str, list[Block]]:
    """(fallback text, blocks). Only a card that waits for a vote has Approve and Reject.

    `record` is the past success of this SOP's action. While there is a `blocker` no press of
    Approve can succeed, so the card shows in its place what blocks the action, and until when.
    """
    status = status_of(approval, execution)
    text, first = head(approval, status)
    blocks: list[Block] = [section(first)]
    if approval.decided:
        # The effects of the plan were true when it was proposed, not now, so they are left out.
        command = inline_code("; ".join(_command(approval).splitlines()), 600)
        blocks.append(context(command, _why(approval), _outcome_note(execution)))
        blocks += _votes(approval)
    else:
        plan, is_whole = _plan(approval)
        environment = _environment(approval)
        blocks += [
            *plan,
            *([context(environment)] if environment else []),
            context(_unseen(approval), _touches(approval), _rule(approval)),
            *_votes(approval),
            context(_track(record)),
            *_blocked(approval, blocker),
            *_decision(approval, blocker, is_whole=is_whole),
        ]
    blocks += on_its_way(approval, execution, status)
    return text, blocks


def _why(approval: Approval) -> str:
    if approval.reason is None:
        return ""
    if approval.reason.kind is EndKind.WRITTEN:
        why = with_mentions(line(approval.reason.reason, 300))
    else:
        why = translated(reason_text.sentence(_escaped(approval.reason), _person))
    return _("Why: {why}").format(why=why)


def _escaped(reason: Reason) -> Reason:
    """The reason with its fields escaped, not the whole sentence: some of that is Slack's own."""
    # The status of a closed incident is a word of ours, and so is the number of a frozen one.
    is_number = reason.kind is BlockerKind.SCOPE_FROZEN and reason.subject.startswith("INC-")
    is_ours = is_number or reason.kind is BlockerKind.INCIDENT_CLOSED
    subject = line if is_ours else untrusted_line
    why = untrusted_line(reason.reason, 300)
    return replace(reason, subject=subject(reason.subject, 100), reason=why)


def _person(who: str) -> str:
    """A mention of what is an id of Slack; anything else is only text."""
    return mention(who) if _WHO.fullmatch(f"@{who}") else line(f"@{who}", 60)


def _outcome_note(execution: Execution | None) -> str:
    """The report of the gateway or of a person about the execution."""
    if execution is None:
        return ""
    if execution.state is RemediationStatus.DISPATCHING and execution.running_at:
        if execution.started_at is None:
            return _("Still running at the gateway. The outcome is looked up every few seconds.")
        return _(
            "Still running at the gateway, sent {at}. The outcome is looked up every few seconds."
        ).format(at=clock(execution.started_at))
    if not execution.by_hand:
        return ""
    text = (
        _("It did not run, says <@{user}>")
        if execution.state is RemediationStatus.FAILED
        else _("Marked done by hand by <@{user}>")
    )
    return text.format(user=execution.by_hand)


def _blocked(approval: Approval, blocker: Blocker | None) -> list[Block]:
    """The reason why nobody can approve it now, and until when."""
    if blocker is None:
        return []
    if blocker.kind is BlockerKind.FROZEN and blocker.since:
        why = f": {untrusted_line(blocker.reason, 200)}" if blocker.reason else ""
        text = _(
            "🧊 Frozen by <@{user}>, {at}{why}. Nobody can approve until `/incident unfreeze`."
        )
        return [section(text.format(user=blocker.user, at=clock(blocker.since), why=why))]
    why = translated(reason_text.why(_escaped(blocker), clock, _person))
    parts = [_("⏸️ *Nobody can approve this now:* {why}.").format(why=why)]
    if blocker.until is None:
        parts.append(line(_(reason_text.remedy(blocker)), 200))
    elif blocker.until < approval.expires_at:
        parts.append(_("It can be approved from {at}.").format(at=clock(blocker.until)))
    else:
        parts.append(
            _("That ends {at}, after this approval expires: propose it again then.").format(
                at=clock(blocker.until)
            )
        )
    return [section(" ".join(part for part in parts if part))]


def _track(record: TrackRecord | None) -> str:
    """The past results of the action, for the person who decides."""
    if record is None or not record.runs:
        return _("This action has never run for this SOP")
    parts = [
        _("run {count}×").format(count=record.runs),
        _("verified {count}×").format(count=record.verified),
    ]
    if record.came_back:
        parts.append(_("reopened within an hour {count}×").format(count=record.came_back))
    if record.median_recovery is not None:
        parts.append(_("median recovery {duration}").format(duration=span(record.median_recovery)))
    if record.last_failed_at:
        text = (
            _("last failed {day}, approved by <@{user}>")
            if record.last_failed_by
            else _("last failed {day}")
        )
        parts.append(text.format(day=day(record.last_failed_at), user=record.last_failed_by))
    return _("This SOP: {results}").format(results=", ".join(parts))


def _unseen(approval: Approval) -> str:
    if approval.terms.seen:
        return ""
    return _("⚠️ No alert of this incident names {target}.").format(
        target=untrusted_line(approval.proposal.target, 100)
    )


def _command(approval: Approval) -> str:
    if approval.preview.command:
        return approval.preview.command
    proposal = approval.proposal
    return f"{proposal.intent}: {proposal.target}   {_('(this gateway shows no preview)')}"


def _plan(approval: Approval) -> tuple[list[Block], bool]:
    """Show the plan; False if it is cut: nobody may approve text that they cannot read."""
    with collect_cut_texts() as cut:
        values = [
            f"`{p.name}`  {untrusted_line(str(p.shown), VALUE_LIMIT)}   ← {_origin(p)}"
            for p in approval.proposal.parameters
        ]
        # Slack must not fold the plan: the approver has to see all of it.
        blocks = [
            section(code(_command(approval), COMMAND_LIMIT), expand=True),
            *sections(values, expand=True),
        ]
        if len(blocks) > MOST_SECTIONS:
            keep_whole("\n".join(f"{p.name}: {p.shown}" for p in approval.proposal.parameters))
    return blocks[:MOST_SECTIONS], not cut


def _origin(parameter: Parameter) -> str:
    return with_mentions(untrusted_line(parameter.origin, 120))


def with_mentions(text: str) -> str:
    """Turn people and user groups in our own text, `@U…` and `@S…`, into mentions."""
    return _WHO.sub(lambda match: mention(match[1]), text)


def _environment(approval: Approval) -> str:
    """The environment of the action and its source: it decided which rule of the policy applies."""
    if not approval.terms.environments:
        return ""
    target, *others = approval.terms.environments
    parts = [_("from the target")]
    if target == UNKNOWN and approval.preview.environment:
        name = untrusted_line(approval.preview.environment, 60)
        parts = [_("policy.yaml does not declare {name}").format(name=name)]
    elif target == UNKNOWN:
        parts = [_("the gateway does not report it")]
    if others:
        env = untrusted_line(approval.terms.bound.env, 60)
        parts.append(_("the alert says {env}").format(env=env))
    if others or target == UNKNOWN:
        parts.append(_("the strictest rule applies"))
    target = _(target) if target == UNKNOWN else target
    return _("Environment: {target} ({facts})").format(target=target, facts="; ".join(parts))


def _touches(approval: Approval) -> str:
    proposal, touches = approval.proposal, approval.preview.touches
    action = CATALOGUE.get(proposal.action_id)
    parts = [
        _("Touches {touches}.").format(touches=untrusted_line(touches, 200)) if touches else "",
        _("Risk: {risk}. Reversible: {reversible}.").format(
            risk=_(proposal.risk), reversible=_(proposal.reversible)
        ),
        _("Meanwhile {effect}.").format(effect=_(action.blast)) if action else "",
    ]
    return " ".join(part for part in parts if part)


def _rule(approval: Approval) -> str:
    """The requirements of the policy as text."""
    if not approval.approvers:
        return _("Nobody may approve this: policy.yaml names no approvers.")
    parts = [
        _needed(approval),
        _("expires {at}").format(at=clock(approval.expires_at)),
    ]
    if approval.terms.reason_required:
        parts.append(_("asks for a reason"))
    if approval.terms.only_in_windows:
        parts.append(_("only in a maintenance window"))
    return " · ".join(parts)


def waiting_line(approval: Approval) -> str:
    """One line about an approval that waits for a vote."""
    needed = (
        _needed(approval)
        if approval.approvers
        else _("Cannot be approved: policy.yaml names no approvers")
    )
    return f"{untrusted_line(approval.proposal.title, 120)} ({needed[0].lower()}{needed[1:]})"


def _needed(approval: Approval) -> str:
    """The number of missing approvals, and the people who can still approve."""
    users, groups = who_can_still_approve(approval)
    left = max(1, approval.needed - len(approval.approved_by))
    text = (
        plural(left, "Needs {count} more approval", "Needs {count} more approvals")
        if approval.approved_by
        else plural(left, "Needs {count} approval", "Needs {count} approvals")
    )
    if not users and not groups:
        return text
    out = sorted({*approval.interested, *approval.approved_by})
    # A group is shown whole, so its members whose vote does not count are named.
    but = _(" (not {people})").format(people=mentions(out)) if groups and out else ""
    return f"{text}: {_people((*users, *groups))}{but}"


def _people(users: Sequence[str]) -> str:
    more = len(users) - 10
    return mentions(users[:10]) + (_(" and {count} more").format(count=more) if more > 0 else "")


def _votes(approval: Approval) -> list[Block]:
    """One line with every vote, and the number of missing approvals."""
    texts = {
        Choice.APPROVE: N_("<@{user}> approved {at}"),
        Choice.REJECT: N_("<@{user}> rejected {at}"),
    }
    votes = [
        _(texts[vote.choice]).format(user=vote.user, at=clock(vote.at))
        + (f": {untrusted_line(vote.reason, 150)}" if vote.reason else "")
        for vote in approval.votes[:10]
    ]
    if len(approval.votes) > len(votes):
        more = len(approval.votes) - len(votes)
        votes.append(plural(more, "and {count} more vote", "and {count} more votes"))
    left = approval.needed - len(approval.approved_by)
    if votes and not approval.decided and left > 0:
        votes.append(_("{count} more needed").format(count=left))
    # A block of its own: ten votes with long reasons and the rest would pass Slack's limit.
    return [context(" · ".join(votes))] if votes else []


def _decision(approval: Approval, blocker: Blocker | None, *, is_whole: bool) -> list[Block]:
    approve = button(_("Approve"), "sopbot.approve", approval.id, style="primary")
    reject = button(_("Reject"), "sopbot.reject", approval.id, style="danger")
    if not is_whole:
        return [
            context(_("The plan is too long to be shown whole, so nobody can approve it.")),
            {"type": "actions", "elements": [reject]},
        ]
    dry_run = button(_("Dry run"), "sopbot.dry_run", approval.id)
    change = [button(_("Edit"), "sopbot.edit", approval.id)] if _can_be_edited(approval) else []
    votes = [reject] if blocker else [approve, reject]
    return [{"type": "actions", "elements": [*votes, dry_run, *change]}]


def _can_be_edited(approval: Approval) -> bool:
    return bool(editable(approval.proposal))
