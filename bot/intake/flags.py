"""Reads a state from a field that is true or false: `resolved`, `firing`, `ok`, `up`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import AlertStatus

# By name: whether a true one means that the alert is over.
_ENDS = {
    "resolved": True, "is_resolved": True, "recovered": True, "is_recovered": True, "ok": True,
    "is_ok": True, "healthy": True, "is_healthy": True, "up": True, "is_up": True, "success": True,
    "passed": True, "firing": False, "is_firing": False, "alerting": False, "is_alerting": False,
    "triggered": False, "is_triggered": False, "down": False, "is_down": False, "failed": False,
    "is_open": False, "open": False, "is_active": False, "active": False,
}  # fmt: skip
_VALUES = {"true": True, "1": True, "false": False, "0": False}
# These may be about the delivery, a run or a rule: a good one says nothing beside trouble.
_DOUBTED = frozenset(("success", "passed", "failed", "open", "is_active", "active"))
# In a body around an alert these say that the sender's own request was served.
_OF_WRAPPER = frozenset(("ok", "success"))
# A number in these is a count.
_COUNTS = frozenset(("success", "passed", "failed", "down", "open", "active"))


def status_by_flag(
    values: Mapping[str, Any], *, is_doubted: bool, is_wrapper: bool = False
) -> AlertStatus | None:
    """Return the status of the first such field; None without one.

    `is_doubted`: the body tells of trouble elsewhere. `is_wrapper`: an alert is inside the body.
    """
    for name, is_end in _ENDS.items():
        value = values.get(name)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, str | int) or (is_number and name in _COUNTS):
            continue
        flag = _VALUES.get(str(value)[:6].lower())
        if flag is None:
            continue
        if flag is not is_end:
            return AlertStatus.FIRING
        is_weak = name in _DOUBTED or (is_wrapper and name in _OF_WRAPPER)
        if not (is_weak and is_doubted):
            return AlertStatus.RESOLVED
    return None
