"""Handles the overflow menu of a card, and the modals by which a person changes an incident."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.errors import InputError, SubmitAgain
from bot.incidents.listing import ListFilter
from bot.incidents.model import Incident
from bot.incidents.severity_words import known_severity
from bot.language import deferred
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id, incident_of_press, show_alerts
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import cascade, changes, escalation, steering
from handlers.views.forms import value_of


def register(listeners: Listeners) -> None:
    """Register the menu, and the modals that it opens."""
    listeners.opener("sopbot.more", choose)
    listeners.view(changes.SEVERITY, severity_submitted, shows_answer=True)
    listeners.view(changes.ASSIGN, assign_submitted, shows_answer=True)
    listeners.view(changes.ESCALATE, escalate_submitted, shows_answer=True)
    listeners.view(changes.MERGE, merge_submitted, shows_answer=True)


async def choose(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the modal of the entry that was chosen; its value is a word and an incident's id."""
    value = str((action.get("selected_option") or {}).get("value", ""))
    word, _sep, number = value.partition(" ")
    if word not in _ENTRIES:
        raise InputError(
            deferred("This entry no longer works."),
            remedy=deferred("`/incident help` lists the commands."),
        )
    await _ENTRIES[word](body, {**action, "value": number}, service, outbox)


async def open_severity(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the modal that sets the severity."""
    incident = await incident_of_press(body, action, service)
    await service.decisions.check_person(str(body["user"]["id"]), "severity")
    await outbox.direct.open_view(str(body["trigger_id"]), changes.severity_modal(incident))


async def open_assign(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the modal that makes a person the owner."""
    incident = await incident_of_press(body, action, service)
    user = str(body["user"]["id"])
    await service.decisions.check_person(user, "assign")
    await outbox.direct.open_view(str(body["trigger_id"]), changes.assign_modal(incident, user))


async def open_escalate(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the modal that asks a second person for help."""
    incident = await incident_of_press(body, action, service)
    user = str(body["user"]["id"])
    await service.decisions.check_person(user, "escalate")
    person = _likely_helper(incident, user, service.policy.remediate.approvers)
    await outbox.direct.open_view(str(body["trigger_id"]), changes.escalate_modal(incident, person))


def _likely_helper(incident: Incident, user: str, approvers: Sequence[str]) -> str:
    """The owner, or the first approver, unless it is the user or is asked already; '' if nobody."""
    asked_before = incident.escalation.to if incident.escalation else ""
    people = (incident.acknowledged_by, *(who for who in approvers if who.startswith(("U", "W"))))
    return next((who for who in people if who and who not in (user, asked_before)), "")


async def open_merge(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the modal with the open incidents into which this one can be merged."""
    incident = await incident_of_press(body, action, service)
    await service.decisions.check_person(str(body["user"]["id"]))
    page = await service.store.listed_incidents(ListFilter(), None, 2 * changes.MOST_TARGETS)
    targets = [
        other for other in page.incidents if other.id != incident.id and other.parent_id is None
    ]
    waiting = await service.store.approvals_of(incident.id)
    modal = changes.merge_modal(
        incident, targets, [approval for approval in waiting if not approval.decided]
    )
    await outbox.direct.open_view(str(body["trigger_id"]), modal)


async def severity_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService
) -> str | None:
    """Set the severity, unless it is another one by now than the modal showed."""
    number, seen, confirmed = _metadata(view)
    severity = known_severity(value_of(view, "severity"))
    if severity is None:
        raise InputError(deferred("Which severity?"))
    incident = await service.store.incident(number)
    question = changes.lowers_much(incident, severity)
    if question and confirmed != severity:
        raise SubmitAgain(question, seen=f"{seen}/{severity}")
    user = str(body["user"]["id"])
    change = await service.remarks.set_severity(number, severity, user, seen)
    return None if change.changed else steering.severity_set(change, user)


async def assign_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService
) -> str | None:
    """Make the person the owner, unless the owner is another one by now than the modal showed."""
    number, seen, _confirmed = _metadata(view)
    owner, user = value_of(view, "owner"), str(body["user"]["id"])
    if not owner:
        raise InputError(deferred("Who owns it?"))
    change = await service.assign(number, owner, user, seen)
    return None if change.changed else steering.assigned(change, owner, user)


async def escalate_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService, outbox: Outbox
) -> str:
    """Ask the chosen person for help; the modal's own id makes a second submission the same."""
    number, to = incident_id(view.get("private_metadata")), value_of(view, "person")
    if not to:
        raise InputError(deferred("Escalate it to whom?"))
    change, by_message = await service.remarks.escalate(
        number,
        to,
        str(body["user"]["id"]),
        value_of(view, "reason").strip(),
        outbox.direct.direct_channel,
        f"view/{view['id']}/{number}",
    )
    return escalation.escalated(change, to, by_message=by_message)


async def merge_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService
) -> str:
    """Merge the incident into the chosen one; a merge across environments asks once more."""
    number, _seen, confirmed = _metadata(view)
    into = incident_id(value_of(view, "target"))
    incident, target = await service.store.incident(number), await service.store.incident(into)
    question = changes.is_elsewhere(incident, target)
    if question and confirmed != str(into):
        raise SubmitAgain(question, seen=f"/{into}")
    return cascade.merged(await service.merge(number, into, str(body["user"]["id"])), into)


def _metadata(view: dict[str, Any]) -> tuple[int, str, str]:
    """The incident, what the person saw of it, and the choice that they were asked about."""
    number, _sep, rest = str(view.get("private_metadata", "")).partition("/")
    seen, _sep, confirmed = rest.partition("/")
    return incident_id(number), seen, confirmed


_ENTRIES = {
    "severity": open_severity,
    "assign": open_assign,
    "escalate": open_escalate,
    "merge": open_merge,
    "alerts": show_alerts,
}
