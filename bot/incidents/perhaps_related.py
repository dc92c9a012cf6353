"""Finds the incident that a person might want to merge a new one with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.incidents.cascades import Member
from bot.incidents.troubles import Trouble

RELATED_WITHIN = timedelta(seconds=60)


def perhaps_related(new: Member, members: Iterable[Member]) -> Member | None:
    """Return the oldest root that a person might want to merge a new root with.

    In the same namespace of the same cluster, within a minute, and no rule links the two: that is
    likely, but not sure enough to merge them.
    """
    if not new.namespace or new.trouble is Trouble.SLOW:
        return None
    near = (
        member
        for member in members
        if member.namespace == new.namespace
        and member.trouble is not Trouble.SLOW
        and not new.scope.contradicts(member.scope)
        and abs(new.at - member.at) <= RELATED_WITHIN
    )
    return min(near, key=lambda member: member.root_id, default=None)
