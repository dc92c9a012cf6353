"""Rich text, Markdown, tables and tasks for the templates: every text already safe."""

import re
from typing import Any

from markupsafe import Markup

from .mrkdwn import Names, plain_to_html, to_html
from .reading import TASK_MARKS, cell_words

JSON = dict[str, Any]

LINK = re.compile(r"https?://[^\s\"'<>]+\Z", re.IGNORECASE)
PAGE_SIZE = 5  # rows that Slack shows of a data table that does not say how many


def table(block: JSON, names: Names) -> JSON:
    """A `table` or `data_table`: its rows of cells, and how many of them are seen at first."""
    data = block["type"] == "data_table"
    settings = block.get("column_settings") or []
    aligned = [(setting or {}).get("align", "left") for setting in settings]
    return {
        "caption": block.get("caption", ""),
        "header": data,
        "row_header": block.get("row_header_column_index", 0) if data else -1,
        "rows": [
            [
                (
                    rich_text(cell, names)
                    if cell["type"] == "rich_text"
                    else Markup("{}").format(cell_words(cell, names)),
                    "right" if cell["type"] == "raw_number" else align,
                )
                for cell, align in zip(row, [*aligned, *["left"] * len(row)], strict=False)
            ]
            for row in block["rows"]
        ],
        "page": (block.get("page_size") or PAGE_SIZE) if data else len(block["rows"]),
    }


def task(block: JSON, names: Names) -> JSON:
    """A `task_card`."""
    state = block.get("status", "pending")
    return {
        "title": block["title"],
        "state": state.replace("_", " "),
        "mark": TASK_MARKS[state],
        "details": rich_text(block.get("details") or {}, names),
        "output": rich_text(block.get("output") or {}, names),
        "sources": [
            (source["url"] if LINK.match(source["url"]) else "", source["text"])
            for source in block.get("sources") or ()
        ],
    }


def markdown(text: str, names: Names) -> Markup:
    """The `markdown` block: its commonest marks, put into Slack's own."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"(?m)^#{1,6}[ \t]+([^\n]+)$", r"*\1*", text)
    text = re.sub(r"\*\*([^*\n]+)\*\*", r"*\1*", text)
    text = re.sub(r"(?m)^(\s*)[-*] ", r"\1• ", text)
    text = re.sub(r"\[([^\[\]\n]+)\]\((https?://[^)\s|]+)\)", r"<\2|\1>", text)
    return to_html(text, names)


def rich_text(block: JSON, names: Names) -> Markup:
    """The basics of rich text, as lines."""
    lines: list[Markup] = []
    for part in block.get("elements") or ():
        kind, inner = part.get("type"), part.get("elements") or ()
        if kind == "rich_text_list":
            lines += [Markup("• ") + _run(item.get("elements") or (), names) for item in inner]
        elif kind == "rich_text_preformatted":
            lines.append(Markup("<pre><code>{}</code></pre>").format(_run(inner, names)))
        elif kind == "rich_text_quote":
            lines.append(Markup("<blockquote>{}</blockquote>").format(_run(inner, names)))
        else:
            lines.append(_run(inner, names))
    return Markup("<br>").join(lines)


def _run(elements: Any, names: Names) -> Markup:
    out = Markup("")
    for element in elements:
        kind = element.get("type")
        if kind == "text":
            piece = Markup("{}").format(element.get("text", "")).replace("\n", Markup("<br>"))
            result = element.get("style")
            styles = {s for s, on in result.items() if on} if isinstance(result, dict) else set()
            for style, tag in (("bold", "strong"), ("italic", "em"), ("strike", "del")):
                if style in styles:
                    piece = Markup("<{0}>{1}</{0}>").format(Markup(tag), piece)  # noqa: S704 - our own tags
            if "code" in styles:
                piece = Markup("<code>{}</code>").format(piece)
            out += piece
        elif kind == "link":
            url = str(element.get("url", ""))
            shown = element.get("text") or url
            link = '<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>'
            made = Markup(link).format(url, shown)  # noqa: S704 - our own template; values are escaped
            out += made if LINK.match(url) else Markup.escape(shown)
        elif kind == "user":
            out += Markup('<span class="mention">@{}</span>').format(
                names.users.get(element.get("user_id"), element.get("user_id"))
            )
        elif kind == "channel":
            out += Markup('<span class="mention">#{}</span>').format(
                names.channels.get(element.get("channel_id"), element.get("channel_id"))
            )
        elif kind == "emoji":
            out += plain_to_html(f":{element.get('name')}:")
    return out
