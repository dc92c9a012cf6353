"""Reads a Slack message once for all parsers: its text, fields, links and colour.

Slack omits empty parts, sets `text` to "" beside attachments, and wraps parts in others. A
stranger's message may hold any value anywhere, so every step checks the type first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.incidents.model import AlertStatus
from bot.intake.cleaning import LOOKED_AT, urls_in
from bot.intake.colours import colour_state
from bot.intake.slack_text import bare, field_of, plain

_NO_PREVIEW = "[no preview available]"
_DEPTH_LIMIT = 12
MOST_HEADLINES = 100  # headlines of a message that the parsers read
MOST_READ = 4 * LOOKED_AT  # characters of all its texts; a card shows 10,000
MOST_PARTS = 200  # blocks, attachments or fields side by side; Slack itself accepts 100


@dataclass(frozen=True, slots=True)
class Attachment:
    """The parts of an attachment that parsers need, as plain text."""

    title: str
    title_link: str
    text: str
    footer: str


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """The visible content of a message. `headlines` are the places where a title may stand.

    `colours` are the sender's, as lower-case words or six hex digits; `colour` is what they say.
    """

    sender: str
    headlines: tuple[str, ...]
    text: str
    attachments: tuple[Attachment, ...]
    fields: Mapping[str, str]
    links: tuple[tuple[str, str], ...]
    colour: AlertStatus | None
    colours: tuple[str, ...]
    block_ids: tuple[str, ...]
    raw: Mapping[str, Any]

    @property
    def title_link(self) -> str:
        """Return the first attachment's title link, or ''."""
        return self.attachments[0].title_link if self.attachments else ""


def read_message(message: Mapping[str, Any]) -> SlackMessage:
    """Read a message, or the message inside a `message_changed` event. Never raises."""
    inner = message.get("message")
    if message.get("subtype") == "message_changed" and isinstance(inner, dict):
        message = inner
    return _Reader().read(message)


