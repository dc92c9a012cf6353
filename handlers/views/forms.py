"""Parts of a modal that people fill in, and a modal that asks for a second submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.language import _
from handlers.views.text import Block, mrkdwn

_AGAIN = "sopbot.again"
_INITIAL = {
    "value": "initial_value",
    "selected_option": "initial_option",
    "selected_user": "initial_user",
}


def alert(text: str, level: str = "info") -> Block:
    """A notice within a modal; `level` is info, warning, error or success."""
    return {"type": "alert", "level": level, "text": mrkdwn(text)}


def input_block(block_id: str, label: str, element: Block, *, hint: str = "") -> Block:
    """A field that has to be filled in."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": label},
        "element": element,
    }
    return {**block, "hint": {"type": "plain_text", "text": hint}} if hint else block


def menu(action_id: str, options: Sequence[tuple[str, str]], chosen: str = "") -> Block:
    """A menu of (text, value); the option with the value `chosen` is chosen at first."""
    made = {
        value: {"text": {"type": "plain_text", "text": text}, "value": value}
        for text, value in options
    }
    block: Block = {"type": "static_select", "action_id": action_id, "options": [*made.values()]}
    return {**block, "initial_option": made[chosen]} if chosen in made else block


def form(
    callback_id: str, metadata: str, title: str, submit: str, blocks: Sequence[Block]
) -> Block:
    """A modal; without `submit` it can only be closed."""
    view: Block = {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": metadata,
        "title": {"type": "plain_text", "text": title[:24]},
        "close": {"type": "plain_text", "text": _("Cancel") if submit else _("Close")},
        "blocks": list(blocks),
    }
    return {**view, "submit": {"type": "plain_text", "text": submit}} if submit else view


def value_of(view: Mapping[str, Any], block_id: str) -> str:
    """The value of one field: typed, or chosen from a menu; '' without one."""
    for element in _state(view).get(block_id, {}).values():
        chosen = element.get("selected_option") or {}
        value = element.get("value") or element.get("selected_user") or chosen.get("value")
        return str(value or "")
    return ""


def with_notice(view: Mapping[str, Any], text: str, metadata: str) -> Block:
    """The submitted modal with a warning above, and with all that the person filled in."""
    state = _state(view)
    names = ("type", "callback_id", "title", "submit", "close")
    blocks = [
        _filled(block, state.get(str(block.get("block_id")), {}))
        for block in view["blocks"]
        if block.get("block_id") != _AGAIN
    ]
    return {
        **{name: view[name] for name in names if view.get(name)},
        "private_metadata": metadata,
        "blocks": [alert(text, "warning") | {"block_id": _AGAIN}, *blocks],
    }


def _filled(block: Block, fields: Mapping[str, Mapping[str, Any]]) -> Block:
    element = block.get("element")
    if block.get("type") != "input" or not isinstance(element, dict):
        return block
    field = fields.get(str(element.get("action_id")), {})
    bare = {name: value for name, value in element.items() if name not in _INITIAL.values()}
    filled = {initial: field[name] for name, initial in _INITIAL.items() if field.get(name)}
    return {**block, "element": {**bare, **filled}}


def _state(view: Mapping[str, Any]) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    values: Mapping[str, Mapping[str, Mapping[str, Any]]]
    values = (view.get("state") or {}).get("values") or {}
    return values
