"""Says field by field what was read of a message, and where."""

from __future__ import annotations

from bot.incidents.model import Alert
from bot.intake import Reading
from handlers.views.text import line, plural, untrusted_line

MOST_ALERTS = 3
_FIELDS = ("status", "severity", "title", "service", "env", "region", "category", "value")


def kept(number: int, reading: Reading) -> str:
    """Return the answer to the person who said that a message was read wrongly."""
    lines = [
        f"Kept as case {number}, without secrets; `python -m bot sources cases {number}` shows it."
    ]
    lines.append("The bot read this:" if reading.alerts else "The bot read no alert.")
    for alert in reading.alerts[:MOST_ALERTS]:
        lines += _alert(alert)
    if len(reading.alerts) > MOST_ALERTS:
        lines.append(f"… and {plural(len(reading.alerts) - MOST_ALERTS, 'more alert')}")
    lines += [f"• activity: {item.kind}" for item in reading.activities[:MOST_ALERTS]]
    lines += [f"• not understood: {line(reason, 200)}" for reason in reading.reasons[:MOST_ALERTS]]
    return "\n".join(lines)


def _alert(alert: Alert) -> list[str]:
    shown = [f"• source: {line(alert.source, 40)}"]
    for field in _FIELDS:
        value = untrusted_line(str(getattr(alert, field)), 120) or "(nothing)"
        where = line(alert.read_from.get(field, ""), 60)
        shown.append(f"• {field}: {value}{f' ({where})' if where else ''}")
    return shown
