"""The receiver of alerts from Slack: the deliveries that it makes of events."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bot.intake import parse_message
from bot.response import Delivery, IncidentService
from handlers.inbound.alert_receiver import AlertChannels, AlertReceiver

CHANNELS = AlertChannels(channels=frozenset({"C1"}), sources=frozenset(), own_bot_id="B0OWN")


class Received:
    """Replaces the incident service; records the deliveries."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    async def receive(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)


def post(text: str) -> dict[str, Any]:
    return {"type": "message", "channel": "C1", "ts": "1.2", "bot_id": "B1", "text": text}


@pytest.mark.parametrize("mark", ["sopbot_card", "sopbot.card"])
@pytest.mark.parametrize("place", ["metadata", "block"])
async def test_a_message_of_another_sopbot_is_no_alert(mark: str, place: str) -> None:
    event = post("checkout is down")
    shown = {"type": "section", "text": {"type": "mrkdwn", "text": "checkout is down"}}
    if place == "metadata":  # Slack's events tell the name, but not the payload
        event["metadata"] = {"event_type": mark, "event_payload": {}}
    else:
        event["blocks"] = [shown | {"block_id": mark}]
    received = Received()
    assert not await AlertReceiver(cast("IncidentService", received), CHANNELS).receive(
        {"event": event}
    )
    assert received.deliveries == []


@pytest.mark.parametrize(
    "borrowed",
    [
        "sop_id: restart_web",
        "tracking_id: req-of-another",
        "sop_id: a\ntracking_id: req-of-another",
    ],
    ids=["a SOP ID", "a tracking id", "both"],
)
async def test_an_app_in_the_channel_neither_chooses_its_sop_nor_borrows_a_trace(
    borrowed: str,
) -> None:
    event = post(f"Lock 3 leaks\nservice: lock\n{borrowed}")
    [parsed] = parse_message(event).alerts
    assert parsed.sop_id or parsed.tracking_id, (
        "the parser must read it, else this test says nothing"
    )
    received = Received()
    assert await AlertReceiver(cast("IncidentService", received), CHANNELS).receive(
        {"event": event}
    )
    [alert] = received.deliveries[0].alerts
    assert (alert.sop_id, alert.tracking_id) == ("", "")
    assert alert.service == "lock", "all else is kept"
