"""Hands the open incidents of one person over to another one, who must accept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.errors import Refused
from bot.incidents.records import Handover
from bot.language import deferred
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies

DirectChannel = Callable[[str], Awaitable[str]]
"""Returns the channel of the bot's direct messages with a user; '' if Slack opens none."""


class Handovers:
    """Offers, accepts and cancels handovers."""

    def __init__(self, dependencies: Dependencies, decisions: Decisions) -> None:
        self._store = dependencies.store
        self._clock = dependencies.clock
        self._decisions = decisions

    async def offer(
        self, giver: str, taker: str, direct_channel: DirectChannel, once: str
    ) -> Handover:
        """Offer all open incidents of the giver to the taker; the same `once` offers them once."""
        if giver == taker:
            raise Refused(deferred("Nothing to hand over: they are yours already."))
        await self._decisions.check_person(giver, "assign")
        await self._decisions.check_person(taker, "acknowledge")
        channel = await direct_channel(taker)
        if not channel:
            raise Refused(
                deferred(
                    "Not handed over: Slack opens no direct message to <@{taker}>.", taker=taker
                ),
                remedy=deferred("Assign the incidents one by one: `/incident assign INC-7 @ben`."),
            )
        channels = (await direct_channel(giver), channel)
        return await self._store.offer_handover(giver, taker, channels, once, self._clock())

    async def accept(self, handover_id: int, user: str) -> tuple[Handover, bool]:
        """The taker owns the incidents from now on; False if it had ended before."""
        await self._decisions.check_person(user, "acknowledge")
        return await self._store.accept_handover(handover_id, user, self._clock())

    async def cancel(self, handover_id: int, user: str) -> tuple[Handover, bool]:
        """End it without effect; False if it had ended before."""
        await self._decisions.check_person(user, "assign")
        return await self._store.cancel_handover(handover_id, user, self._clock())

    async def report_late(self) -> None:
        """Tell the givers of critical incidents that nobody accepted; resolved ones drop out."""
        await self._store.drop_ended_from_handovers(self._clock())
        await self._store.report_late_handovers(self._clock())
