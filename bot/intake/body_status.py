"""Reads the state of an alert from the names and values of a JSON body.

A field that states the state counts before an event's name, and both before a flag. A run that
"completed" says nothing if another field says that it failed, and neither does the good state of
something that the body only mentions: no incident closes by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from bot.incidents.model import AlertStatus, Severity
from bot.incidents.severity_words import known_severity
from bot.intake import guesses, states
from bot.intake.body_times import has_recovered
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
# These state the state of the whole.
_OWN_STATE = re.compile(
    r"(?:alert|alarm|incident|event|issue|problem|trigger|monitor|check|condition|health)_?"
    r"(?:status|state)"
)
_EARLIER = re.compile(r"(?:^|_)(?:old|previous|prev|last|from|former|task|delivery|http)(?:_|$)")
# A severity that means "no trouble"; "normal" may be a severity of its own.
_LEVEL_ENDS = parse_words("ok okay clear cleared resolved resolve recovered recovery")
_ENDS_OF_RUN = parse_words("completed complete success successful succeeded finished done")
_EVENT_ENDS = parse_words("end ends clear deactivate reporting")
# In a field of its own these are an end; in a title, what happened to a connection or to a key.
_FIELD_ENDS = parse_words("reset pass closing reporting")
# Of something around an alert only these say that the alert is over: a door may be closed, a pod
# ready and a pull request merged.
_ENDS_OF_ALERT = parse_words("resolved recovered recovery")
# These say it too if the body itself has no title or text, so that it is about that thing.
_GOOD_RESULTS = parse_words(
    "success succeeded successful passed passing healthy up online operational normal ok synced"
)
_BARE_STATES = parse_words("status state result outcome phase health conclusion")


def status_of_body(holders: Holders, by_title: AlertStatus | None = None) -> AlertStatus | None:
    """Return the state that a field of the body states, or None.

    `by_title` is what the title says: a flag that may be about the delivery does not contradict it.
    """
    for name in ("status", "state", "state_change", "status_change", "transition"):
        value = holders.own.get(name)
        if isinstance(value, dict):  # `{"code": 0, "label": "OK"}`, `{"from": "OK", "to": "ALARM"}`
            for part, word in first(value.items(), _PARTS):
                if _EARLIER.search(normal_name(part)):
                    continue
                if isinstance(word, str) and (status := states.state_of(word)):
                    return status
    return (
        _stated(holders)
        or _by_event(holders)
        or _by_level(holders)
        or _by_flag(holders, is_doubted=by_title is FIRING or _is_severe(holders))
        or (RESOLVED if has_recovered(holders) else None)
    )


def _by_flag(holders: Holders, *, is_doubted: bool) -> AlertStatus | None:
    is_wrapper = bool(holders.subject)  # `{"ok": true, "alert": {…}}`
    return status_by_flag(holders.own, is_doubted=is_doubted, is_wrapper=is_wrapper) or (
        status_by_flag(holders.subject, is_doubted=is_doubted)
    )


def status_words(holder: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of the fields that may state a state, the best first."""
    return (word for _, word, _ in _states_in(holder))


