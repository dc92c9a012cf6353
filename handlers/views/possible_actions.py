"""The gateway's targets, each with the actions that a person can propose or run on it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.language import _, plural
from bot.remediation.offers import OfferedAction, Possible
from handlers.views.full_text import add_button
from handlers.views.pages import Page
from handlers.views.text import inline_code, section, untrusted_line

OF_ACTIONS = "actions_of"
"""Before the name of the target that stands first, in the value of the button "Full text"."""
SHOWN_TARGETS = 12
SHOWN_CHARS = 2_400
WHOLE_CHARS = 500_000
"""The most characters of the whole list; a hostile gateway could send 150 MB for each page."""


def summary(rows: Sequence[Possible], first: str) -> Page:
    """Return the first targets with the ids of their actions; the button shows all of it."""
    lines: list[str] = []
    for row in rows[:SHOWN_TARGETS]:
        line = _line(row)
        if sum(map(len, lines)) + len(line) > SHOWN_CHARS:
            break
        lines.append(line)
    left = len(rows) - len(lines)
    if left:
        lines.append(_more_targets(left))
    heading = _("*What can be done*: `/incident fix INC-1 action target` proposes it")
    text = "\n".join([heading, *lines])
    blocks = add_button([section(text)], f"{OF_ACTIONS} {first}".rstrip())
    return Page(text, blocks, blocks)


def whole(rows: Sequence[Possible]) -> str:
    """Return every target with the title, the parameters and the risk of each action, plainly.

    Of a list that is too long only the first targets are shown.
    """
    parts: list[str] = []
    length = 0
    for number, row in enumerate(rows):
        if length > WHOLE_CHARS:
            parts.append(_more_targets(len(rows) - number))
            break
        begin = len(parts)
        parts.append(_heading(row))
        for action in row.changes:
            parts.append(f"  {_described(action)}")
            back = action.inverse or _("nothing")
            parts.append(
                "    " + _("risk {risk}, taken back by {back}").format(risk=action.risk, back=back)
            )
        parts += [f"  {_described(action)} ({_('only reads')})" for action in row.reads]
        parts.append("")
        length += sum(map(len, parts[begin:]))
    return "\n".join(parts)


def _more_targets(count: int) -> str:
    return plural(count, "… and {count} more target", "… and {count} more targets")


def _line(row: Possible) -> str:
    changes = ", ".join(inline_code(action.id, 80) for action in row.changes)
    reads = ", ".join(inline_code(action.id, 80) for action in row.reads)
    read = _("reads: {actions}").format(actions=reads) if reads else ""
    actions = " · ".join(part for part in (changes, read) if part)
    return f"• *{untrusted_line(row.target.name, 100)}*{_kind(row)}: {actions}"


def _kind(row: Possible) -> str:
    parts = [part for part in (row.target.system, row.target.environment) if part]
    return f" ({', '.join(untrusted_line(part, 63) for part in parts)})" if parts else ""


def _heading(row: Possible) -> str:
    parts = (row.target.name, row.target.system, row.target.environment, row.target.owner)
    return " · ".join(part for part in parts if part)


def _described(action: OfferedAction) -> str:
    names = " ".join(f"{name}=…" for name in action.fields or {})
    return f"{action.id} {names}".rstrip() + f": {action.title}"
