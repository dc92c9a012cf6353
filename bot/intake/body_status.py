"""Reads the state of an alert from the names and values of a JSON body.

A field that states the state counts before an event's name, and both before a flag. A run that
"completed" says nothing if another field says that it failed: no incident closes by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.incidents.model import AlertStatus, Severity
from bot.incidents.severity_words import known_severity
from bot.intake import guesses, states
from bot.intake.cleaning import parse_words
from bot.intake.field_names import EVENT_NAMES, SEVERITY_NAMES, STATUS_NAMES, normal_name
from bot.intake.flags import status_by_flag
from bot.intake.holders import Holders, first

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_PARTS = 20  # values of an object that is a state
# `run_status`, `new_health_status`, `check_state_name`; not what was before.
_STATE_NAME = re.compile(
    r"(?:\w+_)?(?:alert)?(?:status|state|transition)(?:_(?:name|text|label|string|value))?"
)
_EARLIER = re.compile(r"(?:^|_)(?:old|previous|prev|last|from|former|task|delivery|http)(?:_|$)")
# A severity that means "no trouble"; "normal" may be a severity of its own.
_LEVELS = ("severity", "level", "alert_severity", "alert_level", "event_severity")
_LEVEL_ENDS = parse_words("ok okay clear cleared resolved resolve recovered recovery")
_ENDS_OF_RUN = parse_words("completed complete success successful succeeded finished done")
_EVENT_ENDS = parse_words("end ends clear deactivate")


def status_of_body(holders: Holders) -> AlertStatus | None:
    """Return the state that a field of the body states, or None."""
    for name in ("status", "state"):
        value = holders.own.get(name)
        if isinstance(value, dict):  # `{"code": 0, "label": "OK"}`
            for _, word in first(value.items(), _PARTS):
                if isinstance(word, str) and (status := states.state_of(word)):
                    return status
    return (
        _stated(holders)
        or _by_event(holders)
        or _by_level(holders)
        or status_by_flag(holders.own)
        or status_by_flag(holders.subject)
    )


def status_words(holder: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of the fields that may state a state, the best first."""
    return (word for word, _ in _states_in(holder))


def _states_in(holder: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield these texts, and whether their names state the whole's state, and not `fan_status`."""
    for name in STATUS_NAMES:
        if isinstance(value := holder.get(name), str | int | float) and not isinstance(value, bool):
            yield str(value), True
    for name, value in holder.items():
        if isinstance(value, str) and name not in STATUS_NAMES and _names_state(name):
            yield value, False


def _names_state(name: str) -> bool:
    return _STATE_NAME.fullmatch(name) is not None and not _EARLIER.search(name)


def _stated(holders: Holders) -> AlertStatus | None:
    """Return the first state that a field states; a run's end only if no other field says that it
    failed, and the good state of a part, or of something around, only if no severity does either.
    """
    ended: AlertStatus | None = None
    is_severe = _is_severe(holders)
    for holder in holders.each():
        for word, is_its_own in _states_in(holder):
            status = states.state_of(word)
            if status is None and known_severity(guesses.severity_spoken(word)) is not None:
                status = FIRING  # a monitoring plugin's "CRITICAL"
            if status is None:
                continue
            doubted = holder is holders.inner or not is_its_own
            if status is RESOLVED and doubted and is_severe:
                continue
            if status is RESOLVED and (doubted or states.folded(word) in _ENDS_OF_RUN):
                ended = status
            elif ended is None or status is FIRING:
                return status
    return ended


def _is_severe(holders: Holders) -> bool:
    """Return True if the body states a severity that means trouble."""
    stated = (
        holder.get(name) for holder in (holders.own, holders.subject) for name in SEVERITY_NAMES
    )
    return any(
        isinstance(word, str)
        and known_severity(guesses.severity_spoken(word)) not in (None, Severity.LOW)
        for word in stated
    )


def _by_event(holders: Holders) -> AlertStatus | None:
    """Return the state in an event's name: `check.up`, `resolved_item`, `HealthRestored`."""
    for holder in holders.each():
        for name in EVENT_NAMES:
            value = holder.get(name)
            if not isinstance(value, str):
                continue
            word = normal_name(value.replace(".", "_"))
            parts = word.split("_")
            if len(parts) < 2 and name in _BARE_SAYS_NOTHING:
                if word in _ENDINGS_OF_TYPE:
                    return RESOLVED
                continue
            if parts[-1] in _EVENT_ENDS:
                return RESOLVED
            status = states.state_of(word)
            if status is not None and not states.FILLERS.issuperset(parts):
                return status
    return None


_ENDINGS_OF_TYPE = frozenset(("resolved", "recovered", "recovery"))
_BARE_SAYS_NOTHING = frozenset(("type", "trigger", "reason"))


def _by_level(holders: Holders) -> AlertStatus | None:
    for holder in (holders.own, holders.subject):
        for name in _LEVELS:
            value = holder.get(name)
            if isinstance(value, str) and states.folded(value) in _LEVEL_ENDS:
                return RESOLVED
    return None


def severity_of_check(check: Mapping[str, Any]) -> list[str]:
    """Return the severity in the exit code of a monitoring plugin, which has an output too."""
    code = check.get("status")
    if isinstance(code, bool) or not isinstance(code, int) or "output" not in check:
        return []
    return [_EXIT_CODES[code]] if code in _EXIT_CODES else []


_EXIT_CODES = {1: "warning", 2: "critical", 3: "medium"}
