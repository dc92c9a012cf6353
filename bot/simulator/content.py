"""Checks and normalises posts: text, blocks, attachments, metadata, views."""

import json
import re
from typing import Any

from . import blocks as block_kit
from . import normalise
from .limits import Problem, Report, Text, check_text
from .refusal import Refusal

JSON = dict[str, Any]

MAX_ATTACHMENTS = 100
MAX_METADATA = 8_000  # bytes of JSON; Slack names the error but not the size, so we are strict
MAX_VIEW = 250_000  # bytes of JSON
# docs.slack.dev: "alphanumeric and underscore characters (`[a-z]` and `_`)".
_EVENT_TYPE = re.compile(r"[a-z0-9_]+")


def kept_content(args: JSON, *, required: bool = True) -> JSON:
    """The `text`, `blocks` and `attachments` of a post, as Slack would keep them.

    Only what `args` names comes back, except `text`, which is always there when `required`.
    Raises Refusal with Slack's error name.
    """
    done: JSON = {}
    if "markdown_text" in args:
        if args.get("text") or args.get("blocks"):
            raise Refusal("markdown_text_conflict")
        args = {**args, "blocks": [{"type": "markdown", "text": args["markdown_text"]}]}
    text = args.get("text")
    if text is not None and not isinstance(text, str):
        text = str(text)
    if text is not None or required:
        done["text"] = normalise.text(normalise.truncated(text or ""))
    if (result := _list(args, "blocks")) is not None:
        refuse_blocks(result)
        done["blocks"] = normalise.blocks(result)
    if (attached := _list(args, "attachments")) is not None:
        _refuse_attachments(attached)
        done["attachments"] = normalise.attachments(attached)
    _refuse_second_table(done)
    if required and not text and not done.get("blocks") and not done.get("attachments"):
        raise Refusal("no_text")
    return done


def _refuse_second_table(body: JSON) -> None:
    """Slack takes one table in a message, wherever it stands, and names the attachments for it."""
    holders = [body, *body.get("attachments", ())]
    items = [b for h in holders for b in block_kit.flat(h.get("blocks", ()))]
    if sum(block["type"] in block_kit.TABLES for block in items) > 1:
        raise Refusal("invalid_attachments", errors=["only_one_table_allowed"])


def refuse_blocks(value: Any, *, surface: str = "message", pointer: str = "/blocks") -> None:
    """Raise the Refusal with which Slack would answer these blocks.

    `surface` is message, modal or home; `pointer` is the JSON pointer of the list itself.
    """
    problems = block_kit.problems(value, surface=surface, pointer=pointer)
    if problems:
        raise Refusal("invalid_blocks", **_why(problems))
    if block_kit.markdown_sum(value) > block_kit.MAX_MARKDOWN_SUM:
        raise Refusal("msg_too_long")
    if block_kit.text_sum(value) > block_kit.MAX_TEXT_SUM:
        raise Refusal("msg_blocks_too_long")


def kept_metadata(args: JSON) -> JSON | None:
    """The message metadata that Slack keeps; None when there is none. Raises Refusal.

    Slack refuses a wrong shape, but drops the metadata of a wrong name without a word and posts
    the message (bolt-python #863). Which values it takes is not documented; the types of
    @slack/types are the narrowest that anybody published, so whatever they forbid is dropped too.
    """
    result = decoded(args.get("metadata"), "invalid_metadata_format")
    if result is None or result == "" or result == {}:
        return None
    if (
        not isinstance(result, dict)
        or not isinstance(result.get("event_type"), str)
        or not result["event_type"]
        or not isinstance(result.get("event_payload"), dict)
    ):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(result)) > MAX_METADATA:
        raise Refusal("metadata_too_large")
    kept = _EVENT_TYPE.fullmatch(result["event_type"]) and _is_payload(result["event_payload"])
    return result if kept else None


def _is_payload(payload: JSON) -> bool:
    """True if each value is plain, a flat object of plain values, or a list of such objects."""
    return all(
        _is_plain(value)
        or (isinstance(value, dict) and all(map(_is_plain, value.values())))
        or (
            isinstance(value, list)
            and all(isinstance(v, dict) and all(map(_is_plain, v.values())) for v in value)
        )
        for value in payload.values()
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def checked_view(value: Any, *, home: bool) -> JSON:
    """A modal or a Home tab, checked and normalised."""
    value = decoded(value, "invalid_arguments")
    if not isinstance(value, dict):
        raise Refusal("invalid_arguments", **_why([Problem("/view", "missing_field", "no view")]))
    surface = "home" if home else "modal"
    report = Report()
    if value.get("type") != surface:
        report.add("/view/type", "invalid_enum", f"must be `{surface}`")
    if len(json.dumps(value)) > MAX_VIEW:
        raise Refusal("view_too_large")
    if not home:
        check_text(report, value.get("title"), "/view/title", Text(most=24, plain=True))
        for name in ("submit", "close"):
            if value.get(name) is not None:
                check_text(report, value[name], f"/view/{name}", Text(most=24, plain=True))
        _refuse_no_submit(report, value)
    if value.get("private_metadata"):
        report.string("/view", "private_metadata", value["private_metadata"], 3000)
    if value.get("callback_id"):
        report.string("/view", "callback_id", value["callback_id"], 255)
    problems = report.problems + block_kit.problems(
        value.get("blocks"), surface=surface, pointer="/view/blocks"
    )
    if problems:
        raise Refusal("invalid_arguments", **_why(problems))
    return {**value, "blocks": normalise.blocks(value["blocks"])}


def decoded(value: Any, error: str) -> Any:
    """A form field that holds JSON, read; anything else as it is."""
    if not isinstance(value, str) or value == "":
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refusal(error) from None


def _refuse_no_submit(report: Report, item: JSON) -> None:
    kinds = [b.get("type") for b in item.get("blocks") or () if isinstance(b, dict)]
    if "input" in kinds and item.get("submit") is None:
        report.add("/view/submit", "missing_field", "a view with inputs must have `submit`")


def _list(args: JSON, name: str) -> list[Any] | None:
    result = decoded(args.get(name), f"invalid_{name}_format")
    if result is None or result == "":
        return None
    if not isinstance(result, list):
        raise Refusal(f"invalid_{name}_format")
    return result


def _refuse_attachments(values: list[Any]) -> None:
    if len(values) > MAX_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    for index, item in enumerate(values):
        if not isinstance(item, dict):
            raise Refusal("invalid_attachments")
        fields = item.get("fields")
        fields = [] if fields is None else fields
        if not isinstance(fields, list) or any(not isinstance(f, dict) for f in fields):
            raise Refusal("invalid_attachments")
        if item.get("blocks") is not None:
            refuse_blocks(item["blocks"], pointer=f"/attachments/{index}/blocks")


def _why(problems: list[Problem]) -> JSON:
    return {
        "errors": [f"{p.message} [json-pointer:{p.pointer}]" for p in problems],
        "response_metadata": {"messages": [p.as_line() for p in problems]},
    }
