"""The bot's daily message about its own audit trail."""

from __future__ import annotations

from handlers.views.text import Block, context, line, section


def head(day: str, rows: int, mac: str, fault: str) -> tuple[str, list[Block]]:
    """The head of the trail on that day, which an older copy of the store cannot change here."""
    if fault:
        text = f"🔴 Audit trail, {day}: {line(fault, 300)}"
        remedy = "Keep a backup as it is now; `python -m bot audit verify` says more."
        return text, [section(f"{text}\nhead `{mac}`"), context(remedy)]
    text = f"🔏 Audit trail, {day}: proved up to row {rows:,}"
    return text, [
        section(f"{text}\nhead `{mac}`"),
        context(
            f"`python -m bot audit verify --head {mac}` says whether the trail still has this head."
        ),
    ]
