"""The bot's facts about itself: its store's id, storms, overdue work."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from bot.incidents.notices import Notice, Storm
from store.contract.part import Part
from store.operations import (
    identity,
    notices,
    selfcheck,
)
from store.operations.selfcheck import Stuck


class Itself(Part):
    """The methods of `Store` for the bot's own words."""

    async def identity(self) -> str:
        """The store's own id: random, made by the first call, and the same ever after.

        A backup and a copy have the same one, for they are the same store.
        """
        return await self._write(identity.identity, secrets.token_hex(8))

    async def weather(self, channel: str, storm_limit: int, now: datetime, *, remind: bool) -> bool:
        """Whether more than `storm_limit` incidents wait for their card in the channel.

        A storm lasts until every card is up. It has one notice, of the kind `storm`, which is
        posted when it begins, changed when it ends, and by each call that reminds in between.
        """
        return await self._write(notices.weather, channel, storm_limit, now, remind)

    async def storm(self, notice_id: int) -> Storm | None:
        """The incidents of that storm, as they stand now."""
        return await self._engine.read(notices.storm, notice_id)

    async def tell(self, kind: str, channel: str, body: Any, now: datetime, *, over: bool) -> None:
        """Say something of the bot itself, or change what it said and still says.

        `over` ends it; the next one is a new message. What begins must not be over.
        """
        await self._write(notices.tell, kind, channel, body, now, over=over)

    async def notice(self, notice_id: int) -> Notice | None:
        """One notice of the bot about itself."""
        return await self._engine.read(notices.get, notice_id)

    async def stuck(self, now: datetime) -> list[Stuck]:
        """Overdue work."""
        return await self._engine.read(selfcheck.stuck, now)
