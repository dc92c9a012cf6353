"""One advisor of the chain: its retries within a deadline, and its pause after a failure that only
a person can fix.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.advice.failures import PAUSED_SECONDS, RETRIED, FailureKind
from bot.advice.kinds.contract import AdvisorKind, Reply, Schema
from bot.errors import AdvisorError

_LONGEST_DELAY = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time and chance; a test gives its own."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class MemberHealth:
    """Health of one advisor. `state` is unknown (never called), ok, failing or paused.

    `reason` states the cause and the remedy; `paused_for` is in seconds.
    """

    name: str
    state: str
    reason: str = ""
    paused_for: float = 0.0


class Member:
    """Asks one advisor, again after a failure that may pass, and not at all while it is paused.

    `retry_delay` doubles with each try, plus up to a quarter of jitter, 60 s at most. `share` is
    the most that one question may take here in seconds, None if the chain decides.
    """

    def __init__(
        self,
        kind: AdvisorKind,
        *,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        share: float | None = None,
        timing: Timing | None = None,
        on_retry: Callable[[float], None] = lambda _pause: None,
    ) -> None:
        self.kind = kind
        self.share = share
        self._max_retries = max_retries
        self._retry_delay = retry_delay
        self._on_retry = on_retry
        timing = timing or Timing()
        self._sleep, self._random, self._clock = timing.sleep, timing.random, timing.clock
        self._called = False
        self._last_failure: AdvisorError | None = None
        self._paused_until = 0.0
        self._paused_by: AdvisorError | None = None

    @property
    def name(self) -> str:
        return self.kind.name

    async def ask(self, prompt: str, *, deadline: float, schema: Schema | None = None) -> Reply:
        """Return the answer; AdvisorError of the last try if there is none until `deadline`."""
        began = self._clock()
        seen: list[FailureKind] = []
        while True:
            self._called = True
            try:
                reply = await self.kind.ask(
                    prompt, timeout=max(0.0, deadline - self._clock()), schema=schema
                )
            except AdvisorError as error:
                self._remember(error)
                seen.append(FailureKind(error.kind))
                pause = self._pause_before_next(seen, error.retry_after)
                if pause is None or self._clock() + pause >= deadline:
                    raise
                self._on_retry(pause)
                await self._sleep(pause)
                continue
            self._last_failure = None
            self._paused_until = 0.0
            return replace(reply, name=self.name, seconds=self._clock() - began)

    def paused(self) -> AdvisorError | None:
        """Return the failure that paused the advisor, with the rest of the pause; None without."""
        left = self._paused_until - self._clock()
        why = self._paused_by
        if left <= 0 or why is None:
            return None
        return AdvisorError(
            why.kind, why.message, permanent=True, retry_after=left, remedy=why.remedy
        )

    def health(self) -> MemberHealth:
        """Return the health of the advisor without calling it."""
        paused = self.paused()
        if paused:
            return MemberHealth(self.name, "paused", str(paused), paused.retry_after or 0.0)
        if self._last_failure:
            return MemberHealth(self.name, "failing", str(self._last_failure))
        return MemberHealth(self.name, "ok" if self._called else "unknown")

    def _pause_before_next(
        self, seen: Sequence[FailureKind], retry_after: float | None
    ) -> float | None:
        """Return the seconds before the next try, or None if a retry cannot help."""
        kind, tries = seen[-1], len(seen)
        if kind not in RETRIED or tries > self._max_retries:
            return None
        if kind is FailureKind.LOCKED and seen.count(kind) > 1:
            return None  # two starts collided once; a second time another process holds the file
        delay = self._retry_delay * 2 ** (tries - 1) * (1 + self._random() / 4)
        return float(max(retry_after or 0.0, min(_LONGEST_DELAY, delay)))

    def _remember(self, error: AdvisorError) -> None:
        self._last_failure = error
        pause = PAUSED_SECONDS.get(FailureKind(error.kind))
        if pause:
            self._paused_until, self._paused_by = self._clock() + pause, error
