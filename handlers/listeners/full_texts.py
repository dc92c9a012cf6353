"""Handles the button that shows the whole of the texts that a message or a list shows in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.errors import Refused
from bot.language import deferred
from bot.response import IncidentService
from bot.response.gateway_targets import possible
from handlers.listeners.cascades import children_list
from handlers.listeners.incidents import alerts_list
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import alerts, gateway_output, possible_actions
from handlers.views.cutting import collect_cut_texts
from handlers.views.full_text import Page, full_text_modal, page_of

# Before an incident's id and the offset of a page of this list.
OF_ALERTS, OF_CHILDREN = "alerts", "children"
# These buttons are in answers that one person got, not in messages of the outbox.
_OF_ANSWERS = (gateway_output.OF_OUTPUT, possible_actions.OF_ACTIONS)


def register(listeners: Listeners) -> None:
    """Register the button and the turns of the pages."""
    listeners.action("sopbot.full_text", show_full_text)
    listeners.action("sopbot.full_text.back", turn_text_back)
    listeners.action("sopbot.full_text.more", turn_text_page)


async def show_full_text(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the first page, over the list that the button is in."""
    source = str(action.get("value", ""))
    if not body.get("view") and _kind_of(source) not in _OF_ANSWERS:
        await _check_place(body, source, service)
    modal = full_text_modal(await _texts(body, source, service, outbox), source, 0)
    if body.get("view"):
        await outbox.direct.push_view(str(body["trigger_id"]), modal)
    else:
        await outbox.direct.open_view(str(body["trigger_id"]), modal)


async def turn_text_page(body: dict[str, Any], service: IncidentService, outbox: Outbox) -> None:
    """Show the next page."""
    await _turn(body, service, outbox, 1)


async def turn_text_back(body: dict[str, Any], service: IncidentService, outbox: Outbox) -> None:
    """Show the page before."""
    await _turn(body, service, outbox, -1)


async def _turn(body: dict[str, Any], service: IncidentService, outbox: Outbox, by: int) -> None:
    view = body.get("view") or {}
    page: Page = page_of(view)
    texts = await _texts(body, page.source, service, outbox)
    modal = full_text_modal(texts, page.source, max(0, page.number + by))
    await outbox.direct.update_view(str(view.get("id", "")), modal)


async def _check_place(body: dict[str, Any], key: str, service: IncidentService) -> None:
    """Raise Refused if the button is on another message than the one whose text it shows."""
    message = await service.store.outbox_message(key)
    channel = str((body.get("channel") or {}).get("id", ""))
    ts = str((body.get("message") or {}).get("ts", ""))
    # Slack may show a message before we have recorded its ts.
    if message is None or message.channel != channel or message.ts not in (None, ts):
        raise Refused(deferred("Not done: this button no longer works."))


def _kind_of(source: str) -> str:
    return source.partition(" ")[0]


async def _texts(
    body: dict[str, Any], source: str, service: IncidentService, outbox: Outbox
) -> Sequence[str]:
    kind, _sep, place = source.partition(" ")
    if kind == gateway_output.OF_OUTPUT:  # only an ephemeral answer has this button
        return (service.gateway_reads.output(place, str(body["user"]["id"])),)
    if kind == possible_actions.OF_ACTIONS:
        await service.decisions.check_person(str(body["user"]["id"]), "fix")
        return (possible_actions.whole(possible(service.config, place)),)
    if kind not in (OF_ALERTS, OF_CHILDREN):
        message = await service.store.outbox_message(source)
        return await outbox.full_texts(message) if message else ()
    number, offset = alerts.page_of({"private_metadata": place})
    with collect_cut_texts() as texts:
        if kind == OF_ALERTS:
            await alerts_list(service, number, offset)
        else:
            await children_list(service, number, offset)
    return tuple(texts)
