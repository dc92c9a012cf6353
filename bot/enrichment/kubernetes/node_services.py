"""Reads the state of a node's system services."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from bot.enrichment.kubernetes.fitting import Line
from bot.enrichment.kubernetes.text import lines_of, one_space

MOST_LINES = 2_000
_DOWN = re.compile(
    r"(?i)\b(?:inactive|failed|dead|stopped|not[ _-]?running|not[ _-]?found|unreachable|notready"
    r"|not[ _-]ready|activating|crash\w*|down|unhealthy|masked|exited|unknown|error"
    r"|not be found|refused|no route)\b"
)
_STATE = re.compile(
    r"(?i)(?:^|[\s\"'])(?:active|status|state|phase|health)[\"']?\s{0,4}:"
    r"|^(?:activestate|substate|result)=|could not be found|connection refused|no route to host"
)
_FINE = re.compile(r"(?i)\bactive \(running\)|(?<!not )\brunning\b|\bhealthy\b")
_HEADING = re.compile(r"\s*(?:[●○×*]\s+)?([\w@-]{1,60})\.service\b")
_MOST_WORDS = 6  # of a line such as `kubelet inactive (dead)`
_BEFORE = 2  # lines before a state that is down: one may name the service
_BEHIND = 8  # lines behind a state that is down: among them the log of the service


def node_lines(text: str) -> tuple[list[Line], bool]:
    """Return the lines about a node's services, and whether one of them is down.

    A line states a state if it has a field such as `Active:`, or few words of which the second is
    one, as in `kubelet inactive`; the log lines below are not read for one.
    """
    if text.lstrip()[:1] in ("{", "["):
        text = text.replace(",", "\n")
    lines = [one_space(line.strip()) for line in itertools.islice(lines_of(text), MOST_LINES)]
    shown: list[Line] = []
    fine: list[str] = []
    for block in _blocks(lines):
        heading = _HEADING.match(block[0])
        state = next((n for n, line in enumerate(block) if _is_down(line)), None)
        if state is not None:
            first = [block[0]] if heading and state > _BEFORE else []
            before = block[max(0, state - _BEFORE) : state]
            shown += [Line(line, 0) for line in (*first, *before, block[state])]
            shown += [Line(line, 2) for line in block[state + 1 : state + 1 + _BEHIND]]
        elif heading:
            fine.append(heading[1])
        else:
            fine += [line for line in block if _is_state(line)]
    is_down = bool(shown)
    if fine:
        names = ", ".join(dict.fromkeys(fine))
        shown.append(Line(f"not down: {names}" if is_down else f"nothing is down: {names}", 3))
    return shown or [Line(line, 3) for line in lines[:3]], is_down


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield the lines of each service: from its heading, or else up to the line with its state."""
    has_headings = any(_HEADING.match(line) for line in lines)
    block: list[str] = []
    for line in lines:
        if has_headings and block and _HEADING.match(line):
            yield block
            block = []
        block.append(line)
        if not has_headings and _is_state(line):
            yield block
            block = []
    if block:
        yield block


def _is_state(line: str) -> bool:
    if _STATE.search(line):
        return True
    tokens = [word for word in line.replace(":", " ").split() if word != "is"]
    state = " ".join(tokens[1:3] if len(tokens) > 1 else tokens)
    return len(tokens) <= _MOST_WORDS and bool(_DOWN.search(state) or _FINE.search(state))


def _is_down(line: str) -> bool:
    return _is_state(line) and bool(_DOWN.search(line)) and not _FINE.search(line)
