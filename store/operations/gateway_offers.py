"""Stores what the gateway offers, so that a bot that starts without it still knows its actions."""

from __future__ import annotations

from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, execute, query, to_db_time


def get(gateway: str) -> Operation[str]:
    """Return the gateway's last list as JSON, '' before the first."""
    rows = yield query("SELECT body FROM gateway_offers WHERE gateway = ?", gateway)
    return rows[0]["body"] if rows else ""


def put(gateway: str, body: str, now: datetime) -> Operation[None]:
    """Replace the list."""
    yield execute(
        "INSERT INTO gateway_offers (gateway, body, listed_at) VALUES (?, ?, ?)"
        " ON CONFLICT (gateway) DO UPDATE SET body = excluded.body, listed_at = excluded.listed_at",
        gateway,
        body,
        to_db_time(now),
    )


class GatewayOffersPart(Part):
    """The methods of `Store` for the gateway's offers."""

    async def gateway_offers(self, gateway: str) -> str:
        """Return the last list of the gateway of that name as JSON, '' before the first."""
        return await self._engine.read(get, gateway)

    async def keep_gateway_offers(self, gateway: str, body: str, now: datetime) -> None:
        """Store the list of the gateway of that name."""
        await self._write(put, gateway, body, now)
