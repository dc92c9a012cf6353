"""Shows a cascade: the children on the root's card, and the card of a root that became a child."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bot.incidents.model import (
    GroupedAlert,
    Incident,
    IncidentChange,
    IncidentStatus,
    Severity,
)
from bot.language import _, plural
from handlers.views.approval import with_mentions
from handlers.views.cutting import collect_cut_texts
from handlers.views.text import Block, button, context, line, section, symbol, untrusted_line
from handlers.views.why import why

NAMED = 5  # children that the card names
PAGE = 10  # children of a page of the list: with long titles Slack takes no more text


def severity(incident: Incident, children: Sequence[Incident]) -> Severity:
    """Return the most severe of the members that are open; the root's own if none is.

    A person who set the root's severity decides for all of them.
    """
    if incident.severity_by:
        return incident.severity
    members = [incident, *children]
    is_open = [member for member in members if member.status is not IncidentStatus.RESOLVED]
    return min((member.severity for member in is_open or [incident]), key=lambda item: item.rank)


def cause(incident: Incident, children: Sequence[Incident]) -> Incident:
    """Return the member that is the most probable cause."""
    return next((child for child in children if child.id == incident.cause_id), incident)


def shown(incident: Incident, children: Sequence[Incident]) -> Incident:
    """Return the member whose alert the card shows: the cause, while it lasts or once all is over.

    A cause that is resolved while other members go on gives the place back to the root.
    """
    member = cause(incident, children)
    return member if member.resolved_at is None or incident.resolved_at else incident


def cause_line(incident: Incident, children: Sequence[Incident]) -> str:
    """Say that the card shows a child, or name the child that is the cause; '' for the root."""
    member = cause(incident, children)
    if member.id == incident.id:
        return ""
    other = incident if shown(incident, children) is member else member
    title = untrusted_line(other.title, 100) or _("(no title)")
    if other is member:
        return _("most probable cause: `{number}` {title}").format(
            number=member.number, title=title
        )
    return _("most probable cause: this, `{number}`; seen first: {title}").format(
        number=member.number, title=title
    )


def children_line(children: Sequence[Incident]) -> str:
    """`3 children (cart-api, web, edge), 1 resolved`: services, or titles without a service."""
    names = Counter(
        untrusted_line(child.service or child.title, 40) or child.number for child in children
    )
    shown = [
        name if count == 1 else f"{name} ×{count}" for name, count in names.most_common()[:NAMED]
    ]
    if len(names) > NAMED:
        shown.append(_("{count} more").format(count=len(names) - NAMED))
    resolved = sum(child.status is IncidentStatus.RESOLVED for child in children)
    text = plural(len(children), "{count} child", "{count} children")
    text = f"{text} ({', '.join(shown)})"
    return text + (_(", {count} resolved").format(count=resolved) if resolved else "")


def folded_card(incident: Incident, root: Incident, url: str) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the card of an incident that became a child of `root`."""
    title = untrusted_line(incident.title, 150) or _("(no title)")
    whole = _("Child of `{number}`: {title}").format(
        number=root.number, title=untrusted_line(root.title, 150) or _("(no title)")
    )
    link = f" · <{url}|{_('open its thread')}>" if url else ""
    text = f"{whole} · {incident.number}"
    return text, [
        section(f"↪ *{title}*   `{incident.number}`"),
        context(f"{whole}{link}"),
    ]


def related_line(related: Incident | None) -> str:
    """Name the open incident that is perhaps part of the same fault; '' without one."""
    if related is None:
        return ""
    title = untrusted_line(related.title, 100) or _("(no title)")
    return _("perhaps related: `{number}` {title}").format(number=related.number, title=title)


def join_button(incident: Incident, related: Incident) -> Block:
    """The button that merges the incident into the one that it is perhaps related to."""
    return button(_("Join {number}").format(number=related.number), "sopbot.join", str(incident.id))


def children_button(incident: Incident, children: Sequence[Incident]) -> Block:
    """The button that opens the list of children."""
    return button(
        _("Children ({count})").format(count=len(children)), "sopbot.children", str(incident.id)
    )


def children_modal(
    root: Incident,
    children: Sequence[Incident],
    alerts: Sequence[Sequence[GroupedAlert]],
    joined: Mapping[int, str],
    offset: int = 0,
    notice: str = "",
) -> Block:
    """A page of the list of all `children`; `alerts` are those of each child of the page.

    `notice` is the answer to the last press in it.

    Each child has its state, why it is one, and a button that splits it. `joined` is the event of
    its timeline by which it became one: with the reason, if that is not its first alert.
    """
    source = f"{root.id} {offset}"
    with collect_cut_texts() as texts:
        count = _("*Children of* `{number}`: {count}").format(
            number=root.number, count=len(children)
        )
        blocks: list[Block] = [section(text) for text in (notice, count) if text]
        for child, first in zip(children[offset : offset + PAGE], alerts, strict=False):
            blocks += _child(child, first, joined.get(child.id, ""))
    buttons = []
    if offset:
        buttons.append(button(_("Back"), "sopbot.children.back", str(root.id)))
    if offset + PAGE < len(children):
        buttons.append(button(_("More"), "sopbot.children.more", str(root.id)))
    if texts:
        buttons.append(button(_("Full text"), "sopbot.full_text", f"children {source}"))
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return {
        "type": "modal",
        "callback_id": "sopbot.children_modal",
        "private_metadata": source,
        "title": {
            "type": "plain_text",
            "text": _("Children of {number}").format(number=root.number)[:24],
        },
        "close": {"type": "plain_text", "text": _("Close")},
        "blocks": blocks,
    }


def _child(child: Incident, alerts: Sequence[GroupedAlert], joined: str) -> list[Block]:
    is_resolved = child.status is IncidentStatus.RESOLVED
    mark = _("✅ resolved") if is_resolved else symbol(child.severity)
    title = untrusted_line(child.title, 200) or _("(no title)")
    first = alerts[0] if alerts else None
    because = why(first.reason, first.facts, first.alternatives) if first else ""
    if ": " in joined:
        because = with_mentions(line(joined, 200))
    blocks: list[Block] = [
        {"type": "divider"},
        section(f"{mark} · {title}   `{child.number}`"),
        *([context(because)] if because else []),
    ]
    if not is_resolved:
        split = button(
            _("Split {number}").format(number=child.number), "sopbot.split", str(child.id)
        )
        blocks.append({"type": "actions", "elements": [split]})
    return blocks


def was_split(change: IncidentChange) -> str:
    """The answer to the person who split an incident from its cascade."""
    number = change.incident.number
    if not change.changed:
        return _("Nothing changed: {number} is no child of another incident.").format(number=number)
    return _(
        "{number} is an incident of its own again, with its own card. The bot does not "
        "put the two together again; a person can."
    ).format(number=number)


def merged(change: IncidentChange, into_id: int) -> str:
    """The answer to the person who merged an incident into another one."""
    incident = change.incident
    root = f"INC-{incident.parent_id or incident.id}"
    if not change.changed:
        return _("Nothing changed: {number} and INC-{into_id} are one cascade already.").format(
            number=incident.number, into_id=into_id
        )
    return _(
        "{number} is a child of {root} now. Both go on in the thread of {root}. `/incident "
        "split {number}` undoes that."
    ).format(number=incident.number, root=root)
