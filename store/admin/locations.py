"""Reads the store that STORE_URL names, a file or a server, and lists its live replicas."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bot.errors import SettingsError
from store.admin.transfer import End, answer
from store.admin.transfer_sqlite import SqliteEnd
from store.engines.urls import SERVERS, engine_of, path_of
from store.operations import leases


def file_of(url: str) -> Path | None:
    """The file that STORE_URL names; None for a server. SettingsError for anything else."""
    if engine_of(url) == "sqlite":
        name = path_of(url)
        if name == ":memory:":
            raise SettingsError(["STORE_URL: a store in memory ends with its process"])
        return Path(name).absolute()
    try:
        import psycopg  # noqa: F401 - an extra, which may be missing
    except ImportError as error:
        why = "PostgreSQL needs its driver; install it with `make postgres`"
        raise SettingsError([f"STORE_URL: {why}"]) from error
    return None


def name_of(url: str) -> str:
    """Return the place as messages name it, never with a password."""
    file = file_of(url)
    if file:
        return str(file)
    from store.engines.postgres_connections import safe_name

    return safe_name(url)


def shown(url: str) -> str:
    """Return the URL for people: `…` for a password."""
    scheme = url.partition("://")[0]
    if scheme not in SERVERS:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    user, colon, _ = user.partition(":")
    query = "&".join(
        f"{word.partition('=')[0]}=…" if "password" in word.partition("=")[0].lower() else word
        for word in parts.query.split("&")
    )
    netloc = f"{user}{':…' if colon else ''}{at}{host}"
    return urlunsplit((scheme, netloc, parts.path, query, ""))


def reading(url: str) -> End:
    """Yield one consistent view of that store."""
    file = file_of(url)
    if file:
        return SqliteEnd.reading(file)
    from store.admin.transfer_postgres import PostgresEnd

    return PostgresEnd.reading(url)


def alive(end: End) -> list[tuple[str, datetime, datetime]]:
    """Return (owner, started at, lease until) of every replica with a valid lease."""
    return answer(end, leases.replicas(end.clock()))
