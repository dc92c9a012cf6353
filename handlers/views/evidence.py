"""The thread's first message: what is known, each fact with its id, its source and its time."""

from __future__ import annotations

from bot.enrichment.model import RUNBOOK, Evidence, KnownFact
from bot.language import _, plural
from handlers.views.addresses import host_of, is_address
from handlers.views.cutting import keep_whole
from handlers.views.newer_blocks import details
from handlers.views.text import (
    Block,
    button,
    clock,
    context,
    escape,
    fallback_line,
    quote,
    section,
    untrusted_line,
)

MOST = 12  # facts in one message
OPEN = 4  # facts that are not folded away


def evidence_message(evidence: Evidence, incident_id: int) -> tuple[str, list[Block]]:
    """(fallback text, blocks)."""
    blocks: list[Block] = [section(_("🔎 *What is known*"))]
    facts = [_fact(fact, incident_id) for fact in evidence.facts[:MOST]]
    more = plural(len(facts) - OPEN, "{count} more fact", "{count} more facts")
    blocks += [*facts[:OPEN], *details(more, facts[OPEN:])]
    if len(evidence.facts) > MOST:
        left_out = evidence.facts[MOST:]
        keep_whole("\n".join(f"{fact.id} {fact.source} · {fact.text}" for fact in left_out))
        blocks.append(
            context(
                plural(
                    len(left_out),
                    "{count} more fact went to the advisor.",
                    "{count} more facts went to the advisor.",
                )
            )
        )
    if evidence.failures:
        failed = ", ".join(
            f"{untrusted_line(f.source, 40)} ({_(f.word)})" for f in evidence.failures
        )
        blocks.append(context(_("No answer from {failed}.").format(failed=failed)))
    if buttons := [_read_button(verb, incident_id) for verb in evidence.reads]:
        blocks.append({"type": "actions", "elements": buttons})
    first = evidence.facts[0].text if evidence.facts else _("no source answered")
    return _("What is known: {first}").format(first=fallback_line(first, 200)), blocks


def _read_button(verb: str, incident_id: int) -> Block:
    text = _("Status") if verb == "status" else _("Logs")
    return button(text, f"sopbot.read.{verb}", str(incident_id))


def _fact(fact: KnownFact, incident_id: int) -> Block:
    """A passage of a runbook has a button, by which people say that it is wrong."""
    source, name = untrusted_line(fact.source, 40), untrusted_line(fact.name, 60)
    if fact.source != RUNBOOK:
        head = f"*{fact.id}* {source} · {name} · {clock(fact.at)}"
        return section(f"{head}\n{quote(fact.text, 600)}", expand=True)
    link = f" · <{escape(fact.url)}|{host_of(fact.url)}>" if is_address(fact.url) else ""
    head = f"*{fact.id}* {RUNBOOK}: {untrusted_line(fact.name, 150)}{link}"
    wrong = button(_("Wrong runbook"), "sopbot.wrong_runbook", f"{incident_id} {fact.key}")
    return section(f"{head}\n{quote(fact.text, 600)}", expand=True) | {"accessory": wrong}
