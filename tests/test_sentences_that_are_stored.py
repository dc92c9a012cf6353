"""No sentence that a person reads is written in the store or the response outside the catalogue.

Views are checked text by text (`tests/handlers/test_text_outside_of_the_catalogue.py`). Here most
texts are the log's or an operator's, so the places are checked whose text reaches people in Slack:
an entry of the timeline, and an error that a press or a command gets.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("store/operations", "bot/response", "bot/approvals", "bot/remediation")
ENTRIES = {"append_event": 3, "append_and_reply": 3, "unmute": 1, "fold_root": 3, "_changed": 3}
ENTRIES |= {"_say": 2, "record_gateway_use": 1, "note": 1, "Effect": 0, "Result": 2, "Probed": 1}
"""The place of the text among the arguments."""
ERRORS = {"Refused", "NotFound", "InputError", "SubmitAgain", "AlreadyProposed"}
ERRORS |= {"GatewayUnavailable", "GatewayRejected", "OutcomeUnknown", "NotSent", "NoAnswer"}
NAMED = {"remedy", "text", "error"}


def written(node: ast.expr) -> str:
    """The text of an argument that is written there and marked for no catalogue; '' if none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part) or "{}" for part in node.values)
    if isinstance(node, ast.IfExp):
        return written(node.body) or written(node.orelse)
    if isinstance(node, ast.BinOp):
        return written(node.left) or written(node.right)
    return ""


def texts_of(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that people read."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in ENTRIES:
        yield from call.args[ENTRIES[name] : ENTRIES[name] + 1]
    if name in ERRORS:
        yield from call.args[:1]
    if name in ERRORS | ENTRIES.keys():
        yield from (keyword.value for keyword in call.keywords if keyword.arg in NAMED)


def outside(source: str) -> list[str]:
    """The sentences that stand in no catalogue, also those that a variable carries there."""
    tree = ast.parse(source)
    names: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, []).append(written(node.value))
    outsiders = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for text in texts_of(call):
            carried = names.get(text.id, []) if isinstance(text, ast.Name) else [written(text)]
            outsiders += [sentence for sentence in carried if any(map(str.isalpha, sentence))]
    return outsiders


FILES = [
    file.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for file in sorted((ROOT / folder).rglob("*.py"))
]


@pytest.mark.parametrize("file", FILES)
def test_each_sentence_that_reaches_people_is_deferred(file: str) -> None:
    sentences = outside((ROOT / file).read_text(encoding="utf-8"))
    assert not sentences, f"write deferred(…, name=…), so that it can be translated: {sentences}"


def test_a_sentence_is_found_also_where_a_variable_carries_it() -> None:
    source = 'text = f"Muted by {user}"\nincidents.append_event(1, now, "muted", text)\n'
    assert outside(source) == ["Muted by {}"]
    assert outside('raise Refused("Not done.", remedy=deferred("Ask."))') == ["Not done."]
    assert outside('incidents.append_event(1, now, "muted", deferred("Muted"))') == []
