"""Waits for a condition without sleeping."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


REST = 4  # a wait rests this many times as long as its last look took: looking costs a fifth
WORTH = 0.001  # seconds: a shorter rest is not worth a timer


class NeverHappenedError(AssertionError):
    """The awaited condition did not become true; the message has the transcript."""


class Pulse:
    """Beats at each change; costs nothing while nobody waits."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def beat(self) -> None:
        """Wake everyone who waits."""
        if self._waiting:
            woken, self._waiting = self._waiting, []
            for item in woken:
                if not item.done():
                    item.set_result(None)

    async def wait_for(
        self,
        predicate: Callable[[], T],
        *,
        timeout: float,
        on_timeout: Callable[[], str],
    ) -> T:
        """The first true answer of `predicate`, asked again after changes.

        In a storm not after each one: a look at ten thousand messages would otherwise be taken ten
        thousand times. `timeout` is in real seconds. Raises NeverHappenedError with what
        `on_timeout` says.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        began = loop.time()
        while not (answer := predicate()):
            looked = loop.time()
            rested = looked + REST * (looked - began)
            beat = loop.create_future()
            self._waiting.append(beat)
            try:
                async with asyncio.timeout_at(deadline):
                    await beat
                    if (rest := rested - loop.time()) > WORTH:
                        await asyncio.sleep(rest)
                began = loop.time()
            except TimeoutError:
                if answer := predicate():
                    return answer
                raise NeverHappenedError(on_timeout()) from None
        return answer
