"""The bot's daily message about its own audit trail."""

from __future__ import annotations

from bot.language import _, number
from handlers.views.text import Block, context, line, section


def head(day: str, rows: int, mac: str, fault: str) -> tuple[str, list[Block]]:
    """The head of the trail on that day, which an older copy of the store cannot change here."""
    the_head = _("head `{mac}`").format(mac=mac)
    if fault:
        text = _("🔴 Audit trail, {day}: {fault}").format(day=day, fault=line(fault, 300))
        remedy = _("Keep a backup as it is now; `python -m bot audit verify` says more.")
        return text, [
            section(f"{text}\n{the_head}"),
            context(remedy),
        ]
    text = _("🔏 Audit trail, {day}: proved up to row {rows}").format(day=day, rows=number(rows))
    return text, [
        section(f"{text}\n{the_head}"),
        context(
            _(
                "`python -m bot audit verify --head {mac}` says whether the trail still "
                "has this head."
            ).format(mac=mac)
        ),
    ]
