"""Presses on approval cards. The button's value is an id; what it stands for is in the store.

Nothing else of what a press brings is believed: not the card's text, nor which card it stands on.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.policy import Voter
from bot.errors import NotFound, Refused
from bot.incidents.remediation import RemediationStatus
from bot.response import IncidentService
from handlers.listeners.context import team_of
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import modals


def register(listeners: Listeners) -> None:
    """The buttons of the card and of its result, and the boxes that two of them open."""
    listeners.opener("sopbot.approve", approve)
    listeners.action("sopbot.reject", reject)
    listeners.action("sopbot.dry_run", dry_run)
    listeners.opener("sopbot.edit", edit)
    listeners.action("sopbot.check_again", check_again)
    listeners.action("sopbot.by_hand", by_hand)
    listeners.action("sopbot.did_not_run", did_not_run)
    listeners.action("sopbot.undo", undo)
    listeners.action("sopbot.try_again", try_again)
    listeners.view("sopbot.reason_modal", reasoned)
    listeners.view("sopbot.edit_modal", edited)


async def approve(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
) -> None:
    """A yes, or first the box for its reason. A refusal goes to the presser alone."""
    reading = service.store.incident_of_approval(str(action.get("value", "")))
    asked, incident = await asyncio.gather(approval_of_press(body, action, service), reading)
    if asked.terms.reason_required:
        await service.decisions.check(asked, voter_of(body))
        await outbox.direct.open_view(str(body["trigger_id"]), modals.reason_modal(asked))
    else:
        press = press_of(body, action)
        await service.decisions.vote(
            asked, voter_of(body), Choice.APPROVE, press, incident=incident
        )


async def reasoned(body: dict[str, Any], view: dict[str, Any], service: IncidentService) -> None:
    """A yes with its reason: it counts now, not when the box was opened."""
    approval = await service.store.approval(str(view.get("private_metadata", "")))
    reason = modals.reason_of(view)
    await service.decisions.vote(
        approval, voter_of(body), Choice.APPROVE, press_of(body, {}), reason=reason
    )


async def reject(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> None:
    """A no ends it: an approver's, also after their yes, or that of who asked for it."""
    asked = await approval_of_press(body, action, service)
    await service.decisions.vote(asked, voter_of(body), Choice.REJECT, press_of(body, action))


async def dry_run(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> str:
    """Whether the gateway would still do what the card shows, told to the presser."""
    asked = await approval_of_press(body, action, service)
    return await service.decisions.dry_run(asked.id)


async def edit(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
) -> None:
    """Open the box for other values."""
    asked = await approval_of_press(body, action, service)
    if asked.decided:
        raise Refused(f"Not done: this remediation is {asked.state}.")
    await service.decisions.check_person(str(body["user"]["id"]))  # again when it is sent
    await outbox.direct.open_view(str(body["trigger_id"]), modals.edit_modal(asked))


async def edited(body: dict[str, Any], view: dict[str, Any], service: IncidentService) -> None:
    """Another proposal takes this one's place; who edited it does not count on it."""
    approval_id = str(view.get("private_metadata", ""))
    await service.proposals.edit(approval_id, modals.values_of(view), str(body["user"]["id"]))


async def check_again(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str:
    """Ask the gateway what became of an unknown outcome."""
    execution = await _execution_of_press(body, action, service)
    if execution.state is not RemediationStatus.OUTCOME_UNKNOWN:
        return f"The outcome is known: {execution.state}."
    found = await service.dispatches.look_again(execution)
    if found.state is RemediationStatus.OUTCOME_UNKNOWN:
        return "Still unknown: the gateway has no answer yet."
    return f"The gateway says: {found.state}."


async def by_hand(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> None:
    """An approver says that an unknown outcome is done: it is written down who."""
    await service.dispatches.mark_by_hand(*await _outcome_to_tell(body, action, service))


async def did_not_run(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> None:
    """An approver says that an unknown outcome never ran: it is written down who."""
    await service.dispatches.mark_not_run(*await _outcome_to_tell(body, action, service))


async def _outcome_to_tell(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> tuple[Execution, str]:
    """(what ran or did not, who says so); Refused for who may not."""
    asked = await approval_of_press(body, action, service)
    user = str(body["user"]["id"])
    await service.decisions.check_decider(asked, user)
    return await _execution_of_press(body, action, service), user


async def undo(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> None:
    """Propose what takes it back; somebody else approves it."""
    asked = await approval_of_press(body, action, service)
    await service.proposals.undo(asked.id, str(body["user"]["id"]))


async def try_again(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> None:
    """Send again what did not run, by the same approval."""
    asked = await approval_of_press(body, action, service)
    user = str(body["user"]["id"])
    await service.decisions.check_person(user)
    await service.dispatches.try_again(asked.id, user)


async def approval_of_press(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> Approval:
    """The approval of the button, which must stand on that approval's own card or result.

    NotFound for an id that is not ours, Refused when the button stands anywhere else: on another
    card, or on another app's message.
    """
    approval_id, channel = str(action.get("value", "")), (body.get("channel") or {}).get("id")
    ts = str((body.get("message") or {}).get("ts", ""))
    asked, card = await asyncio.gather(
        service.store.approval(approval_id), service.store.outbox_message(f"approval:{approval_id}")
    )
    for key in (f"approval:{asked.id}", f"result:exec-{asked.id}"):
        for place in (key, f"undelivered:{key}"):  # elsewhere, in its own channel's place
            is_card = place == f"approval:{asked.id}"
            shown = card if is_card else await service.store.outbox_message(place)
            if shown is None or shown.channel != channel:
                continue
            # Pressed in the moment between Slack's showing it and our noting its ts, it must at
            # least be on a message that holds this very button.
            if shown.ts == ts or (shown.ts is None and _holds(body, approval_id)):
                return asked
    raise Refused(
        "Not counted: this button is not on the remediation's own card.",
        remedy="Press it there.",
    )


def _holds(body: dict[str, Any], value: str) -> bool:
    """Whether the message, which is ours, holds a button of that value."""
    blocks = (body.get("message") or {}).get("blocks") or []
    elements = [one for block in blocks for one in block.get("elements") or []]
    return any(one.get("value") == value for one in elements)


async def _execution_of_press(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> Execution:
    asked = await approval_of_press(body, action, service)
    execution = await service.store.execution_of(asked.id)
    if execution is None:
        raise NotFound("Nothing was sent for this approval.")
    return execution


def voter_of(body: dict[str, Any]) -> Voter:
    """Who pressed: their id and the workspace they are of."""
    user = body.get("user", {})
    return Voter(str(user.get("id", "")), team_of(body))


def press_of(body: dict[str, Any], action: dict[str, Any]) -> dict[str, str]:
    """What Slack calls this press, so that it can be found in Slack's own logs."""
    container = body.get("container") or {}
    named = {
        "action_ts": action.get("action_ts"),
        "trigger_id": body.get("trigger_id"),
        "channel": container.get("channel_id"),
        "message_ts": container.get("message_ts"),
    }
    return {name: str(value)[:100] for name, value in named.items() if value}
