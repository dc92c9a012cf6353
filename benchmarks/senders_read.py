"""Reads one message or body of 4 kB of each sender: the microseconds that its parser takes.

Every payload of `tests/payloads` is filled to 4 kB with text that no parser looks for. The value is
the slowest payload of a parser in processor time; the floor is `json.loads` of the same bytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.results import Bar, Result
from bot.intake import parse_body, parse_message
from tests.helpers.payloads import CASES, load

BAR = Bar(300.0, "µs")
SIZE = 4_000  # bytes of a payload
ROUNDS = 5
CALLS = 100  # a round
_LINE = "the quay has nothing to add here; "


async def run() -> list[Result]:
    """Measure the slowest of all, and the slowest payload of each sender."""
    slowest: dict[str, Result] = {}
    for path in CASES:
        result = _measured(path)
        if result.id not in slowest or slowest[result.id].value < result.value:
            slowest[result.id] = result
    results = sorted(slowest.values(), key=lambda known: known.id)
    worst = max(results, key=lambda known: known.value)
    detail = {"sender": worst.id, **worst.detail}
    name = "senders.read"
    return [Result(name, worst.value, "µs", worst.floor, BAR, detail, tuple(results)), *results]


def _measured(path: Path) -> Result:
    sender, in_slack = path.parent.name, path.name.startswith("slack_")
    payload = filled(load(path), in_slack)
    data = json.dumps(payload)

    def read() -> object:
        return parse_message(payload) if in_slack else parse_body(sender, payload)

    name = f"senders.read.{sender}"
    return Result(name, _cost(read), "µs", _cost(lambda: json.loads(data)), BAR, {"of": path.stem})


def filled(payload: Any, in_slack: bool) -> Any:
    """Return the payload with text in a place of its own, so that it has SIZE bytes as JSON."""
    missing = SIZE - len(json.dumps(payload))
    text = (_LINE * (missing // len(_LINE) + 1))[: max(0, missing)]
    if isinstance(payload, list) and payload:
        return [filled_object(payload[0], text, in_slack), *payload[1:]]
    return filled_object(payload, text, in_slack)


def filled_object(payload: Any, text: str, in_slack: bool) -> Any:
    """Return the object with the text: in Slack as its last attachment."""
    if not isinstance(payload, dict):
        return payload
    if in_slack:
        listed = payload.get("attachments") or []
        return {**payload, "attachments": [*listed, {"text": text, "color": ""}]}
    return {**payload, "remark_of_the_quay": text}


def _cost(work: Callable[[], object]) -> float:
    """Return the microseconds of a call, of the quietest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(CALLS):
            work()
        best = min(best, time.thread_time() - began)
    return best / CALLS * 1_000_000
