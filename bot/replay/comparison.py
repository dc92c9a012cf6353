"""Compares the incidents that stored alerts became with those that they become by other rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Groups = Sequence[tuple[int, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class ReplayedAlert:
    """An alert with its root incident in the store and in the replay; None without one."""

    stored: int | None
    replayed: int | None
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between two sets of root incidents.

    `merged` has each replayed root with the stored ones that it unites, `split` each stored root
    with the replayed ones that it becomes. `silenced` are the stored roots without any alert that
    opens or joins an incident now.
    """

    alerts: int
    stored: int
    replayed: int
    merged: Groups
    split: Groups
    silenced: Sequence[int]


def compare(alerts: Iterable[ReplayedAlert]) -> Comparison:
    """Compare by root incident: a child counts as its parent."""
    stored_of = defaultdict[int, set[int]](set)
    replayed_of = defaultdict[int, set[int]](set)
    is_suppressed = defaultdict[int, bool](bool)
    count = 0
    for alert in alerts:
        count += 1
        if alert.stored is not None:
            replayed = replayed_of[alert.stored]
            if alert.replayed is not None:
                replayed.add(alert.replayed)
                stored_of[alert.replayed].add(alert.stored)
            is_suppressed[alert.stored] |= alert.suppressed
        elif alert.replayed is not None:
            stored_of[alert.replayed].update(())
    return Comparison(
        alerts=count,
        stored=len(replayed_of),
        replayed=len(stored_of),
        merged=_more_than_one(stored_of),
        split=_more_than_one(replayed_of),
        silenced=[
            root for root, roots in sorted(replayed_of.items()) if not roots and is_suppressed[root]
        ],
    )


def _more_than_one(groups: Mapping[int, set[int]]) -> Groups:
    return [(root, tuple(sorted(of))) for root, of in sorted(groups.items()) if len(of) > 1]
