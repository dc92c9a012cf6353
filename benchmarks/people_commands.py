"""`people.commands`: from a typed command to its answer, with 10,000 open incidents.

A real bot on SQLite answers over Socket Mode. The value is the slowest command's 95th percentile;
the floor is that of `/incident help`, which reads nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.open_incidents import open_many
from benchmarks.results import Bar, Result, percentile
from benchmarks.stage import child, surroundings
from bot.incidents.model import Severity
from bot.simulator import LocalSlack
from store import open_store
from store.audit.sealing import AuditKey
from store.statements import Operation, execute
from tests.helpers.builders import alert

OPEN = 10_000
MINE = 40
ROUNDS = 20
MS = 1000.0
FLOOR = "help"
# `{n}` is another incident in each round.
COMMANDS = (
    FLOOR,
    "list",
    "list mine",
    "list web-77-api",
    "list all nothing-has-this",
    "list resolved",
    "show {n}",
    "ack {n}",
    "assign {n} me",
    "severity {n} critical",
    "note {n} rolled back",
    "mute {n} 2h",
    "unmute {n}",
    "escalate {n} @ben it is late",
    "resolve {n}",
    "ask {n} why now?",
    "trace {n}",
    "stats 24h",
    "freeze",
    "open low a new one",
    "acknowledge {n}",
)


async def run() -> list[Result]:
    """Return the 95th percentile of the slowest command, and of each in the detail."""
    async with surroundings() as around:
        settings = around.settings()
        await _fill(around.folder, settings["AUDIT_KEY"], around.slack.users["ana"])
        async with child(["bot"], settings):
            taken: dict[str, list[float]] = {command: [] for command in COMMANDS}
            for number in range(ROUNDS + 1):
                for command, seconds in [
                    (command, await _answered(around.slack, line))
                    for command, line in _lines(number)
                ]:
                    if number:  # the first round fills the caches
                        taken[command].append(seconds * MS)
    p95 = {command: percentile(times, 0.95) for command, times in taken.items()}
    slowest = max(p95, key=lambda command: p95[command])
    detail = {"open": OPEN, "n": ROUNDS, "slowest": slowest, "p95_ms": p95}
    return [Result("people.commands", p95[slowest], "ms", p95[FLOOR], Bar(150, "ms"), detail)]


def _lines(number: int) -> Iterator[tuple[str, str]]:
    for place, command in enumerate(COMMANDS):
        incident = 1 + (MINE + number * len(COMMANDS) + place) % OPEN
        yield command, "/incident " + command.format(n=incident)


async def _answered(slack: LocalSlack, line: str) -> float:
    began = time.perf_counter()
    answer = await slack.as_user("ana").command(line, "alerts")
    if not answer.acked:
        raise RuntimeError(f"{line} was not acknowledged in time")
    response = await answer.response()
    seconds = time.perf_counter() - began
    if "failed inside the bot" in response.text:
        raise RuntimeError(f"{line}: {response.text}")
    return seconds


async def _fill(folder: Path, audit_key: str, owner: str) -> None:
    """Open the incidents, of every severity; the first ones are `owner`'s."""
    store = await open_store(
        f"sqlite:///{folder / 'bot.db'}", owner="bench", audit_key=AuditKey(audit_key)
    )
    await open_many(store, alert(service="web-0-api"), OPEN, datetime.now(UTC))
    await store._engine.write(_mix, owner)  # noqa: SLF001 - no such method
    await store.close()


def _mix(owner: str) -> Operation[None]:
    for place, severity in enumerate(Severity):
        yield execute("UPDATE incidents SET severity = ? WHERE id % 4 = ?", severity, place)
    yield execute(
        "UPDATE incidents SET status = 'acknowledged', acknowledged_at = updated_at,"
        " acknowledged_by = ? WHERE id <= ?",
        owner,
        MINE,
    )
