"""GET /health sends a real request to every executor and writes to the journal."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.gateway.auth import Gatekeeper
from bot.gateway.dispatch import Dispatcher
from bot.gateway.executors import Executor
from bot.gateway.journal import Journal
from bot.remediation.contract import HealthReport, rfc3339

VERSION = "1.0.0"
_TIMEOUT_SECONDS = 5.0


class HealthCheck:
    """healthy, degraded (some executors cannot work) or unhealthy (none can, or no journal)."""

    def __init__(
        self,
        executors: Mapping[str, Executor],
        journal: Journal,
        clock: Callable[[], datetime],
        *,
        gatekeeper: Gatekeeper,
        dispatcher: Dispatcher,
    ) -> None:
        self._executors = executors
        self._journal = journal
        self._clock = clock
        self._gatekeeper = gatekeeper
        self._dispatcher = dispatcher

    async def __call__(self) -> HealthReport:
        """Run all checks at once, for at most 5 s."""
        journal, *rest = await asyncio.gather(
            self._write(), *(self._ask(executor) for executor in self._executors.values())
        )
        good = [ok for ok, _ in rest]
        status = "healthy" if all(good) else "degraded" if any(good) else "unhealthy"
        if not journal[0]:
            status = "unhealthy"
        return HealthReport(
            status=status,
            timestamp=rfc3339(self._clock()),
            version=VERSION,
            checks={
                "configuration": "ok" if self._executors else "ok: no target is declared",
                "journal": journal[1],
                "signatures": (
                    "ok: off, loopback only" if self._gatekeeper.open else "ok: required"
                ),
                **({"mode": "ok: read-only"} if self._dispatcher.catalogue.read_only else {}),
                **{name: text for name, (_, text) in zip(self._executors, rest, strict=True)},
            },
        )

    async def _write(self) -> tuple[bool, str]:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._journal.check()
        except (sqlite3.Error, TimeoutError) as error:
            return False, f"cannot be written: {error or 'no answer in time'}"
        return True, "ok"

    async def _ask(self, executor: Executor) -> tuple[bool, str]:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                check = await executor.check()
        except TimeoutError:
            return False, f"no answer in {_TIMEOUT_SECONDS:g} s"
        return check.ok, check.text
