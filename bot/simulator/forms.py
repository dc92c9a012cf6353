"""Writes a person's choices and input as Slack does: actions, and the state of fields."""

from typing import Any

from . import reading

JSON = dict[str, Any]


def action_of(block: JSON, element: JSON, value: Any) -> JSON:
    """One entry under `actions` of a block_actions payload."""
    kind = element["type"]
    action: JSON = {
        "type": kind,
        "action_id": element.get("action_id", ""),
        "block_id": block["block_id"],
    }
    for name in ("text", "value", "style", "placeholder"):
        if name in element:
            action[name] = element[name]
    if kind != "button":
        action |= state_of(element, value)
    return action


def state_of(element: JSON, value: Any) -> JSON:
    """An element's state once `value` was typed or chosen; None clears it."""
    kind = element["type"]
    name = reading.STATEFUL.get(kind)
    if name is None:
        return {"type": kind}
    if name == "selected_option":
        value = reading.option(element, str(value)) if value is not None else None
    elif name == "selected_options":
        value = [reading.option(element, str(v)) for v in value or ()]
    return {"type": kind, name: value}


def fill_in(view: JSON, values: dict[str, Any]) -> tuple[JSON, dict[str, str]]:
    """The state of a filled-in modal, and what is missing, by block_id."""
    state: JSON = {}
    missing: dict[str, str] = {}
    used: set[str] = set()
    for block, item in reading.elements(view):
        if item["type"] not in reading.STATEFUL:
            continue
        text = (block.get("label") or {}).get("text", "")
        keys = [k for k in (block["block_id"], item.get("action_id"), text) if k in values]
        used.update(keys)
        value = values[keys[0]] if keys else initial(item)
        if value in (None, "", []) and block["type"] == "input" and not block.get("optional"):
            missing[block["block_id"]] = "Please complete this required field."
            continue
        value = None if value == "" else value
        state.setdefault(block["block_id"], {})[item.get("action_id", "")] = state_of(item, value)
    for name in values:
        if name not in used:
            raise reading.NotThereError(f"the view has no field {name!r}")
    return state, missing


def initial(element: JSON) -> Any:
    """The initial value of a field."""
    for name in ("initial_value", "initial_user", "initial_channel", "initial_conversation"):
        if name in element:
            return element[name]
    if "initial_option" in element:
        return element["initial_option"].get("value")
    if "initial_options" in element:
        return [initial_option.get("value") for initial_option in element["initial_options"]]
    return element.get("initial_date") or element.get("initial_time")