def _states_in(holder: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield (name, text, whether the name states the whole's state, and not `fan_status`)."""
    for name in STATUS_NAMES:
        if isinstance(value := holder.get(name), str | int | float) and not isinstance(value, bool):
            yield name, str(value), True
    for name, value in holder.items():
        if isinstance(value, str) and name not in STATUS_NAMES and _names_state(name):
            yield name, value, _OWN_STATE.fullmatch(name) is not None


@lru_cache(maxsize=4096)  # the same few names come again
def _names_state(name: str) -> bool:
    return _STATE_NAME.fullmatch(name) is not None and not _EARLIER.search(name)


def _stated(holders: Holders) -> AlertStatus | None:
    """Return the first state that a field states; a run's end only if no other field says that it
    failed, and the good state of a part, or of something around, only if no severity does either.
    """
    ended: AlertStatus | None = None
    is_severe = _is_severe(holders)
    for holder in holders.each():
        for name, word, is_its_own in _states_in(holder):
            status = RESOLVED if states.folded(word) in _FIELD_ENDS else states.state_of(word)
            if status is None and known_severity(guesses.severity_spoken(word)) is not None:
                status = FIRING  # a monitoring plugin's "CRITICAL"
            if status is None:
                continue
            doubted = holder is holders.inner or not is_its_own
            if status is RESOLVED and doubted and is_severe:
                continue
            if status is RESOLVED and _is_of_another(holders, holder, name, word):
                continue
            if status is RESOLVED and (doubted or states.folded(word) in _ENDS_OF_RUN):
                ended = status
            elif ended is None or status is FIRING:
                return status
    return ended


def _is_of_another(holders: Holders, holder: Mapping[str, Any], name: str, word: str) -> bool:
    """Return True if the good state may be that of something that the body only mentions."""
    if holder is holders.own or (holder is holders.subject and holders.is_about_subject):
        return False
    if name not in _BARE_STATES:
        return False
    ends = _ENDS_OF_ALERT if holders.says_something else _ENDS_OF_ALERT | _GOOD_RESULTS
    return states.folded(word) not in ends


def _is_severe(holders: Holders) -> bool:
    """Return True if the body states a severity that means trouble."""
    return any(
        known_severity(guesses.severity_spoken(word)) not in (None, Severity.LOW)
        for holder in (holders.own, holders.subject)
        for word in severities_in(holder)
        if isinstance(word, str)
    )


def severities_in(holder: Mapping[str, Any]) -> Iterator[str | float]:
    """Yield the texts and numbers of the fields that state a severity, the best first."""
    for name in SEVERITY_NAMES:
        value = holder.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield value
    for name, value in holder.items():
        if isinstance(value, str) and name not in SEVERITY_NAMES and _is_severity_name(name):
            yield value


@lru_cache(maxsize=4096)
def _is_severity_name(name: str) -> bool:
    return _SEVERITY_NAME.fullmatch(name) is not None and not _EARLIER.search(name)


# `trigger_level`, `healthseverity`, `risk_level`; no `log_level` and no `battery_level`.
_SEVERITY_NAME = re.compile(
    r"\w*severity(?:_(?:name|label|text|level))?|(?:\w+_)?priority(?:_(?:name|label|text))?"
    r"|(?:trigger|alarm|risk|threat|notification|problem|warning|urgency|rule)_level"
)


def _by_event(holders: Holders) -> AlertStatus | None:
    """Return the state in an event's name: `check.up`, `resolved_item`, `HealthRestored`."""
    for holder in holders.each():
        for name in EVENT_NAMES:
            value = holder.get(name)
            if not isinstance(value, str):
                continue
            word = normal_name(value.replace(".", "_"))
            status = _state_of_event(name, word)
            if status is RESOLVED and holder is holders.inner and not _names_an_end(word):
                continue
            if status is not None:
                return status
    return None


def _state_of_event(name: str, word: str) -> AlertStatus | None:
    """Return what an event's name says of its subject, or None: `FIRING_TO_OK` ends it."""
    _, _, after = word.rpartition("_to_")
    word = after or word
    parts = word.split("_")
    if len(parts) < 2 and name in _BARE_SAYS_NOTHING and not after:
        return RESOLVED if word in _ENDINGS_OF_TYPE else None
    if parts[-1] in _EVENT_ENDS:
        return RESOLVED
    status = states.state_of(word)
    return None if status is None or states.FILLERS.issuperset(parts) else status


def _names_an_end(word: str) -> bool:
    return not _ENDS_OF_ALERT.isdisjoint(word.split("_"))


_ENDINGS_OF_TYPE = frozenset(("resolved", "recovered", "recovery"))
_BARE_SAYS_NOTHING = frozenset(("type", "trigger", "reason"))


def _by_level(holders: Holders) -> AlertStatus | None:
    for holder in (holders.own, holders.subject):
        for value in severities_in(holder):
            if isinstance(value, str) and states.folded(value) in _LEVEL_ENDS:
                return RESOLVED
    return RESOLVED if _is_cleared_event(holders.own) else None


def _is_cleared_event(body: Mapping[str, Any]) -> bool:
    """Return True for severity 0 of an event of a node, as ServiceNow and Netcool write "clear".

    Elsewhere 0 may be syslog's emergency.
    """
    is_clear = str(body.get("severity", "")).strip() == "0"
    return is_clear and "node" in body and not _EVENT_KEYS.isdisjoint(body)


_EVENT_KEYS = frozenset(("message_key", "resolution_state", "alert_key", "alert_group"))


def severity_of_check(check: Mapping[str, Any]) -> list[str]:
    """Return the severity in the exit code of a monitoring plugin, which has an output too."""
    code = check.get("status")
    if isinstance(code, bool) or not isinstance(code, int) or "output" not in check:
        return []
    return [_EXIT_CODES[code]] if code in _EXIT_CODES else []


_EXIT_CODES = {1: "warning", 2: "critical", 3: "medium"}
