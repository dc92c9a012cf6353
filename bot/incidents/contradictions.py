"""Tells whether incidents of two places, or of two services, may be in one cascade. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

from bot.incidents.subject import Scope

Apart = frozenset[frozenset[str]]
"""Pairs of services that are declared to be apart."""


def stand_apart(first: Scope, second: Scope, apart: Apart) -> bool:
    """Return True if the two may not be in one cascade, whatever links it.

    Clusters and hosts may: a zone that is down, or a store that all call, has members in many.
    """
    is_declared = apart and frozenset((first.service, second.service)) in apart
    return bool(is_declared) or first.is_of_another_region(second)


def clash(cascades: Mapping[int, Iterable[Scope]], apart: Apart) -> bool:
    """Return True if members of two of these cascades, by their root, may not be in one.

    Compares regions and declared pairs, not members: a cascade has many members and few regions.
    """
    regions: defaultdict[Scope, set[int]] = defaultdict(set)
    services: defaultdict[str, set[int]] = defaultdict(set)
    for root_id, scopes in cascades.items():
        for scope in scopes:
            regions[Scope(scope.env, scope.region, "", "")].add(root_id)
            services[scope.service].add(root_id)
    return any(
        len(regions[first] | regions[second]) > 1 and first.is_of_another_region(second)
        for first, second in combinations(regions, 2)
    ) or any(
        all(roots := [services[name] for name in pair]) and len(set.union(*roots)) > 1
        for pair in apart
    )
