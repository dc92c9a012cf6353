"""Handles presses on approval cards. The button's value is an id; the store has the approval.

The listener believes nothing else in a press: not the card's text, nor the message that it names.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.policy import Voter
from bot.errors import NotFound, Refused
from bot.incidents.remediation import RemediationStatus
from bot.language import _, deferred, translated
from bot.response import IncidentService
from handlers.listeners.context import holds_button, is_on_home, team_of
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import modals
from handlers.views.gateway_output import cancelling
from handlers.views.home import voted
from handlers.views.words import word


def register(listeners: Listeners) -> None:
    """Register the buttons of the card and of its result, and the modals that two of them open."""
    listeners.opener("sopbot.approve", approve)
    listeners.action("sopbot.reject", reject)
    listeners.action("sopbot.dry_run", dry_run)
    listeners.opener("sopbot.edit", edit)
    listeners.action("sopbot.check_again", check_again)
    listeners.action("sopbot.by_hand", by_hand)
    listeners.action("sopbot.did_not_run", did_not_run)
    listeners.action("sopbot.cancel_run", cancel_run)
    listeners.action("sopbot.undo", undo)
    listeners.action("sopbot.try_again", try_again)
    listeners.view("sopbot.reason_modal", reasoned)
    listeners.view("sopbot.edit_modal", edited)


async def approve(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
) -> str | None:
    """Count an approval, or first open the modal for its reason."""
    reading = service.store.incident_of_approval(str(action.get("value", "")))
    approval, incident = await asyncio.gather(approval_of_press(body, action, service), reading)
    if approval.terms.reason_required:
        await service.decisions.check(approval, voter_of(body))
        await outbox.direct.open_view(str(body["trigger_id"]), modals.reason_modal(approval))
        return None
    press = press_of(body, action)
    approval = await service.decisions.vote(
        approval, voter_of(body), Choice.APPROVE, press, incident=incident
    )
    return voted(approval) if is_on_home(body) else None  # a card in the thread shows it itself


async def reasoned(body: dict[str, Any], view: dict[str, Any], service: IncidentService) -> None:
    """Count an approval with its reason: it counts now, not when the modal was opened."""
    approval = await service.store.approval(str(view.get("private_metadata", "")))
    reason = modals.reason_of(view)
    await service.decisions.vote(
        approval, voter_of(body), Choice.APPROVE, press_of(body, {}), reason=reason
    )


async def reject(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Reject: an approver may, also after approving, and so may the person who asked for it."""
    approval = await approval_of_press(body, action, service)
    press = press_of(body, action)
    approval = await service.decisions.vote(approval, voter_of(body), Choice.REJECT, press)
    return voted(approval) if is_on_home(body) else None


