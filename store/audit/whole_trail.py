"""The audit trail of a whole store, proved from its first row to its last."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.errors import StoreError
from store import open_store
from store.admin.backups import backup
from store.admin.locations import alive, name_of, reading
from store.admin.moves import in_use
from store.admin.transfer import End
from store.admin.transfer_sqlite import SqliteEnd
from store.admin.unseen import Unseen
from store.audit.chain import Chain
from store.audit.execution_proof import Courses
from store.audit.incident_export import export_incident
from store.audit.proof.rows import CHECKPOINT, Anchor, Fault, Row
from store.audit.sealing import AuditKey
from store.engines.tables import Table, steps, tables


@dataclass(frozen=True, slots=True)
class Proved:
    """The proved part: `rows` up to number `seq`, whose mac is the `head`.

    `notes` are no faults, and worth knowing.
    """

    rows: int
    seq: int
    head: str
    notes: tuple[str, ...]


def prove(url: str, key: AuditKey, *, head: str = "") -> Proved:
    """Look at every row, changing nothing. `Fault` says what is wrong.

    `head` is one that was posted: it must be part of the trail. StoreError when there is no store.
    """
    with _reading(url) as end:
        return _prove(end, key, head)


def export(url: str, key: AuditKey, incident_id: int) -> dict[str, Any]:
    """The bundle of an incident; see `bundles`. NotFound, StoreError.

    Whether the whole trail could be proved is written in it: what is missing from the trail would
    be missing here.
    """
    with _reading(url) as end:
        try:
            _prove(end, key, "")
            trail = ""
        except Fault as fault:
            trail = str(fault)
        return export_incident(end, incident_id, key, trail, datetime.now(UTC))


def reset_trail(url: str, key: AuditKey, reason: str, copy: Path) -> int:
    """A new trail by this key, once the whole store is in the file `copy`. Its first row's number.

    StoreError while a bot is running, or when the file cannot be written: nothing was changed.
    """
    with reading(url) as end:
        _has_trail(end)
        if alive(end):
            raise in_use(name_of(url))
    backup(url, copy, Unseen())

    async def begin() -> int:
        store = await open_store(url, owner="audit", exclusive=True, audit_key=key)
        try:
            return await store.reset_trail(reason, store.clock())
        finally:
            await store.close()

    return asyncio.run(begin())


@contextmanager
def _reading(url: str) -> Iterator[End]:
    """One view of the store. Bytes that are no text are read as a text that nobody wrote.

    SQLite keeps them as if they were one; the row that has them is to be found edited.
    """
    with reading(url) as end:
        if isinstance(end, SqliteEnd):
            end.connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        yield end


def _prove(end: End, key: AuditKey, head: str) -> Proved:
    _has_trail(end)
    anchors = [Anchor(*row) for row in _rows(end, "audit_anchors")]
    chain = Chain(key.raw, anchors, expected_head=head)
    courses = Courses()
    for values in _rows(end, "audit"):
        row = Row(*values)
        chain.add(row)
        courses.add(row)
    chain.end()
    names = [str(row[0]) for row in _rows(end, "freezes")]
    stored = "all" in names
    if chain.says_frozen() and not stored:
        raise Fault(
            chain.frozen.seq if chain.frozen else chain.seq,
            "everything is frozen by the trail, and the freeze is missing from the store",
        )
    if stored and not chain.says_frozen():
        raise Fault(chain.seq, "the store has a freeze that is not on record")
    for scope, seq in chain.frozen_scopes.items():
        if scope not in names:
            raise Fault(seq, f"{scope} is frozen by the trail, and not in the store")
    columns = _table("executions").columns
    executions = (dict(zip(columns, values, strict=True)) for values in _rows(end, "executions"))
    pruned = [anchor.note for anchor in anchors if anchor.name == CHECKPOINT]
    courses.compare(executions, pruned[0] if pruned else "")
    return Proved(chain.count, chain.seq, chain.mac, tuple(chain.notes))


def _has_trail(end: End) -> None:
    missing = [step for step in steps() if step not in end.steps()]
    if missing:
        raise StoreError(
            f"{end.name} has no audit trail yet (without {', '.join(missing)}).",
            permanent=True,
            remedy="`python -m bot store migrate` brings it up to date; so does a start.",
        )


def _rows(end: End, name: str) -> Iterator[tuple[Any, ...]]:
    for batch in end.rows(_table(name), "1 = 1"):
        yield from batch


def _table(name: str) -> Table:
    return next(table for table in tables() if table.name == name)
