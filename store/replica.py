"""One process among others on one store: its lease, and the claims that depend on it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from bot.errors import StoreError
from bot.observability.events import Event, emit
from store.engines.protocol import Engine
from store.operations import leases
from store.operations.leases import ChannelClaim

log = logging.getLogger(__name__)

LEASE = 10.0  # seconds; then others take over the claims of a dead replica
_MARGIN = 0.1  # of the lease: this replica stops so much earlier than others may start


class Replica:
    """The lease of one process. A heartbeat calls `renew` at least three times a lease.

    `owner` names the process; `seconds` is how long the lease lasts; `monotonic` is the machine's
    clock that nobody sets. A process that was frozen past its lease finds `holds` False.
    """

    def __init__(
        self,
        engine: Engine,
        owner: str,
        *,
        seconds: float = LEASE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._good_until = monotonic()
        self._terms = 0
        self._held: dict[str, int] = {}
        self.owner = owner
        self.seconds = seconds

    @property
    def holds(self) -> bool:
        """Return whether this process still owns its claims for sure, without asking the
        database."""
        return self._engine.alone or self._monotonic() < self._good_until

    async def renew(self, now: datetime) -> None:
        """Renew the lease. If it had lapsed, everything must be claimed again."""
        asked_at = self._monotonic()
        kept = await self._engine.write(leases.renew, self.owner, now, self.seconds)
        # A process that was frozen here has an old `now`, at which its lease had not lapsed.
        if not kept or not self.holds:
            self._terms += 1
            if self._engine.alone:
                await self._engine.write(leases.evict_others, self.owner)
        self._good_until = asked_at + self.seconds * (1 - _MARGIN)

    async def leave(self) -> None:
        """Release all claims; other replicas take them over at once."""
        self._good_until = self._monotonic()
        self._terms += 1
        await self._engine.write(leases.leave, self.owner)

    async def leave_or_warn(self) -> None:
        """Leave; if that fails the other replicas wait for the lease's end, which is no error."""
        try:
            await self.leave()
        except StoreError as error:
            log.warning("the other replicas have to wait for the lease: %s", error)

    async def leads(self, name: str, now: datetime) -> bool:
        """Return whether this replica leads `name`; claim it if no live replica has it."""
        if self._has(name):
            return True
        terms = self._terms
        if not self.holds or not await self._engine.write(leases.claim, name, self.owner, now):
            return False
        self._held[name] = terms
        return self._has(name)

    async def claim_channel(self, channel: str, now: datetime) -> ChannelClaim | None:
        """Claim a channel's outbox; None while another replica has it."""
        terms = self._terms
        if not self.holds:
            return None
        claim = await self._engine.write(leases.claim_channel, channel, self.owner, now)
        if claim is not None:
            self._held[leases.channel_claim_name(channel)] = terms
            if claim.former not in ("", self.owner):
                emit(Event.LEASE_TAKEN_OVER, channel=channel, former=claim.former)
        return claim

    def holds_channel(self, claim: ChannelClaim) -> bool:
        """Return whether this replica still owns the channel for sure."""
        return self._has(leases.channel_claim_name(claim.channel))

    def _has(self, name: str) -> bool:
        return self.holds and self._held.get(name) == self._terms
