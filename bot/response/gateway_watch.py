"""Watches the gateways; while one cannot run actions, the ops channel and the cards show it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.errors import GatewayUnavailable, InputError
from bot.remediation.gateways import Gateways, NamedGateway, names_of
from store import Store

log = logging.getLogger(__name__)

NOTICE = "gateway"
"""The kind of the message in the ops channel: one while it lasts, changed in place."""


@dataclass(frozen=True, slots=True)
class _Down:
    since: datetime
    why: str


class GatewayWatch:
    """Asks for the health of each gateway, and notifies people when it changes."""

    def __init__(
        self,
        gateways: Gateways,
        store: Store,
        clock: Callable[[], datetime],
        ops_channel: str,
    ) -> None:
        self._gateways = gateways
        self._store = store
        self._clock = clock
        self._ops_channel = ops_channel
        self._down: dict[str, _Down] = {}
        self._well: set[str] = set()
        self._told_well = False  # the notice of an earlier process may still be shown

    async def start(self) -> None:
        """Ask each once. GatewayUnavailable stops the start if one that is required fails."""
        await asyncio.gather(*[self._first(gateway) for gateway in self._gateways])

    async def _first(self, gateway: NamedGateway) -> None:
        if gateway.required:
            await gateway.client.health()
            return
        try:
            await self.check(gateway)
        except GatewayUnavailable as error:
            log.warning("nothing can run: %s", error)

    @property
    def down_since(self) -> dict[str, datetime]:
        """Return since when each gateway is down that is, by its name for people."""
        return {names_of([name]): down.since for name, down in self._down.items()}

    def down_for(self, target: str) -> datetime | None:
        """Return since when the gateway that acts on the target is down; None while it is not."""
        try:
            down = self._down.get(self._gateways.for_target(target).name)
        except (GatewayUnavailable, InputError):
            return None
        return down.since if down else None

    async def check(self, gateway: NamedGateway) -> None:
        """Raise GatewayUnavailable, with the reason, while the gateway can run nothing."""
        try:
            await gateway.client.health()
        except GatewayUnavailable as error:
            before = self._down.get(gateway.name)
            since = before.since if before else self._clock()
            self._down[gateway.name] = _Down(since, str(error))
            self._well.discard(gateway.name)
            self._told_well = False
            await self._show()
            raise
        self._down.pop(gateway.name, None)
        if gateway.name not in self._well:
            await self._store.wake_proposals(self._clock())
            self._well.add(gateway.name)
        if not self._told_well:
            await self._show()

    async def _show(self) -> None:
        """Write the notice: it ends once every gateway is known to be well."""
        if not self._down and len(self._well) < len(list(self._gateways)):
            return
        whys = [
            f"{names_of([name])}: {down.why}" if self._gateways.are_several else down.why
            for name, down in self._down.items()
        ]
        body = {"why": " ".join(whys)}
        if self._well:
            body["names"] = names_of(self._down)
        over = not self._down
        await self._store.upsert_notice(NOTICE, self._ops_channel, body, self._clock(), over=over)
        self._told_well = over
