"""This process among others on one store: its lease, and what it may do alone by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from bot.observability.events import Event, emit
from store.engines.protocol import Engine
from store.operations import leases
from store.operations.leases import ChannelClaim

LEASE = 10.0  # seconds; what a dead replica left is taken over after so long
_MARGIN = 0.1  # of the lease: we stop so much before others may start


class Replica:
    """The lease of one process. A heartbeat calls `renew` at least three times a lease.

    `owner` names the process; `seconds` is how long the lease lasts; `monotonic` is the machine's
    clock that nobody sets. Whoever is frozen past the lease and wakes finds `holds` False.
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
        """Return whether the claims are still ours for sure, without asking the database."""
        return self._engine.alone or self._monotonic() < self._good_until

    async def renew(self, now: datetime) -> None:
        """Prolong the lease. After it had lapsed everything is to be claimed anew."""
        asked_at = self._monotonic()
        kept = await self._engine.write(leases.renew, self.owner, now, self.seconds)
        # Who stood still on the way comes with an old `now`, by which the lease had not lapsed.
        if not kept or not self.holds:
            self._terms += 1
            if self._engine.alone:
                await self._engine.write(leases.evict_others, self.owner)
        self._good_until = asked_at + self.seconds * (1 - _MARGIN)

    async def leave(self) -> None:
        """Let go of everything; others take it on at once."""
        self._good_until = self._monotonic()
        self._terms += 1
        await self._engine.write(leases.leave, self.owner)

    async def leads(self, name: str, now: datetime) -> bool:
        """Return whether `name` is ours; takes it when nobody alive has it."""
        if self._has(name):
            return True
        terms = self._terms
        if not self.holds or not await self._engine.write(leases.claim, name, self.owner, now):
            return False
        self._held[name] = terms
        return self._has(name)

    async def claim_channel(self, channel: str, now: datetime) -> ChannelClaim | None:
        """Take on a channel's outbox; None while another replica has it."""
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
        """Return whether the channel is still ours for sure."""
        return self._has(leases.channel_claim_name(claim.channel))

    def _has(self, name: str) -> bool:
        return self.holds and self._held.get(name) == self._terms
