"""`advice.faults`: what each kind of advisor leaves behind when its runs fail.

Stand-ins of every kind fail in turn in every way they can. Afterwards no process and no descriptor
may be left, each run has ended in time, and an answer of 50 MB has not grown the memory.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.results import Bar, Result
from bot.advice.kinds.contract import AdvisorKind
from bot.errors import AdvisorError
from tests.advice.stand_ins import started

RUNS = 1_000  # of each kind
AT_ONCE = 4
DEADLINE = 5.0
SLOWEST = 2.0  # seconds after the deadline
MB = 1024 * 1024
MEMORY = 32.0  # MB that a 50 MB answer may take at its peak, with the stand-ins of this process
FAULTS = {
    "command": ("cut", "empty", "login", "throttled", "too_long", "tool_ran", "transient", "usage"),
    "acp": (
        *("cut", "garbled", "too_long", "long line", "tool_ran", "throttled", "announced tool"),
        *("approval_required", "trusted", "endless garbage"),
    ),
    "ollama": ("cut", "empty", "garbled", "login", "too_long", "long line", "transient"),
    "openai": ("cut", "empty", "garbled", "login", "endless stream", "refused", "transient"),
}
OURS = f"XDG_SOPBOT_BENCH={os.getpid()}".encode()  # every program that we start inherits it
EVERY_NTH_HANGS = 25  # each of them takes the whole deadline


async def run() -> list[Result]:
    """Let each kind fail; one line for what is left, the end of the last run, and the memory."""
    lines: list[Result] = []
    name, _, value = OURS.decode().partition("=")
    os.environ[name] = value
    for kind in FAULTS:
        lines += await _faults_of(kind)
    return lines


async def _faults_of(kind: str) -> list[Result]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        behaviours = (*FAULTS[kind], "timeout")
        advisors = {}
        for behaviour in behaviours:
            (folder / behaviour).mkdir()
            making = started(kind, behaviour, folder / behaviour)
            advisors[behaviour] = await stack.enter_async_context(making)
        for advisor in advisors.values():  # the first run imports and opens what stays
            await _seconds(advisor, 0.5)
        descriptors = _descriptors()
        peak = await _peak_of_a_long_answer(advisors, kind)
        late, answered = await _run_all(list(advisors.values()))
        await _until_idle(descriptors)
        left = _descriptors() - descriptors
        processes = _processes()
    name = f"advice.faults.{kind}"
    detail = {"n": RUNS, "descriptors": left, "processes": processes, "answered": answered}
    return [
        Result(f"{name}.left", max(0, left) + processes, "", None, Bar(0), detail),
        Result(f"{name}.late", late, "s", None, Bar(SLOWEST, "s"), {"deadline": DEADLINE}),
        Result(f"{name}.memory", peak, "MB", None, Bar(MEMORY, "MB")),
    ]


async def _run_all(advisors: list[AdvisorKind]) -> tuple[float, int]:
    """Return the seconds after its deadline that the latest run took, and the usable answers."""
    *failing, hanging = advisors
    numbers = iter(range(RUNS))
    late, answered = 0.0, 0

    async def worker() -> None:
        nonlocal late, answered
        for number in numbers:
            hangs = number % EVERY_NTH_HANGS == 0
            advisor = hanging if hangs else failing[number % len(failing)]
            seconds, usable = await _seconds(advisor, DEADLINE)
            late = max(late, seconds - DEADLINE)
            answered += usable

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return max(0.0, late), answered


async def _seconds(advisor: AdvisorKind, timeout: float) -> tuple[float, bool]:
    began = time.monotonic()
    try:
        await advisor.ask("why", timeout=timeout)
    except AdvisorError:
        return time.monotonic() - began, False
    return time.monotonic() - began, True


async def _peak_of_a_long_answer(advisors: dict[str, AdvisorKind], kind: str) -> float:
    """Return by how many MB the peak of the resident memory grew during 50 MB."""
    long = "endless stream" if kind == "openai" else "too_long"
    before = _memory("VmRSS")
    _forget_peak()
    await _seconds(advisors[long], 60.0)
    return max(0.0, _memory("VmHWM") - before)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _memory(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / MB
    return 0.0


async def _until_idle(descriptors: int) -> None:
    """Let servers close the connections of clients that hung up; 5 s at most."""
    for _ in range(100):
        if _descriptors() <= descriptors:
            return
        await asyncio.sleep(0.05)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _processes() -> int:
    """Return how many programs that we started still run."""
    count = 0
    for folder in Path("/proc").iterdir():
        try:
            count += OURS in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # no process, or ended during the search
    return count
