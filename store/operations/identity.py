"""The store's id, by which two sopbots in one workspace tell their messages apart."""

from __future__ import annotations

import secrets

from store.operations.part import Part
from store.statements import Operation, query, run


def identity(fresh: str) -> Operation[str]:
    """The store's id; `fresh` becomes it where it has none yet."""
    yield run(
        "INSERT INTO store_identity (name, id) VALUES ('store', ?) ON CONFLICT (name) DO NOTHING",
        fresh,
    )
    rows = yield query("SELECT id FROM store_identity WHERE name = 'store'")
    known: str = rows[0]["id"]
    return known


class IdentityPart(Part):
    """The methods of `Store` for the store's own id."""

    async def identity(self) -> str:
        """The store's own id: random, made by the first call, and the same ever after.

        A backup and a copy have the same one, for they are the same store.
        """
        return await self._write(identity, secrets.token_hex(8))
