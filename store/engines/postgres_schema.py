"""The schema of a PostgreSQL database: one replica at a time brings it up to date."""

from __future__ import annotations

import psycopg

from store.engines.dialects import schema_for_postgres
from store.engines.migrations import MIGRATIONS, name_of, statements_of
from store.engines.newer_schema import refuse_newer

SCHEMA = "SELECT name FROM sopbot_migrations ORDER BY name"
"""The steps that a database has seen, in order."""
SIZE = "SELECT pg_database_size(current_database()) AS bytes"

_LOCK = 7_076_266  # "sop" as a number: no other program's advisory lock


async def migrate(url: str, name: str) -> None:
    """Run the missing migrations, each in a transaction with its record. psycopg.Error, StoreError.

    Other replicas wait for the lock, and then find nothing left to run.
    """
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=10)
    async with connection:
        await connection.execute("SET lock_timeout = '60s'")  # after that its owner is stuck
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await connection.execute(
            'CREATE TABLE IF NOT EXISTS sopbot_migrations (name TEXT COLLATE "C" PRIMARY KEY,'
            " applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
        rows = await (await connection.execute(SCHEMA)).fetchall()
        applied = [row[0] for row in rows]
        refuse_newer(applied, name)
        for migration in MIGRATIONS:
            if name_of(migration) in applied:
                continue
            async with connection.transaction():
                for statement in statements_of(migration, "postgresql"):
                    sql = schema_for_postgres(statement)
                    await connection.execute(sql)
                await connection.execute(
                    "INSERT INTO sopbot_migrations (name) VALUES (%s)", (name_of(migration),)
                )
