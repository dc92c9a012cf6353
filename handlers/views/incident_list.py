"""The list of incidents: a table with links, the same as text, and buttons."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.listing import IncidentPage, ListFilter, Which
from bot.incidents.model import Incident, IncidentStatus, Severity
from handlers.views.pages import Page
from handlers.views.places import thread_link
from handlers.views.steering import resolved_mark
from handlers.views.text import (
    SYMBOL,
    Block,
    ago,
    button,
    context,
    imitates_bot,
    line,
    plain,
    plural,
    section,
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
    hint = "`/incident show INC-1` shows one incident; `/incident help find` names more lists."
    buttons = _buttons(chosen, page, after)
    blocks = [section(above), _table(page, now), *buttons, context(hint)]
    return Page("\n".join((above, *rows)), blocks, [section(above), *map(section, rows), *buttons])


def state_of(block_id: str) -> tuple[str, int | None]:
    """The filter as typed, and the incident behind which the page begins."""
    _, after, text = f"{block_id}//".split("/", 2)
    return text.rstrip("/"), int(after) if after.isascii() and after.isdigit() else None


def _head(chosen: ListFilter, page: IncidentPage, *, is_first: bool) -> str:
    whose = "Your " if chosen.owner else ""
    about = " ".join(chosen.terms)
    match = f" with {line(about, 100)}" if about else ""
    if not page.incidents:
        which = "" if chosen.which is Which.ALL else f"{chosen.which} "
        others = " " + _all_of(chosen) if chosen.which is Which.OPEN and (about or whose) else ""
        end = "" if is_first else " more"
        if chosen.owner:
            all_open = "`/incident list` shows everybody's."
            return f"You own no{end} {which}incident{match}. {all_open}{others}"
        return f"No{end} {which}incidents{match}.{others}"
    if chosen.which is Which.RESOLVED:
        return f"*{whose}{'r' if whose else 'R'}esolved incidents*{match}, the last resolved first"
    if chosen.which is Which.ALL:
        return f"*{whose or 'All '}incidents*{match}, the newest first"
    if whose or about:
        return f"*{whose}{'o' if whose else 'O'}pen incidents*{match}, the most severe first"
    counts = page.counts
    by_severity = " · ".join(
        f"{SYMBOL[severity]} {counts[severity]:,}" for severity in Severity if counts.get(severity)
    )
    total = sum(counts.values())
    order = ", the most severe first" if len(page.incidents) > 1 else ""
    return f"*{plural(total, 'open incident')}*{order}   {by_severity}"


def _all_of(chosen: ListFilter) -> str:
    terms = line(" ".join(chosen.terms), 100).replace("`", "'")
    mine = " mine" if chosen.owner else ""
    return f"Resolved ones too: `/incident list all{mine}{' ' + terms if terms else ''}`."


def _mark(incident: Incident) -> str:
    is_resolved = incident.status is IncidentStatus.RESOLVED
    return resolved_mark(incident) if is_resolved else SYMBOL[incident.severity]


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
        f"{_mark(incident)} {number} {untrusted_line(incident.title, 80) or '(no title)'}"
        f"{f' · {where}' if where else ''} · {_age(incident, now)}{acked}"
        + (f" · part of `INC-{incident.parent_id}`" if incident.parent_id else "")
    )


def _age(incident: Incident, now: datetime) -> str:
    if incident.resolved_at:
        return f"{ago(incident.resolved_at, now)} ago"
    return ago(incident.display.since, now)


def _table(page: IncidentPage, now: datetime) -> Block:
    head = [_cell(text) for text in ("Incident", "Severity", "What", "For", "Owner")]
    rows = [head, *(_row(incident, page, now) for incident in page.incidents)]
    wrapped = [{}, {}, {"is_wrapped": True}, {}, {}]
    return {"type": "table", "rows": rows, "column_settings": wrapped}


def _row(incident: Incident, page: IncidentPage, now: datetime) -> list[Block]:
    place = page.places.get(incident.id)
    where = (incident.display.env, incident.display.service)
    about = " · ".join(_quoted(part, 40) for part in where if part)
    title = _quoted(incident.title, 80) or "(no title)"
    part = f" · part of INC-{incident.parent_id}" if incident.parent_id else ""
    what = f"{title}{f' · {about}' if about else ''}{part}"
    owner = incident.acknowledged_by
    return [
        _rich({"type": "link", "url": thread_link(*place), "text": incident.number})
        if place
        else _cell(incident.number),
        _cell(_mark(incident)),
        _cell(what),
        _cell(_age(incident, now)),
        _rich({"type": "user", "user_id": owner}) if owner else _cell("nobody"),
    ]


def _quoted(text: str, limit: int) -> str:
    """A stranger's text in a cell, in quotation marks if a reader could take it for the bot's."""
    shown = plain(text, limit)
    return (
        f"“{shown.replace('“', chr(34)).replace('”', chr(34))}”" if imitates_bot(shown) else shown
    )


def _cell(text: str) -> Block:
    return {"type": "raw_text", "text": text}


def _rich(element: Block) -> Block:
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [element]}],
    }


def _buttons(chosen: ListFilter, page: IncidentPage, after: int | None) -> list[Block]:
    unowned = [
        incident
        for incident in page.incidents
        if incident.status is not IncidentStatus.RESOLVED and not incident.acknowledged_by
    ]
    elements = [
        button(f"Acknowledge {incident.number}", f"sopbot.list.acknowledge.{n}", str(incident.id))
        for n, incident in enumerate(unowned[:ACKNOWLEDGED_HERE])
    ]
    if after is not None:
        elements.append(button("First page", "sopbot.list.first", "0"))
    if page.more:
        elements.append(button("More", "sopbot.list.more", str(page.incidents[-1].id)))
    if not elements:
        return []
    state = f"list/{after or ''}/{chosen.text[:LONGEST_STATE]}"
    return [{"type": "actions", "block_id": state, "elements": elements}]
