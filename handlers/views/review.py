"""The weekly review: noisy alerts, SOPs that do not help, alerts without one, and the times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.incidents.digests import Day, DueDigest, Review
from bot.incidents.stats import IncidentStats
from bot.incidents.windows import Window
from bot.language import _, number, plural
from handlers.views import stats
from handlers.views.text import Block, code, context, line, section, span, untrusted_line

BAR = 20  # characters of the longest bar
MOST_DAYS = 31  # of the plot; the newest


def review_message(
    due: DueDigest, review: Review, numbers: IncidentStats, sop_title: Callable[[str], str]
) -> tuple[str, list[Block]]:
    """(fallback text, blocks). `sop_title` gives the title of a loaded SOP, '' for another."""
    hours = round((due.due_at - due.since).total_seconds() / 3600)
    length = (
        _("{count} days").format(count=hours // 24)
        if hours % 24 == 0
        else _("{count} hours").format(count=hours)
    )
    window = Window(length, hours)
    head = _("Review {name}: {incidents}, {length}").format(
        name=line(due.name, 64),
        incidents=_incidents(numbers.total),
        length=length,
    )
    without = [
        f"• {untrusted_line(item.title, 100) or _('(no title)')}: {_incidents(item.incidents)}"
        for item in review.without_sop
    ]
    total = review.without_sop_total
    blocks = [
        section(f"*{head}*"),
        section(stats.overview(numbers, (), window)),
        *_plot(review.days),
        *_list(_("Noisiest alerts"), _frequent(review)),
        *_list(_("SOPs whose actions ran, the least helpful first"), _sops(review, sop_title)),
        *_list(
            _("Without an SOP ({incidents}), most frequent first").format(
                incidents=_incidents(total)
            ),
            without,
        ),
        context(
            _(
                "A noisy alert: change its threshold, or `/incident silence` it. An "
                "alert without an SOP: write one (docs/sops.md)."
            )
        ),
    ]
    return head, blocks


def _frequent(review: Review) -> list[str]:
    return [
        _("• {alert}: sent {sent}×, {incidents}").format(
            alert=" · ".join(
                [
                    untrusted_line(item.name, 80) or _("(no name)"),
                    *([untrusted_line(item.service, 60)] if item.service else []),
                ]
            ),
            sent=number(item.sent),
            incidents=_incidents(item.incidents),
        )
        for item in review.frequent
    ]


def _sops(review: Review, sop_title: Callable[[str], str]) -> list[str]:
    return [
        _("• `{sop_id}` {title}: ran {runs}×, verified {verified}× ({percent} %)").format(
            sop_id=line(item.sop_id, 64),
            title=untrusted_line(sop_title(item.sop_id), 60),
            runs=number(item.runs),
            verified=number(item.verified),
            percent=item.verified * 100 // item.runs,
        )
        for item in review.sops
        if item.runs
    ]


def _incidents(count: int) -> str:
    return plural(count, "{count} incident", "{count} incidents")


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
        lines.append(f"{day.day[5:]} {bar.ljust(BAR)} {number(day.opened):>5}{waited}")
    title = _("*Incidents opened by day (UTC)*, and the median time to acknowledge")
    return [section(f"{title}\n{code(chr(10).join(lines), 2500)}")]
