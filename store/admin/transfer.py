"""Copies a whole store from one database into another, of either engine: complete and checked, or
not at all.

Rows travel in batches inside one consistent view of the source and one transaction of the target.
Before it commits, the target is read back: the number and a digest of the rows of every table, and
the invariants. Leases are not copied, because they are about processes of the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from bot.errors import StoreError
from store.admin import invariants
from store.admin.invariants import Broken
from store.engines.tables import Table, kept, steps
from store.statements import Operation, Row

T = TypeVar("T")
Values = tuple[Any, ...]

BATCH = 200  # rows at a time: an alert may have a megabyte

# Rows of `deliveries` that the store writes for itself: a health check, the mark of a copy.
COPIED, _COPIED_END = "copied/", "copied0"
_OURS = f"key = 'ping' OR (key >= '{COPIED}' AND key < '{_COPIED_END}')"


class Progress(Protocol):
    """The observer of a move. `begin` starts a stage of units, `advance` counts some of them."""

    def begin(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage of `total` units, 0 if unknown; the stage before is over."""

    def advance(self, by: int) -> None:
        """Count finished units."""

    def decide(self) -> None:
        """Announce that the next step makes the change and must not be interrupted."""


class End(Protocol):
    """One side: a connection within one transaction. StoreError names the database.

    `name` never has a password in it; `takes_nul` says that its texts may hold U+0000.
    """

    name: str
    takes_nul: bool

    def ask(self, sql: str, parameters: Values = ()) -> list[Row]:
        """Return the rows of a statement in the SQL that both engines understand."""

    def do(self, sql: str, parameters: Values = ()) -> None:
        """Run a change in that SQL."""

    def rows(self, table: Table, where: str) -> Iterator[list[Values]]:
        """Yield the rows of a table in the order of its key, in batches."""

    def steps(self) -> list[str]:
        """Return the migrations that the database has seen."""

    def clock(self) -> datetime:
        """Return the time for its leases."""

    def take(self, table: Table, batches: Iterable[list[Values]]) -> None:
        """Insert rows."""

    def settle(self) -> None:
        """After the last row: let the counters continue behind the rows."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; roll back what was not committed."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The result of a transfer. `digest` covers every row; the source broke `broken` already.

    `escaped` rows had a U+0000, which PostgreSQL does not know; it stands as `\\x00` there.
    """

    rows: dict[str, int]
    digest: str
    escaped: int
    broken: tuple[Broken, ...]

    @property
    def total(self) -> int:
        """Return the number of rows of all tables."""
        return sum(self.rows.values())


