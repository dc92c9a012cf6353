"""The latest probe of each target: bounded in time and number, and kept for some seconds.

GET /health needs no signature, so without this a stranger could make the gateway call its targets
as often as he likes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.gateway.executors import Check, Executor
from bot.gateway.executors.remote import label
from bot.gateway.parts import Target

log = logging.getLogger(__name__)

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 5.0
AT_ONCE = 8
TEXT_CHARS = 500
"""Of a check: the answer of a system, which a stranger may have filled, is shown to strangers."""

Slot = tuple[str, str]
"""The kind of an executor, and a target of it; '' is the system that all its targets share."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A check and the loop's time at which it ended. `check` is None: there is nothing to check."""

    check: Check | None
    at: float


class Probes:
    """Probes all targets and shared systems, at most AT_ONCE at the same time."""

    def __init__(
        self, executors: Mapping[str, Executor], targets: Callable[[], Mapping[str, Target]]
    ) -> None:
        self._executors = executors
        self._targets = targets
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._latest: dict[Slot, Probe] = {}
        self._running: dict[Slot, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # also those that are forgotten

    async def latest(self) -> Mapping[Slot, Probe | None]:
        """Return the latest probe of each, after at most PATIENCE_SECONDS; None: there is none yet.

        A probe that takes longer goes on, and a later call gets it.
        """
        now = asyncio.get_running_loop().time()
        declared: list[Slot] = [(kind, "") for kind in self._executors]
        declared += [(target.executor, name) for name, target in self._targets().items()]
        for slot in self._latest.keys() - set(declared):
            del self._latest[slot]
        for slot in declared:
            known = self._latest.get(slot)
            if slot not in self._running and (known is None or known.at + FRESH_SECONDS <= now):
                task = asyncio.create_task(self._probe(slot))
                self._running[slot] = task
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if running := [self._running[slot] for slot in declared if slot in self._running]:
            await asyncio.wait(running, timeout=PATIENCE_SECONDS)
        return {slot: self._latest.get(slot) for slot in declared}

    def forget(self) -> None:
        """Probe everything again: the targets are other ones."""
        self._latest.clear()
        self._running.clear()

    async def close(self) -> None:
        """End the probes that still run."""
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _probe(self, slot: Slot) -> None:
        kind, name = slot
        ours, check = asyncio.current_task(), None
        try:
            async with self._slots:
                check = await self._answer_of(kind, name)
        finally:
            if self._running.get(slot) is ours:  # else the targets are other ones by now
                self._latest[slot] = Probe(check, asyncio.get_running_loop().time())
                del self._running[slot]

    async def _answer_of(self, kind: str, name: str) -> Check | None:
        executor = self._executors.get(kind)
        if executor is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                check = await (executor.check_target(name) if name else executor.check())
        except TimeoutError:
            return Check(False, f"{name or kind}: no answer in {PATIENCE_SECONDS:g} s")
        except Exception as error:  # a system may answer anything
            if name not in {"", *self._targets()}:  # a reload has taken it away meanwhile
                return Check(False, f"{name}: is not declared any more")
            log.exception("the answer of %s cannot be read", name or kind)
            return Check(False, f"{name or kind}: an unreadable answer ({type(error).__name__})")
        return replace(check, text=label(check.text, TEXT_CHARS)) if check else None
