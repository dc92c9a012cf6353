"""Finds incidents: the lists with their buttons, and one incident."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.incidents.listing import parse_filter
from bot.response import IncidentService
from bot.response.readers import check_member
from handlers.listeners.commands.actions import what_is_frozen
from handlers.listeners.commands.call import Call
from handlers.listeners.incidents import incident_id
from handlers.listeners.registration import Listeners
from handlers.views import incident_list, lists, silences, steering
from handlers.views.pages import Page

PAGE = 10
SHOWN_ALERTS = 5
_OF_ALL_CHANNELS = ("silences", "suppressed", "unmatched")
ACKNOWLEDGE = re.compile(r"sopbot\.list\.acknowledge\.[0-9]")


def register(listeners: Listeners) -> None:
    """Register the buttons of a list; the answer takes the place of the list."""
    listeners.pager("sopbot.list.more", turn_list_page)
    listeners.pager("sopbot.list.first", turn_list_back)
    listeners.pager(ACKNOWLEDGE, acknowledge_in_list)


async def list_incidents(call: Call, rest: str) -> str:
    """The open incidents that the person wants to see, or one of the other lists."""
    if rest.lower() in _OF_ALL_CHANNELS:
        check_member(call.channels)
    match rest.lower():
        case "silences":
            return silences.silence_list(await call.store.silences(call.now))
        case "suppressed":
            return silences.suppressed_list(await call.store.suppressed_alerts(PAGE), call.now)
        case "unmatched":
            resolves = await call.store.unmatched_resolves(PAGE)
            activities = await call.store.unmatched_activities(PAGE)
            return lists.unmatched(resolves, activities, call.now)
        case "freezes":
            return await what_is_frozen(call)
    return await _page(call.service, call.user, rest, None, call.now)


async def turn_list_page(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    clock: Callable[[], datetime],
) -> str:
    """Show the page behind the incident that the button names."""
    text, _after = incident_list.state_of(str(action.get("block_id")))
    after = incident_id(action.get("value"))
    return await _page(service, str(body["user"]["id"]), text, after, clock())


async def turn_list_back(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    clock: Callable[[], datetime],
) -> str:
    """Show the first page."""
    text, _after = incident_list.state_of(str(action.get("block_id")))
    return await _page(service, str(body["user"]["id"]), text, None, clock())


async def acknowledge_in_list(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    clock: Callable[[], datetime],
) -> str:
    """Make the person the owner, and show the page as it is now."""
    user = str(body["user"]["id"])
    incident = await service.store.incident(incident_id(action.get("value")))
    await service.readers.check(user, incident)
    change = await service.acknowledge(incident.id, user)
    text, after = incident_list.state_of(str(action.get("block_id")))
    answer = steering.acknowledged(change, user, clock())
    return await _page(service, user, text, after, clock(), notice=answer)


async def _page(
    service: IncidentService,
    user: str,
    text: str,
    after: int | None,
    now: datetime,
    notice: str = "",
) -> Page:
    chosen = parse_filter(text, user, await service.readers.channels_of(user))
    page = await service.store.listed_incidents(chosen, after, PAGE)
    return incident_list.incident_list(chosen, page, now, after=after, notice=notice)


async def show(call: Call, rest: str) -> str:
    """One incident with its timeline."""
    incident, _rest = await call.subject(rest)
    card = await call.store.outbox_message(f"card:{incident.id}")
    permalink = (
        await call.outbox.direct.permalink(card.channel, card.ts) if card and card.ts else ""
    )
    return lists.incident_details(
        incident,
        await call.store.timeline(incident.id),
        await call.store.approvals_of(incident.id),
        permalink,
        (await call.store.grouped_alerts(incident.id, limit=SHOWN_ALERTS)).alerts,
    )
