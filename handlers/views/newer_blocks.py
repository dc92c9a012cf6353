"""Blocks that a workspace or a Slack-compatible server may refuse, and their plain form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum

from bot.language import _
from handlers.views.text import Block, button, context

NEWER = frozenset({"alert", "container", "context_actions", "plan"})
"""The kinds that the views use, and that not every server takes."""


def newer_kinds(blocks: Sequence[Block]) -> frozenset[str]:
    """The kinds of these blocks that a server may refuse."""
    return NEWER & {str(block["type"]) for block in blocks}


def plain_form(blocks: Sequence[Block], kinds: Collection[str]) -> list[Block]:
    """The blocks with those of `kinds` replaced by blocks that every server takes."""
    return [
        plain
        for block in blocks
        for plain in (_PLAIN[block["type"]](block) if block["type"] in kinds else [block])
    ]


def details(title: str, blocks: Sequence[Block], *, collapsed: bool = True) -> list[Block]:
    """Blocks under a title that folds them away, ten at most; none without blocks.

    Nothing that a person decides about may stand in them.
    """
    if not blocks:
        return []
    return [
        {
            "type": "container",
            "title": {"type": "plain_text", "text": title},
            "is_collapsible": True,
            "default_collapsed": collapsed,
            "child_blocks": list(blocks),
        }
    ]


class StepState(StrEnum):
    """The states that Slack has for a step."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    ERROR = "error"


def plan(title: str, steps: Sequence[tuple[str, StepState]]) -> Block:
    """Steps one after the other, each with its state. Their texts are the bot's own."""
    tasks = [
        {"type": "task_card", "task_id": f"step_{number}", "title": text, "status": str(state)}
        for number, (text, state) in enumerate(steps, start=1)
    ]
    return {"type": "plan", "title": title, "tasks": tasks}


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


def _plain_alert(block: Block) -> list[Block]:
    mark = "⚠️" if block.get("level") in ("warning", "error") else "ℹ️"
    shown: Block = {**block["text"], "text": f"{mark} {block['text']['text']}"}
    plain: Block = {"type": "section", "text": shown}
    return [{**plain, "block_id": block["block_id"]} if "block_id" in block else plain]


def _plain_details(block: Block) -> list[Block]:
    return [context(f"*{block['title']['text']}*"), *block["child_blocks"]]


_STEP_MARKS = {
    StepState.PENDING: "○",
    StepState.IN_PROGRESS: "◐",
    StepState.COMPLETE: "✓",
    StepState.ERROR: "✗",
}


def _plain_plan(block: Block) -> list[Block]:
    lines = (f"{_STEP_MARKS[StepState(t['status'])]} {t['title']}" for t in block["tasks"])
    return [context(*lines)]


def _plain_feedback(block: Block) -> list[Block]:
    buttons = [
        button(side["text"]["text"], f"{element['action_id']}.{name}", side["value"])
        for element in block["elements"]
        for name, side in (
            ("good", element["positive_button"]),
            ("bad", element["negative_button"]),
        )
    ]
    plain: Block = {"type": "actions", "elements": buttons}
    return [{**plain, "block_id": block["block_id"]} if "block_id" in block else plain]


_PLAIN: dict[str, Callable[[Block], list[Block]]] = {
    "alert": _plain_alert,
    "container": _plain_details,
    "plan": _plain_plan,
    "context_actions": _plain_feedback,
}