class _Reader:
    """Collects the parts of one message while it walks the blocks."""

    def __init__(self) -> None:
        self.capacity = MOST_READ
        self.pieces: list[str] = []
        self.headlines: list[str] = []
        self.fields: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.colours: list[str] = []
        self.block_ids: list[str] = []

    def read(self, message: Mapping[str, Any]) -> SlackMessage:
        text = self.plain(message.get("text"))
        blocks = _mappings(message.get("blocks"))
        # Typed text arrives twice: as `text` and as the rich_text block that Slack makes of it.
        typed = bool(text) and all(block.get("type") == "rich_text" for block in blocks)
        for block in blocks:
            self.block(block, silent=typed)
        if text:
            self.headlines.append(text)
        attachments = tuple(
            [self.attachment(attachment) for attachment in _mappings(message.get("attachments"))]
        )
        for file in _mappings(message.get("files")):
            name = self.plain(file.get("title")) or self.plain(file.get("name"))
            self.add(name)
            self.link(name, _text(file.get("permalink")))
        # Beside blocks or attachments the text often repeats them, for notifications.
        if text and not any(text in piece for piece in self.pieces):
            self.pieces.insert(0, text)
        return SlackMessage(
            sender=_sender(message),
            headlines=tuple(self.headlines[:MOST_HEADLINES]),
            text="\n".join(self.pieces),
            attachments=attachments,
            fields=self.fields,
            links=tuple((label, url) for url, label in self.links.items()),
            colour=self.status_by_colour(),
            colours=tuple(self.colours),
            block_ids=tuple(self.block_ids),
            raw=message,
        )

    def plain(self, value: object) -> str:
        return self.unstripped(value).strip()

    def unstripped(self, value: object) -> str:
        """Return the same as `plain`, but keep the white space around it, because rich text needs
        it.

        Texts beyond MOST_READ are cut: any app can write here, and must not block the event loop.
        """
        if not isinstance(value, str) or not value or not self.capacity:
            return ""
        value = value[: self.capacity]
        self.capacity -= len(value)
        text = plain(value, self.link)
        for url in urls_in(text):
            self.link("", url)
        return text

    def link(self, label: str, url: str) -> None:
        if url:
            self.links.setdefault(url, label)

    def add(self, text: str) -> None:
        if text:
            self.pieces.append(text)

    def attachment(self, item: Mapping[str, Any]) -> Attachment:
        before = len(self.pieces)
        title, link = self.plain(item.get("title")), _text(item.get("title_link"))
        author, text = self.plain(item.get("author_name")), self.plain(item.get("text"))
        pretext, footer = self.plain(item.get("pretext")), self.plain(item.get("footer"))
        fallback = self.plain(item.get("fallback"))
        if link:
            self.links.setdefault(link, bare(title))
        self.add(pretext)
        self.add(author)
        self.add(title)
        self.add(text)
        for field in _mappings(item.get("fields")):
            self.field(self.plain(field.get("title")), self.plain(field.get("value")))
        for block in _mappings(item.get("blocks")):
            self.block(block)
        for action in _mappings(item.get("actions")):
            self.button(action)
        if image := _text(item.get("image_url")):
            self.link("Image", image)
        if fallback == _NO_PREVIEW:
            fallback = ""
        if len(self.pieces) == before:
            self.add(fallback)
        self.add(footer)
        self.headlines += [part for part in (title, author, pretext, text, fallback) if part]
        if colour := _text(item.get("color")):
            self.colours.append(colour.lstrip("#").lower())
        return Attachment(title, link, text, footer)

    def field(self, name: str, value: str) -> None:
        name = bare(name).rstrip(":")
        if name and value:
            self.fields.setdefault(name.lower(), bare(value))
        self.add(f"{name}: {value}" if name and value else name or value)

    def button(self, element: Mapping[str, Any]) -> None:
        """Turn a link button into a link; skip any other control, because we cannot handle its
        clicks.
        """
        if url := _text(element.get("url")):
            self.link(bare(self.text_of(element.get("text"))), url)

    def text_of(self, value: object) -> str:
        """Return the text of a text object or of a bare string."""
        return self.plain(value.get("text") if isinstance(value, dict) else value)

    def block(self, block: Mapping[str, Any], *, silent: bool = False, depth: int = 0) -> None:
        if depth > _DEPTH_LIMIT:
            return
        if block_id := _text(block.get("block_id")):
            self.block_ids.append(block_id)
        kind = block.get("type")
        if kind == "button":
            self.button(block)
            return
        if kind == "rich_text":
            text = self.inline(block, depth)
            if not silent:
                self.add(text)
            return
        text = self.text_of(block.get("text"))
        self.add(text)
        if text and kind in ("header", "section", "markdown"):
            self.headlines.append(text)
        for name in ("title", "subtitle", "body", "description", "alt_text"):
            self.add(self.text_of(block.get(name)))
        for item in _mappings(block.get("fields")):
            text = self.text_of(item)
            self.field(*(field_of(text) or ("", text)))
        for item in _mappings(block.get("elements")):
            self.block(item, depth=depth + 1)
        if isinstance(accessory := block.get("accessory"), dict):
            self.block(accessory, depth=depth + 1)
        rows = block.get("rows")
        for row in rows if isinstance(rows, list) else ():
            self.add(" | ".join(self.inline(cell, depth) for cell in _mappings(row)))

    def inline(self, node: Mapping[str, Any], depth: int) -> str:
        """Return rich text: sections and list items end lines, everything else continues
        the line.
        """
        if depth > _DEPTH_LIMIT:
            return ""
        kind = node.get("type")
        if kind == "link":
            text = self.text_of(node.get("text"))
            url = _text(node.get("url"))
            self.link(text, url)
            return text or url
        if kind in ("text", "raw_text"):
            return self.unstripped(node.get("text"))
        if kind in ("user", "usergroup", "channel", "broadcast", "emoji", "date"):
            return _INLINE[kind](node)
        ends = "\n" if kind in ("rich_text", "rich_text_list") else ""
        return ends.join(self.inline(item, depth + 1) for item in _mappings(node.get("elements")))

    def status_by_colour(self) -> AlertStatus | None:
        """Return resolved only if no part of the message has a firing colour."""
        shown_state = {colour_state(colour) for colour in self.colours}
        firing, resolved = AlertStatus.FIRING, AlertStatus.RESOLVED
        return firing if firing in shown_state else resolved if resolved in shown_state else None


_INLINE = {
    "user": lambda node: f"[user {_text(node.get('user_id'))}]",
    "usergroup": lambda node: f"[group {_text(node.get('usergroup_id'))}]",
    "channel": lambda node: f"#{_text(node.get('channel_id'))}",
    "broadcast": lambda node: f"[{_text(node.get('range'))}]",
    "emoji": lambda node: f":{_text(node.get('name'))}:",
    "date": lambda node: plain(_text(node.get("fallback"))),
}


def _sender(message: Mapping[str, Any]) -> str:
    profile = message.get("bot_profile")
    name = message.get("username") or (profile.get("name") if isinstance(profile, dict) else "")
    return plain(_text(name)).strip()


def _mappings(value: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list):
        return ()
    return [item for item in value[:MOST_PARTS] if isinstance(item, dict)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
