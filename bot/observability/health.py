"""Readiness of the bot. A part registers its own check where it is built."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.errors import SopbotError
from bot.observability.events import Event, emit

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[None]]
"""Returns when all is well; raises SopbotError with the reason when it is not."""

TIMEOUT = 10.0  # seconds a check may take
FRESH = 60.0  # minimum age in seconds at which an answer expires: by then the checks have stopped


@dataclass(frozen=True, slots=True)
class State:
    """The last result of a check, and its time. `reason` is '' when it passed."""

    ok: bool
    reason: str
    at: datetime


class Health:
    """The checked parts of the bot, each with its state and its age."""

    def __init__(self, clock: Callable[[], datetime], *, interval: float = 10.0) -> None:
        """Check every part each `interval` seconds."""
        self._clock = clock
        self._fresh = max(FRESH, 3 * interval)
        self._checks: dict[str, Check] = {}
        self._events: dict[str, tuple[Event, Event]] = {}
        self._not_vital: set[str] = set()
        self._states: dict[str, State] = {}
        self.on_result: Callable[[str, bool], None] | None = None
        """The function that gets the name of each part that was checked, and whether it passed."""

    def register(
        self,
        name: str,
        check: Check,
        *,
        vital: bool = True,
        events: tuple[Event, Event] = (Event.HEALTH_FAILING, Event.HEALTH_RECOVERED),
    ) -> None:
        """Register the check of a part of the bot.

        A part that is not `vital` is reported, but the bot stays ready: it works, and accepts
        alerts.
        """
        self._checks[name] = check
        self._events[name] = events
        if not vital:
            self._not_vital.add(name)

    @property
    def parts(self) -> dict[str, bool]:
        """Return every checked part, and True if it is vital."""
        return {name: name not in self._not_vital for name in self._checks}

    async def check(self, *names: str) -> None:
        """Check these parts at once; every part if none is named."""
        await asyncio.gather(*(self._note(name) for name in names or self._checks))

    async def _note(self, name: str) -> None:
        # Stored as each check answers: otherwise a slow part could overwrite a newer result of
        # another.
        state = await self._ask(name)
        before = self._states.get(name)
        self._states[name] = state
        if self.on_result:
            self.on_result(name, state.ok)
        if state.ok != (before is None or before.ok):
            failing, recovered = self._events[name]
            emit(recovered if state.ok else failing, part=name, why=state.reason or None)

    async def _ask(self, name: str) -> State:
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._checks[name]()
        except SopbotError as error:
            return State(False, str(error), self._clock())
        except TimeoutError:
            return State(False, f"no answer in {TIMEOUT:g} s", self._clock())
        except Exception as error:  # a check that breaks is a part that is not well
            log.exception("the health check of %s broke", name)
            return State(False, type(error).__name__, self._clock())
        return State(True, "", self._clock())

    @property
    def ready(self) -> bool:
        """Return True if every vital part was checked recently and passed."""
        return self._states.keys() == self._checks.keys() and all(
            state.ok and self._age(state) <= self._fresh
            for name, state in self._states.items()
            if name not in self._not_vital
        )

    def _age(self, state: State) -> float:
        return (self._clock() - state.at).total_seconds()

    def report(self) -> dict[str, Any]:
        """Return every part with its state and the age of the state, in seconds."""
        return {
            name: {
                "state": self._word(state),
                "reason": state.reason,
                "checked_at": state.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "age_seconds": round(self._age(state), 1),
            }
            for name, state in sorted(self._states.items())
        }

    def _word(self, state: State) -> str:
        if not state.ok:
            return "failing"
        return "ok" if self._age(state) <= self._fresh else "stale"
