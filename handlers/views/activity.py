"""Quotes what a person did to an alert at its sender: the text is the sender's, never the bot's."""

from __future__ import annotations

from bot.intake.reading import StoredActivity
from bot.language import _
from handlers.views.text import (
    Block,
    context,
    fallback_line,
    inline_code,
    quote,
    section,
    untrusted_line,
)


def activity(item: StoredActivity) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of one activity, as a quotation."""
    sender = inline_code(item.sender or item.source, 80)
    if item.actor:
        actor = untrusted_line(item.actor, 80)
        head = _("Activity of {actor} at {sender}").format(actor=actor, sender=sender)
    else:
        head = _("Activity of {sender}").format(sender=sender)
    blocks = [section(f"{head}:\n{quote(item.text or item.kind, 1500)}")]
    if item.acknowledges:
        blocks.append(
            context(
                _(
                    "Its sender acknowledged the alert, so this incident is acknowledged "
                    "too. Nobody here owns it yet. `ingest.acknowledge_at_source: false` "
                    "in policy.yaml ends this."
                )
            )
        )
    return f"{head}: {fallback_line(item.text or item.kind, 300)}", blocks
