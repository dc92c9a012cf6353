"""Watches the gateway; while it cannot run actions, the ops channel and the cards show it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from bot.errors import GatewayUnavailable
from bot.remediation.client import GatewayClient
from store import Store

log = logging.getLogger(__name__)

NOTICE = "gateway"
"""The kind of the message in the ops channel: one while it lasts, changed in place."""


class GatewayWatch:
    """Asks for the gateway's health, and notifies people when it changes."""

    def __init__(
        self,
        gateway: GatewayClient,
        store: Store,
        clock: Callable[[], datetime],
        ops_channel: str,
    ) -> None:
        self._gateway = gateway
        self._store = store
        self._clock = clock
        self._ops_channel = ops_channel
        self.down_since: datetime | None = None
        self._told_well = False  # the notice of an earlier process may still be shown

    async def start(self, *, required: bool) -> None:
        """Ask once. GatewayUnavailable stops the start if the gateway is required."""
        if required:
            await self._gateway.health()
            return
        try:
            await self.check()
        except GatewayUnavailable as error:
            log.warning("nothing can run: %s", error)

    async def check(self) -> None:
        """Raise GatewayUnavailable, with the reason, while nothing can run."""
        try:
            await self._gateway.health()
        except GatewayUnavailable as error:
            now = self._clock()
            self.down_since, self._told_well = self.down_since or now, False
            await self._store.upsert_notice(
                NOTICE, self._ops_channel, {"why": str(error)}, now, over=False
            )
            raise
        self.down_since = None
        if not self._told_well:
            await self._store.wake_proposals(self._clock())
            await self._store.upsert_notice(
                NOTICE, self._ops_channel, {"why": ""}, self._clock(), over=True
            )
            self._told_well = True
