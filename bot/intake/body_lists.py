"""Finds the alerts that one JSON body lists, under whatever name its sender gives to the list.

A list holds alerts if each of its items has a name or text of its own, and states how it is. A list
of anything else (measured values, regions, people) leaves the body one alert.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.severity_words import known_severity
from bot.intake.field_names import ALIASES, EVENT_NAMES, SEVERITY_NAMES, STATUS_NAMES, normal_name
from bot.intake.guesses import severity_spoken
from bot.intake.holders import name_of, unwrapped
from bot.intake.states import state_of

LIST_LIMIT = 500  # alerts of a list; the rest of a longer one stays in the first one's text
_FIELDS_LIMIT = 60  # names of an item that are looked at
_DEPTH_LIMIT = 3
# Names that say that a list holds alerts, even if the body has a title over all of them.
_PLURALS = re.compile(
    r"(?:\w+_)?(?:alerts|alarms|incidents|problems|issues|events|violations|triggers|failures"
    r"|alert_list|alarm_list|event_list|notifications|findings|anomalies)"
)
_NAMES = frozenset(
    name for field in ("name", "title", "text") for name in ALIASES[field] if "." not in name
)
_TITLES = frozenset(name for field in ("name", "title") for name in ALIASES[field])
_STATES = frozenset((*STATUS_NAMES, *SEVERITY_NAMES, *EVENT_NAMES))
# What a body says of all its alerts together is said of none of them.
_OF_ALL = _NAMES | frozenset(
    ("count", "total", "id", "fingerprint", "incident_id", "alert_id", "value", "tracking_id")
)


def members_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the alerts that a body lists, each with what the body says of all; [] without any."""
    shared: dict[str, Any] = {}
    holder = unwrapped(body)
    for _ in range(_DEPTH_LIMIT):
        names = {normal_name(name): name for name in list(holder)[:_FIELDS_LIMIT]}
        lists = _lists_in(holder, names)
        shared.update(
            (original, holder[original])
            for name, original in names.items()
            if name not in _OF_ALL and not isinstance(holder[original], list)
        )
        if lists:
            flat = {name: value for name, value in shared.items() if _is_flat(value)}
            return [
                {**flat, **_state_of_list(name), **item} for name in lists for item in holder[name]
            ][:LIST_LIMIT]
        following = next((holder[names[name]] for name in _WRAPPERS if name in names), None)
        if not isinstance(following, dict):
            break
        holder = following
    return []


_WRAPPERS = ("data", "payload", "body", "result", "response", "detail", "event", "message")


def _lists_in(holder: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """Return the names of the lists that hold alerts, such as `firing` and `resolved`."""
    is_titled = any(
        isinstance(holder[original], str) and holder[original].strip()
        for name, original in names.items()
        if name in _TITLES
    )
    lists = []
    for name, original in names.items():
        items = holder[original]
        if not isinstance(items, list) or not items or not all(map(_is_alert, items[:LIST_LIMIT])):
            continue
        if not is_titled or (len(items) > 1 and _PLURALS.fullmatch(name) is not None):
            lists.append(original)
    return lists


def _state_of_list(name: str) -> dict[str, str]:
    """Return the state of the items of a list that is called after it."""
    return {"status": name} if normal_name(name) in _NAMES_OF_STATES else {}


_NAMES_OF_STATES = frozenset(("firing", "resolved", "triggered", "recovered", "open", "closed"))


def _is_alert(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    is_named = states_itself = False
    for original, value in list(item.items())[:_FIELDS_LIMIT]:
        name = normal_name(original)
        if isinstance(value, dict):
            is_named = is_named or (name in _TITLES and bool(name_of(value)))
        elif isinstance(value, str) and value.strip():
            is_named = is_named or name in _NAMES
            states_itself = states_itself or (name in _STATES and _is_state(value))
    return is_named and states_itself


def _is_state(word: str) -> bool:
    return state_of(word) is not None or known_severity(severity_spoken(word)) is not None


def _is_flat(value: Any) -> bool:
    """Return True for a value, or an object of values such as labels."""
    return not isinstance(value, dict) or not any(
        isinstance(item, dict | list) for item in list(value.values())[:_FIELDS_LIMIT]
    )
