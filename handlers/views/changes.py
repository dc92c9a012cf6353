"""The modals by which a person changes an incident: its severity, its owner, its cascade.

`private_metadata` is the incident's id, and what the person saw when the modal opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Approval
from bot.incidents.edits import seen_owner, seen_severity
from bot.incidents.model import Incident, IncidentStatus, Severity
from bot.language import _, listed, plural
from handlers.views.forms import alert, form, input_block, menu
from handlers.views.text import (
    Block,
    clock,
    context,
    section,
    symbol,
    untrusted_line,
)

SEVERITY, ASSIGN, MERGE = "sopbot.severity_modal", "sopbot.assign_modal", "sopbot.merge_modal"
ESCALATE = "sopbot.escalate_modal"
MOST_TARGETS = 100  # options of one menu in Slack


def overflow(incident: Incident, *, is_card: bool = True) -> list[Block]:
    """The menu of what is rare, if it has an entry: Slack takes five.

    An entry's value is its word and the incident's id. A card can show its alerts too.
    """
    entries = []
    if incident.status is not IncidentStatus.RESOLVED:
        entries += [(_("Change severity…"), "severity"), (_("Assign…"), "assign")]
        entries.append((_("Escalate…"), "escalate"))
        if incident.parent_id is None:
            entries.append((_("Merge…"), "merge"))
    if is_card and incident.alert_count > 1:
        entries.append((_("Alerts ({count})").format(count=incident.alert_count), "alerts"))
    if not entries:
        return []
    options = [
        {"text": {"type": "plain_text", "text": text}, "value": f"{word} {incident.id}"}
        for text, word in entries
    ]
    return [{"type": "overflow", "action_id": "sopbot.more", "options": options}]


def severity_modal(incident: Incident) -> Block:
    """The modal that sets the severity."""
    by = _("as its alerts say")
    if incident.severity_by:
        by = _("as {person} set it").format(person=f"<@{incident.severity_by}>")
    note = _("It is {severity}, {by}. Alerts do not change yours until the incident ends.")
    options = [(symbol(severity), str(severity)) for severity in Severity]
    field = menu("sopbot.severity", options, str(incident.severity))
    return form(
        SEVERITY,
        f"{incident.id}/{seen_severity(incident)}",
        _("Severity of {number}").format(number=incident.number),
        _("Set severity"),
        [
            _head(incident),
            alert(note.format(severity=_(incident.severity), by=by)),
            input_block("severity", _("Severity"), field),
        ],
    )


def lowers_much(incident: Incident, severity: Severity) -> str:
    """Ask about two steps down while alerts fire; '' if there is nothing to ask."""
    if not incident.firing or severity.rank < incident.severity.rank + 2:
        return ""
    firing = plural(incident.firing, "{count} alert still fires", "{count} alerts still fire")
    return _(
        "{number} is {severity}, and {firing}. Submit once more to set it to {chosen}."
    ).format(
        number=incident.number, severity=_(incident.severity), firing=firing, chosen=_(severity)
    )


def assign_modal(incident: Incident, user: str) -> Block:
    """The modal that makes a person the owner: the person themselves, unless they are it."""
    owner, field = incident.acknowledged_by, {"type": "users_select", "action_id": "sopbot.owner"}
    if owner != user:
        field["initial_user"] = user
    note = alert(_("Nobody has acknowledged it yet."))
    since = clock(incident.acknowledged_at) if incident.acknowledged_at else ""
    if owner == user:
        note = alert(_("It is yours since {time}.").format(time=since))
    elif owner:
        text = _("Its owner is {person} since {time}. A message in the thread tells them.")
        note = alert(text.format(person=f"<@{owner}>", time=since), "warning")
    return form(
        ASSIGN,
        f"{incident.id}/{seen_owner(incident)}",
        _("Assign {number}").format(number=incident.number),
        _("Assign"),
        [_head(incident), note, input_block("owner", _("Owner"), field)],
    )


def escalate_modal(incident: Incident, person: str = "") -> Block:
    """The modal that asks a second person for help, and says why; `person` is chosen already."""
    note = alert(_("They are asked in its thread and by a direct message. The owner stays."))
    if (escalation := incident.escalation) is not None:
        text = _("<@{by}> asked <@{to}> {at}, who has not answered yet.")
        text = text.format(by=escalation.by, to=escalation.to, at=clock(escalation.at))
        note = alert(text, "warning")
    whom = {"type": "users_select", "action_id": "sopbot.person"}
    if person:
        whom["initial_user"] = person
    why = {"type": "plain_text_input", "action_id": "sopbot.reason", "max_length": 200}
    reason = input_block("reason", _("Why? (shown to them)"), why)
    return form(
        ESCALATE,
        str(incident.id),
        _("Escalate {number}").format(number=incident.number),
        _("Escalate"),
        [
            _head(incident),
            note,
            input_block("person", _("Who should help?"), whom),
            {**reason, "optional": True},
        ],
    )


def merge_modal(
    incident: Incident, targets: Sequence[Incident], waiting: Sequence[Approval]
) -> Block:
    """The modal that makes the incident a child of another one that is open.

    `waiting` are its approvals that wait for a vote: merging revokes them, and no split brings
    them back.
    """
    number = incident.number
    title = _("Merge {number}").format(number=number)
    if not targets:
        blocks = [_head(incident), section(_("No other incident is open."))]
        return form(MERGE, str(incident.id), title, "", blocks)
    text = _(
        "{number} becomes a child, and goes on in the thread of the other incident."
        " `/incident split {number}` undoes that."
    )
    notes = [alert(text.format(number=number))]
    if waiting:
        titles = [untrusted_line(approval.proposal.title, 60) for approval in waiting[:3]]
        if len(waiting) > 3:
            titles.append(_("{count} more").format(count=len(waiting) - 3))
        text = _("Merging revokes what waits for approval: {titles}. That cannot be undone.")
        notes.append(alert(text.format(titles=listed(titles)), "warning"))
    options = [
        (f"{target.number} · {_(target.severity)} · {_title(target, 45)}", str(target.id))
        for target in targets[:MOST_TARGETS]
    ]
    hint = _("Most severe first.")
    if len(targets) > MOST_TARGETS:
        hint = _("The most severe ones. Any other one: /incident merge {number} INC-7")
    field = menu("sopbot.target", options, str(incident.related_id or ""))
    target = input_block("target", _("Merge into"), field, hint=hint.format(number=number))
    return form(MERGE, str(incident.id), title, _("Merge"), [_head(incident), *notes, target])


def is_elsewhere(incident: Incident, target: Incident) -> str:
    """Ask about a merge across environments; '' if there is nothing to ask."""
    if not incident.env or not target.env or incident.env == target.env:
        return ""
    env, other = untrusted_line(incident.env, 40), untrusted_line(target.env, 40)
    return _(
        "{number} is in {env}, {other} in {elsewhere}. Submit once more to merge them anyway."
    ).format(number=incident.number, env=env, other=target.number, elsewhere=other)


def _head(incident: Incident) -> Block:
    return context(_title(incident, 200))


def _title(incident: Incident, limit: int) -> str:
    return untrusted_line(incident.title, limit) or _("(no title)")
