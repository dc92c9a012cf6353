"""Suggests calls to declare: services whose incidents began together again and again. Pure.

A suggestion is acted on only once the operator declares it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incidents.cascades import Calls
from bot.incidents.subject import Scope

WINDOW = timedelta(minutes=5)
LEAST = 3  # times together
LEAST_SHARE = 0.5  # of the incidents of the service that has fewer
ABOVE_CHANCE = 5  # times as often as two services that know nothing of each other


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A call that the history suggests.

    `together`: how often both began within 5 minutes; `first`: how often the called one began
    first. `of_caller` and `of_called` are all the times at which each began.
    """

    caller: str
    called: str
    together: int
    first: int
    of_caller: int
    of_called: int


def suggestions(openings: Sequence[tuple[Scope, datetime]], calls: Calls) -> list[Suggestion]:
    """Return the calls that incidents suggest and nobody declared, the most frequent first.

    `openings` are the scopes of incidents, with when they began, in that order. The service whose
    incidents usually begin first is the called one.
    """
    times = _bursts(openings)
    if not times:
        return []
    span = max(times[-1][1] - times[0][1], WINDOW)
    total = Counter(place for place, _ in times)
    together: Counter[tuple[str, str, str]] = Counter()  # (env, the one that began first, other)
    for at, (earlier, begun) in enumerate(times):
        later = {
            place
            for place, also in _until(times[at + 1 :], begun + WINDOW)
            if place[0] == earlier[0] and place[1] != earlier[1]
        }
        together.update((earlier[0], earlier[1], place[1]) for place in later)
    pairs = {(env, *sorted(names)) for env, *names in together}
    result = [
        suggestion
        for env, first, second in sorted(pairs)
        if (suggestion := _suggestion(env, (first, second), together, total, span))
        and suggestion.called not in calls.calls_of(suggestion.caller)
        and suggestion.caller not in calls.calls_of(suggestion.called)
    ]
    return sorted(result, key=lambda item: (-item.together, item.caller, item.called))


Place = tuple[str, str]
"""(env, service)."""


def _bursts(openings: Iterable[tuple[Scope, datetime]]) -> list[tuple[Place, datetime]]:
    """Return when each service began to have incidents: those that follow soon are the same."""
    last: dict[Place, datetime] = {}
    times: list[tuple[Place, datetime]] = []
    for scope, at in sorted(openings, key=lambda item: item[1]):
        if " " in scope.service or "?" in scope.service:
            continue  # a host, a workload without a name, a guess
        place = (scope.env, scope.service)
        before = last.get(place)
        last[place] = at
        if before is None or at - before > WINDOW:
            times.append((place, at))
    return times


def _until(
    times: Sequence[tuple[Place, datetime]], end: datetime
) -> Iterable[tuple[Place, datetime]]:
    for item in times:
        if item[1] > end:
            return
        yield item


def _suggestion(
    env: str,
    names: tuple[str, str],
    together: Counter[tuple[str, str, str]],
    total: Counter[Place],
    span: timedelta,
) -> Suggestion | None:
    forth, back = (together[env, *pair] for pair in (names, names[::-1]))
    called, caller = names if forth >= back else names[::-1]
    both = forth + back
    ours, theirs = total[env, caller], total[env, called]
    by_chance = ours * theirs * (2 * WINDOW / span)
    if both < LEAST or both < LEAST_SHARE * min(ours, theirs) or both < ABOVE_CHANCE * by_chance:
        return None
    return Suggestion(caller, called, both, max(forth, back), ours, theirs)
