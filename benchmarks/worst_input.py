"""(truth) The worst input of 1 MiB at each endpoint: the longest block of the event loop.

Every parser reads bodies and messages that fill 1 MiB in many ways. The three slowest of each
source are then sent to a real bot with 200 SOPs, over HTTP or as Slack events. The value is the
longest step of its event loop until it is idle again: receiving, parsing, identifying, storing,
posting. The floor is `json.loads` of the same bytes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.results import Bar, Result
from benchmarks.senders import word
from benchmarks.stage import CHANNEL, Child, child, surroundings
from benchmarks.timed_bot import MARK
from bot.errors import SopbotError
from bot.incidents.sops import SopLibrary
from bot.intake import PARSERS, parse_body, parse_message
from bot.response.receive import Delivery, name_all
from bot.simulator import LocalSlack
from bot.web.body import BODY_LIMIT, json_of

BAR = Bar(0.2, "s")
CANDIDATES = 3  # of each source, sent to the real bot
REST = 0.3  # seconds in which an idle bot uses less than two clock ticks
WAIT = 120.0
SOPS = 200
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
    """Repeat one unit up to that many characters."""
    return unit * (size // len(unit))


def bodies(source: str, size: int) -> Iterator[tuple[str, Any]]:
    """Yield (construction, body of about that size) for one source."""
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
        alert = short["alerts"][0] | {"labels": wide}
        yield "500 alerts of some size", short | {"alerts": [alert] * min(500, size // 400)}
        shared = {f"k{n}": "v" * 90 for n in range(size // 100)}
        yield "a large shared part", short | {"commonLabels": shared, "alerts": [alert] * 50}
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
    """Return a body of that source with the text in each text field."""
    fields = dict.fromkeys(FIELDS, text)
    if source in ("alertmanager", "grafana"):
        alert = {"status": "firing", "labels": {"alertname": text, **labels}}
        return {"alerts": [alert | {"annotations": {"summary": text, "description": text[:9]}}]}
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
    """Yield Slack messages of an app, of about that size."""
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
        text_element = {"type": "text", "text": text_of(unit, size // 200)}
        rich = {"type": "rich_text_section", "elements": [text_element] * 200}
        yield f"rich text of {unit!r}", {"blocks": [{"type": "rich_text", "elements": [rich]}]}
    few = [{"title": "a", "text": f"line {n}"} for n in range(size // 40)]
    yield "many attachments", {"text": "x" * 1000, "attachments": few}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "a"}}] * (size // 70)
    yield "many blocks", {"blocks": blocks}


def as_received(value: Any) -> bytes:
    """Return the value as JSON, at most one body's size."""
    return json.dumps(value, ensure_ascii=True).encode()


def sop_lines() -> str:
    """Return SOPs that match none of the alerts, so that each alert is compared with all
    of them.
    """
    return "".join(
        json.dumps({"sop_id": f"sop_{word(n)}", "keys": [f"svc:{word(n)}-*", "env:prod"]}) + "\n"
        for n in range(SOPS)
    )


EMPTY = SopLibrary()
LIBRARY = SopLibrary.load([("sops.jsonl", sop_lines())])


def write_sops(folder: Path) -> None:
    """Write a folder with these SOPs."""
    folder.mkdir()
    (folder / "sops.jsonl").write_text(sop_lines())


def read(source: str, body: Any, sops: SopLibrary = EMPTY) -> None:
    """Run all code between the bytes and the store."""
    try:
        alerts = (
            parse_message(body).alerts if source == "slack" else parse_body(source, body).alerts
        )
        list(name_all(Delivery("k", "C1", alerts, repeats=True), sops, NOW))
    except SopbotError:
        return


def inputs(source: str, size: int) -> Iterator[tuple[str, Any]]:
    """Yield every input for a source; `slack` means the messages."""
    return messages(size) if source == "slack" else bodies(source, size)


def seconds(work: Callable[[], object]) -> float:
    """Return its shortest time."""
    best = float("inf")
    for _ in range(2):
        # Of this thread: other work on the machine is not our block.
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
        if best < 0.02:
            break
    return best


@dataclass(frozen=True, slots=True)
class Input:
    """One body or message, and the seconds of its parsing outside of a bot."""

    source: str
    made: str
    value: Any
    data: bytes
    took: float


