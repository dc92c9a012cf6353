"""Refuse the blocks that Slack refuses.

Limits: docs.slack.dev/reference/block-kit, and slack_sdk.models, as of 2026-11. Each problem is
`{pointer, code, message}`, the form that `blocks.validate` answers with.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import rich_blocks as rich
from .elements import check_element
from .limits import Problem, Report, Text, check_text

JSON = dict[str, Any]

MAX_BLOCKS = {"message": 50, "modal": 100, "home": 100}
MAX_TEXT_SUM = 13_200  # undocumented; seen by users of bolt-js (issue 2509)
MAX_MARKDOWN_SUM = 12_000  # of all markdown blocks of a payload

# As docs.slack.dev has it.
CONTAINED = {"actions", "context", "divider", "file", "header", "image", "input", "section"} | {
    "rich_text",
    "table",
    "video",
}
TABLES = ("table", "data_table")
CONTEXT_PARTS = {"image", "plain_text", "mrkdwn"}
ACTION_PARTS = {
    "button",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "timepicker",
    "radio_buttons",
    "overflow",
    "workflow_button",
    "rich_text_input",
} | {
    f"{many}{source}_select"
    for many in ("", "multi_")
    for source in ("static", "external", "users", "conversations", "channels")
}
ACCESSORIES = ACTION_PARTS | {"image"}
INPUTS = (ACTION_PARTS - {"button", "overflow", "workflow_button"}) | {
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "file_input",
}


@dataclass
class _Seen:
    """The ids that must be unique within one message or view."""

    surface: str
    block_ids: set[str] = field(default_factory=set)
    action_ids: set[str] = field(default_factory=set)


def problems(blocks: Any, *, surface: str = "message", pointer: str = "/blocks") -> list[Problem]:
    """Everything Slack would refuse in these blocks; empty when it would take them.

    `surface` is message, modal or home; `pointer` is the JSON pointer of the list itself.
    """
    report = Report()
    if not isinstance(blocks, list):
        report.add(pointer, "invalid_type", "must be an array")
        return report.problems
    limit = MAX_BLOCKS[surface]
    if len(blocks) > limit:
        report.add(pointer, "failed_constraint", f"no more than {limit} items allowed")
    seen = _Seen(surface)
    for index, block in enumerate(blocks):
        _check_block(report, block, f"{pointer}/{index}", seen)
    return report.problems


def text_sum(blocks: Iterable[Any]) -> int:
    """Characters of text in these blocks together; tables have a limit of their own."""
    total = 0
    waiting = list(blocks)
    while waiting:
        result = waiting.pop()
        if isinstance(result, dict):
            if result.get("type") in TABLES:
                continue
            text = result.get("text")
            if isinstance(text, str):
                total += len(text)
            waiting.extend(v for v in result.values() if isinstance(v, dict | list))
        elif isinstance(result, list):
            waiting.extend(result)
    return total


def flat(blocks: Iterable[Any]) -> Iterator[JSON]:
    """These blocks, and those within containers."""
    for block in blocks:
        if isinstance(block, dict):
            yield block
            yield from flat(block.get("child_blocks") or ())


def markdown_sum(blocks: Iterable[Any]) -> int:
    """Characters in the markdown blocks together."""
    return sum(len(str(b.get("text", ""))) for b in flat(blocks) if b.get("type") == "markdown")


def _check_block(report: Report, block: Any, at: str, seen: _Seen) -> None:
    if not isinstance(block, dict):
        report.add(at, "invalid_type", "must be an object")
        return
    kind = block.get("type")
    check = BLOCKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        report.add(f"{at}/type", "invalid_enum", f"unsupported type: {kind}")
        return
    if seen.surface not in SURFACES.get(str(kind), (seen.surface,)):
        report.add(f"{at}/type", "invalid_enum", f"{kind} is not allowed in a {seen.surface}")
        return
    block_id = block.get("block_id")
    if block_id is not None and report.string(at, "block_id", block_id, 255):
        if block_id in seen.block_ids:
            report.add(f"{at}/block_id", "duplicate", f"`block_id` {block_id} already exists")
        seen.block_ids.add(block_id)
    seen.action_ids = set()  # an action_id is unique within its block, not within the message
    check(report, block, at, seen)


def _elements(
    report: Report, block: JSON, at: str, seen: _Seen, allowed: set[str], most: int
) -> None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        report.add(f"{at}/elements", "missing_field", "must provide at least 1 item")
        return
    if len(elements) > most:
        report.add(f"{at}/elements", "failed_constraint", f"no more than {most} items allowed")
    for index, element in enumerate(elements):
        _element(report, element, f"{at}/elements/{index}", seen, allowed)


def _element(report: Report, value: Any, at: str, seen: _Seen, allowed: set[str]) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in allowed:
        report.add(f"{at}/type", "invalid_enum", f"unsupported type: {kind}")
        return
    if kind in ("plain_text", "mrkdwn"):
        check_text(report, value, at, Text(most=3000))
        return
    check_element(report, value, at, seen.action_ids)


def _section(report: Report, block: JSON, at: str, seen: _Seen) -> None:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        report.add(at, "missing_field", "must provide `text` or `fields`")
    if text is not None:
        check_text(report, text, f"{at}/text", Text(most=3000))
    if fields is not None:
        if not isinstance(fields, list) or not 1 <= len(fields) <= 10:
            report.add(f"{at}/fields", "failed_constraint", "must have 1 to 10 items")
        else:
            for index, item in enumerate(fields):
                check_text(report, item, f"{at}/fields/{index}", Text(most=2000))
    rich.check_flag(report, block, at, "expand")
    if (accessory := block.get("accessory")) is not None:
        _element(report, accessory, f"{at}/accessory", seen, ACCESSORIES)


def _header(report: Report, block: JSON, at: str, _seen: _Seen) -> None:
    check_text(report, block.get("text"), f"{at}/text", Text(most=150, plain=True))


def _context(report: Report, block: JSON, at: str, seen: _Seen) -> None:
    _elements(report, block, at, seen, CONTEXT_PARTS, 10)


def _actions(report: Report, block: JSON, at: str, seen: _Seen) -> None:
    _elements(report, block, at, seen, ACTION_PARTS, 25)


def _context_actions(report: Report, block: JSON, at: str, seen: _Seen) -> None:
    _elements(report, block, at, seen, {"feedback_buttons", "icon_button"}, 5)


def _image(report: Report, block: JSON, at: str, _seen: _Seen) -> None:
    if "image_url" not in block and "slack_file" not in block:
        report.add(at, "missing_field", "must provide `image_url` or `slack_file`")
    if "image_url" in block:
        report.string(at, "image_url", block["image_url"], 3000)
    report.string(at, "alt_text", block.get("alt_text"), 2000)
    if block.get("title") is not None:
        check_text(report, block["title"], f"{at}/title", Text(most=2000, plain=True))


def _input(report: Report, block: JSON, at: str, seen: _Seen) -> None:
    check_text(report, block.get("label"), f"{at}/label", Text(most=2000, plain=True))
    if block.get("hint") is not None:
        check_text(report, block["hint"], f"{at}/hint", Text(most=2000, plain=True))
    _element(report, block.get("element"), f"{at}/element", seen, INPUTS)


def _markdown(report: Report, block: JSON, at: str, _seen: _Seen) -> None:
    report.string(at, "text", block.get("text"), 12_000)


def _card(report: Report, block: JSON, at: str, seen: _Seen) -> None:
    rich.check_card(report, block, at)
    buttons = block.get("actions")
    if buttons is None:
        return
    if not isinstance(buttons, list) or len(buttons) > rich.MAX_CARD_BUTTONS:
        message = f"must be an array of at most {rich.MAX_CARD_BUTTONS} buttons"
        report.add(f"{at}/actions", "failed_constraint", message)
        return
    for index, button in enumerate(buttons):
        _element(report, button, f"{at}/actions/{index}", seen, {"button"})


def _container(report: Report, block: JSON, at: str, seen: _Seen) -> None:
    rich.check_container(report, block, at)
    children = block.get("child_blocks")
    if not isinstance(children, list) or not 1 <= len(children) <= 10:
        report.add(f"{at}/child_blocks", "failed_constraint", "must have 1 to 10 items")
        return
    for index, child in enumerate(children):
        here = f"{at}/child_blocks/{index}"
        kind = child.get("type") if isinstance(child, dict) else None
        if not isinstance(kind, str) or kind not in CONTAINED:
            report.add(f"{here}/type", "invalid_enum", f"unsupported type: {kind}")
        else:
            _check_block(report, child, here, seen)


def _of_its_own(check: rich.Check) -> Callable[[Report, JSON, str, _Seen], None]:
    """A check that needs to know nothing of the other blocks."""

    def checked(report: Report, block: JSON, at: str, _seen: _Seen) -> None:
        check(report, block, at)

    return checked


def _anything(_report: Report, _block: JSON, _at: str, _seen: _Seen) -> None:
    """Newer kinds, whose inside we do not look at."""


BLOCKS = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "divider": _anything,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "rich_text": _of_its_own(rich.check_rich_text),
    "table": _of_its_own(rich.check_table),
    "data_table": _of_its_own(rich.check_data_table),
    "card": _card,
    "container": _container,
    "alert": _of_its_own(rich.check_alert),
    "file": _anything,
    "video": _anything,
    "task_card": _of_its_own(rich.check_task_card),
    "plan": _of_its_own(rich.check_plan),
}
SURFACES: dict[str, Sequence[str]] = {
    "alert": ("modal",),  # docs.slack.dev/blocks.json: the alert block is for modals only
    "markdown": ("message",),
    "context_actions": ("message",),
    "table": ("message",),
    "data_table": ("message",),
    "container": ("message",),
    "file": ("message",),
    "card": ("message",),
    "task_card": ("message",),
    "plan": ("message",),
}
