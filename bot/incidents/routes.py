"""The policy's routes: which Slack channel gets the card of an alert that no message brought.

The first route that matches an alert decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Annotated

from bot.incidents.environments import Environments, folded
from bot.incidents.matchers import Matcher
from bot.incidents.model import Alert
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.incidents.sop_keys import spelled
from bot.validation import FieldProblem, form

ChannelId = Annotated[
    str, form(r"[CG][A-Z0-9]{2,}", "must be a channel id such as C0123ABCD, not a name")
]


class Route(Matcher):
    """One route: the alerts that it matches, and their channel."""

    channel: ChannelId


def channel_of(
    routes: Sequence[Route],
    alert: Alert,
    environments: Environments,
    services: Catalogue = NO_SERVICES,
) -> str:
    """Return the channel of the first route that matches the alert; '' if none does."""
    if not routes:
        return ""
    spellings = spelled(alert, environments, services)
    matching = (route for route in routes if route.matches(alert, spellings, environments))
    return next((route.channel for route in matching), "")


def dead_routes(routes: Sequence[Route], environments: Environments) -> Iterator[FieldProblem]:
    """Yield a problem for each route that can never decide: its environment is undeclared, or an
    earlier route matches everything that it matches.
    """
    declared = ", ".join(environments.names)
    for place, route in enumerate(routes):
        for glob in route.undeclared(environments):
            yield FieldProblem(
                ("ingest", "routes", place, "match", "env"),
                f"no declared environment is {glob!r}, so it can never match;"
                f" declare it under remediate.environments, which has: {declared}",
                "unknown_environment",
            )
    for (place, earlier), (later_place, later) in combinations(enumerate(routes), 2):
        if _covers(earlier, later):
            yield FieldProblem(
                ("ingest", "routes", later_place),
                f"can never decide: route {place} above it matches the same alerts",
                "covered_route",
            )


def _covers(earlier: Route, later: Route) -> bool:
    return all(
        name in later.match and _all_in(later.match[name], globs)
        for name, globs in earlier.match.items()
    )


def _all_in(globs: Iterable[str], others: Iterable[str]) -> bool:
    known = {folded(glob) for glob in others}
    return "*" in known or {folded(glob) for glob in globs} <= known
