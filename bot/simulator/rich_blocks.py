"""Checks of the blocks of 2025 and 2026: tables, cards, task cards, plans, alerts.

Sources: the pages of docs.slack.dev/reference/block-kit/blocks (read 2026-11) and
slack_sdk.models 3.48. Where the two differ, the narrower one is kept to.
"""

from collections.abc import Callable, Iterator
from typing import Any

from .limits import Report, Text, check_text

JSON = dict[str, Any]
Check = Callable[[Report, JSON, str], None]

CELLS = ("raw_text", "raw_number", "rich_text")
MAX_COLUMNS = 20
MAX_TABLE_TEXT = 10_000  # characters in all tables of a message
MAX_DATA_TABLE_TEXT = 20_000
MAX_CARD_BUTTONS = 3
TASK_STATES = ("pending", "in_progress", "complete", "error")
WIDTHS = ("narrow", "standard", "wide", "full")
ALERT_LEVELS = ("default", "info", "warning", "error", "success")
_RICH = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}


def check_rich_text(report: Report, block: Any, at: str) -> None:
    """A `rich_text` block, as a block of its own or within another one."""
    elements = block.get("elements") if isinstance(block, dict) else None
    if (
        not isinstance(elements, list)
        or block.get("type") != "rich_text"
        or any(
            not isinstance(e, dict) or str(e.get("type")) not in _RICH or not _is_rich(e)
            for e in elements
        )
    ):
        report.add(f"{at}/elements", "invalid_enum", "must be rich text elements")


def _is_rich(part: JSON) -> bool:
    """Check that a part of rich text is well formed, at any depth."""
    inner = part.get("elements", [])
    if not isinstance(inner, list) or not all(isinstance(e, dict) and _is_rich(e) for e in inner):
        return False
    values = [part[n] for n in ("text", "url", "name", "user_id", "channel_id") if n in part]
    style = part.get("style")
    return all(isinstance(w, str) for w in values) and (
        style is None or isinstance(style, str | dict)
    )


def _rows(report: Report, block: JSON, at: str, bounds: tuple[int, int]) -> list[list[Any]]:
    """The rows, when they are rows of as many cells as Slack takes."""
    rows, (least, most) = block.get("rows"), bounds
    if not isinstance(rows, list) or not least <= len(rows) <= most:
        report.add(f"{at}/rows", "failed_constraint", f"must have {least} to {most} rows")
        return []
    for index, row in enumerate(rows):
        if not isinstance(row, list) or not 1 <= len(row) <= MAX_COLUMNS:
            message = f"a row has 1 to {MAX_COLUMNS} cells"
            report.add(f"{at}/rows/{index}", "failed_constraint", message)
            return []
    return rows


def _cells(rows: list[list[Any]], at: str) -> Iterator[tuple[Any, str, int]]:
    """Every cell with its pointer and the number of its row."""
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            yield cell, f"{at}/rows/{number}/{column}", number


def _cell(report: Report, cell: Any, at: str, kinds: tuple[str, ...]) -> None:
    kind = cell.get("type") if isinstance(cell, dict) else None
    if kind not in kinds:
        report.add(f"{at}/type", "invalid_enum", f"unsupported type: {kind}")
    elif kind == "rich_text":
        check_rich_text(report, cell, at)
    elif kind == "raw_number" and not _is_number(cell.get("value")):
        report.add(f"{at}/value", "invalid_type", "must be a number")
    elif kind == "raw_text" or "text" in cell:
        report.string(at, "text", cell.get("text"), MAX_DATA_TABLE_TEXT)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_table(report: Report, block: JSON, at: str) -> None:
    """`table`: 100 rows of 20 cells, 10,000 characters."""
    rows = _rows(report, block, at, (1, 100))
    for cell, here, _ in _cells(rows, at):
        _cell(report, cell, here, CELLS)
    settings = block.get("column_settings")
    if settings is not None and (
        not isinstance(settings, list)
        or len(settings) > MAX_COLUMNS
        or not all(setting is None or isinstance(setting, dict) for setting in settings)
    ):
        message = f"must be an array of at most {MAX_COLUMNS} objects"
        report.add(f"{at}/column_settings", "failed_constraint", message)
    elif settings:
        for index, setting in enumerate(settings):
            if setting and setting.get("align", "left") not in ("left", "center", "right"):
                here = f"{at}/column_settings/{index}/align"
                report.add(here, "invalid_enum", "must be `left`, `center` or `right`")
    _not_too_much_text(report, rows, at, MAX_TABLE_TEXT)


def check_data_table(report: Report, block: JSON, at: str) -> None:
    """`data_table`: a header and up to 200 rows, all of the same number of cells."""
    report.string(at, "caption", block.get("caption"), 3000)
    rows = _rows(report, block, at, (2, 201))
    for cell, here, number in _cells(rows, at):
        _cell(report, cell, here, CELLS if number else ("raw_text", "raw_number"))
    if len({len(row) for row in rows}) > 1:
        report.add(f"{at}/rows", "failed_constraint", "all rows must have the same number of cells")
    columns = len(rows[0]) if rows else MAX_COLUMNS
    for name, least, most in (("page_size", 1, 100), ("row_header_column_index", 0, columns - 1)):
        value = block.get(name)
        if value is not None and (not _is_number(value) or not least <= value <= most):
            message = f"must be between {least} and {most}"
            report.add(f"{at}/{name}", "failed_constraint", message)
    _not_too_much_text(report, rows, at, MAX_DATA_TABLE_TEXT)


