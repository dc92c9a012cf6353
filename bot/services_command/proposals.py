"""Proposes what services.yaml should declare, from what people split and merged. Pure.

A merge says that two services belong together: one calls the other, or both are one service under
two names. A split says that a link was wrong. A proposal is acted on only once the operator
declares it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.incidents.cascades import Calls
from bot.incidents.services import Catalogue, spelling
from bot.services_command.draft import are_alike
from store.operations.history import Correction


@dataclass(slots=True)
class Proposal:
    """A value for a key of a service, with the corrections that speak for it and against it.

    `key` is `depends_on`, `aliases` or `apart`. `merged` and `split` are pairs of incident ids.
    """

    service: str
    key: str
    value: str
    merged: list[tuple[int, int]] = field(default_factory=list)
    split: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Pair:
    """The corrections of two services."""

    merged: list[Correction] = field(default_factory=list)
    split: list[Correction] = field(default_factory=list)


def proposals(
    corrections: Sequence[Correction], services: Catalogue, calls: Calls
) -> tuple[list[Proposal], int]:
    """Return the proposals, most often corrected first, and how many corrections lead to none.

    None: the two incidents are of one service, one of them names no service, the file says it
    already, or people merged the two as often as they split them.
    """
    pairs: dict[tuple[str, str], _Pair] = {}
    unused = 0
    for correction in corrections:
        first, second = _services_of(correction)
        if not _is_service(first) or not _is_service(second) or first == second:
            unused += 1
            continue
        low, high = sorted((first, second))
        pair = pairs.setdefault((low, high), _Pair())
        (pair.merged if correction.kind == "merge" else pair.split).append(correction)
    result: list[Proposal] = []
    for names, pair in sorted(pairs.items()):
        proposal = _proposal(names, pair, services, calls)
        if proposal is None:
            unused += len(pair.merged) + len(pair.split)
        else:
            result.append(proposal)
    result.sort(key=lambda item: -abs(len(item.merged) - len(item.split)))
    return result, unused


def _services_of(correction: Correction) -> tuple[str, str]:
    """Return the two services that were linked: those of the rule, else those of the incidents."""
    facts = correction.facts
    caller, callee = facts.get("caller"), facts.get("callee")
    if correction.kind == "split" and isinstance(caller, str) and isinstance(callee, str):
        return caller, callee
    return correction.service, correction.root_service


def _is_service(name: str) -> bool:
    """Return False for a workload, a host and a guess (`subject.scope_of`), and for nothing."""
    return name not in ("", "-") and " " not in name and "?" not in name


def _proposal(
    names: tuple[str, str], pair: _Pair, services: Catalogue, calls: Calls
) -> Proposal | None:
    first, second = names
    evidence = (_ids(pair.merged), _ids(pair.split))
    if len(pair.merged) == len(pair.split):
        return None
    if len(pair.split) > len(pair.merged):
        if frozenset(map(spelling, names)) in calls.apart:
            return None
        return Proposal(first, "apart", second, *evidence)
    if second in calls.calls_of(first) | calls.callers_of(first):
        return None
    if are_alike(first, second) and not (services.find(first) and services.find(second)):
        known, other = (second, first) if services.find(second) else (first, second)
        return Proposal(known, "aliases", other, *evidence)
    earlier = [item.service if item.began_first else item.root_service for item in pair.merged]
    called = max(names, key=earlier.count)  # what began first is called by the other
    return Proposal(first if called == second else second, "depends_on", called, *evidence)


def _ids(corrections: Sequence[Correction]) -> list[tuple[int, int]]:
    return [(item.incident_id, item.root_id) for item in corrections]
