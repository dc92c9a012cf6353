"""Finds the most probable root cause among the members of a cascade. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.cascades import Calls, Member
from bot.incidents.troubles import Trouble

_CAUSES = frozenset({"availability", "database", "queue", "network"})
"""Categories of what is down or holds data: errors, latency and load are rather their effects."""


def cause(members: Sequence[Member], calls: Calls) -> Member:
    """Return the most probable root cause among the members of a cascade.

    In this order: a zone that is down, a node that is down, a deploy, a service that members call
    and that calls none of them (a store or one that is down before others, then the one with the
    most callers), then the member that began first.
    """
    services = {member.service for member in members if member.service}

    def order(member: Member) -> tuple[int, bool, int, datetime, int]:
        called_by = len(services & calls.callers_of(member.service))
        calls_some = bool(services & calls.calls_of(member.service))
        if member.trouble is Trouble.NODE_DOWN:
            kind = -1 if member.is_zone_down else 0
        elif member.trouble is Trouble.DEPLOY:
            kind = 1
        elif called_by and not calls_some:
            kind = 2
        else:
            kind = 3 if called_by else 4
        is_effect = member.scope.category not in _CAUSES
        return kind, is_effect, -called_by, member.at, member.id

    return min(members, key=order)
