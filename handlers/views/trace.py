"""The answer to `/incident trace`: every stage of an alert with its time."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.trace import RepeatedAlert, Stage
from bot.language import Deferred, _, plural, spoken
from handlers.views.approval import with_mentions
from handlers.views.lists import NAMES_PEOPLE
from handlers.views.text import clock, inline_code, line, span, untrusted_line

SHOWN = 25  # stages in one answer: the first ones and the newest


def stages(
    tracking_id: str,
    incident: str,
    steps: Sequence[Stage],
    repeated: RepeatedAlert | None,
) -> str:
    """One line a stage, with the time since the first one."""
    lines = [
        _("*Trace of* {tracking_id}").format(tracking_id=inline_code(tracking_id, 80))
        + (f" · {incident}" if incident else "")
    ]
    if repeated:
        times = plural(repeated.count, "{count} time", "{count} times")
        lines.append(
            _("Repeated by its sender {times}, last {at}").format(
                times=times, at=clock(repeated.last_at)
            )
        )
    began = steps[0].at if steps else None
    shown = [*steps[:8], *steps[-(SHOWN - 8) :]] if len(steps) > SHOWN else list(steps)
    for number, stage in enumerate(shown):
        if number == 8 and len(steps) > SHOWN:
            lines.append(
                _("… {count} more: `{request}` …").format(
                    count=len(steps) - SHOWN, request="GET /api/v3/trace/{tracking_id}"
                )
            )
        seconds = (stage.at - began).total_seconds() if began else 0
        after = f"+{seconds:.3f} s" if seconds < 60 else f"+{span(seconds)}"
        when = clock(stage.at) if number == 0 else after
        lines.append(f"{when}  *{_(stage.name)}*{_detail(stage)}")
    return "\n".join(lines)


def _detail(stage: Stage) -> str:
    """The text of the stage, with the person in it or after it."""
    if stage.name in NAMES_PEOPLE:
        return f": {with_mentions(line(spoken(stage.text), 200))}"
    text = untrusted_line(stage.text, 120) if stage.text else ""
    if isinstance(stage.text, Deferred):  # our own sentence, which needs no quotation marks
        text = line(spoken(stage.text), 120)
    if text.casefold() == _(stage.name).casefold():
        text = ""
    text = f": {text}" if text else ""
    return text + (f" <@{stage.actor}>" if stage.actor else "")