async def dry_run(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> str:
    """Ask the gateway whether its plan is still what the card shows; returns the answer."""
    approval = await approval_of_press(body, action, service)
    return translated(await service.decisions.dry_run(approval.id))


async def edit(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
) -> None:
    """Open the modal for other values."""
    approval = await approval_of_press(body, action, service)
    if approval.decided:
        raise Refused(deferred("Not done: this remediation is {state}.", state=approval.state))
    # It is checked once more when the modal is submitted.
    await service.decisions.check_person(str(body["user"]["id"]))
    await outbox.direct.open_view(str(body["trigger_id"]), modals.edit_modal(approval))


async def edited(body: dict[str, Any], view: dict[str, Any], service: IncidentService) -> None:
    """Replace the proposal by an edited one, on which its editor's vote does not count."""
    approval_id = str(view.get("private_metadata", ""))
    await service.proposals.edit(approval_id, modals.values_of(view), str(body["user"]["id"]))


async def check_again(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str:
    """Ask the gateway what became of an unknown outcome."""
    execution = await _execution_of_press(body, action, service)
    if execution.state is not RemediationStatus.OUTCOME_UNKNOWN:
        return _("The outcome is known: {state}.").format(state=word(execution.state))
    looked_up = await service.dispatches.recheck(execution)
    if looked_up.state is RemediationStatus.OUTCOME_UNKNOWN:
        return _("Still unknown: the gateway has no answer yet.")
    return _("The gateway says: {state}.").format(state=word(looked_up.state))


async def by_hand(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> None:
    """Record that an approver says that an unknown outcome succeeded."""
    await service.dispatches.mark_by_hand(*await _outcome_to_tell(body, action, service))


async def did_not_run(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> None:
    """Record that an approver says that an unknown outcome never ran."""
    await service.dispatches.mark_not_run(*await _outcome_to_tell(body, action, service))


async def _outcome_to_tell(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> tuple[Execution, str]:
    """The execution, and the user who states its outcome; Refused if that user is no approver."""
    approval = await approval_of_press(body, action, service)
    user = str(body["user"]["id"])
    await service.decisions.check_decider(approval, user)
    return await _execution_of_press(body, action, service), user


async def cancel_run(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> str:
    """End what the gateway runs for the approval, for a person who may approve."""
    approval = await approval_of_press(body, action, service)
    user = str(body["user"]["id"])
    return cancelling(approval, await service.cancellations.cancel_one(approval, user))


async def undo(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> None:
    """Propose the action that undoes it; somebody else approves that."""
    approval = await approval_of_press(body, action, service)
    await service.proposals.undo(approval.id, str(body["user"]["id"]))


async def try_again(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> None:
    """Send the request that did not run once more, under the same approval."""
    approval = await approval_of_press(body, action, service)
    user = str(body["user"]["id"])
    await service.decisions.check_person(user)
    await service.dispatches.try_again(approval.id, user)


async def approval_of_press(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> Approval:
    """The approval of the button, which must be on that approval's own card or result.

    A Home tab shows the whole card too. NotFound for an id that is not ours; Refused if the button
    is anywhere else: on another card, or on another app's message.
    """
    if is_on_home(body) and holds_button(body["view"], action):
        return await service.store.approval(str(action.get("value", "")))
    approval_id, channel = str(action.get("value", "")), (body.get("channel") or {}).get("id")
    ts = str((body.get("message") or {}).get("ts", ""))
    approval, card = await asyncio.gather(
        service.store.approval(approval_id), service.store.outbox_message(f"approval:{approval_id}")
    )
    for key in (f"approval:{approval.id}", f"result:exec-{approval.id}"):
        for place in (key, f"undelivered:{key}"):  # shown in the ops channel instead
            is_card = place == f"approval:{approval.id}"
            shown = card if is_card else await service.store.outbox_message(place)
            if shown is None or shown.channel != channel:
                continue
            # Slack may show it before we have recorded its ts. A press in that moment must at least
            # come from a message that has this very button.
            if shown.ts == ts or (shown.ts is None and _holds(body, approval_id)):
                return approval
    raise Refused(
        deferred("Not counted: this button is not on the remediation's own card."),
        remedy=deferred("Press it there."),
    )


def _holds(body: dict[str, Any], value: str) -> bool:
    """True if the message, which is ours, has a button of that value."""
    blocks = (body.get("message") or {}).get("blocks") or []
    elements = [element for block in blocks for element in block.get("elements") or []]
    return any(element.get("value") == value for element in elements)


async def _execution_of_press(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> Execution:
    approval = await approval_of_press(body, action, service)
    execution = await service.store.execution_of(approval.id)
    if execution is None:
        raise NotFound(deferred("Nothing was sent for this approval."))
    return execution


def voter_of(body: dict[str, Any]) -> Voter:
    """The person who pressed: their user id and their workspace."""
    user = body.get("user", {})
    return Voter(str(user.get("id", "")), team_of(body))


def press_of(body: dict[str, Any], action: dict[str, Any]) -> dict[str, str]:
    """Slack's own ids of this press, by which Slack's logs can be searched."""
    container = body.get("container") or {}
    named = {
        "action_ts": action.get("action_ts"),
        "trigger_id": body.get("trigger_id"),
        "channel": container.get("channel_id"),
        "message_ts": container.get("message_ts"),
    }
    return {name: str(value)[:100] for name, value in named.items() if value}
