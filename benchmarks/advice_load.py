"""`advice.single_flight` and `advice.incident_endpoint`: many questions at once, by HTTP and Slack.

The advisor is a program that takes 0.2 s and writes the time of each run to a file; a real bot on
SQLite runs it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.results import Bar, Result, percentile
from benchmarks.stage import Child, Surroundings, child, surroundings
from bot.simulator import Call

EQUAL = 100
AT_ONCE = 20
ROUNDS = 3
CACHED = 20
SLOTS = 2  # QCHAT_MAX_CONCURRENT
MS = 1000.0
ANSWER = "it was the disk"
PROGRAM = f"""#!/bin/sh
cat > /dev/null
began=$(date +%s%N)
sleep 0.2
echo "$began $(date +%s%N)" >> "{{runs}}"
echo "{ANSWER}"
"""


@dataclass(frozen=True, slots=True)
class _Bench:
    around: Surroundings
    bot: Child
    http: aiohttp.ClientSession

    def runs(self) -> list[float]:
        """Return the seconds of each run of the program, in the order of their ends."""
        file = self.around.folder / "runs"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(ended) - int(began)) / 1e9 for began, ended in map(str.split, lines)]

    async def ask(self, prompt: str) -> tuple[int, float]:
        """Return the status and the seconds."""
        began = time.perf_counter()
        body = {"incident_key": "prod|web|cpu|high", "prompt": prompt}
        async with self.http.post(self.bot.url + "/incident", json=body) as answer:
            await answer.read()
            return answer.status, time.perf_counter() - began


@asynccontextmanager
async def _bench() -> AsyncIterator[_Bench]:
    async with surroundings() as around:
        program = around.folder / "advisor"
        program.write_text(PROGRAM.format(runs=around.folder / "runs"))
        program.chmod(0o755)
        settings = around.settings()
        _without_limits(Path(settings["POLICY_FILE"]))
        settings |= {
            "ADVISOR_COMMAND": json.dumps([os.fspath(program)]),
            "QCHAT_MAX_CONCURRENT": str(SLOTS),
        }
        async with child(["bot"], settings) as bot, aiohttp.ClientSession() as http:
            yield _Bench(around, bot, http)


def _without_limits(policy: Path) -> None:
    limits = {"runs_per_incident": 0, "questions_per_person": 0, "questions_per_channel": 0}
    rules = json.loads(policy.read_text()) | {"llm": {"limits": limits}}
    policy.write_text(json.dumps(rules))


async def run_single_flight() -> list[Result]:
    """Return how often the program ran for equal questions, and the time of a kept answer."""
    async with _bench() as bench:
        await bench.ask("warm up")
        before = len(bench.runs())
        answers = await asyncio.gather(*(bench.ask("why?") for _ in range(EQUAL)))
        refused = sum(status != 200 for status, _ in answers)
        runs = len(bench.runs()) - before
        cached, runs_in_thread = await _cached_in_thread(bench)
    detail = {"questions": EQUAL, "refused": refused, "runs_in_thread": runs_in_thread}
    if refused:
        raise RuntimeError(f"{refused} questions were refused")
    return [
        Result("advice.single_flight", runs, "runs", bar=Bar(1, "runs"), detail=detail),
        Result("advice.single_flight.cached", cached, "ms", bar=Bar(50, "ms"), detail=detail),
    ]


async def _cached_in_thread(bench: _Bench) -> tuple[float, int]:
    """Return the median milliseconds from a command to the kept answer in the thread."""
    posted = _Posted(bench.around)
    alert = {"service": "web", "env": "prod", "severity": "high", "title": "cpu"}
    async with bench.http.post(bench.bot.url + "/alerts/generic", json=alert) as answer:
        answer.raise_for_status()
    await posted.next_answer()  # the advice that nobody bench for
    taken: list[float] = []
    first = 0
    for number in range(CACHED + 1):
        began = time.perf_counter()
        command = asyncio.create_task(
            bench.around.slack.as_user("ana").command("/incident ask 1 why now?", "alerts")
        )
        ended = await posted.next_answer()
        await command
        if number == 0:
            first = len(bench.runs())
        else:
            taken.append((ended - began) * MS)
    return percentile(taken, 0.5), len(bench.runs()) - first


class _Posted:
    """The answers in the thread, each at the time of its post."""

    def __init__(self, around: Surroundings) -> None:
        self._times: asyncio.Queue[float] = asyncio.Queue()
        around.calls.on_call = self._see

    def _see(self, call: Call) -> None:
        if call.method == "chat.postMessage" and call.args["text"].startswith("Advice"):
            self._times.put_nowait(time.perf_counter())

    async def next_answer(self) -> float:
        """Wait for the next one, and return its time."""
        async with asyncio.timeout(20):
            return await self._times.get()


async def run_incident_endpoint() -> list[Result]:
    """Return the answers a minute of questions at once, and the bot's own share of each."""
    rates, own, refused = [], [], 0
    async with _bench() as bench:
        await bench.ask("warm up")
        for number in range(ROUNDS):
            before = len(bench.runs())
            began = time.perf_counter()
            questions = [bench.ask(f"why {number}.{n}?") for n in range(AT_ONCE)]
            answers = await asyncio.gather(*questions)
            rates.append(AT_ONCE / (time.perf_counter() - began) * 60)
            refused += sum(status != 200 for status, _ in answers)
            # The program works for this long in each slot until the answer is there.
            worked = accumulate(each / SLOTS for each in bench.runs()[before:])
            seconds = sorted(seconds for _, seconds in answers)
            own += [(each - work) * MS for each, work in zip(seconds, worked, strict=True)]
    detail: dict[str, Any] = {"at_once": AT_ONCE, "rounds": ROUNDS}
    rate = Bar(100, "a minute", at_least=True)
    name = "advice.incident_endpoint"
    return [
        Result(name, min(rates), "a minute", None, rate, detail),
        Result(f"{name}.refused", refused, "", bar=Bar(0, "")),
        Result(f"{name}.own_share", percentile(own, 0.99), "ms", bar=Bar(500, "ms")),
    ]
