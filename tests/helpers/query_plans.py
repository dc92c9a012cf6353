"""SQLite's plans of our statements."""

from __future__ import annotations

from typing import Any

from store import open_store
from store.statements import Operation, query
from tests.helpers.builders import AUDIT_KEY


async def plan_of(operation: Operation[Any]) -> list[str]:
    """Return how SQLite runs the first statement of an operation."""
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    statement = next(operation)

    def plan() -> Operation[list[str]]:
        rows = yield query(f"EXPLAIN QUERY PLAN {statement.sql}", *statement.parameters)
        return [row["detail"] for row in rows]

    steps = await store._engine.read(plan)
    await store.close()
    return steps
