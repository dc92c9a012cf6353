"""Kills running jobs of a cluster manager: the same for an application, a driver, any manager."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Protocol

from pydantic import JsonValue

from bot.gateway.errors import Cancelled, ExecutorError, NotAllowed, OutcomeLost, by_a_person
from bot.gateway.executors import Result, failed, succeeded
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import REFUSED, TOO_MUCH, label
from bot.gateway.executors.watching import read_until
from bot.validation import form

POLL_SECONDS = 0.25
_SHOWN = 10

JobGlob = Annotated[
    str, form(r"[ -~]{1,200}", "must be printable ASCII in which '*' stands for any text, 1 to 200")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that has not ended. `key` makes it this one and no later one; `line` describes it."""

    id: str
    name: str
    state: str
    key: str
    seconds: float
    line: str


class Manager(Protocol):
    """Lists the jobs of one kind, kills one, and tells how one ended."""

    noun: str

    async def live(self) -> Sequence[Job]:
        """Return the jobs that have not ended."""

    async def kill(self, job: Job) -> None:
        """Ask the manager to kill it. ExecutorError: it was refused or not sent."""

    async def end_of(self, job: Job) -> str:
        """Return the state in which it ended, '' while it has not, 'gone' if nobody knows it."""


def fits(name: str, globs: Iterable[str]) -> bool:
    """Return True if a glob is the name; only `*` is special."""
    escaped = (re.sub(r"([\[?])", r"[\1]", glob) for glob in globs)
    return any(fnmatchcase(name, glob) for glob in escaped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Selects jobs: all that are given have to fit. `declared` are the target's own names."""

    declared: Sequence[str]
    most: int
    id: str = ""
    name: str = ""
    min_seconds: int = 0

    def chosen(self, jobs: Sequence[Job], noun: str) -> list[Job]:
        """Return the jobs to kill. NotAllowed: the filter is empty, or names what is not declared.

        ExecutorError TOO_MUCH: more fit than the target allows at once.
        """
        if not (self.id or self.name or self.min_seconds):
            raise NotAllowed(REFUSED, f"Name the {noun}, or say how long it has run at least")
        matching = [
            job
            for job in jobs
            if self.id in ("", job.id)
            and (not self.name or fits(job.name, [self.name]))
            and job.seconds >= self.min_seconds
        ]
        declared = [job for job in matching if fits(job.name, self.declared)]
        if self.id and matching and not declared:
            name = label(matching[0].name)
            raise NotAllowed(REFUSED, f"{self.id} is called {name}, and no such name is declared")
        if self.id and not matching:
            raise ExecutorError("NO_OBJECT", f"No running {noun} is {self.id}")
        if len(declared) > self.most:
            raise ExecutorError(
                TOO_MUCH,
                f"{len(declared)} {noun}s match, and the target allows {self.most} at once. "
                "Use a narrower filter",
            )
        return declared


def listed(jobs: Sequence[Job], noun: str) -> tuple[str, ...]:
    """Return the number of jobs, and a line for each of the first ten."""
    more = (f"and {len(jobs) - _SHOWN} more",) if len(jobs) > _SHOWN else ()
    return (counted(len(jobs), noun), *(job.line for job in jobs[:_SHOWN]), *more)


def counted(number: int, noun: str) -> str:
    """Return "1 driver", "2 drivers"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def keys_of(jobs: Sequence[Job]) -> list[JsonValue]:
    """Return what the plan is bound to."""
    return [job.key for job in jobs]


async def kill_all(manager: Manager, planned: Sequence[str], seconds: float, target: str) -> Result:
    """Kill the planned jobs that still run; then wait until they have ended.

    ExecutorError: nothing was killed. OutcomeLost: a kill was sent and its end is unknown.
    """
    noun = manager.noun
    if not planned:
        return succeeded(f"{target}: no {noun} matches, nothing to kill")
    jobs = [job for job in await manager.live() if job.key in planned]
    sent: list[Job] = []
    try:
        for job in jobs:
            sent.append(job)  # a cancel may come before its answer
            try:
                await manager.kill(job)
            except ExecutorError as error:
                if len(sent) == 1:
                    raise
                killed = ", ".join(job.id for job in sent[:-1])
                raise OutcomeLost(f"{killed} was killed, then: {error.message}") from error
            report_progress(f"asked for the end of {len(sent)} of {len(jobs)} {noun}s")
        states = await ends(manager, sent, seconds)
    except asyncio.CancelledError as cancel:
        names = ", ".join(job.id for job in sent) or "none"
        if not by_a_person(cancel):  # the gateway stops, or the deadline has passed
            raise OutcomeLost(
                f"Asked for the end of: {names}. The gateway did not see whether they ended"
            ) from None
        raise Cancelled(f"Asked for the end of: {names}. The others were left alone.") from None
    return _result(states, len(planned) - len(jobs), noun, target)


async def ends(manager: Manager, jobs: Sequence[Job], seconds: float) -> dict[str, str]:
    """Return the state in which each job ended, '' for one that has not in this time.

    OutcomeLost: the manager could not be asked.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    states = {job.id: "" for job in jobs}
    while True:
        for job in jobs:
            if not states[job.id]:
                states[job.id] = await _end_of(manager, job, end)
        done = sum(map(bool, states.values()))
        if done == len(jobs) or loop.time() >= end:
            return states
        report_progress(
            f"{done} of {counted(len(jobs), manager.noun)} ended", done=done, total=len(jobs)
        )
        await asyncio.sleep(POLL_SECONDS)


async def _end_of(manager: Manager, job: Job, end: float) -> str:
    try:
        return await read_until(end, POLL_SECONDS, lambda: manager.end_of(job))
    except ExecutorError as error:
        raise OutcomeLost(f"{job.id} was told to end, then: {error.message}") from error


def _result(states: dict[str, str], gone_before: int, noun: str, target: str) -> Result:
    ended = [f"{name} {state}" for name, state in states.items() if state]
    left = [name for name, state in states.items() if not state]
    line = f"{target}: ended {counted(len(ended), noun)}" + (
        f": {', '.join(ended)}" if ended else ""
    )
    if gone_before:
        line += f"; {gone_before} of the planned had ended before"
    return failed(f"{line}; still there: {', '.join(left)}") if left else succeeded(line)
