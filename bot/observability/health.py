"""Whether everything the bot needs is there. A part registers its own check where it is built."""

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
FRESH = 60.0  # seconds that an answer holds at least; the checks have stopped when they are over


@dataclass(frozen=True, slots=True)
class State:
    """What a check last said, and when. `reason` is '' when all is well."""

    ok: bool
    reason: str
    at: datetime


class Health:
    """The parts that make the bot ready, each with its state and its age."""

    def __init__(self, clock: Callable[[], datetime], *, interval: float = 10.0) -> None:
        """`interval` is how often every part is asked, in seconds."""
        self._clock = clock
        self._fresh = max(FRESH, 3 * interval)
        self._checks: dict[str, Check] = {}
        self._events: dict[str, tuple[Event, Event]] = {}
        self._told: set[str] = set()
        self._states: dict[str, State] = {}

    def register(
        self,
        name: str,
        check: Check,
        *,
        vital: bool = True,
        events: tuple[Event, Event] = (Event.HEALTH_FAILING, Event.HEALTH_RECOVERED),
    ) -> None:
        """A part of the bot says how to ask after it.

        What is not `vital` is told, and leaves the bot ready: it works, and takes in what comes.
        """
        self._checks[name] = check
        self._events[name] = events
        if not vital:
            self._told.add(name)

    @property
    def parts(self) -> dict[str, bool]:
        """Every part that is checked, and whether it is vital."""
        return {name: name not in self._told for name in self._checks}

    async def check(self, *names: str) -> None:
        """Ask these parts, all at once; every part where none is named."""
        await asyncio.gather(*(self._note(name) for name in names or self._checks))

    async def _note(self, name: str) -> None:
        # As each answers: what was asked before a slow part may be known better by then.
        state = await self._ask(name)
        before = self._states.get(name)
        self._states[name] = state
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
        except Exception as error:
            log.exception("the health check of %s broke", name)
            return State(False, type(error).__name__, self._clock())
        return State(True, "", self._clock())

    @property
    def ready(self) -> bool:
        """Whether every vital part was asked lately and is well."""
        return self._states.keys() == self._checks.keys() and all(
            state.ok and self._age(state) <= self._fresh
            for name, state in self._states.items()
            if name not in self._told
        )

    def _age(self, state: State) -> float:
        return (self._clock() - state.at).total_seconds()

    def report(self) -> dict[str, Any]:
        """Every part with its state and how old that is, in seconds."""
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
