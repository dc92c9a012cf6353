"""Runs the faults of some systems one after another, and writes their table."""

from __future__ import annotations

import asyncio
import math
import statistics
import string
import sys
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.demo.children import environment
from tests.faults.fault import System
from tests.faults.play import Verdict, play
from tests.faults.stage import Stage, stage
from tests.faults.systems import FAULTS, SYSTEMS

DOCS = Path(__file__).parents[2] / "docs" / "faults.md"
TEMPLATE = Path(__file__).with_name("faults.md.template")
BAR_SECONDS = 10.0


async def run(
    names: Collection[str] = tuple(SYSTEMS),
    *,
    only: Collection[str] = (),
    proved: bool = True,
    on_verdict: Callable[[Verdict], None] = lambda _: None,
) -> list[Verdict]:
    """Play every fault of these systems, or those of `only`, by their ids.

    RuntimeError if the audit trail of the run does not hold; it is `proved` at the end. ValueError
    if a system has another number of faults than `FAULTS` says.
    """
    verdicts = []
    async with _systems(names) as systems, stage(systems) as running:
        if numbers := {s.name: n for s in systems if (n := len(s.faults)) != FAULTS[s.name]}:
            raise ValueError(f"write the number of faults into FAULTS: {numbers}")
        for fault in [fault for system in systems for fault in system.faults]:
            if not only or fault.id in only:
                verdicts.append(await play(running, fault))
                on_verdict(verdicts[-1])
        if proved:
            await _verify_the_record(running)
    return verdicts


@asynccontextmanager
async def _systems(names: Collection[str]) -> AsyncIterator[list[System]]:
    """Start the systems side by side, each in a thread."""

    async with AsyncExitStack() as stack:

        async def started(build: Callable[[], AbstractContextManager[System]]) -> System:
            manager = build()
            system = await asyncio.to_thread(manager.__enter__)
            stack.push_async_callback(asyncio.to_thread, manager.__exit__, None, None, None)
            return system

        yield list(await asyncio.gather(*[started(SYSTEMS[name]) for name in names]))


async def _verify_the_record(running: Stage) -> None:
    """Prove the audit trail by the operator's own command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "audit", "verify",
        cwd=running.folder,
        env=environment(running.settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the audit trail does not hold: {output.decode()}")


def median(verdicts: Sequence[Verdict]) -> float:
    """Return the p50 of the bot's and the gateway's own time; infinite without a verified fault."""
    return statistics.median([v.own_seconds for v in verdicts if v.verified] or [math.inf])


def summary(verdicts: Sequence[Verdict]) -> str:
    right = sum(v.right_target for v in verdicts)
    repaired = sum(v.is_good for v in verdicts)
    wrong = sum(len(v.wrong) for v in verdicts)
    untrue = sum(v.untrue for v in verdicts)
    return (
        f"{right} of {len(verdicts)} faults had the right target, {repaired} were repaired. "
        f'Wrong actions: {wrong}. "Verified" that was not: {untrue}.'
    )


def write(verdicts: Sequence[Verdict]) -> None:
    """Write docs/faults.md. Times are rounded up to seconds: an equal run writes the same page."""
    times = f"p50 under {math.ceil(median(verdicts))} s"
    whole = (
        f'{summary(verdicts)} From the press to "Verified", less the system\'s own time: {times}.'
    )
    columns = ("fault", "system", "alert from", "action on target", *_JUDGED)
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    table = "\n".join([*head, *[_row(verdict) for verdict in verdicts]])
    text = TEMPLATE.read_text(encoding="utf-8")
    page = string.Template(text).substitute(summary=whole, table=table)
    DOCS.write_text(page, encoding="utf-8")


_JUDGED = ("right target", "nothing else", "verified")


def _row(verdict: Verdict) -> str:
    fault = verdict.fault
    columns = (verdict.right_target, not verdict.wrong, verdict.verified and not verdict.untrue)
    shown = " | ".join("✓" if mark else "✗" for mark in columns)
    action = f"`{fault.action}` on {fault.target}"
    return f"| {fault.what} | {verdict.system} | {fault.sender} | {action} | {shown} |"
