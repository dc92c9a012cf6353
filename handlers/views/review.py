"""The weekly review: noisy alerts, SOPs that do not help, alerts without one, and the times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.incidents.digests import Day, DueDigest, Review
from bot.incidents.stats import IncidentStats
from bot.incidents.windows import Window
from handlers.views import stats
from handlers.views.text import Block, code, context, line, plural, section, span, untrusted_line

BAR = 20  # characters of the longest bar
MOST_DAYS = 31  # of the plot; the newest


def review_message(
    due: DueDigest, review: Review, numbers: IncidentStats, sop_title: Callable[[str], str]
) -> tuple[str, list[Block]]:
    """(fallback text, blocks). `sop_title` gives the title of a loaded SOP, '' for another."""
    hours = round((due.due_at - due.since).total_seconds() / 3600)
    window = Window(f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours", hours)
    head = f"Review {line(due.name, 64)}: {plural(numbers.total, 'incident')}, {window.text}"
    frequent = [
        f"• {untrusted_line(item.name, 80) or '(no name)'}"
        + (f" · {untrusted_line(item.service, 60)}" if item.service else "")
        + f": sent {item.sent:,}×, {plural(item.incidents, 'incident')}"
        for item in review.frequent
    ]
    sops = [
        f"• `{line(item.sop_id, 64)}` {untrusted_line(sop_title(item.sop_id), 60)}:"
        f" ran {item.runs:,}×, verified {item.verified:,}× ({item.verified * 100 // item.runs} %)"
        for item in review.sops
        if item.runs
    ]
    without = [
        f"• {untrusted_line(item.title, 100) or '(no title)'}: {plural(item.incidents, 'incident')}"
        for item in review.without_sop
    ]
    total = review.without_sop_total
    blocks = [
        section(f"*{head}*"),
        section(stats.overview(numbers, (), window)),
        *_plot(review.days),
        *_list("Noisiest alerts", frequent),
        *_list("SOPs whose actions ran, the least helpful first", sops),
        *_list(f"Without an SOP ({plural(total, 'incident')}), most frequent first", without),
        context(
            "A noisy alert: change its threshold, or `/incident silence` it."
            " An alert without an SOP: write one (docs/sops.md)."
        ),
    ]
    return head, blocks


def _list(title: str, lines: Sequence[str]) -> list[Block]:
    return [section("\n".join([f"*{title}*", *lines]))] if lines else []


def _plot(days: Sequence[Day]) -> list[Block]:
    """Bars of text: incidents opened by day in UTC, and the median time to acknowledge."""
    shown = days[-MOST_DAYS:]
    if not shown:
        return []
    most = max(day.opened for day in shown)
    lines = []
    for day in shown:
        bar = "#" * max(1, round(day.opened / most * BAR))
        waited = f"   {span(day.to_acknowledge)}" if day.to_acknowledge is not None else ""
        lines.append(f"{day.day[5:]} {bar.ljust(BAR)} {day.opened:>5,}{waited}")
    title = "*Incidents opened by day (UTC)*, and the median time to acknowledge"
    return [section(f"{title}\n{code(chr(10).join(lines), 2500)}")]
