"""Finds loaded SOPs by words."""

from __future__ import annotations

from collections.abc import Sequence

from bot.incidents.sops import Sop

MOST_WORDS = 8


def search_sops(sops: Sequence[Sop], text: str) -> list[Sop]:
    """Return the SOPs that have every word somewhere, best first.

    A word in the id or the title counts more than one in the keys, and that more than elsewhere.
    """
    terms = text.lower().split()[:MOST_WORDS]
    scored = [(_score(sop, terms), sop) for sop in sops]
    hits = [(score, sop) for score, sop in scored if score]
    return [sop for _, sop in sorted(hits, key=lambda hit: -hit[0])]


def _score(sop: Sop, terms: Sequence[str]) -> int:
    """Return 0 if a word is missing."""
    fields = (
        (9, f"{sop.sop_id} {sop.title}"),
        (3, " ".join((sop.incident_key, *sop.keys))),
        (1, " ".join((*sop.command, *sop.metric, *sop.log, *sop.parameter, *sop.fix_action))),
        (1, " ".join((sop.runbook, *(action.action for action in sop.actions)))),
    )
    texts = [(weight, text.lower()) for weight, text in fields]
    total = 0
    for word in terms:
        weights = [weight for weight, text in texts if word in text]
        if not weights:
            return 0
        total += max(weights)
    return total
