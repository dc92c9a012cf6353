"""Keeps the gateways' lists of actions and targets: fetched by time, and stored for a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from pydantic import ValidationError

from bot.errors import GatewayRejected, GatewayUnavailable
from bot.remediation.catalogue import Action, actions_with
from bot.remediation.contract import ActionList
from bot.remediation.gateways import NamedGateway, names_of
from bot.remediation.offers import NO_OFFERS, Offers, merged, read_offers
from bot.response.dependencies import Dependencies

log = logging.getLogger(__name__)

START_SECONDS = 5.0  # for the gateways to list their actions while the bot starts
MOST_LOGGED = 20  # targets of two gateways that one look names


class GatewayOffers:
    """Reads what the gateways offer, and gives it to the configuration in force."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._gateways = dependencies.gateways
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._stored = {gateway.name: "" for gateway in self._gateways}
        self._lists = dict.fromkeys(self._stored, NO_OFFERS)
        self._taking = asyncio.Lock()

    async def start(self) -> None:
        """Use the lists of the last run until the gateways answer, and ask them once."""
        for gateway in self._gateways:
            await self._take(gateway, await self._store.gateway_offers(gateway.name))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.refresh()

    async def refresh(self) -> None:
        """Ask every gateway again. While one does not answer, its last list stays."""
        await asyncio.gather(*[self._refresh(gateway) for gateway in self._gateways])

    async def _refresh(self, gateway: NamedGateway) -> None:
        try:
            listed = await gateway.client.offers()
        except (GatewayUnavailable, GatewayRejected) as error:
            log.debug("the gateway %s does not list its actions: %s", gateway.shown, error)
            return
        body = listed.model_dump_json() if listed else ""
        if body != self._stored[gateway.name]:
            await self._store.keep_gateway_offers(gateway.name, body, self._clock())
            await self._take(gateway, body)

    async def _take(self, gateway: NamedGateway, body: str) -> None:
        """Use a list. In a thread: a hostile one of 1 MiB takes seconds to read.

        One at a time, so that the lists of two gateways never overwrite each other. One whose
        reading was cancelled counts as not taken, so that the next look reads it again.
        """
        async with self._taking:
            self._lists[gateway.name] = listed = await asyncio.to_thread(_read, body)
            offers, actions = await asyncio.to_thread(self._merged)
            self._config.take_offers(offers, actions)
            self._stored[gateway.name] = body
        for action in listed.actions.values():
            if action.problem:
                log.warning("%s cannot be requested: %s", action.id, action.problem)
        for target, names in list(offers.clashes.items())[:MOST_LOGGED]:
            log.warning("%s is a target of several gateways: %s", target, names_of(names))

    def _merged(self) -> tuple[Offers, Mapping[str, Action]]:
        offers = merged(self._lists, self._may_offer)
        return offers, actions_with(offers)

    def _may_offer(self, name: str, target: str) -> bool:
        return self._gateways.named(name).may_offer(target)


def _read(body: str) -> Offers:
    """Return what a list offers; a stored one that this version cannot read is none."""
    try:
        return read_offers(ActionList.model_validate_json(body)) if body else NO_OFFERS
    except ValidationError:
        return NO_OFFERS
