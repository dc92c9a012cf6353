"""Drafts the post-mortem of an incident, and keeps the actions that follow from it."""

from __future__ import annotations

from bot.language import _
from bot.response.readers import check_member
from handlers.listeners.commands.call import INCIDENT_NUMBER, PERSON, Call
from handlers.views import postmortem as view
from handlers.views import stakeholders
from store.operations.action_items import LISTED


async def postmortem(call: Call, rest: str) -> str:
    """Draft the next version, which the thread shows as a file."""
    incident, _rest = await call.subject(rest)
    return view.drafted(await call.service.postmortems.write(incident.id, call.user, call.key))


async def export(call: Call, rest: str) -> str:
    """Send the export to the person who typed the command, as a file."""
    incident, _rest = await call.subject(rest)
    name = await call.service.exports.request(
        incident.id, call.user, call.outbox.direct.direct_channel, call.key
    )
    return view.export_requested(incident.number, name)


async def update(call: Call, rest: str) -> str:
    """Open the modal with a draft for the stakeholders, or with the update that is posted."""
    incident, _rest = await call.subject(rest)
    draft = await call.service.stakeholders.draft(incident, call.user)
    modal = stakeholders.update_modal(incident, *draft)
    await call.outbox.direct.open_view(call.trigger_id, modal)
    return _("Nothing is posted yet: read the update on {number} in the box that opened.").format(
        number=incident.number
    )


async def action(call: Call, rest: str) -> str:
    """Add an action with its owner; without a text open the modal for it."""
    incident, text = await call.subject(rest)
    owner = PERSON.match(text)
    task = text[owner.end() :].strip() if owner else text
    if not task:
        await call.service.decisions.check_person(call.user)
        modal = view.action_modal(incident, owner[1] if owner else call.user)
        await call.outbox.direct.open_view(call.trigger_id, modal)
        return _("No action is added to {number} yet: fill in the box that opened.").format(
            number=incident.number
        )
    named = PERSON.sub(r"@\1", task)
    item = await call.service.postmortems.add_action(
        incident.id, owner[1] if owner else call.user, named, call.user, call.key
    )
    return view.action_added(item, call.user)


async def actions(call: Call, rest: str) -> str:
    """The open actions of everybody, of the person, or all of one incident."""
    word = rest.strip().lower()
    if not INCIDENT_NUMBER.fullmatch(word):
        check_member(call.channels)
    if word == "mine":
        return view.action_list(await call.store.open_actions(call.user), LISTED, mine=True)
    if INCIDENT_NUMBER.fullmatch(word):
        incident = await call.incident(word)
        items = await call.store.actions_of(incident.id)
        return view.actions_of_incident(items, incident.number)
    return view.action_list(await call.store.open_actions(), LISTED, mine=False)
