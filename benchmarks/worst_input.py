"""(truth) The worst input of 1 MiB at each endpoint: how long it holds the event loop.

Every parser is given bodies and messages that fill 1 MiB in many ways. The value is the longest
that one of them held the loop; the floor is `json.loads` of the same bytes.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks.results import Bar, Result
from bot.errors import SopbotError
from bot.incidents.sops import SopLibrary
from bot.intake import PARSERS, parse_body, parse_message
from bot.response.receive import Delivery, name_all
from bot.web.body import BODY_LIMIT, json_of

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SOURCES = tuple(parser.name for parser in PARSERS if parser.body is not None)
UNITS = (
    *("a", "1", ".", ":", "-", " ", "\n", "\t", "_", "/", "*", "`", "[", "<", "&", "é", "\x00"),
    *(
        "prod-",
        "1.",
        "a:",
        "a b ",
        "- ",
        ": ",
        "= ",
        "<a|",
        "&lt;",
        "[a] ",
        "[[",
        "[a",
        "><",
        ":a:",
        "http://a ",
    ),
    *("I just ", "0 1 ", "\ud800", "\u2028", "**", "a=b\n", "[FIRING:1] ", "(a) "),
)
FIELDS = ("name", "title", "text", "service", "env", "severity", "category", "value", "url")


def text_of(unit: str, size: int) -> str:
    """So many characters of one unit."""
    return unit * (size // len(unit))


def bodies(source: str, size: int) -> Iterator[tuple[str, Any]]:
    """(how it is made, a body of about that size) for one source."""
    for unit in UNITS:
        long = text_of(unit, size)
        yield f"one field of {unit!r}", one_alert(source, long, {})
        yield f"one label of {unit!r}", one_alert(source, "a", {"a": long, "service": long})
    count = size // 40
    yield "many labels", one_alert(source, "a", {f"label_{n}": f"v {n}" for n in range(count)})
    short = one_alert(source, "a", {"service": "web"})
    if "alerts" in short:
        yield "many alerts", short | {"alerts": short["alerts"] * min(500, size // 200)}
        wide = {"alertname": "a", "x": text_of("a:", size // 500)}
        entry = short["alerts"][0] | {"labels": wide}
        yield "500 alerts of some size", short | {"alerts": [entry] * min(500, size // 400)}
        shared = {f"k{n}": "v" * 90 for n in range(size // 100)}
        yield "a large shared part", short | {"commonLabels": shared, "alerts": [entry] * 50}
    else:
        yield "many alerts", [short] * min(500, size // 200)
        yield (
            "500 alerts of some size",
            [one_alert(source, text_of("a:", size // 500), {})] * min(500, size // 400),
        )
    nested: Any = "x"
    for _ in range(min(400, size // 10)):
        nested = {"a": nested}
    yield "nested", one_alert(source, "a", {}) | {"extra": nested}
    yield "many small values", one_alert(source, "a", {}) | {"extra": [1] * (size // 3)}


def one_alert(source: str, text: str, labels: dict[str, str]) -> dict[str, Any]:
    """A body of that source with the text wherever it takes text."""
    fields = dict.fromkeys(FIELDS, text)
    if source in ("alertmanager", "grafana"):
        entry = {"status": "firing", "labels": {"alertname": text, **labels}}
        return {"alerts": [entry | {"annotations": {"summary": text, "description": text[:9]}}]}
    if source == "cloudwatch":
        trigger = {"MetricName": text, "Namespace": "AWS/EC2", "Dimensions": []}
        return {"AlarmName": text, "NewStateValue": "ALARM", "Trigger": trigger, "Region": "x"}
    if source == "sentry":
        issue = {"title": text, "id": "1", "shortId": "A-1", "project": {"slug": "p"}}
        return {"action": "created", "data": {"issue": issue | {"culprit": text[:9]}}}
    if source == "uptime-kuma":
        return {"monitor": {"name": text, "id": 1}, "heartbeat": {"status": 0, "msg": text}}
    if source == "airflow":
        return {"dag_id": text[:99], "task_id": "t", "state": "failed", "error_message": text}
    if source == "anomaly":
        return {"anomaly_type": text, "labels": labels}
    only = dict(itertools.islice(fields.items(), 3)) if len(text) > 1000 else fields
    return only | {"labels": labels}


def messages(size: int) -> Iterator[tuple[str, Any]]:
    """Slack messages of an app, of about that size."""
    for unit in UNITS:
        long = text_of(unit, size)
        yield f"text of {unit!r}", {"text": long, "bot_id": "B1"}
        yield f"title of {unit!r}", {"attachments": [{"title": "[FIRING:1] " + long}]}
        field = {"title": long[: size // 2], "value": long[: size // 2]}
        yield f"field of {unit!r}", {"attachments": [{"title": "x", "fields": [field]}]}
        section = {"type": "section", "text": {"type": "mrkdwn", "text": long}}
        yield f"block of {unit!r}", {"blocks": [section], "username": "uptime kuma"}
        parts = 1 + size // 5_200  # 200 attachments of five texts in 1 MiB
        short = text_of(unit, 1_000)
        texts = dict.fromkeys(("title", "author_name", "pretext", "text", "fallback"), short)
        yield f"many headlines of {unit!r}", {"attachments": [texts] * parts}
        words = {"type": "text", "text": text_of(unit, size // 200)}
        rich = {"type": "rich_text_section", "elements": [words] * 200}
        yield f"rich text of {unit!r}", {"blocks": [{"type": "rich_text", "elements": [rich]}]}
    few = [{"title": "a", "text": f"line {n}"} for n in range(size // 40)]
    yield "many attachments", {"text": "x" * 1000, "attachments": few}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "a"}}] * (size // 70)
    yield "many blocks", {"blocks": blocks}


def as_received(value: Any) -> bytes:
    """The value as JSON, at most one body's size."""
    return json.dumps(value, ensure_ascii=True).encode()


