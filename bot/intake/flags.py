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
}  # fmt: skip
_VALUES = {"true": True, "1": True, "false": False, "0": False}
# A number in these is a count.
_COUNTS = frozenset(("success", "passed", "failed", "down"))


def status_by_flag(values: Mapping[str, Any]) -> AlertStatus | None:
    """Return the status of the first such field; None without one."""
    for name, is_end in _ENDS.items():
        value = values.get(name)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, str | int) or (is_number and name in _COUNTS):
            continue
        flag = _VALUES.get(str(value)[:6].lower())
        if flag is not None:
            return AlertStatus.RESOLVED if flag is is_end else AlertStatus.FIRING
    return None
