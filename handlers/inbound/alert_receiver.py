"""Messages by apps in an alert channel are alerts: written before Slack is told that they came.

When the store fails nothing is acknowledged, and Slack delivers again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.incidents.model import Alert
from bot.intake import parse_message
from bot.response import Delivery, IncidentService
from handlers.listeners.registration import Listeners
from handlers.outbound.metadata import kind_of, time_of

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertChannels:
    """Where alerts come, and from whom. An empty `sources` is every app in those channels."""

    channels: frozenset[str]
    sources: frozenset[str]
    own_bot_id: str

    def alert_in(self, event: Message) -> tuple[Message, str] | None:
        """(the message, what tells its version apart), or None when the event is not an alert.

        An edit that changes nothing a parser reads (Slack unfurled a link, a reply changed the
        counters) is not one.
        """
        if event.get("type") != "message" or event.get("channel") not in self.channels:
            return None
        subtype = event.get("subtype")
        if subtype == "message_deleted":
            return None
        if subtype == "message_changed":
            message = event.get("message")
            before = event.get("previous_message")
            if not isinstance(message, dict) or _same_content(message, before):
                return None
            edited = message.get("edited")
            stamp = edited.get("ts") if isinstance(edited, dict) else None
            # Two edits within a second have the same stamp.
            version = f"{stamp or event.get('event_ts', '')}-{_digest(message)}"
        else:
            message, version = event, ""
        return (message, version) if self.by_a_source(message) else None

    def by_a_source(self, message: Message) -> bool:
        """Whether an app posted it whose messages are alerts."""
        bot_id, app_id = message.get("bot_id"), message.get("app_id")
        if not bot_id or bot_id == self.own_bot_id or _by_a_sopbot(message):
            return False
        return not self.sources or bot_id in self.sources or app_id in self.sources


def _same_content(message: Message, before: object) -> bool:
    return isinstance(before, dict) and _content(message) == _content(before)


def _digest(message: Message) -> str:
    content = json.dumps(_content(message), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _content(message: Message) -> list[Any]:
    """What parsers read of it, without what Slack unfurled from its links."""
    attachments = message.get("attachments")
    if isinstance(attachments, list):
        own = [a for a in attachments if not (isinstance(a, dict) and "from_url" in a)]
    else:
        own = []
    return [message.get("text"), own, message.get("blocks")]


def _by_a_sopbot(message: Message) -> bool:
    """Whether another sopbot posted it: two in one channel would answer each other without end."""
    return any(kind_of(mark) for mark in _marks(message))


def _marks(message: Message) -> Iterator[object]:
    metadata, blocks = message.get("metadata"), message.get("blocks")
    if isinstance(metadata, dict):
        yield metadata.get("event_type")
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, dict):
            yield block.get("block_id")


def _without_names(alert: Alert) -> Alert:
    """Any app in the channel could choose its SOP, or borrow a trace: HTTP's token is for that."""
    if alert.sop_id or alert.tracking_id:
        return replace(alert, sop_id="", tracking_id="")
    return alert


class AlertDoor:
    """Takes in alerts as they come over the socket, ahead of Bolt.

    Bolt would acknowledge an event before its listener runs, and matching every listener costs a
    storm more than reading and writing the alert does.
    """

    def __init__(self, service: IncidentService, channels: AlertChannels) -> None:
        self._service = service
        self._channels = channels

    async def take(self, payload: Message) -> bool:
        """True once the alert in this payload is durable; False when there is none in it."""
        event = payload.get("event")
        delivery = self._delivery(event) if isinstance(event, dict) else None
        if delivery is None:
            return False
        await self._service.receive(delivery)
        return True

    async def take_missed(self, channel: str, history: Sequence[Message]) -> int:
        """Take in what of a channel's history, oldest first, was never handed over.

        Returns how many messages that were. They go the same way as events, so what comes late
        over the socket after all changes nothing.
        """
        told = [
            delivery for one in history if (delivery := self._delivery(_event_of(channel, one)))
        ]
        known = await self._service.store.known_deliveries([delivery.key for delivery in told])
        missed = [delivery for delivery in told if delivery.key not in known]
        for delivery in missed:
            await self._service.receive(delivery)
        return len(missed)

    def may_hold(self, message: Message) -> bool:
        """Whether replies to this message may be alerts: it is by an app that posts them."""
        return self._channels.by_a_source(message)

    def _delivery(self, event: Message) -> Delivery | None:
        found = self._channels.alert_in(event)
        if not found:
            return None
        message, version = found
        channel = str(event["channel"])
        versions = f"slack/{channel}/{message.get('ts')}/"
        return Delivery(
            key=versions + version,
            channel=channel,
            alerts=[_without_names(alert) for alert in parse_message(message)],
            edit_of=versions if version else "",
            told_at=time_of(event.get("event_ts") or event.get("ts")),
            posted=True,
            sender=f"slack:{message.get('bot_id')}",
        )


def _event_of(channel: str, message: Message) -> Message:
    """The event by which Slack would have told of a message that stands in its history.

    Of an edited one, what it says now: no more than that is kept.
    """
    edited = message.get("edited")
    if not isinstance(edited, dict):
        return {**message, "type": "message", "channel": channel}
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": channel,
        "event_ts": edited.get("ts"),
        "message": message,
    }


def register(listeners: Listeners) -> None:
    """Messages that are no alerts are only acknowledged."""
    listeners.event("message", message_seen)


async def message_seen() -> None:
    """Nothing is left to do; without a listener Slack would deliver it again."""
