"""Keeps the gateway's list of actions and targets: fetched by time, and stored for a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from pydantic import ValidationError

from bot.errors import GatewayRejected, GatewayUnavailable
from bot.remediation.catalogue import Action, actions_with
from bot.remediation.contract import ActionList
from bot.remediation.offers import NO_OFFERS, Offers, read_offers
from bot.response.dependencies import Dependencies

log = logging.getLogger(__name__)

START_SECONDS = 5.0  # for the gateway to list its actions while the bot starts


class GatewayOffers:
    """Reads what the gateway offers, and gives it to the configuration in force."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._gateway = dependencies.gateway
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._stored = ""

    async def start(self) -> None:
        """Use the list of the last run until the gateway answers, and ask it once."""
        await self._take(await self._store.gateway_offers())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.refresh()

    async def refresh(self) -> None:
        """Ask the gateway again. While it does not answer, the last list stays."""
        try:
            listed = await self._gateway.offers()
        except (GatewayUnavailable, GatewayRejected) as error:
            log.debug("the gateway does not list its actions: %s", error)
            return
        body = listed.model_dump_json() if listed else ""
        if body != self._stored:
            await self._store.keep_gateway_offers(body, self._clock())
            await self._take(body)

    async def _take(self, body: str) -> None:
        """Use a list. In a thread: a hostile one of 1 MiB takes seconds to read."""
        self._stored = body
        offers, actions = await asyncio.to_thread(_read, body)
        self._config.take_offers(offers, actions)
        for action in offers.actions.values():
            if action.problem:
                log.warning("%s cannot be requested: %s", action.id, action.problem)


def _read(body: str) -> tuple[Offers, Mapping[str, Action]]:
    """Return what a list offers; a stored one that this version cannot read is none."""
    try:
        offers = read_offers(ActionList.model_validate_json(body)) if body else NO_OFFERS
    except ValidationError:
        offers = NO_OFFERS
    return offers, actions_with(offers)
