"""Says field by field what was read of a message, and where."""

from __future__ import annotations

from bot.incidents.model import Alert
from bot.intake import Reading
from bot.language import _, plural
from handlers.views.text import line, untrusted_line

MOST_ALERTS = 3
_FIELDS = ("status", "severity", "title", "service", "env", "region", "category", "value")


def kept(number: int, reading: Reading) -> str:
    """Return the answer to the person who said that a message was read wrongly."""
    lines = [
        _(
            "Kept as case {number}, without secrets; `python -m bot sources cases "
            "{number}` shows it."
        ).format(number=number)
    ]
    lines.append(_("The bot read this:") if reading.alerts else _("The bot read no alert."))
    for alert in reading.alerts[:MOST_ALERTS]:
        lines += _alert(alert)
    if len(reading.alerts) > MOST_ALERTS:
        lines.append(
            plural(
                len(reading.alerts) - MOST_ALERTS,
                "… and {count} more alert",
                "… and {count} more alerts",
            )
        )
    lines += [
        _("• activity: {kind}").format(kind=item.kind) for item in reading.activities[:MOST_ALERTS]
    ]
    lines += [
        _("• not understood: {reason}").format(reason=line(reason, 200))
        for reason in reading.reasons[:MOST_ALERTS]
    ]
    return "\n".join(lines)


def _alert(alert: Alert) -> list[str]:
    shown = [_("• source: {source}").format(source=line(alert.source, 40))]
    for field in _FIELDS:
        value = untrusted_line(str(getattr(alert, field)), 120) or _("(nothing)")
        where = line(alert.read_from.get(field, ""), 60)
        shown.append(f"• {field}: {value}{f' ({where})' if where else ''}")
    return shown
