"""The bot's memory. `open_store` is the door; `contract.Store` is what it gives."""

from __future__ import annotations

from bot.errors import SettingsError
from store.contract import Store
from store.sqlite import SqliteEngine


async def open_store(
    url: str, *, owner: str, card_update_seconds: float = 1.0, exclusive: bool = False
) -> Store:
    """Open the store that STORE_URL names and bring its schema up to date.

    `sqlite:///relative.db`, `sqlite:////absolute.db` or `sqlite://` (in memory). SettingsError
    for any other scheme, StoreError when the file cannot be used. `exclusive` keeps out every
    other process that asks for the same, until the store is closed or this process is gone.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite":
        raise SettingsError([f"STORE_URL: {scheme or 'an empty scheme'} is not known here"])
    engine = SqliteEngine(rest.removeprefix("/") or ":memory:", exclusive=exclusive)
    await engine.start()
    return Store(engine, owner=owner, card_update_seconds=card_update_seconds)