def of_one_body(source: str) -> Iterator[tuple[str, Any]]:
    """Yield every input for a source, as large as one body can hold as JSON."""
    for number, (made, value) in enumerate(inputs(source, BODY_LIMIT)):
        size = BODY_LIMIT
        while (length := len(as_received(value))) > BODY_LIMIT - 600:
            # Escapes and repeated fields make it longer: use as many as fit.
            size = int(size * min(0.98, BODY_LIMIT / length))
            _, value = next(itertools.islice(inputs(source, size), number, None))
        yield made, value


def slowest(source: str) -> list[Input]:
    """Return the slowest inputs to parse, the slowest first."""
    candidates = []
    for made, value in of_one_body(source):
        data = as_received(value)
        took = seconds(partial(read, source, value, LIBRARY))
        took += seconds(partial(json.loads if source == "slack" else json_of, data))
        candidates.append(Input(source, made, value, data, took))
        candidates = sorted(candidates, key=lambda known: -known.took)[:CANDIDATES]
    return candidates


class TimedBot:
    """A bot in its own process that reports the longest step of its event loop."""

    def __init__(self, process: Child, slack: LocalSlack, http: aiohttp.ClientSession) -> None:
        self._process = process
        self._slack = slack
        self._http = http

    async def longest_step(self) -> tuple[float, str]:
        """Return the processor time and the name of the longest step since the last call."""
        lines_before = len(self._process.log)
        os.kill(self._process.pid, signal.SIGUSR2)
        while True:
            for line in self._process.log[lines_before:]:
                if line.startswith(MARK):
                    seconds_taken, _, name = line.removeprefix(MARK).decode().strip().partition(" ")
                    return float(seconds_taken), name
            await asyncio.sleep(0.01)

    async def held_by(self, input_: Input) -> tuple[float, str]:
        """Return the longest step from the arrival of this input until the bot is idle again."""
        async with asyncio.timeout(WAIT):
            await self._rested()
            await self.longest_step()
            if input_.source == "slack":
                ts = self._slack.core.workspace.next_ts()
                message = {"type": "message", "subtype": "bot_message", "username": "a"}
                place = {"channel": CHANNEL, "ts": ts, "event_ts": ts}
                self._slack.send_event({"bot_id": "B0A", **message, **input_.value, **place})
            else:
                url = f"{self._process.url}/alerts/{input_.source}"
                json_type = {"Content-Type": "application/json"}
                async with self._http.post(url, data=input_.data, headers=json_type) as response:
                    assert response.status != 413, f"{input_.made} is larger than 1 MiB"
                    await response.read()
            await self._rested()
            return await self.longest_step()

    async def _rested(self) -> None:
        """Wait until it has acknowledged everything and uses next to no processor time."""
        spent = -1.0
        while (
            self._slack.core.links.unacknowledged() or self._process.cpu_seconds() > spent + 0.015
        ):
            spent = self._process.cpu_seconds()
            await asyncio.sleep(REST)


@asynccontextmanager
async def timed_bot() -> AsyncIterator[TimedBot]:
    """Run one that reads alerts from Slack and over HTTP, with 200 SOPs."""
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        settings = around.settings()
        write_sops(Path(settings["SOP_DIR"]))
        process = await parts.enter_async_context(child(["benchmarks.timed_bot"], settings))
        http = await parts.enter_async_context(aiohttp.ClientSession())
        yield TimedBot(process, around.slack, http)


async def run() -> list[Result]:
    """Measure the worst of all, and the worst of each source."""
    results = []
    async with timed_bot() as bot:
        for source in (*SOURCES, "slack"):
            # In a thread: otherwise the local Slack would not answer the bot meanwhile.
            candidates = await asyncio.to_thread(slowest, source)
            held = [(*await bot.held_by(candidate), candidate) for candidate in candidates]
            longest, step, worst = max(held, key=lambda measured: measured[0])
            detail = {"input": worst.made, "step": step, "reading": worst.took}
            floor = seconds(partial(json.loads, worst.data))
            name = f"truth.worst_input.{source}"
            results.append(Result(name, longest, "s", floor, BAR, detail))
    worst_of_all = max(results, key=lambda result: result.value)
    whole = Result(
        "truth.worst_input",
        worst_of_all.value,
        "s",
        worst_of_all.floor,
        BAR,
        worst_of_all.detail,
        tuple(results),
    )
    return [whole, *results]
