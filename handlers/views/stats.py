"""The answer to `/incident stats`: one phone screen, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.stats import Durations, IncidentStats, Span, TypeCount
from bot.incidents.windows import Window
from handlers.views.text import SYMBOL, plural, span, untrusted_line

TYPES = 3


def overview(stats: IncidentStats, types: Sequence[TypeCount], window: Window) -> str:
    """The numbers of a window; `types` are those with the most incidents, most first."""
    if not stats.total and not stats.accepted and not stats.repeats:
        return f"*Last {window.text}*: no incidents and no alerts. {_open_now(stats)}"
    status = stats.by_status
    shown, spans = stats.by_severity, stats.period.spans
    severities = [f"{SYMBOL[item]} {shown[item]:,}" for item in Severity if shown[item]]
    counts = ", ".join(f"{status[item]:,} {item}" for item in IncidentStatus)
    lines = [
        f"*Last {window.text}*: {plural(stats.total, 'incident')}: {counts}",
        "   ".join(severities),
        f"{plural(stats.accepted, 'alert')}, {stats.joined:,} joined an open incident",
        f"{plural(stats.repeats, 'repeat')} of a known alert, {stats.suppressed:,} suppressed",
        f"Acknowledged after {_typical(spans[Span.ACKNOWLEDGED])}",
        f"Resolved after {_typical(spans[Span.RESOLVED])}",
        f"Card posted after {_typical(spans[Span.CARD])}",
        f"Advice given after {_typical(spans[Span.ADVICE])}",
    ]
    if types:
        named = ", ".join(
            f"{untrusted_line(item.type, 40) or '(none)'} {item.total:,}" for item in types[:TYPES]
        )
        lines.append(f"Most frequent types: {named}")
    lines.append(_open_now(stats))
    return "\n".join(line for line in lines if line)


def _open_now(stats: IncidentStats) -> str:
    if not stats.open_now:
        return "No incident is open now."
    flapping = f", {stats.flapping_now:,} of them flapping" if stats.flapping_now else ""
    return f"{plural(stats.open_now, 'incident')} open now{flapping}: `/incident list`."


def _typical(durations: Durations) -> str:
    """The median, and the slowest 5 %."""
    median, slow = durations.percentile(0.5), durations.percentile(0.95)
    if median is None or slow is None:
        return "–"
    return f"{_short(median)} (median), 95 % within {_short(slow)}"


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else span(seconds)
