"""Receives alerts: messages that apps post in an alert channel.

The bot writes an alert before it acknowledges the envelope. If the store fails, nothing is
acknowledged, and Slack redelivers the event.
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
from handlers.outbound.metadata import kind_of, time_of

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertChannels:
    """The channels with alerts, and the apps that post them. Empty `sources` means every app."""

    channels: frozenset[str]
    sources: frozenset[str]
    own_bot_id: str

    def alert_in(self, event: Message) -> tuple[Message, str] | None:
        """The message and its version, or None if the event is not an alert.

        An edit is not an alert if it changes nothing that a parser reads: Slack unfurled a link, or
        a reply changed the counters.
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
            edited_at = edited.get("ts") if isinstance(edited, dict) else None
            # Two edits within a second have the same `edited_at`; the digest tells them apart.
            version = f"{edited_at or event.get('event_ts', '')}-{_digest(message)}"
        else:
            message, version = event, ""
        return (message, version) if self.is_by_source(message) else None

    def is_by_source(self, message: Message) -> bool:
        """True if an app posted the message, and messages of that app are alerts."""
        bot_id, app_id = message.get("bot_id"), message.get("app_id")
        if not bot_id or bot_id == self.own_bot_id or is_by_sopbot(message):
            return False
        return not self.sources or bot_id in self.sources or app_id in self.sources


def _same_content(message: Message, before: object) -> bool:
    return isinstance(before, dict) and _content(message) == _content(before)


def _digest(message: Message) -> str:
    content = json.dumps(_content(message), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _content(message: Message) -> list[Any]:
    """The parts that parsers read, without the attachments that Slack unfurled from links."""
    attachments = message.get("attachments")
    if isinstance(attachments, list):
        own = [a for a in attachments if not (isinstance(a, dict) and "from_url" in a)]
    else:
        own = []
    return [message.get("text"), own, message.get("blocks")]


def is_by_sopbot(message: Message) -> bool:
    """True if another sopbot posted it: two in one channel would answer each other without end."""
    return any(kind_of(mark) for mark in _sopbot_names(message))


def _sopbot_names(message: Message) -> Iterator[object]:
    metadata, blocks = message.get("metadata"), message.get("blocks")
    if isinstance(metadata, dict):
        yield metadata.get("event_type")
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, dict):
            yield block.get("block_id")


def _without_names(alert: Alert) -> Alert:
    """Remove SOP ID and tracking ID from the alert.

    Any app in the channel could choose an SOP with them, or borrow a trace. An HTTP request may
    name both, because it has a token.
    """
    if alert.sop_id or alert.tracking_id:
        return replace(alert, sop_id="", tracking_id="")
    return alert


class AlertReceiver:
    """Receives alerts from the Socket Mode connections, before Bolt sees them.

    Bolt would acknowledge an event before its listener runs, and in a burst Bolt's matching of
    every listener costs more than parsing and writing the alert does.
    """

    def __init__(self, service: IncidentService, channels: AlertChannels) -> None:
        self._service = service
        self._channels = channels

    async def receive(self, payload: Message) -> bool:
        """True once the alert in this payload is durable; False if the payload has none."""
        event = payload.get("event")
        delivery = self.delivery_of(event) if isinstance(event, dict) else None
        if delivery is None:
            return False
        await self._service.receive(delivery)
        return True

    async def receive_history(self, channel: str, history: Sequence[Message]) -> int:
        """Receive the messages of a channel's history, oldest first, that Slack did not deliver.

        Returns their number. They are handled as events are, so a late delivery of the same message
        changes nothing.
        """
        deliveries = [
            delivery
            for message in history
            if (delivery := self.delivery_of(_event_of(channel, message)))
        ]
        known = await self._service.store.known_deliveries([d.key for d in deliveries])
        undelivered = [delivery for delivery in deliveries if delivery.key not in known]
        for delivery in undelivered:
            await self._service.receive(delivery)
        return len(undelivered)

    def may_have_alert_replies(self, message: Message) -> bool:
        """True if replies to this message may be alerts: an app that posts alerts posted it."""
        return self._channels.is_by_source(message)

    def delivery_of(self, event: Message) -> Delivery | None:
        """Read the alerts of a message event; None if they are not alerts of these channels."""
        alert = self._channels.alert_in(event)
        if not alert:
            return None
        message, version = alert
        channel = str(event["channel"])
        versions = versions_of(channel, message.get("ts"))
        reading = parse_message(message)
        thread_ts = message.get("thread_ts")
        return Delivery(
            key=versions + version,
            channel=channel,
            alerts=[_without_names(alert) for alert in reading.alerts],
            edit_of=versions if version else "",
            sent_at=time_of(event.get("event_ts") or event.get("ts")),
            posted=True,
            sender=f"slack:{message.get('bot_id')}",
            activities=reading.activities,
            thread=versions_of(channel, thread_ts) if thread_ts else "",
        )


def versions_of(channel: str, ts: object) -> str:
    """Return how the keys of the deliveries of all versions of a message begin."""
    return f"slack/{channel}/{ts}/"


def _event_of(channel: str, message: Message) -> Message:
    """The event that Slack would have delivered for a message of its history.

    The history keeps only the present text of an edited message.
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
