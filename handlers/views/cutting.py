"""Cuts a text to the space that it has, and keeps the whole text for the reader.

The renderer of a message collects the whole of each text that was cut, and adds the button that
shows them (`views.full_text`). So no view can lose a text to its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bot.language import _

LONGEST = 20_000  # characters of one text that are read: no view shows as many
SECTION_LIMIT = 3000  # Slack's, for one text object
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ESCAPED = re.compile("[&<>]")

_collected: ContextVar[dict[str, None] | None] = ContextVar("cut texts", default=None)


@contextmanager
def collect_cut_texts() -> Iterator[dict[str, None]]:
    """Collect the whole of each text that this task cuts meanwhile, in their order, each once.

    A collection around it gets them too.
    """
    texts: dict[str, None] = {}
    outer = _collected.get()
    token = _collected.set(texts)
    try:
        yield texts
    finally:
        _collected.reset(token)
        if outer is not None:
            outer |= texts


def keep_whole(text: str) -> None:
    """Keep a text that a view shows in part, or leaves out and announces."""
    texts = _collected.get()
    if texts is not None:
        texts[text] = None


def cut_line(shown: str, whole: str, limit: int, *, keep: bool = True) -> str:
    """`shown`, the line made of `whole`, in at most `limit` characters once it is escaped."""
    if fitting(shown, limit) == len(shown) and len(whole) <= LONGEST:
        return shown
    if keep:
        keep_whole(whole)
    return shown[: fitting(shown, limit - 1)].rstrip() + "…"


def cut(shown: str, whole: str, limit: int) -> str:
    """`shown`, a part of `whole`, within the limit, and how much was cut."""
    if fitting(shown, limit) == len(shown) and len(whole) <= LONGEST:
        return shown
    keep_whole(whole)
    kept = fitting(shown, limit - 40)  # 40 characters for the note
    more = len(shown) - kept + max(0, len(whole) - LONGEST)
    note = _("({count} characters more)").format(count=more)
    return f"{shown[:kept].rstrip()} … {note}"


def cut_section(text: str) -> str:
    """A text of ours with texts of others in it, within Slack's limit: whole lines are left out.

    The limits of the views add up to less, so this is the last guard against a refused message.
    """
    if len(text) <= SECTION_LIMIT:
        return text
    keep_whole(text)
    head = text[: SECTION_LIMIT - 2]
    return (head.rpartition("\n")[0] or head) + "\n…"


def fitting(text: str, limit: int) -> int:
    """The number of characters of `text` that take at most `limit` once they are escaped."""
    more = sum(text.count(char) * (len(entity) - 1) for char, entity in _ENTITIES.items())
    if len(text) + more <= limit:
        return len(text)
    longer = 0  # by this much the entities so far lengthen the text
    for match in _ESCAPED.finditer(text):
        entity = len(_ENTITIES[match[0]])
        if match.start() + longer + entity > limit:
            return max(0, min(match.start(), limit - longer))
        longer += entity - 1
    return max(0, limit - longer)
