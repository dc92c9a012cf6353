"""Shows advice under a header that names its source. Model text is data, and labelled so."""

from __future__ import annotations

from collections.abc import Sequence

from bot.advice.claims import marked
from bot.advice.model import Advice
from handlers.views.cutting import keep_whole
from handlers.views.newer_blocks import feedback
from handlers.views.text import (
    Block,
    context,
    fallback_line,
    line,
    quote,
    section,
    untrusted_line,
)

MOST = 8
"""Items shown of each list. With the limits below a message stays under Slack's 13,200 in all."""


def advice_message(
    advice: Advice, question: str = "", asked_by: str = "", advice_id: int | None = None
) -> tuple[str, list[Block]]:
    """(fallback text, blocks); with `advice_id` people can say whether it was right."""
    header = f"💡 *Advice* · {untrusted_line(advice.label, 120)}"
    blocks: list[Block] = [section(header)]
    if question:
        who = f"<@{asked_by}> asked" if asked_by else "Asked"
        blocks.append(context(f"{who}: {untrusted_line(question, 300)}"))
    if advice.by_model:
        # The label comes before the text, so that people who read only the beginning read it.
        blocks.append(
            context(
                f"Written by {untrusted_line(advice.source, 80)}: not verified, and nothing was"
                " done."
            )
        )
    structured = bool(advice.evidence or advice.next_steps or advice.confidence)
    if structured or not advice.text:
        confidence = (
            f" _(confidence: {untrusted_line(advice.confidence, 20)})_" if advice.confidence else ""
        )
        blocks.append(
            section(
                _fence(f"*Likely cause:* {line(_with_marked_claims(advice, advice.cause), 600)}")
                + confidence
            )
        )
    if advice.text.strip() and advice.text != advice.cause:
        blocks.append(section(quote(_with_marked_claims(advice, advice.text), 2400), expand=True))
    for title, items, numbered in (
        ("Evidence", advice.evidence, False),
        ("Look at", advice.look_at, False),
        ("Next steps", advice.next_steps, True),
    ):
        if items:
            marked_items = [_with_marked_claims(advice, item) for item in items]
            blocks.append(
                section(_fence(_listed(title, marked_items, numbered=numbered)), expand=True)
            )
    if advice.failure:
        label = "Asked first" if advice.by_model else "No model answer"
        blocks.append(context(f"{label}: {untrusted_line(advice.failure, 400)}"))
    if advice.sources:
        blocks.append(_sources(advice))
    if advice_id is not None:
        blocks.append(feedback(advice_id))
    cause = fallback_line(_with_marked_claims(advice, advice.cause), 200)
    return f"Advice · {line(advice.label, 120)}: {cause}", blocks


def _sources(advice: Advice) -> Block:
    shown = [untrusted_line(name, 150) for name in advice.sources[:MOST]]
    if len(advice.sources) > MOST:
        keep_whole("\n".join(advice.sources[MOST:]))
        shown.append(f"{len(advice.sources) - MOST} more")
    return context("Sources: " + " · ".join(shown))


def _with_marked_claims(advice: Advice, text: str) -> str:
    """The text; in a model's text the claims about what happened are marked."""
    return marked(text) if advice.by_model else text


def _fence(text: str) -> str:
    """Quote every line: the text is the model's, or the SOP's with an alert's text in it."""
    return "\n".join(f"> {part}" for part in text.splitlines())


def _listed(title: str, items: Sequence[str], *, numbered: bool) -> str:
    lines = [
        f"{number}. {line(item, 300)}" if numbered else f"• {line(item, 300)}"
        for number, item in enumerate(items[:MOST], start=1)
    ]
    if len(items) > MOST:
        keep_whole("\n".join(items[MOST:]))
        lines.append(f"… and {len(items) - MOST} more")
    return "\n".join([f"*{title}*", *lines])
