"""Modals."""

from __future__ import annotations

from typing import Any

from bot.incidents.model import Incident
from handlers.views.text import Block, context, line


def ask_modal(incident: Incident) -> Block:
    """A box for a question about one incident."""
    return {
        "type": "modal",
        "callback_id": "sopbot.ask_modal",
        "private_metadata": str(incident.id),
        "title": {"type": "plain_text", "text": f"Ask about {incident.number}"[:24]},
        "submit": {"type": "plain_text", "text": "Ask"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            context(line(incident.title, 200)),
            {
                "type": "input",
                "block_id": "question",
                "label": {"type": "plain_text", "text": "Question"},
                "element": {
                    "type": "plain_text_input",
                    "action_id": "sopbot.question",
                    "multiline": True,
                    "max_length": 2000,
                },
            },
        ],
    }


def question_of(view: dict[str, Any]) -> str:
    """What was typed."""
    values = view.get("state", {}).get("values", {})
    return str(values.get("question", {}).get("sopbot.question", {}).get("value") or "")
