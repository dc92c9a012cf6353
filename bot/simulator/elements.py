"""Checks of what stands inside blocks: buttons, menus, inputs, confirm dialogs."""

from collections.abc import Callable
from typing import Any

from .limits import Report, Text, check_text

JSON = dict[str, Any]


def check_element(report: Report, item: JSON, at: str, action_ids: set[str]) -> None:
    """Check one interactive element or image; `action_ids` are those met before it."""
    action_id = item.get("action_id")
    if action_id is not None and report.string(at, "action_id", action_id, 255):
        if action_id in action_ids:
            report.add(f"{at}/action_id", "duplicate", f"`action_id` {action_id} already exists")
        action_ids.add(action_id)
    if item.get("confirm") is not None:
        check_object(report, item["confirm"], f"{at}/confirm")
    if item.get("placeholder") is not None:
        check_text(report, item["placeholder"], f"{at}/placeholder", Text(most=150, plain=True))
    check = ELEMENTS.get(str(item.get("type")))
    if check is not None:
        check(report, item, at)


def check_object(report: Report, confirm: Any, at: str) -> None:
    """Check a confirm dialog: title 100, text 300, both buttons 30."""
    if not isinstance(confirm, dict):
        report.add(at, "invalid_type", "must be an object")
        return
    for name, most, plain in (
        ("title", 100, True),
        ("text", 300, False),
        ("confirm", 30, True),
        ("deny", 30, True),
    ):
        if name in confirm or name in ("title", "text"):
            check_text(report, confirm.get(name), f"{at}/{name}", Text(most=most, plain=plain))


def _button(report: Report, item: JSON, at: str) -> None:
    check_text(report, item.get("text"), f"{at}/text", Text(most=75, plain=True))
    if item.get("value") is not None:
        report.string(at, "value", item["value"], 2000, least=0)
    if item.get("url") is not None:
        report.string(at, "url", item["url"], 3000)
    if item.get("style") not in (None, "primary", "danger"):
        report.add(f"{at}/style", "invalid_enum", "must be `primary` or `danger`")
    _accessible(report, item, at)


def _image(report: Report, item: JSON, at: str) -> None:
    if "image_url" not in item and "slack_file" not in item:
        report.add(at, "missing_field", "must provide `image_url` or `slack_file`")
    report.string(at, "alt_text", item.get("alt_text"), 2000)


def _options(
    report: Report, options: Any, at: str, bounds: tuple[int, int], *, plain: bool = True
) -> None:
    least, most = bounds
    if not isinstance(options, list) or not least <= len(options) <= most:
        report.add(at, "failed_constraint", f"must have {least} to {most} items")
        return
    for index, option in enumerate(options):
        here = f"{at}/{index}"
        if not isinstance(option, dict):
            report.add(here, "invalid_type", "must be an object")
            continue
        check_text(report, option.get("text"), f"{here}/text", Text(most=75, plain=plain))
        report.string(here, "value", option.get("value"), 150, least=0)
        if option.get("description") is not None:
            check_text(report, option["description"], f"{here}/description", Text(75, plain))


def _overflow(report: Report, item: JSON, at: str) -> None:
    _options(report, item.get("options"), f"{at}/options", (1, 5))


def _choices(report: Report, item: JSON, at: str) -> None:
    _options(report, item.get("options"), f"{at}/options", (1, 10), plain=False)


def _static_select(report: Report, item: JSON, at: str) -> None:
    groups = item.get("option_groups")
    if groups is None:
        _options(report, item.get("options"), f"{at}/options", (1, 100))
        return
    if not isinstance(groups, list) or not 1 <= len(groups) <= 100:
        report.add(f"{at}/option_groups", "failed_constraint", "must have 1 to 100 items")
        return
    for index, group in enumerate(groups):
        here = f"{at}/option_groups/{index}"
        if not isinstance(group, dict):
            report.add(here, "invalid_type", "must be an object")
            continue
        check_text(report, group.get("label"), f"{here}/label", Text(most=75, plain=True))
        _options(report, group.get("options"), f"{here}/options", (1, 100))


def _plain_text_input(report: Report, item: JSON, at: str) -> None:
    longest = item.get("max_length", 3000)
    if not isinstance(longest, int) or not 1 <= longest <= 3000:
        report.add(f"{at}/max_length", "failed_constraint", "must be between 1 and 3000")
    if item.get("initial_value") is not None:
        report.string(at, "initial_value", item["initial_value"], 3000, least=0)


def _feedback(report: Report, item: JSON, at: str) -> None:
    for name in ("positive_button", "negative_button"):
        button = item.get(name)
        if not isinstance(button, dict):
            report.add(f"{at}/{name}", "missing_field", f"missing required field: {name}")
            continue
        check_text(report, button.get("text"), f"{at}/{name}/text", Text(most=75, plain=True))
        report.string(f"{at}/{name}", "value", button.get("value"), 2000)
        _accessible(report, button, f"{at}/{name}")


def _icon_button(report: Report, item: JSON, at: str) -> None:
    if item.get("icon") != "trash":
        report.add(f"{at}/icon", "invalid_enum", "must be `trash`")
    check_text(report, item.get("text"), f"{at}/text", Text(most=75, plain=True))
    if item.get("value") is not None:
        report.string(at, "value", item["value"], 2000, least=0)
    _accessible(report, item, at)
    users = item.get("visible_to_user_ids")
    if users is not None and (
        not isinstance(users, list) or not all(isinstance(u, str) for u in users)
    ):
        report.add(f"{at}/visible_to_user_ids", "invalid_type", "must be an array of user ids")


def _accessible(report: Report, item: JSON, at: str) -> None:
    if item.get("accessibility_label") is not None:
        report.string(at, "accessibility_label", item["accessibility_label"], 75)


ELEMENTS: dict[str, Callable[[Report, JSON, str], None]] = {
    "button": _button,
    "image": _image,
    "overflow": _overflow,
    "checkboxes": _choices,
    "radio_buttons": _choices,
    "static_select": _static_select,
    "multi_static_select": _static_select,
    "plain_text_input": _plain_text_input,
    "feedback_buttons": _feedback,
    "icon_button": _icon_button,
}