def read(source: str, body: Any) -> None:
    """Everything between the bytes and the store."""
    try:
        alerts = parse_message(body) if source == "slack" else parse_body(source, body)
        name_all(Delivery("k", "C1", alerts, retold=True), SopLibrary(), NOW)
    except SopbotError:
        return


def inputs(source: str, size: int) -> Iterator[tuple[str, Any]]:
    """Every input for a source; `slack` stands for the messages."""
    return messages(size) if source == "slack" else bodies(source, size)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, at best."""
    best = float("inf")
    for _ in range(2):
        # Of this thread: what else runs on the machine is no hold of ours.
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
        if best < 0.02:
            break
    return best


async def run() -> list[Result]:
    """The worst of all, and the worst of each source."""
    results = []
    for source in (*SOURCES, "slack"):
        worst, how, floor = 0.0, "", 0.0
        for made, value in inputs(source, BODY_LIMIT - 600):
            data = as_received(value)
            size = min(1.0, BODY_LIMIT / len(data))  # escapes make it longer: as many as fit
            if size < 1.0:
                made, value = next(
                    pair
                    for pair in inputs(source, int((BODY_LIMIT - 600) * size))
                    if pair[0] == made
                )
                data = as_received(value)
            took = seconds(partial(read, source, value))
            took += seconds(partial(json.loads if source == "slack" else json_of, data))
            if took > worst:
                worst, how, floor = took, made, seconds(partial(json.loads, data))
        detail = {"input": how}
        results.append(
            Result(f"truth.worst_input.{source}", worst, "s", floor, Bar(0.2, "s"), detail)
        )
    slowest = max(results, key=lambda result: result.value)
    return [
        Result(
            "truth.worst_input",
            slowest.value,
            "s",
            slowest.floor,
            Bar(0.2, "s"),
            slowest.detail,
            tuple(results),
        ),
        *results,
    ]
