"""The bot's memory. `open_store` is the door; `contract.Store` is what it gives."""

from __future__ import annotations

from bot.errors import SettingsError
from store.audit.sealing import AuditKey
from store.contract import Engine, Store
from store.engines.sqlite import SqliteEngine
from store.engines.urls import engine_of, path_of
from store.replica import LEASE


async def open_store(
    url: str,
    *,
    owner: str,
    card_update_seconds: float = 1.0,
    lease_seconds: float = LEASE,
    exclusive: bool = False,
    audit_key: AuditKey | None = None,
) -> Store:
    """Open the store that STORE_URL names and bring its schema up to date.

    `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` (in memory) or
    `postgresql://user:password@host/database`. SettingsError for any other scheme, StoreError when
    the database cannot be used. `exclusive` keeps every other process that asks for the same away
    from a file, until the store is closed or this process is gone; a server is there to be shared.
    """
    engine = await open_engine(url, exclusive=exclusive)
    return Store(
        engine,
        owner=owner,
        card_update_seconds=card_update_seconds,
        lease_seconds=lease_seconds,
        audit_key=audit_key,
    )


async def open_engine(url: str, *, exclusive: bool = False) -> Engine:
    """The engine of `open_store`, started."""
    if engine_of(url) == "sqlite":
        file = SqliteEngine(path_of(url), exclusive=exclusive)
        await file.start()
        return file
    try:
        from store.engines.postgres import PostgresEngine
    except ImportError as error:
        why = "PostgreSQL needs its driver; install it with `make postgres`"
        raise SettingsError([f"STORE_URL: {why}"]) from error
    server = PostgresEngine(url)
    await server.start()
    return server
