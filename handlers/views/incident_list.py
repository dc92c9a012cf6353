"""The list of incidents: a table with links, the same as text, and buttons."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.listing import IncidentPage, ListFilter, Which
from bot.incidents.model import Incident, IncidentStatus, Severity
from bot.language import N_, _, number, plural
from handlers.views.pages import Page
from handlers.views.places import thread_link
from handlers.views.steering import resolved_mark
from handlers.views.text import (
    Block,
    ago,
    button,
    context,
    imitates_bot,
    line,
    plain,
    section,
    sendable,
    symbol,
    untrusted_line,
)

ACKNOWLEDGED_HERE = 4  # buttons of one page
LONGEST_STATE = 200  # characters of a filter that a button carries


def incident_list(
    chosen: ListFilter,
    page: IncidentPage,
    now: datetime,
    *,
    after: int | None = None,
    notice: str = "",
) -> Page:
    """The page behind the incident `after`; `notice` is the answer to a press in it."""
    head = _head(chosen, page, is_first=after is None)
    above = f"{notice}\n{head}" if notice else head
    if not page.incidents:
        return Page(above, [section(above)], [section(above)])
    rows = [_line(incident, page, now) for incident in page.incidents]
    hint = _("`/incident show {number}` shows one; `/incident help find` names more lists.").format(
        number=page.incidents[0].number
    )
    buttons = _buttons(chosen, page, after)
    blocks = [section(above), _table(page, now), *buttons, context(hint)]
    return Page("\n".join((above, *rows)), blocks, [section(above), *map(section, rows), *buttons])


def state_of(block_id: str) -> tuple[str, int | None]:
    """The filter as typed, and the incident behind which the page begins."""
    _kind, after, text = f"{block_id}//".split("/", 2)
    return text.rstrip("/"), int(after) if after.isascii() and after.isdigit() else None


_NONE = {
    Which.OPEN: N_("No open incidents{match}."),
    Which.RESOLVED: N_("No resolved incidents{match}."),
    Which.ALL: N_("No incidents{match}."),
}
_NO_MORE = {
    Which.OPEN: N_("No more open incidents{match}."),
    Which.RESOLVED: N_("No more resolved incidents{match}."),
    Which.ALL: N_("No more incidents{match}."),
}
_NONE_OWNED = {
    Which.OPEN: N_("You own no open incident{match}."),
    Which.RESOLVED: N_("You own no resolved incident{match}."),
    Which.ALL: N_("You own no incident{match}."),
}
_NO_MORE_OWNED = {
    Which.OPEN: N_("You own no more open incident{match}."),
    Which.RESOLVED: N_("You own no more resolved incident{match}."),
    Which.ALL: N_("You own no more incident{match}."),
}
_HEADS = {
    Which.OPEN: N_("*Open incidents*{match}, the most severe first"),
    Which.RESOLVED: N_("*Resolved incidents*{match}, the last resolved first"),
    Which.ALL: N_("*All incidents*{match}, the newest first"),
}
_OWN_HEADS = {
    Which.OPEN: N_("*Your open incidents*{match}, the most severe first"),
    Which.RESOLVED: N_("*Your resolved incidents*{match}, the last resolved first"),
    Which.ALL: N_("*Your incidents*{match}, the newest first"),
}


def _head(chosen: ListFilter, page: IncidentPage, *, is_first: bool) -> str:
    about = " ".join(chosen.terms)
    match = _(" with {words}").format(words=untrusted_line(about, 100)) if about else ""
    if not page.incidents:
        return _none(chosen, match, is_first=is_first)
    if chosen.which is not Which.OPEN or chosen.owner or about:
        heads = _OWN_HEADS if chosen.owner else _HEADS
        return _(heads[chosen.which]).format(match=match)
    counts = page.counts
    by_severity = " · ".join(
        f"{symbol(severity)} {number(counts[severity])}"
        for severity in Severity
        if counts.get(severity)
    )
    total = sum(counts.values())
    order = _(", the most severe first") if len(page.incidents) > 1 else ""
    title = plural(total, "{count} open incident", "{count} open incidents")
    return f"*{title}*{order}   {by_severity}"


def _none(chosen: ListFilter, match: str, *, is_first: bool) -> str:
    """Say that the list or its next page is empty, and name the list that has others."""
    if chosen.owner:
        texts = _NONE_OWNED if is_first else _NO_MORE_OWNED
    else:
        texts = _NONE if is_first else _NO_MORE
    parts = [_(texts[chosen.which]).format(match=match)]
    if chosen.owner:
        parts.append(_("`/incident list` shows everybody's."))
    if chosen.which is Which.OPEN and (match or chosen.owner):
        command = " ".join(
            ["/incident list all", *(["mine"] if chosen.owner else []), *_typed(chosen)]
        )
        parts.append(_("Resolved ones too: `{command}`.").format(command=command))
    return " ".join(parts)


def _typed(chosen: ListFilter) -> list[str]:
    terms = line(" ".join(chosen.terms), 100).replace("`", "'")
    return [terms] if terms else []


def _mark(incident: Incident) -> str:
    is_resolved = incident.status is IncidentStatus.RESOLVED
    return resolved_mark(incident) if is_resolved else symbol(incident.severity)


def _line(incident: Incident, page: IncidentPage, now: datetime) -> str:
    place = page.places.get(incident.id)
    number = f"<{thread_link(*place)}|{incident.number}>" if place else f"`{incident.number}`"
    where = " · ".join(
        untrusted_line(part, 40)
        for part in (incident.display.env, incident.display.service)
        if part
    )
    acked = f" · 👀 <@{incident.acknowledged_by}>" if incident.acknowledged_by else ""
    return (
        f"{_mark(incident)} {number} {untrusted_line(incident.title, 80) or _('(no title)')}"
        f"{f' · {where}' if where else ''} · {_age(incident, now)}{acked}"
        + (
            _(" · child of `INC-{parent_id}`").format(parent_id=incident.parent_id)
            if incident.parent_id
            else ""
        )
    )


def _age(incident: Incident, now: datetime) -> str:
    if incident.resolved_at:
        return _("{duration} ago").format(duration=ago(incident.resolved_at, now))
    return ago(incident.display.since, now)


def _table(page: IncidentPage, now: datetime) -> Block:
    """Two columns, so that a phone shows all of it without scrolling sideways."""
    head = [_cell(_("Incident")), _cell(_("What"))]
    rows = [head, *(_row(incident, page, now) for incident in page.incidents)]
    return {"type": "table", "rows": rows, "column_settings": [{}, {"is_wrapped": True}]}


def _row(incident: Incident, page: IncidentPage, now: datetime) -> list[Block]:
    place = page.places.get(incident.id)
    where = (incident.display.env, incident.display.service)
    about = " · ".join(_quoted(part, 40) for part in where if part)
    title = _quoted(incident.title, 80) or _("(no title)")
    part = (
        _(" · child of INC-{parent_id}").format(parent_id=incident.parent_id)
        if incident.parent_id
        else ""
    )
    what = f"{_mark(incident)} · {title}{f' · {about}' if about else ''}{part}"
    owner = incident.acknowledged_by
    age = f"\n{_age(incident, now)} · "
    who = [_text(f"{age}👀 "), {"type": "user", "user_id": owner}]
    return [
        _rich({"type": "link", "url": thread_link(*place), "text": incident.number})
        if place
        else _cell(incident.number),
        _rich(_text(what), *(who if owner else [_text(age + _("nobody owns it"))])),
    ]


def _quoted(text: str, limit: int) -> str:
    """A stranger's text in a cell, in quotation marks if a reader could take it for the bot's."""
    shown = plain(text, limit)
    return (
        f"“{shown.replace('“', chr(34)).replace('”', chr(34))}”" if imitates_bot(shown) else shown
    )


def _cell(text: str) -> Block:
    return {"type": "raw_text", "text": text}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _rich(*elements: Block) -> Block:
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": list(elements)}],
    }


def _buttons(chosen: ListFilter, page: IncidentPage, after: int | None) -> list[Block]:
    unowned = [
        incident
        for incident in page.incidents
        if incident.status is not IncidentStatus.RESOLVED
        and not incident.acknowledged_by
        and incident.parent_id is None  # the owner of the root looks after its children
    ]
    elements = [
        button(
            _("Acknowledge {number}").format(number=incident.number),
            f"sopbot.list.acknowledge.{n}",
            str(incident.id),
        )
        for n, incident in enumerate(unowned[:ACKNOWLEDGED_HERE])
    ]
    if after is not None:
        elements.append(button(_("First page"), "sopbot.list.first", "0"))
    if page.more:
        elements.append(button(_("More"), "sopbot.list.more", str(page.incidents[-1].id)))
    if not elements:
        return []
    state = f"list/{after or ''}/{sendable(chosen.text[:LONGEST_STATE])}"
    return [{"type": "actions", "block_id": state, "elements": elements}]
