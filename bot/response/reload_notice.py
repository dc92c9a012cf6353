"""Reports in the ops channel that the last reload was refused, until one is accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.observability.metrics import Metrics
from store import Store
from store.topics import Topic

NOTICE = "reload"
"""The kind of the message in the ops channel: one while it lasts, changed in place."""


class ReloadNotice:
    """Remembers how the last reload went until the store has it: a reload itself cannot wait.

    A start counts as a reload that was taken: the message of a process before this one ends.
    """

    def __init__(
        self, store: Store, metrics: Metrics, clock: Callable[[], datetime], ops_channel: str
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._ops_channel = ops_channel
        self._problems: tuple[str, ...] = ()
        self._written: tuple[str, ...] | None = None
        self.taken()

    def taken(self) -> None:
        """The policy and SOPs in force are those of the files."""
        self._ended(())

    def refused(self, problems: Sequence[str]) -> None:
        """The files have these problems; the previous policy and SOPs stay in force."""
        self._ended(tuple(problems))

    async def write(self) -> None:
        """Bring the message up to date. StoreError: not yet; call it again."""
        problems = self._problems
        if problems == self._written:
            return
        await self._store.upsert_notice(
            NOTICE, self._ops_channel, list(problems), self._clock(), over=not problems
        )
        self._written = problems

    def _ended(self, problems: tuple[str, ...]) -> None:
        self._problems = problems
        self._metrics.reloaded(not problems)
        self._store.signal(Topic.CONFIGURATION).set()
