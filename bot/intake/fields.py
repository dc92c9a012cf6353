"""Reads fields of a JSON body: a field has the required form, or the error names it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.errors import InputError
from bot.intake.cleaning import one_line, storable
from bot.intake.times import is_zero_time, read_time


def wrong(field: str, must: str) -> InputError:
    """Return the error `alerts[2].labels: must be an object`."""
    field = one_line(field)  # a part of it may be the stranger's own key
    return InputError(f"{field}: must be {must}", field=field)


def at(where: str, name: str) -> str:
    """Return the full name of a field inside another."""
    return f"{where}.{name}" if where else name


def an_object(value: object, field: str) -> Mapping[str, Any]:
    """Return the value as a JSON object."""
    if not isinstance(value, dict):
        raise wrong(field or "body", "an object")
    return value


def a_list(value: object, field: str) -> Sequence[Any]:
    """Return the value as a JSON array."""
    if not isinstance(value, list):
        raise wrong(field or "body", "a list")
    return value


def optional_text(value: object, field: str) -> str:
    """Return text, or a number or boolean as text; absent (null) is ''."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise wrong(field, "text or a number")


def optional_time(value: object, field: str) -> datetime | None:
    """Return a time in UTC; absent, zero and year 0001 are None."""
    if is_zero_time(value):
        return None
    time = read_time(value)
    if time is None:
        raise wrong(field, "an RFC 3339 time or Unix seconds")
    return time


def text_mapping(value: object, field: str) -> dict[str, str]:
    """Return an object of texts (labels, annotations); nested values become JSON text."""
    if value is None:
        return {}
    texts = {}
    for name, item in an_object(value, field).items():
        if isinstance(item, str):
            texts[name] = item
            continue
        if isinstance(item, dict | list):
            item = json.dumps(storable(item), ensure_ascii=False)
        if item is not None:
            texts[name] = optional_text(item, at(field, name))
    return texts


def objects(body: object, inside: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    """Return (name of the field, object) for a body that is one object or a list of them."""
    if isinstance(body, dict):
        return [(inside, body)]
    if not isinstance(body, list):
        raise wrong(inside or "body", "an object or a list of objects")
    if not body:
        raise wrong(inside or "body", "a list with at least one alert")
    return [
        (field := f"{inside}[{index}]", an_object(item, field)) for index, item in enumerate(body)
    ]


def value_at(body: object, path: str) -> Any:
    """Return the value under a path such as `data.essentials.severity`, or None.

    A number in the path is a place in a list. Never raises: a sender's form may change.
    """
    value: Any = body
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def text_at(body: object, *paths: str) -> str:
    """Return the first text or number under one of the paths, trimmed; '' if there is none."""
    for path in paths:
        value = value_at(body, path)
        if isinstance(value, str | int | float) and (text := optional_text(value, path).strip()):
            return text
    return ""


def time_at(body: object, *paths: str) -> datetime | None:
    """Return the first time under one of the paths, or None."""
    times = (read_time(value_at(body, path)) for path in paths)
    return next((time for time in times if time is not None), None)


_LISTED = 200  # items of a list that a parser looks at


def list_at(body: object, path: str) -> list[Any]:
    """Return the first 200 items of a list under a path; empty if there is none."""
    value = value_at(body, path)
    return value[:_LISTED] if isinstance(value, list) else []


def texts_at(body: object, path: str) -> list[str]:
    """Return the texts and numbers of a list under a path."""
    items = list_at(body, path)
    return [str(item) for item in items if isinstance(item, str | int | float)]
