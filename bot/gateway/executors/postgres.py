"""PostgreSQL: ends sessions and queries by filter, and reports activity, locks and sizes."""

from __future__ import annotations

from bot.gateway.executors import Executor, Kind, Setup
from bot.gateway.executors.postgres_target import CANCEL, REPORT, TERMINATE, PostgresTarget


def _build(setup: Setup) -> Executor:
    from bot.gateway.executors.postgres_sessions import PostgresExecutor

    return PostgresExecutor(setup)


KIND = Kind(
    name="postgresql",
    target=PostgresTarget,
    actions=(TERMINATE, CANCEL, REPORT),
    build=_build,
    requires=("psycopg",),
    extra="postgres",
)
