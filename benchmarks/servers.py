"""A PostgreSQL for the benches: unlike the tests' server, it writes its commits to the disk."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tests.helpers.postgres import PostgresServer, postgres_server, programs

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def is_there() -> bool:
    """Return True if this machine has the server's programs."""
    return programs() is not None


def postgres(**settings: str) -> AbstractContextManager[PostgresServer]:
    """Run our own server until the block ends; `settings` are further lines of its config."""
    return postgres_server(DURABLE | settings)
