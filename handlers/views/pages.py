"""An answer with blocks, to one person."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.views.text import Block


class Page(str):
    """A text, and the blocks that show the same; `simple` are blocks that every Slack takes.

    It is a string, so that it goes wherever an answer goes: the text is what a notification and a
    screen reader have, and what is shown if Slack refuses the blocks.
    """

    __slots__ = ("blocks", "simple")
    blocks: Sequence[Block]
    simple: Sequence[Block]

    def __new__(cls, text: str, blocks: Sequence[Block], simple: Sequence[Block]) -> Page:
        """Make the answer."""
        page = super().__new__(cls, text)
        page.blocks, page.simple = blocks, simple
        return page
