"""The base of every part of the store: an engine, this process's name, the audit key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from bot.configuration import LiveConfiguration
from store.audit.known_head import KnownHead
from store.audit.sealing import AuditKey, sealed
from store.engines.protocol import Engine
from store.log_events import Announcer, LogEvent
from store.replica import LEASE, Replica
from store.statements import Operation
from store.topics import Topic

P = ParamSpec("P")
T = TypeVar("T")


class Part:
    """One part of the store: the engine, and how it reads and writes. See `Store`."""

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str,
        config: LiveConfiguration | None = None,
        lease_seconds: float = LEASE,
        audit_key: AuditKey | None = None,
    ) -> None:
        self._engine = engine
        self._audit_key = audit_key
        self._known_head = KnownHead()
        self._announcer = Announcer(engine)
        self.owner = owner
        self.replica = Replica(engine, owner, seconds=lease_seconds)
        self.clock = engine.clock
        """The time by which leases are kept: the same for every replica."""
        self.config = config or LiveConfiguration()
        """The configuration in force; by default the policy's own defaults."""

    def signal(self, topic: Topic) -> asyncio.Event:
        """Set after each commit that concerns `topic`."""
        return self._engine.signal(topic)

    def on_step(self, listener: Callable[[LogEvent], None]) -> None:
        """Call `listener` with each step of this process, once it is durable."""
        self._announcer.listeners.append(listener)

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        await self._engine.close()

    async def _read_sealed(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Engine.read of what looks whether the key made what it reads."""
        trail = self._known_head.view()
        result = await self._engine.read(
            sealed, partial(operation, *args, **kwargs), self._audit_key, None, trail
        )
        self._known_head.learn(trail)
        return result

    async def _write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Engine.write of what may have something to record in the audit trail, or to log."""
        events: list[LogEvent] = []
        trail = self._known_head.view()
        result = await self._engine.write(
            sealed, partial(operation, *args, **kwargs), self._audit_key, events, trail
        )
        self._known_head.learn(trail)
        if events:
            await self._announcer.announce(events)
        return result
