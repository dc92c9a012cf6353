"""Blocks that a workspace or a Slack-compatible server may refuse, and their plain form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from bot.language import _
from handlers.views.text import Block, button

NEWER = frozenset({"alert", "context_actions"})
"""The kinds that the views use, and that not every server takes."""


def newer_kinds(blocks: Sequence[Block]) -> frozenset[str]:
    """The kinds of these blocks that a server may refuse."""
    return NEWER & {str(block["type"]) for block in blocks}


def plain_form(blocks: Sequence[Block], kinds: Collection[str]) -> list[Block]:
    """The blocks with those of `kinds` replaced by blocks that every server takes."""
    return [_PLAIN[block["type"]](block) if block["type"] in kinds else block for block in blocks]


def feedback(advice_id: int) -> Block:
    """The buttons by which a person says whether the advice was right."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "sopbot.feedback",
                "positive_button": _side(_("Helpful"), f"{advice_id} good"),
                "negative_button": _side(_("Not helpful"), f"{advice_id} bad"),
            }
        ],
    }


def _side(text: str, value: str) -> Block:
    return {"text": {"type": "plain_text", "text": text, "emoji": False}, "value": value}


def _plain_alert(block: Block) -> Block:
    mark = "⚠️" if block.get("level") in ("warning", "error") else "ℹ️"
    shown: Block = {**block["text"], "text": f"{mark} {block['text']['text']}"}
    plain: Block = {"type": "section", "text": shown}
    return {**plain, "block_id": block["block_id"]} if "block_id" in block else plain


def _plain_feedback(block: Block) -> Block:
    buttons = [
        button(side["text"]["text"], f"{element['action_id']}.{name}", side["value"])
        for element in block["elements"]
        for name, side in (
            ("good", element["positive_button"]),
            ("bad", element["negative_button"]),
        )
    ]
    plain: Block = {"type": "actions", "elements": buttons}
    return {**plain, "block_id": block["block_id"]} if "block_id" in block else plain


_PLAIN: dict[str, Callable[[Block], Block]] = {
    "alert": _plain_alert,
    "context_actions": _plain_feedback,
}
