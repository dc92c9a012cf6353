"""Finds faults of a model's answer: it repeats the prompt, ends in the middle, or was damaged.

A command's output is a rendered page, and a model may stop at its own limit: both look like whole
answers. All functions are linear in their input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.advice.cleaning import last_json
from bot.advice.model import Flaw

_READ_CHARS = 40_000  # of an answer: the faults show at its ends
_ECHO_LINE_CHARS = 30  # a shorter line may well be a quotation
_ECHO_SHARE = 0.6  # of the answer's long lines
_FENCE = re.compile(r"data-[0-9a-f]{16}")
_TEMPLATE = re.compile(r'"root_?cause"\s{0,9}:\s{0,9}"one sentence"', re.IGNORECASE)
_KEY = re.compile(r'"root_?cause"\s{0,9}:', re.IGNORECASE)
_LOST_UNDERSCORE = re.compile(
    r'"(?:rootcause|suggestedactions|contraryevidence|nextsteps|analysissummary)"\s{0,9}:'
)
_RENDERED = re.compile("\ufffd|\u2501{20}|^\u2502 ", re.MULTILINE)
_STOPS = re.compile(
    r"(?:[,(\[{&=/-]|\b(?:a|an|and|are|as|at|be|because|but|by|can|for|from|has|have|if|in|into|is"
    r"|it|its|more|no|not|of|on|or|over|per|since|so|than|that|the|their|then|there|these|this|to"
    r"|was|were|when|where|which|while|will|with))$",
    re.IGNORECASE,
)
_LONG_PROSE = 2_000  # characters: an answer of this length ends with a sign
_ENDS = ".!?:;)]}\"'`\u2026*_|>%\u3002"


def without_echo(text: str, prompt: str) -> str:
    """Return the answer without a copy of the prompt before it: some commands print both."""
    last_line = prompt.rstrip().rpartition("\n")[2]
    end = text.rfind(last_line) if len(last_line) >= _ECHO_LINE_CHARS else -1
    rest = text[end + len(last_line) :].strip() if end >= 0 else ""
    return rest or text


def flaws_of(text: str, prompt: str) -> tuple[str, ...]:
    """Return the faults of an answer to `prompt`, the gravest first."""
    return tuple(flaw.value for flaw in _flaws(text, prompt))


def _flaws(text: str, prompt: str) -> Iterator[Flaw]:
    if _is_echo(text[-_READ_CHARS:], prompt):
        yield Flaw.ECHO
        return
    start, end = text[:_READ_CHARS], text[-_READ_CHARS:]
    has_object = last_json(text, ("root_cause",)) is not None
    key = _KEY.search(start)
    if key is not None and not has_object:
        yield Flaw.CUT if _is_open(text[text.rfind("{", 0, key.start()) :]) else Flaw.DAMAGED
    elif not has_object and _stops_in_the_middle(end):
        yield Flaw.CUT
    if _LOST_UNDERSCORE.search(start) or (not has_object and _RENDERED.search(start)):
        yield Flaw.DAMAGED


def _is_echo(text: str, prompt: str) -> bool:
    fences = set(_FENCE.findall(prompt))
    if any(fence in text for fence in fences) or _TEMPLATE.search(text):
        return True
    known = {line.strip() for line in prompt.splitlines()}
    long = [line.strip() for line in text.splitlines() if len(line.strip()) >= _ECHO_LINE_CHARS]
    size = sum(map(len, long))
    return size > 0 and sum(len(line) for line in long if line in known) >= _ECHO_SHARE * size


def _is_open(text: str) -> bool:
    """Return True if a bracket or a string of this JSON is not closed."""
    depth, in_string, is_escaped = 0, False, False
    for char in text:
        if in_string:
            if is_escaped:
                is_escaped = False
            elif char == "\\":
                is_escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
    return in_string or depth > 0


def _stops_in_the_middle(text: str) -> bool:
    text = text.rstrip()
    if text.count("```") % 2 or text.rpartition("\n\n")[2].replace("```", "").count("`") % 2:
        return True  # Q prints nothing behind a backtick without its other one
    if _STOPS.search(text[-200:]):
        return True
    return len(text) >= _LONG_PROSE and text[-1:] not in _ENDS and not text[-1:].isdigit()
