"""Checks each advisor of ADVISOR: that it starts or can be reached, and may be asked."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from bot.advisors_from_settings import kinds
from bot.check.report import Report
from bot.errors import AdvisorError, SettingsError
from bot.setting_advisors import RULES
from bot.settings import Settings


async def check_advisors(
    report: Report,
    settings: Settings,
    environ: Mapping[str, str],
    session: aiohttp.ClientSession,
) -> None:
    """Probe each advisor; none is asked a question."""
    count = 0
    for entry in kinds(settings, environ, session):
        try:
            kind = entry.build()
            if kind is None:
                continue
            count += 1
            report.good("advisor", f"{kind.name}: {await kind.probe()}")
        except SettingsError as error:
            count += 1
            for problem in error.problems:
                remedy = "" if "advice.md" in problem else "see docs/advice.md"
                report.problem("advisor", problem, remedy)
        except AdvisorError as error:
            report.problem("advisor", error.message, error.remedy)
        for note in entry.notes:
            report.note("advisor", note)
    if not count:
        report.good("advisor", "none: advice comes from the SOPs")
    elif RULES in settings.advisor:
        report.good("advisor", "rules: the SOP answers if no advisor does")