class Digest:
    """The number and a digest of rows, in any order."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, rows: list[Values]) -> None:
        """Add these rows."""
        for row in rows:
            # None, int and str each have one spelling, the same for every engine.
            text = repr(tuple(row)).encode("utf-8", "surrogatepass")
            self._sum += int.from_bytes(hashlib.blake2b(text, digest_size=16).digest())
        self.count += len(rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and str(self) == str(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __str__(self) -> str:
        return f"{self.count}:{self._sum % (1 << 128):032x}"


def transfer(source: End, target: End, progress: Progress) -> Moved:
    """Fill the empty target; the caller commits. StoreError says what differs, and where."""
    match_steps(source, target)
    total = sum(size_of(source, table) for table in kept())
    progress.begin("copying", total, "rows")
    nul = _NulEscape(off=target.takes_nul)
    left = {table.name: _carry(table, source, target, nul, progress) for table in kept()}
    target.settle()
    progress.begin("reading back", total, "rows")
    arrived = {table.name: digest_of(target, table, progress) for table in kept()}
    for name, digest in left.items():
        if arrived[name] != digest:
            raise StoreError(
                f"{target.name}: the table {name} arrived differently: {digest.count} rows left"
                f" {source.name}, {arrived[name].count} are there, or they are not the same.",
                permanent=True,
                remedy="Nothing was changed. Check the disk and the memory of both machines.",
            )
    return Moved(
        rows={name: digest.count for name, digest in arrived.items()},
        digest=whole(arrived),
        escaped=nul.rows,
        broken=_broken_before(source, target),
    )


def match_steps(source: End, target: End) -> None:
    """Raise StoreError unless both have exactly the schema of this code."""
    for end, remedy in (
        (source, "Bring it up to date first: `python -m bot store migrate`."),
        (target, "Name an empty database, or one that this version made."),
    ):
        seen = end.steps()
        if unknown := sorted(set(seen) - set(steps())):
            raise StoreError(
                f"{end.name} has a newer schema ({', '.join(unknown)}).",
                permanent=True,
                remedy="Use the sopbot that wrote it.",
            )
        if missing := [step for step in steps() if step not in seen]:
            what = "has an older schema" if seen else "is not a sopbot store"
            raise StoreError(
                f"{end.name} {what} (without {', '.join(missing)}).", permanent=True, remedy=remedy
            )


def _carry(table: Table, source: End, target: End, nul: _NulEscape, progress: Progress) -> Digest:
    digest = Digest()

    def on_the_way() -> Iterator[list[Values]]:
        for batch in source.rows(table, _content(table)):
            rows = nul.escaped(batch)
            digest.add(rows)
            yield rows
            progress.advance(len(rows))

    target.take(table, on_the_way())
    return digest


class _NulEscape:
    """Writes U+0000 as an escape, as the store does with a lone surrogate."""

    def __init__(self, *, off: bool) -> None:
        self._off = off
        self.rows = 0

    def escaped(self, batch: list[Values]) -> list[Values]:
        return batch if self._off else [self._row(row) for row in batch]

    def _row(self, row: Values) -> Values:
        if not any(isinstance(value, str) and "\0" in value for value in row):
            return row
        self.rows += 1
        return tuple(
            value.replace("\0", "\\x00") if isinstance(value, str) else value for value in row
        )


def _broken_before(source: End, target: End) -> tuple[Broken, ...]:
    """Return the invariants that are broken on both sides; StoreError if the copy broke one."""
    there = answer(target, invariants.broken())
    if not there:
        return ()
    before = {item.name for item in answer(source, invariants.broken())}
    new = [item for item in there if item.name not in before]
    if new:
        raise StoreError(
            f"{target.name}: {new[0]}, though {source.name} keeps to it.",
            permanent=True,
            remedy="Nothing was changed. This is a bug of sopbot: report it.",
        )
    return tuple(there)


def _content(table: Table) -> str:
    return f"NOT ({_OURS})" if table.name == "deliveries" else "1 = 1"


def size_of(end: End, table: Table) -> int:
    """Return how many rows a table holds, without the store's own."""
    rows = end.ask(f"SELECT COUNT(*) AS n FROM {table.name} WHERE {_content(table)}")  # noqa: S608 - constants
    return int(rows[0]["n"])


def is_empty(end: End) -> bool:
    """Return whether the store is empty. Its id does not count: a transfer replaces it."""
    return not any(size_of(end, table) for table in kept() if table.name != "store_identity")


def digest_of(end: End, table: Table, progress: Progress) -> Digest:
    """Return the digest of a table."""
    digest = Digest()
    for batch in end.rows(table, _content(table)):
        digest.add(batch)
        progress.advance(len(batch))
    return digest


def whole(digests: dict[str, Digest]) -> str:
    """Return one digest of all tables."""
    text = " ".join(f"{name}={digest}" for name, digest in sorted(digests.items()))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def mark_as_copy(target: End, digest: str, now: str) -> None:
    """Mark the store as a copy, so that the next copy may replace it while it is unchanged."""
    target.do("INSERT INTO deliveries (key, seen_at) VALUES (?, ?)", (COPIED + digest, now))


def is_untouched_copy(end: End, progress: Progress) -> bool:
    """Return whether the store is a copy that nothing has changed since."""
    notes = end.ask("SELECT key FROM deliveries WHERE key >= ? AND key < ?", (COPIED, _COPIED_END))
    if not notes:
        return False
    total = sum(size_of(end, table) for table in kept())
    progress.begin("looking at the target", total, "rows")
    now = whole({table.name: digest_of(end, table, progress) for table in kept()})
    return any(note["key"] == COPIED + now for note in notes)


def answer(end: End, operation: Operation[T]) -> T:
    """Run an operation that only reads."""
    value: Any = None
    try:
        while True:
            statement = operation.send(value)
            value = end.ask(statement.sql, statement.parameters)
    except StopIteration as finished:
        result: T = finished.value
        return result