def _not_too_much_text(report: Report, rows: list[list[Any]], at: str, most: int) -> None:
    if sum(table_text(cell) for cell, _, _ in _cells(rows, at)) > most:
        message = f"no more than {most} characters in all cells"
        report.add(f"{at}/rows", "failed_constraint", message)


def table_text(part: Any) -> int:
    """Characters of text in a cell."""
    if isinstance(part, list):
        return sum(map(table_text, part))
    if not isinstance(part, dict):
        return 0
    own = part.get("text")
    return (len(own) if isinstance(own, str) else 0) + table_text(part.get("elements"))


def check_card(report: Report, block: JSON, at: str) -> None:
    """`card`: title and subtitle 150, body 200; buttons are checked as elements."""
    if not any(block.get(name) for name in ("hero_image", "title", "actions", "body")):
        message = "must provide `hero_image`, `title`, `actions` or `body`"
        report.add(at, "missing_field", message)
    for name, most in (("title", 150), ("subtitle", 150), ("body", 200)):
        if block.get(name) is not None:
            check_text(report, block[name], f"{at}/{name}", Text(most=most))
    for name in ("hero_image", "icon"):
        if block.get(name) is not None:
            check_image(report, block[name], f"{at}/{name}")


def check_container(report: Report, block: JSON, at: str) -> None:
    """Check a `container`'s own fields; its children are checked as blocks."""
    if block.get("title") is None and block.get("rich_text_title") is None:
        report.add(at, "missing_field", "must provide `title` or `rich_text_title`")
    for name, plain in (("title", True), ("subtitle", False)):
        if block.get(name) is not None:
            check_text(report, block[name], f"{at}/{name}", Text(most=150, plain=plain))
    if block.get("rich_text_title") is not None:
        check_rich_text(report, block["rich_text_title"], f"{at}/rich_text_title")
    if block.get("icon") is not None:
        check_image(report, block["icon"], f"{at}/icon")
    if block.get("width", "standard") not in WIDTHS:
        report.add(f"{at}/width", "invalid_enum", f"must be one of {', '.join(WIDTHS)}")
    for name in ("is_collapsible", "default_collapsed", "has_header_divider"):
        check_flag(report, block, at, name)
    if block.get("default_collapsed") and not block.get("is_collapsible"):
        message = "requires `is_collapsible` to be true"
        report.add(f"{at}/default_collapsed", "failed_constraint", message)
    if block.get("has_header_divider") and block.get("is_collapsible"):
        message = "cannot be set when `is_collapsible` is true"
        report.add(f"{at}/has_header_divider", "failed_constraint", message)


def check_flag(report: Report, block: JSON, at: str, name: str) -> None:
    """True or false, where it is named."""
    if block.get(name) is not None and not isinstance(block[name], bool):
        report.add(f"{at}/{name}", "invalid_type", "must be a boolean")


def check_image(report: Report, image: Any, at: str) -> None:
    """An image element within a card or a container."""
    if not isinstance(image, dict) or image.get("type") != "image":
        report.add(at, "invalid_type", "must be an image element")
        return
    if "image_url" not in image and "slack_file" not in image:
        report.add(at, "missing_field", "must provide `image_url` or `slack_file`")
    if "image_url" in image:
        report.string(at, "image_url", image["image_url"], 3000)
    report.string(at, "alt_text", image.get("alt_text"), 2000)


def check_task_card(report: Report, block: Any, at: str) -> None:
    """`task_card`: one step, its state, details and output as rich text, its sources."""
    if not isinstance(block, dict) or block.get("type") != "task_card":
        report.add(f"{at}/type", "invalid_enum", "must be `task_card`")
        return
    for name in ("task_id", "title"):
        report.string(at, name, block.get(name), 3000)
    if block.get("status", "pending") not in TASK_STATES:
        report.add(f"{at}/status", "invalid_enum", f"must be one of {', '.join(TASK_STATES)}")
    for name in ("details", "output"):
        if block.get(name) is not None:
            check_rich_text(report, block[name], f"{at}/{name}")
    sources = block.get("sources")
    if sources is None:
        return
    if not isinstance(sources, list):
        report.add(f"{at}/sources", "invalid_type", "must be an array")
        return
    for index, source in enumerate(sources):
        here = f"{at}/sources/{index}"
        if not isinstance(source, dict) or source.get("type") != "url":
            report.add(f"{here}/type", "invalid_enum", "must be `url`")
            continue
        report.string(here, "url", source.get("url"), 3000)
        report.string(here, "text", source.get("text"), 3000)


def check_plan(report: Report, block: JSON, at: str) -> None:
    """`plan`: a title, and task cards one after the other."""
    report.string(at, "title", block.get("title"), 3000)
    tasks = block.get("tasks")
    if tasks is not None and not isinstance(tasks, list):
        report.add(f"{at}/tasks", "invalid_type", "must be an array")
        return
    for index, task in enumerate(tasks or ()):
        check_task_card(report, task, f"{at}/tasks/{index}")


def check_alert(report: Report, block: JSON, at: str) -> None:
    """`alert`, in modals only: a text and its level."""
    check_text(report, block.get("text"), f"{at}/text", Text(most=3000))
    if block.get("level", "default") not in ALERT_LEVELS:
        report.add(f"{at}/level", "invalid_enum", f"must be one of {', '.join(ALERT_LEVELS)}")
