"""The audit trail as its proof sees it, and hands that change it behind the bot's back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from store import Store
from store.audit.chain import Chain
from store.audit.proof.rows import Anchor, Fault, Row
from store.operations.trail_end import anchor_from, row_from
from store.statements import Operation, execute, query
from tests.helpers.builders import AUDIT_KEY


def _rows() -> Operation[list[Row]]:
    rows = yield query("SELECT * FROM audit ORDER BY seq")
    return [row_from(row) for row in rows]


def _anchors() -> Operation[list[Anchor]]:
    rows = yield query("SELECT * FROM audit_anchors ORDER BY name")
    return [anchor_from(row) for row in rows]


def _change(changes: Sequence[tuple[Any, ...]]) -> Operation[None]:
    for sql, *parameters in changes:
        yield execute(sql, *parameters)


async def trail(store: Store) -> list[Row]:
    """Every row."""
    return await store._engine.read(_rows)


async def anchors(store: Store) -> dict[str, Anchor]:
    """Every anchor by its name."""
    return {anchor.name: anchor for anchor in await store._engine.read(_anchors)}


async def tamper(store: Store, *changes: tuple[Any, ...]) -> None:
    """(SQL, parameters…) run as somebody would who may write to the database."""
    await store._engine.write(_change, changes)


async def fault(store: Store, *, head: str = "", key: bytes = AUDIT_KEY.raw) -> str:
    """Return what is wrong with the trail, in words; '' when nothing is."""
    try:
        chain = Chain(key, (await anchors(store)).values(), expected_head=head)
        for row in await trail(store):
            chain.add(row)
        chain.end()
    except Fault as error:
        return f"{error.seq}: {error}"
    return ""
