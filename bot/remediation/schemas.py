"""Reads the JSON schema of an action's parameters, from a gateway that may be hostile.

Only a small part of JSON Schema is read: a flat object of whole numbers, numbers, text, choices and
booleans with bounds. Whatever else a schema has is refused, so that no schema costs more than its
length and no value is accepted by a rule that the bot does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    create_model,
)

from bot.remediation.patterns import Pattern

MOST_PARAMETERS = 30
MOST_CHOICES = 100
LONGEST_TEXT = 500
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED = frozenset({"target", "probe_url"})
_IGNORED = frozenset({"title", "description", "default", "examples"})
_BOUNDS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}


class SchemaProblem(Exception):
    """The schema has a form that the bot does not know; the message names the parameter."""


def fields_of(schema: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Return the parameters as fields for pydantic's `create_model`. SchemaProblem: it cannot."""
    unknown = schema.keys() - {
        "type", "properties", "required", "additionalProperties", "title", "description"
    }  # fmt: skip
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if unknown or not isinstance(properties, dict) or not isinstance(required, list):
        raise SchemaProblem("the parameters are no flat object")
    if len(properties) > MOST_PARAMETERS:
        raise SchemaProblem(f"more than {MOST_PARAMETERS} parameters")
    fields: dict[str, Any] = {}
    for name, value in properties.items():
        if not _NAME.fullmatch(name) or name in _RESERVED or not isinstance(value, dict):
            raise SchemaProblem("a parameter has a name that cannot be used")
        optional, plain = _without_null(value)
        kind = _kind_of(name, plain)
        if name in required:
            fields[name] = (kind, ...)
        else:
            fields[name] = (kind | None if optional else kind, _default(name, kind, value))
    return fields


def parameters_model(fields: Mapping[str, Any], base: type[BaseModel]) -> type[BaseModel]:
    """Return the model of an action's parameters, on top of those that every action has."""
    return create_model("GatewayParameters", __base__=base, **fields)


def _without_null(schema: Mapping[str, JsonValue]) -> tuple[bool, Mapping[str, JsonValue]]:
    """Return whether null is allowed, and the schema of the value."""
    options = schema.get("anyOf")
    if not isinstance(options, list):
        return False, schema
    rest = [option for option in options if option != {"type": "null"}]
    if len(rest) != 1 or len(options) != 2 or not isinstance(rest[0], dict):
        raise SchemaProblem("a parameter has several forms")
    return True, rest[0]


def _default(name: str, kind: Any, schema: Mapping[str, JsonValue]) -> JsonValue:
    """Return the default, which people see and the bot sends: a value like any other."""
    default = schema.get("default")
    if default is None:
        return None
    try:
        TypeAdapter(kind).validate_python(default, strict=True)
    except ValidationError:
        raise SchemaProblem(f"{name} has a default that its own form refuses") from None
    return default


def _kind_of(name: str, schema: Mapping[str, JsonValue]) -> Any:
    rest = dict(schema)
    for key in _IGNORED:
        rest.pop(key, None)
    kind = rest.pop("type", None)
    choices = rest.pop("enum", None)
    if choices is None and "const" in rest:
        choices = [rest.pop("const")]
    if choices is not None:
        return _choice(name, choices, rest)
    if kind == "boolean" and not rest:
        return bool
    if kind in ("integer", "number"):
        bounds: dict[str, Any] = {_BOUNDS[k]: value for k, value in rest.items() if k in _BOUNDS}
        numbers = all(type(value) in (int, float) for value in bounds.values())
        if rest.keys() - _BOUNDS.keys() or not numbers:
            raise SchemaProblem(f"{name} has bounds that the bot does not know")
        number: Any = int if kind == "integer" else float
        return Annotated[number, Field(**bounds)]
    if kind == "string":
        return _text(name, rest)
    raise SchemaProblem(f"{name} is neither a number, text, choice nor true or false")


def _choice(name: str, choices: JsonValue, rest: Mapping[str, JsonValue]) -> Any:
    values = choices if isinstance(choices, list) else []
    plain = all(isinstance(value, str | int) for value in values)
    if rest or not plain or not 0 < len(values) <= MOST_CHOICES:
        raise SchemaProblem(f"{name} has choices that the bot does not know")
    choice: Any = Literal.__getitem__(tuple(values))
    return choice


def _text(name: str, rest: dict[str, JsonValue]) -> Any:
    lengths: dict[str, Any] = {
        "min_length": rest.pop("minLength", 0),
        "max_length": rest.pop("maxLength", LONGEST_TEXT),
    }
    pattern = rest.pop("pattern", None)
    if rest or any(type(length) is not int or length < 0 for length in lengths.values()):
        raise SchemaProblem(f"{name} has a form that the bot does not know")
    lengths["max_length"] = min(lengths["max_length"], LONGEST_TEXT)
    if pattern is None:
        return Annotated[str, Field(**lengths)]
    try:
        form = Pattern(str(pattern))
    except ValueError:
        # The gateway checks it when it plans, before anybody can approve.
        return Annotated[str, Field(**lengths)]

    def check(value: str) -> str:
        if not form.matches(value):
            raise ValueError(f"must have the form {form.text[:60]}")
        return value

    return Annotated[str, Field(**lengths), AfterValidator(check)]
