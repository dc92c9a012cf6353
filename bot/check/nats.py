"""Checks NATS, where NATS_URL is set: the server, the user's rights, the streams."""

from __future__ import annotations

from bot.check.report import Report
from bot.errors import OutsideError
from bot.from_settings import nats_options
from bot.settings import Settings

_RIGHTS = "give the user the rights that docs/nats.md lists"


async def check_nats(report: Report, settings: Settings) -> None:
    """Check that the bot can connect, and finds or may create its streams; changes nothing.

    Whether it may publish cannot be tested without publishing.
    """
    if not settings.nats_servers:
        return
    try:
        from bot.nats.inspection import inspect
    except ImportError:
        report.problem("nats", "NATS_URL is set, and its library is missing", "run `make nats`")
        return
    options = nats_options(settings)
    try:
        existing = await inspect(options)
    except OutsideError as error:
        report.problem("nats", f"NATS_URL: {error.message}", error.remedy or _RIGHTS)
        return
    names = ", ".join(dict.fromkeys(source.stream for source in existing.sources)) or "none"
    if not existing.missing:
        report.good("nats", f"anomalies from {names}")
    elif existing.has_own_stream:
        report.problem(
            "nats",
            f"NATS_STREAM: {options.stream} does not take {', '.join(existing.missing)}",
            "add the subjects to it, or name another stream",
        )
    else:
        report.good("nats", f"the first start creates the stream {options.stream}")
