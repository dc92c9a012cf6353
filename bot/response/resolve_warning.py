"""The consequences of closing an incident, for a person who must confirm it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.approvals.model import Approval
from bot.incidents.model import Incident
from store import Store


@dataclass(frozen=True, slots=True)
class ResolveWarning:
    """Names all that closing an incident would end: firing alerts, waiting approvals and open
    children.
    """

    firing: int
    waiting: tuple[Approval, ...]
    children: tuple[Incident, ...] = ()


async def what_resolving_ends(store: Store, incident: Incident) -> ResolveWarning | None:
    """Return the warning that a person must confirm before closing it; None without one."""
    children = tuple(await store.open_children(incident.id))
    waiting: list[Approval] = []
    for member in (incident, *children):
        approvals = await store.approvals_of(member.id)
        waiting += [approval for approval in approvals if not approval.decided]
    if not incident.firing and not waiting and not children:
        return None
    return ResolveWarning(incident.firing, tuple(waiting), children)
