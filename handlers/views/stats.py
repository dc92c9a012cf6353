"""The answer to `/incident stats`: one phone screen, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.stats import Durations, IncidentStats, Span, TypeCount
from bot.incidents.windows import Window
from bot.language import _, number, plural
from handlers.views.text import span, symbol, untrusted_line
from handlers.views.words import word

TYPES = 3


def overview(stats: IncidentStats, types: Sequence[TypeCount], window: Window) -> str:
    """The numbers of a window; `types` are those with the most incidents, most first."""
    if not stats.total and not stats.accepted and not stats.repeats:
        nothing = _("*Last {window}*: no incidents and no alerts.").format(window=window.text)
        return f"{nothing} {_open_now(stats)}"
    status = stats.by_status
    shown, spans = stats.by_severity, stats.period.spans
    severities = [f"{symbol(item)} {number(shown[item])}" for item in Severity if shown[item]]
    counts = ", ".join(f"{number(status[item])} {word(item)}" for item in IncidentStatus)
    lines = [
        _("*Last {window}*: {incidents}: {counts}").format(
            window=window.text,
            incidents=plural(stats.total, "{count} incident", "{count} incidents"),
            counts=counts,
        ),
        "   ".join(severities),
        _("{alerts}, {joined} joined an open incident").format(
            alerts=plural(stats.accepted, "{count} alert", "{count} alerts"),
            joined=number(stats.joined),
        ),
        _("{repeats} of a known alert, {suppressed} suppressed").format(
            repeats=plural(stats.repeats, "{count} repeat", "{count} repeats"),
            suppressed=number(stats.suppressed),
        ),
        _("Acknowledged after {typical}").format(typical=_typical(spans[Span.ACKNOWLEDGED])),
        _("Resolved after {typical}").format(typical=_typical(spans[Span.RESOLVED])),
        _("Card posted after {typical}").format(typical=_typical(spans[Span.CARD])),
        _("Advice given after {typical}").format(typical=_typical(spans[Span.ADVICE])),
    ]
    if types:
        named = ", ".join(
            f"{untrusted_line(item.type, 40) or _('(no type)')} {number(item.total)}"
            for item in types[:TYPES]
        )
        lines.append(_("Most frequent types: {named}").format(named=named))
    lines.append(_open_now(stats))
    return "\n".join(line for line in lines if line)


def _open_now(stats: IncidentStats) -> str:
    if not stats.open_now:
        return _("No incident is open now.")
    text = (
        _("{incidents} open now, {flapping} of them flapping: `/incident list`.")
        if stats.flapping_now
        else _("{incidents} open now: `/incident list`.")
    )
    return text.format(
        incidents=plural(stats.open_now, "{count} incident", "{count} incidents"),
        flapping=number(stats.flapping_now),
    )


def _typical(durations: Durations) -> str:
    """The median, and the slowest 5 %."""
    median, slow = durations.percentile(0.5), durations.percentile(0.95)
    if median is None or slow is None:
        return "–"
    return _("{median} (median), 95 % within {slow}").format(
        median=_short(median), slow=_short(slow)
    )


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else span(seconds)
