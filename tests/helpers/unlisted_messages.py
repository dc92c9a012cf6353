"""Slack messages of senders without a parser, and what becomes of them."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.incidents.model import Alert
from bot.intake import parse_message
from bot.sources_command.commands import Payloads, outcome_of, read

RED, GREEN = "a30200", "2eb886"
Message = dict[str, Any]


def posted(title: str, text: str = "", colour: str = RED, sender: str = "Alertmanager") -> Message:
    """Return a message whose attachment has this title, text and colour."""
    attachment = {"title": title, "text": text, "fallback": title, "color": colour}
    return {"bot_id": "B0ANY", "username": sender, "text": "", "attachments": [attachment]}


def alert_of(message: Message) -> Alert:
    """Return the only alert of a message."""
    (alert,) = parse_message(message).alerts
    return alert


def fold(*messages: Message) -> tuple[int, int]:
    """Fold the messages in their order: how many incidents they make, and how many stay open."""
    payloads = Payloads("slack", "generic", messages)
    outcome = asyncio.run(outcome_of(payloads, [read(payloads, item) for item in messages]))
    return outcome.incidents, outcome.open_at_end
