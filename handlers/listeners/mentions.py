"""Handles mentions of the bot and direct messages to it.

| where | with a question | without |
|---|---|---|
| an incident's thread | the advisor answers in the thread | help |
| anywhere else in a channel | the open incidents of the channel | help |
| anywhere, naming an incident | the advisor answers in its thread | |
| a direct message | help | help |
"""

from __future__ import annotations

import re
from typing import Any

from bot.incidents.model import Incident
from bot.response import IncidentService
from handlers.listeners.commands.verbs import INCIDENT
from handlers.listeners.registration import Listeners
from handlers.views import help as help_view
from handlers.views import mentions

MENTION = re.compile(r"<@[UW][A-Z0-9]+(\|[^>]*)?>")
NAMED = re.compile(r"(?<![\w#])(?:INC-?|#)([0-9]{1,12})\b", re.IGNORECASE)
LISTED = 10
DEFAULT_QUESTION = "What is happening, and what to do first?"


def register(listeners: Listeners) -> None:
    """Register mentions, and messages, of which only direct ones are answered."""
    listeners.event("app_mention", mentioned)
    listeners.event("message", message_seen)


async def mentioned(event: dict[str, Any], service: IncidentService) -> str | None:
    """Answer a mention; the answer is for its author alone."""
    if event.get("bot_id") or not await _is_member(event, service):
        return None
    channel = str(event["channel"])
    question = MENTION.sub("", str(event.get("text", ""))).strip()
    if not question:
        return _help()
    thread = str(event.get("thread_ts") or "")
    incident = await service.store.incident_of_message(channel, thread) if thread else None
    if incident:
        await _ask(incident, question, event, service)
        return None  # the thread shows the answer
    if incident := await _named(question, event, service):
        return await _ask(incident, question, event, service)
    listed, places = await service.store.open_in_channel(channel, LISTED)
    return mentions.open_here(listed, places)


async def message_seen(event: dict[str, Any], service: IncidentService) -> str | None:
    """Answer a direct message of a person; without this listener Slack redelivers any message."""
    is_direct = event.get("channel_type") == "im" and not event.get("subtype")
    if not is_direct or event.get("bot_id") or not event.get("user"):
        return None
    if not await _is_member(event, service):
        return None
    question = MENTION.sub("", str(event.get("text", ""))).strip()
    incident = await _named(question, event, service)
    return await _ask(incident, question, event, service) if incident else _help()


async def _is_member(event: dict[str, Any], service: IncidentService) -> bool:
    """True for a person of this workspace. Refused if Slack does not say who it is."""
    team = event.get("user_team") or event.get("team")
    if not team:  # the event does not name its author's workspace, so Slack is asked
        await service.decisions.check_home(str(event["user"]))
    return not team or team == service.home_team


async def _named(text: str, event: dict[str, Any], service: IncidentService) -> Incident | None:
    """The first incident that the text names; NotFound if there is none, Refused for a guest who
    is not in its channel.
    """
    name = NAMED.search(text)
    if name is None:
        return None
    incident = await service.store.incident(int(name[1]))
    await service.readers.check(str(event["user"]), incident)
    return incident


async def _ask(
    incident: Incident, text: str, event: dict[str, Any], service: IncidentService
) -> str:
    """Ask the advisor, once for a message; returns where the answer will be."""
    is_only_a_name = not NAMED.sub("", text).strip(" ?!.,:")
    question = DEFAULT_QUESTION if is_only_a_name else text
    key = f"mention/{event['channel']}/{event['ts']}"
    await service.advice_queue.ask(incident, question, str(event["user"]), once=key)
    return mentions.question_sent(incident, await service.store.card_place(incident.id))


def _help() -> str:
    return mentions.help_page(help_view.overview("/incident", INCIDENT))
