"""The JSON Schema of policy.yaml for editors, made of the declarations that the bot reads it by.

It knows the names, types, bounds and forms. What needs the whole file or the machine (an
environment that is not declared, a route that can never decide) only `python -m bot check` sees.
"""

from __future__ import annotations

from typing import Any

from bot.policy.model import Policy

DIALECT = "http://json-schema.org/draft-07/schema#"  # the one that editors know best


def policy_schema() -> dict[str, Any]:
    """Return the schema."""
    schema = Policy.model_json_schema()
    _close(schema)
    return {"$schema": DIALECT, **schema, "title": "The policy of sopbot"}


def _close(node: Any) -> None:
    """Refuse the keys that do not match where the form of the keys is known."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node["additionalProperties"] = False
        for value in node.values():
            _close(value)
    elif isinstance(node, list):
        for value in node:
            _close(value)
