"""What keeps the store small and known to be well."""

from __future__ import annotations

from datetime import datetime

from store.contract.part import Part
from store.operations import (
    housekeeping,
)


class Housekeeping(Part):
    """The methods of `Store` for housekeeping."""

    async def prune(self, deliveries_before: datetime, resolved_before: datetime) -> dict[str, int]:
        """Forget old deliveries and raw alerts; incidents and decisions stay."""
        return await self._write(housekeeping.prune, deliveries_before, resolved_before)

    async def ping(self, now: datetime) -> None:
        """Prove that a write reaches the disk."""
        await self._write(housekeeping.ping, now)

    async def schema(self) -> list[str]:
        """The migrations this store has seen, in order."""
        return await self._engine.read(housekeeping.schema, self._engine.schema_query)
