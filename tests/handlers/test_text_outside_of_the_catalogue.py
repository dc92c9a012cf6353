"""No sentence that a person reads stands outside of the catalogue of messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogue import MARKS

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("handlers/views", "handlers/listeners", "handlers/outbound", "bot/postmortem")

# Texts that no person reads in Slack, or that must not be translated, each with the reason.
EXCEPTIONS = {
    "Explain this alert, and what to do first: {}": "a question to the advisor: a prompt",
    "What is happening, and what to do first?": "a question to the advisor: a prompt",
    "Slack did not answer {}.": "of an error that is logged and retried",
    "Slack's answer to {} is not an object.": "of an error that is logged and retried",
    "Slack answered {} with {} {}.": "of an error that is logged and retried",
    "This version shows no messages of the kind {}.": "of an error that is logged and retried",
    "Its card is not there either.": "stored with the message as the reason why it is not shown",
    "nothing to show": "stored with the message as the reason why it is not shown",
    "GET /api/v3/trace/{tracking_id}": "a request to type",
    "assigned": "a kind of entry of the timeline",
    "severity set": "a kind of entry of the timeline",
    "escalation answered": "a kind of entry of the timeline",
    "alerts {}": "the value of a button",
    "children {}": "the value of a button",
    "Slack did not say where {} is.": "of an error that is logged and retried",
    "Slack's {} has more than {} pages.": "of an error that is logged and retried",
    "without a reason": "of an error that is logged and retried",
    "Retry-After": "a header of HTTP",
    "in the ops channel instead": "a field of an event",
    "the outbox waits for the store: %s": "the log",
    "Nothing is sent to Slack: the outbox does not run.": "a health check's, over HTTP",
    "the bot's token": "a health check's, over HTTP",
    "Messages for {} are {} minutes overdue.": "a health check's, over HTTP",
    "{} good": "the value of a button",
    "{} bad": "the value of a button",
    "show {}": "a command to type",
    "assign {rest} me": "the command that a phrase means",
    "handover {rest}": "the command that a phrase means",
    "list resolved {rest}": "the command that a phrase means",
    "/incident list all": "a command to type",
    "Child": "a name that a package exports",
    "GivenAdvice": "a name that a package exports",
    "PostmortemFacts": "a name that a package exports",
    "Remedy": "a name that a package exports",
}

_SILENT_CALLS = {
    # The log, patterns, names of tasks: no person reads these in Slack.
    *("emit", "compile", "ContextVar", "create_task", "getattr", "TypeVar"),
    *("fullmatch", "match", "search", "startswith", "endswith", "removeprefix", "strip"),
}
_SILENT_ERRORS = {"ValueError", "TypeError", "KeyError", "RuntimeError"}
_SILENT_KEYS = {
    *("type", "action_id", "block_id", "callback_id", "private_metadata", "url", "event_type"),
}
_SLACK_MARKUP = re.compile(
    r"^/(?:incident|sop) .*|<[!@#][^>]*>?|sopbot[.\w]*|INC-|UTC|https?://\S*|`[^`]*`"
)
_WORD = re.compile(r"[A-Za-z]{2,}")
_CAPITAL = re.compile(r"(?<![A-Za-z])[A-Z][a-z]")


def text_of(node: ast.expr) -> str:
    """The text, with {} in the place of each value; '' for another node."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "{}" for part in node.values)
    return ""


def is_for_people(text: str) -> bool:
    """A text with a space between words, or that begins with a capital letter."""
    bare = _SLACK_MARKUP.sub("", text.replace("{}", ""))
    return bool(_WORD.search(bare)) and (" " in bare or bool(_CAPITAL.search(bare)))


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def is_silent(call: ast.Call) -> bool:
    """True for a call whose texts no person reads."""
    receiver = getattr(call.func, "value", None)
    is_log = isinstance(receiver, ast.Name) and receiver.id in ("log", "logging")
    return is_log or name_of(call) in _SILENT_CALLS | _SILENT_ERRORS


def marked_or_silent(node: ast.AST) -> list[ast.AST]:
    """The children of the node that are in the catalogue, or that no person reads."""
    if isinstance(node, ast.Call):
        places = (1,) if name_of(node) == "Verb" else MARKS.get(name_of(node), ())
        return [node.args[place] for place in places if node.args[place:]]
    if isinstance(node, ast.Dict):
        silent = [
            value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and key.value in _SILENT_KEYS
        ]
        return [*filter(None, node.keys), *silent]
    if isinstance(node, ast.Subscript):
        return [node.slice]
    return [node.annotation] if isinstance(node, ast.AnnAssign) else []


def texts(node: ast.AST) -> Iterator[str]:
    """The texts below the node that are not marked for the catalogue."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Compare | ast.Import | ast.ImportFrom | ast.arg):
        return
    if isinstance(node, ast.keyword) and node.arg in {"name", "action_id", "block_id"}:
        return
    if isinstance(node, ast.Call) and is_silent(node):
        return
    if isinstance(node, ast.Constant | ast.JoinedStr) and is_for_people(text_of(node)):
        yield text_of(node)
    for child in ast.iter_child_nodes(node):
        if child not in marked_or_silent(node) and not (
            isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
        ):
            yield from texts(child)


def outside(source: str) -> list[str]:
    return [text for text in texts(ast.parse(source)) if text not in EXCEPTIONS]


FILES = [
    file.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for file in sorted((ROOT / folder).rglob("*.py"))
]


@pytest.mark.parametrize("file", FILES)
def test_each_sentence_is_in_the_catalogue(file) -> None:
    outsiders = outside((ROOT / file).read_text(encoding="utf-8"))
    assert not outsiders, f"wrap it in _() or ngettext(), or add it to EXCEPTIONS: {outsiders}"
