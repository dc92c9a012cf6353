"""`python -m tests.action_list` writes the gateway's catalogue of actions into docs/actions.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.gateway.actions import Action
from bot.gateway.executors.registry import KINDS, built_in_actions

PAGE = Path(__file__).parent.parent / "docs" / "actions.md"
BEGIN, END = "<!-- actions: python -m tests.action_list -->", "<!-- end of actions -->"
_SYSTEMS, _BACK = "systems (`executor`)", "taken back by | verified by |"


def table() -> str:
    """The part of the page between the two marks: what can be read, and what can be changed."""
    actions = sorted(built_in_actions().values(), key=lambda action: action.id)
    changing = [_changing(action) for action in actions if action.mutating]
    reading = [
        f"| `{action.id}` | {action.title} | {_systems(action)} | {_parameters(action)} |"
        for action in actions
        if not action.mutating
    ]
    return "\n".join(
        [
            BEGIN,
            "Those that change something:",
            "",
            f"| action | what it does | {_SYSTEMS} | parameters | risk | while it runs | {_BACK}",
            "|---|---|---|---|---|---|---|---|",
            *changing,
            "",
            "Those that only read:",
            "",
            f"| action | what it shows | {_SYSTEMS} | parameters |",
            "|---|---|---|---|",
            *reading,
            END,
        ]
    )


def _changing(action: Action) -> str:
    back = f"`{action.inverse}`" if action.inverse else "nothing"
    cancel = "; a person can cancel it" if action.cancellable else ""
    return (
        f"| `{action.id}` | {action.title} | {_systems(action)} | {_parameters(action)} "
        f"| {action.risk} | {action.blast}{cancel} | {back} | {action.verified_by or 'nothing'} |"
    )


def _systems(action: Action) -> str:
    return ", ".join(name for name, kind in KINDS.items() if action in kind.actions)


def _parameters(action: Action) -> str:
    schema = action.parameters.model_json_schema()
    required = set(schema.get("required") or ())
    fields: Mapping[str, Any] = schema.get("properties") or {}
    return "; ".join(_field(name, field, name in required) for name, field in fields.items()) or (
        "none"
    )


def _field(name: str, field: Mapping[str, Any], required: bool) -> str:
    parts = [str(value) for value in field.get("enum") or ()]
    if "minimum" in field and "maximum" in field:
        parts.append(f"{field['minimum']} to {field['maximum']}")
    if not required:
        default = field.get("default")
        parts.append(f"default {default}" if default not in ("", None) else "optional")
    return f"`{name}` " + ", ".join(parts) if parts else f"`{name}`"


def page() -> str:
    """The whole page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    return text[: text.index(BEGIN)] + table() + text[text.index(END) + len(END) :]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
