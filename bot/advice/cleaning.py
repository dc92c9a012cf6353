"""Converts terminal output of an advisor CLI to plain text, and finds the JSON answer in it.

stdout of Q and Kiro is a rendered page: escape codes, a `> ` before each message, tool blocks. All
functions here are linear in their input and never raise on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

# ECMA-48, longest forms first. A string (OSC, DCS, PM, APC, SOS) without its end loses only its
# introducer, so that a stray one cannot swallow the answer. Each payload stops at the next
# introducer: that keeps the whole substitution linear on hostile input.
_ESCAPES = re.compile(
    "(?:\x1b\\]|\x9d)(?:[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\\\|\x9c))?"  # OSC … BEL or ST
    "|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])"  # DCS SOS PM APC … ST
    "(?:[^\x1b\x90\x98\x9c-\x9f]*(?:\x1b\\\\|\x9c))?"
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    "|\x1b[ -/]*[0-~]?"  # two bytes, and with intermediates
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TOOL_DONE = re.compile(r"^ *● Completed in \d+\.\d+s *$", re.MULTILINE)

_JSON_CHARS = 262_144  # an answer is a few KB; only the end of a longer text is searched
_JSON_TRIES = 500
_decoder = json.JSONDecoder(
    strict=False,  # a rendered answer may hold a raw line break inside a string
    # int() refuses 5,000 digits with an error of its own
    parse_int=lambda digits: int(digits) if len(digits) < 400 else float("inf"),
    parse_constant=lambda _: None,
)


def strip_terminal(raw: bytes | str) -> str:
    """Return `raw` as text without escape sequences and controls other than newline and tab.

    Idempotent. Invalid UTF-8 becomes U+FFFD. If a bare carriage return overwrites a line (a
    spinner), only its last state stays.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROLS.sub("", text)


def clean_answer(raw: bytes | str, *, max_chars: int = 1_048_576) -> str:
    """Return the model's last message without tool blocks and its leading `> `, trimmed and capped.

    Only one leading `> ` is removed, because the second could be a quotation.
    """
    text = strip_terminal(raw)
    tools_end = 0
    for done in _TOOL_DONE.finditer(text):
        tools_end = done.end()
    text = text[tools_end:].strip()
    if text.startswith("> ") or text == ">":
        text = text[2:].lstrip()
    return text[:max_chars].rstrip()


def last_json(
    text: str, required: Collection[str], optional: Collection[str] = ()
) -> dict[str, Any] | None:
    """Return the last JSON object in `text` that has all `required` keys, or None.

    Keys are compared without `_` and case, because Q's renderer drops underscores
    (`suggestedactions`), and are returned under the names of the parameters; other keys are
    returned unchanged. Only the last 262,144 characters are searched, with at most 500 tries and a
    bounded number of characters read, so hostile input cannot make it slow.
    """
    text = text[-_JSON_CHARS:]
    names = {_plain(name): name for name in (*optional, *required)}
    budget = 4 * _JSON_CHARS
    start = len(text)
    for _ in range(_JSON_TRIES):
        start = text.rfind("{", 0, start)
        if start < 0 or budget <= 0:
            return None
        try:
            candidate, end = _decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            budget -= error.pos - start + 1
            continue
        except (ValueError, RecursionError):
            budget -= 10_000  # nested about 1,000 levels deep before Python gave up
            continue
        budget -= end - start
        if not isinstance(candidate, dict):
            continue
        answer = {names.get(_plain(str(key)), str(key)): value for key, value in candidate.items()}
        if all(name in answer for name in required):
            return answer
    return None


def _plain(key: str) -> str:
    return key.replace("_", "").lower()
