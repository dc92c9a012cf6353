"""Advice under a header that says where it is from. Model text is data, and labelled so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.advice.claims import marked
from bot.advice.model import Advice
from handlers.views.text import Block, context, line, quote, said, section

MOST = 8
"""Items shown of each list. With the limits below a message stays under Slack's 13,200 in all."""


def advice(given: Advice, question: str = "", asked_by: str = "") -> tuple[str, list[Block]]:
    """(fallback text, blocks)."""
    header = f"💡 *Advice* · {line(given.label, 120)}"
    blocks: list[Block] = [section(header)]
    if question:
        who = f"<@{asked_by}> asked" if asked_by else "Asked"
        blocks.append(context(f"{who}: {said(question, 300)}"))
    if given.by_model:
        # The label comes before the text: whoever reads only the beginning has read it.
        blocks.append(
            context(f"Written by {line(given.source, 80)}: not verified, and nothing was done.")
        )
    say = _said_by(given)
    structured = bool(given.evidence or given.next_steps or given.confidence)
    if structured or not given.text:
        confidence = f" _(confidence: {line(given.confidence, 20)})_" if given.confidence else ""
        blocks.append(
            section(say(f"*Likely cause:* {line(_true(given, given.cause), 600)}") + confidence)
        )
    if given.text.strip() and given.text != given.cause:
        blocks.append(section(quote(_true(given, given.text), 2400)))
    for title, items, numbered in (
        ("Evidence", given.evidence, False),
        ("Look at", given.look_at, False),
        ("Next steps", given.next_steps, True),
    ):
        if items:
            told = [_true(given, item) for item in items]
            blocks.append(section(say(_listed(title, told, numbered=numbered))))
    if given.failure and not given.by_model:
        blocks.append(context(f"No model answer: {line(given.failure, 400)}"))
    if given.sources:
        shown = [line(name, 150) for name in given.sources[:MOST]]
        blocks.append(context("Sources: " + " · ".join(shown)))
    return f"Advice · {line(given.label, 120)}: {line(_true(given, given.cause), 200)}", blocks


def _true(given: Advice, text: str) -> str:
    """A model's text with its claims about what happened marked."""
    return marked(text) if given.by_model else text


def _said_by(given: Advice) -> Callable[[str], str]:
    """A fence around a model's text: every line of it is a quotation."""
    if not given.by_model:
        return str
    return lambda text: "\n".join(f"> {part}" for part in text.splitlines())


def _listed(title: str, items: Sequence[str], *, numbered: bool) -> str:
    lines = [
        f"{number}. {line(item, 300)}" if numbered else f"• {line(item, 300)}"
        for number, item in enumerate(items[:MOST], start=1)
    ]
    if len(items) > MOST:
        lines.append(f"… and {len(items) - MOST} more")
    return "\n".join([f"*{title}*", *lines])
