"""Replicas whose clocks a test moves."""

from __future__ import annotations

from datetime import datetime

from store import Store
from store.operations.leases import ChannelClaim
from store.replica import LEASE, Replica
from tests.helpers.builders import (
    CHANNEL,
    later,
)
from tests.helpers.stores import Storage

JOB = "job/expire"


class Process:
    """A replica with a steady clock that the test moves; the database's time moves with it."""

    def __init__(self, store: Store, owner: str = "") -> None:
        self.store = store
        self.seconds = 0.0
        self.replica = Replica(
            store._engine, owner or store.owner, seconds=LEASE, monotonic=lambda: self.seconds
        )

    @property
    def now(self) -> datetime:
        return later(self.seconds)

    async def renew(self) -> None:
        await self.replica.renew(self.now)

    async def leads(self, name: str = JOB) -> bool:
        return await self.replica.leads(name, self.now)

    async def claim_channel(self, channel: str = CHANNEL) -> ChannelClaim | None:
        return await self.replica.claim_channel(channel, self.now)


def wait(seconds: float, *processes: Process) -> None:
    """So much time passes for all of them."""
    for process in processes:
        process.seconds += seconds


async def two_processes(storage: Storage) -> tuple[Process, Process]:
    """Two processes, alive since now."""
    stores = [await storage.open("bot-a"), await storage.open("bot-b")]
    for store in stores:
        store._engine.alone = False  # what one process has in memory serves two here
    here, there = (Process(store) for store in stores)
    await here.renew()
    await there.renew()
    return here, there
