"""GET /health: what can run now, from real requests to every system and a write to the journal."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.gateway.auth import Gatekeeper
from bot.gateway.dispatch import Dispatcher
from bot.gateway.journal import Journal
from bot.gateway.probes import Probe, Probes, Slot
from bot.remediation.contract import HealthReport, TargetHealth, rfc3339

VERSION = "1.0.0"
_TIMEOUT_SECONDS = 5.0
_WRITE_EVERY_SECONDS = 1.0
_NOT_YET = "no answer yet"


class HealthCheck:
    """healthy, degraded (some targets cannot be acted on) or unhealthy (none can, or no journal).

    A kind of system that all its targets share counts once; of the others each target does.
    """

    def __init__(
        self,
        probes: Probes,
        journal: Journal,
        clock: Callable[[], datetime],
        *,
        gatekeeper: Gatekeeper,
        dispatcher: Dispatcher,
    ) -> None:
        self._probes = probes
        self._journal = journal
        self._clock = clock
        self._gatekeeper = gatekeeper
        self._dispatcher = dispatcher
        self._writing: asyncio.Task[tuple[bool, str]] | None = None
        self._began = 0.0

    async def __call__(self) -> HealthReport:
        """Return the latest state; takes at most about 5 s."""
        journal, latest = await asyncio.gather(self._written(), self._probes.latest())
        kinds, good = _by_kind(latest)
        status = "healthy" if all(good) else "degraded" if any(good) else "unhealthy"
        if not journal[0]:
            status = "unhealthy"
        signatures = "ok: off, loopback only" if self._gatekeeper.open else "ok: required"
        return HealthReport(
            status=status,
            timestamp=rfc3339(self._clock()),
            version=VERSION,
            checks={
                "configuration": "ok" if kinds else "ok: no target is declared",
                "journal": journal[1],
                "signatures": signatures,
                **({"mode": "ok: read-only"} if self._dispatcher.catalogue.read_only else {}),
                **kinds,
            },
            targets=_by_target(latest),
        )

    async def _written(self) -> tuple[bool, str]:
        """Return the latest try to write; strangers may ask, and executions wait for each fsync."""
        now = asyncio.get_running_loop().time()
        is_old = self._began + _WRITE_EVERY_SECONDS <= now
        if self._writing is None or (is_old and self._writing.done()):
            self._writing, self._began = asyncio.create_task(self._write()), now
        return await asyncio.shield(self._writing)

    async def _write(self) -> tuple[bool, str]:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._journal.check()
        except (sqlite3.Error, TimeoutError) as error:
            return False, f"cannot be written: {error or 'no answer in time'}"
        return True, "ok"


def _by_kind(latest: Mapping[Slot, Probe | None]) -> tuple[dict[str, Any], list[bool]]:
    """Return one line for each kind, and the results that decide about the status."""
    lines: dict[str, Any] = {}
    good: list[bool] = []
    for (kind, name), shared in latest.items():
        if name:
            continue
        if shared is not None and shared.check is not None:
            lines[kind] = shared.check.text
            good.append(shared.check.ok)
            continue
        of_kind = [(n, probe) for (k, n), probe in latest.items() if k == kind and n]
        checks = [(n, probe.check if probe else None) for n, probe in of_kind]
        bad = [check.text if check else f"{n}: {_NOT_YET}" for n, check in checks if not _ok(check)]
        texts = [check.text for _, check in checks if check]
        lines[kind] = "; ".join(bad) or "ok: " + "; ".join(texts)
        good += [_ok(check) for _, check in checks] or [shared is not None]
    return lines, good


def _ok(check: Any) -> bool:
    return check is not None and check.ok


def _by_target(latest: Mapping[Slot, Probe | None]) -> dict[str, TargetHealth]:
    now = asyncio.get_running_loop().time()
    targets: dict[str, TargetHealth] = {}
    for (_, name), probe in latest.items():
        if not name:
            continue
        if probe is None or probe.check is None:
            targets[name] = TargetHealth(ok=False, text=_NOT_YET)
        else:
            text, age = probe.check.text, round(now - probe.at, 1)
            targets[name] = TargetHealth(ok=probe.check.ok, text=text, age_seconds=age)
    return targets
