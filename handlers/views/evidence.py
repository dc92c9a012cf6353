"""The thread's first message: what is known, each fact with its id, its source and its time."""

from __future__ import annotations

from bot.enrichment.model import Evidence
from handlers.views.text import Block, clock, context, line, quote, section

MOST = 12  # facts in one message


def evidence_message(evidence: Evidence) -> tuple[str, list[Block]]:
    """(fallback text, blocks)."""
    blocks: list[Block] = [section("🔎 *What is known*")]
    for fact in evidence.facts[:MOST]:
        head = f"*{fact.id}* {line(fact.source, 40)} · {line(fact.name, 60)} · {clock(fact.at)}"
        blocks.append(section(f"{head}\n{quote(fact.text, 600)}"))
    if len(evidence.facts) > MOST:
        blocks.append(context(f"{len(evidence.facts) - MOST} more facts went to the advisor."))
    if evidence.failures:
        failed = ", ".join(f"{line(f.source, 40)} ({f.word})" for f in evidence.failures)
        blocks.append(context(f"No answer from {failed}."))
    first = evidence.facts[0].text if evidence.facts else "no source answered"
    return f"What is known: {line(first, 200)}", blocks
