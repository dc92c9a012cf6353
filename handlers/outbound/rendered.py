"""A message in Slack's form, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.views.text import Block


@dataclass(frozen=True, slots=True)
class File:
    """A file to share. No other file of the bot has its `name` in the same thread."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in Slack's form; `broadcast` shows a reply in the channel too.

    `facts` go into its metadata, for the code that reads the message later. `only_if_posted`: it
    changes a message that Slack shows, and is not posted anew. `file` is shared instead of a
    message with blocks; `text` stands above it.
    """

    text: str
    blocks: list[Block]
    broadcast: bool = False
    facts: Mapping[str, str | int] = field(default_factory=dict)
    only_if_posted: bool = False
    file: File | None = None
