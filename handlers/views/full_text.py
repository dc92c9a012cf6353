"""The whole of the texts that a message shows in part: a button on it, and the modal with pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.language import _, plural
from handlers.views.cutting import fitting
from handlers.views.text import Block, button, code, context, section

PART = 2_900  # characters of a text in one block, once they are escaped
PARTS_OF_A_PAGE = 4  # Slack takes some 13,200 characters of text in one view


@dataclass(frozen=True, slots=True)
class Page:
    """An open page: `source` says which message it belongs to, `number` counts from 0."""

    source: str
    number: int


def add_button(blocks: Sequence[Block], source: str) -> list[Block]:
    """The blocks with the button that opens the modal, beside the other buttons."""
    full_text = button(_("Full text"), "sopbot.full_text", source)
    if blocks and blocks[-1]["type"] == "actions":
        last = blocks[-1]
        return [*blocks[:-1], {**last, "elements": [*last["elements"], full_text]}]
    return [*blocks, {"type": "actions", "elements": [full_text]}]


def full_text_modal(texts: Iterable[str], source: str, number: int) -> Block:
    """One page of the texts, each as it was written; the last page if `number` is too high."""
    parts = [part for text in texts for part in _parts(text)]
    pages = max(1, -(-len(parts) // PARTS_OF_A_PAGE))
    number = min(number, pages - 1)
    first = number * PARTS_OF_A_PAGE
    blocks: list[Block] = [
        section(code(part, PART), expand=True) for part in parts[first : first + PARTS_OF_A_PAGE]
    ] or [context(_("The message itself shows all of its text now."))]
    turns = []
    if number:
        turns.append(button(_("Back"), "sopbot.full_text.back", source))
    if number + 1 < pages:
        turns.append(button(_("More"), "sopbot.full_text.more", source))
    if turns:
        blocks += [
            context(
                _("Page {number} of {pages}").format(
                    number=number + 1, pages=plural(pages, "{count} page", "{count} pages")
                )
            ),
            {"type": "actions", "elements": turns},
        ]
    return {
        "type": "modal",
        "callback_id": "sopbot.full_text_modal",
        "private_metadata": f"{number} {source}",
        "title": {"type": "plain_text", "text": _("Full text")},
        "close": {"type": "plain_text", "text": _("Close")},
        "blocks": blocks,
    }


def page_of(view: Block) -> Page:
    """The open page."""
    number, _sep, source = str(view.get("private_metadata", "")).partition(" ")
    return Page(source, int(number) if number.isascii() and number.isdigit() else 0)


def _parts(text: str) -> list[str]:
    """The text in parts that fit into a block each; a part ends with a line, else with a word."""
    parts, begin = [], 0
    while begin < len(text):  # a text may have megabytes: its rest is never copied
        piece = text[begin : begin + PART]
        length = fitting(piece, PART)
        if begin + length < len(text):
            ends = (piece.rfind(mark, length // 2, length) for mark in ("\n", " "))
            length = next((end + 1 for end in ends if end > 0), length)
        parts.append(piece[:length])
        begin += length
    return parts
