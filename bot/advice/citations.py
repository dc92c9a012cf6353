"""Checks the ids that a model cites against those that stood in its prompt.

Each statement cites one, or is marked: a reader then knows which sentences are the model's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from bot.advice.claims import MARK
from bot.advice.sentences import is_statement, sentences

UNSUPPORTED = "⚠ no source: "
"""The mark before a statement that cites nothing: at its end, a cut could remove it."""
UNKNOWN = "⚠ unknown {}: "
"""The mark before a sentence that cites an id which was not in the prompt."""

_ID = r"[AEHRS]\d{1,3}"
_GROUP = re.compile(rf"[\[(]\s?({_ID}(?:\s?[,;/&]\s?(?:and\s)?{_ID}){{0,11}})\s?[\])]")
_EACH = re.compile(_ID)
_BARE = re.compile(rf"\s*(?:{_GROUP.pattern}|({_ID}))\s*(?:([:,·–-])\s*)?")


def cited(text: str) -> tuple[str, ...]:
    """Return the ids that the text cites in brackets, each once, in their order."""
    ids = (name for group in _GROUP.finditer(text) for name in _EACH.findall(group[1]))
    return tuple(dict.fromkeys(ids))


def leading(item: str) -> tuple[tuple[str, ...], str]:
    """Return the ids with which an item of evidence begins, and the rest of it.

    `E2`, `[E2, E3] text` and `E2: text` begin with ids.
    """
    match = _BARE.match(item)
    if match is None or (match[2] and item[match.end() :].strip() and not match[3]):
        return (), item
    return tuple(_EACH.findall(match[0])), item[match.end() :]


def with_marked_statements(
    text: str, known: Collection[str], *, supported: bool = False, in_step: bool = False
) -> str:
    """Mark each statement that cites no id, or one that is not `known`. Nothing is removed.

    `supported`: the answer names the ids for this text elsewhere. `in_step`: its first sentence is
    a step. A claim of an event has a mark of its own already.
    """
    return "".join(_marked(text, known, supported, in_step))


def _marked(text: str, known: Collection[str], supported: bool, in_step: bool) -> Iterator[str]:
    is_first = in_step
    for sentence in sentences(text):
        ids = cited(sentence)
        unknown = [name for name in ids if name not in known]
        mark = ""
        if unknown:
            mark = UNKNOWN.format(", ".join(unknown))
        elif not ids and not supported and MARK not in sentence:
            mark = UNSUPPORTED if is_statement(sentence, in_step=is_first) else ""
        if sentence.strip():
            is_first = False
        lead = len(sentence) - len(sentence.lstrip())
        yield f"{sentence[:lead]}{mark}{sentence[lead:]}"
