"""Shows a cascade: the children on the root's card, and the card of a root that became a child."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.incidents.model import Incident, IncidentStatus, Severity
from handlers.views.text import Block, context, section, untrusted_line

NAMED = 5  # children that the card names


def severity(incident: Incident, children: Sequence[Incident]) -> Severity:
    """Return the most severe of the members that are open; the root's own if none is."""
    members = [incident, *children]
    is_open = [member for member in members if member.status is not IncidentStatus.RESOLVED]
    return min((member.severity for member in is_open or [incident]), key=lambda item: item.rank)


def cause(incident: Incident, children: Sequence[Incident]) -> Incident:
    """Return the member that is the most probable cause."""
    return next((child for child in children if child.id == incident.cause_id), incident)


def cause_line(incident: Incident, children: Sequence[Incident]) -> str:
    """Name the most probable cause if that is a child; '' otherwise."""
    member = cause(incident, children)
    if member.id == incident.id:
        return ""
    title = untrusted_line(member.title, 100) or "(no title)"
    return f"most probable cause: `{member.number}` {title}"


def children_line(children: Sequence[Incident]) -> str:
    """`3 children (cart-api, web, edge), 1 resolved`: services, or titles without a service."""
    names = Counter(
        untrusted_line(child.service or child.title, 40) or child.number for child in children
    )
    shown = [
        name if count == 1 else f"{name} ×{count}" for name, count in names.most_common()[:NAMED]
    ]
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    resolved = sum(child.status is IncidentStatus.RESOLVED for child in children)
    text = "1 child" if len(children) == 1 else f"{len(children)} children"
    return f"{text} ({', '.join(shown)})" + (f", {resolved} resolved" if resolved else "")


def folded_card(incident: Incident, root: Incident, url: str) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the card of an incident that became a child of `root`."""
    title = untrusted_line(incident.title, 150) or "(no title)"
    whole = f"Part of `{root.number}`: {untrusted_line(root.title, 150) or '(no title)'}"
    link = f" · <{url}|open its thread>" if url else ""
    text = f"{whole} · {incident.number}"
    return text, [
        section(f"↪ *{title}*   `{incident.number}`"),
        context(f"{whole}{link}"),
    ]
