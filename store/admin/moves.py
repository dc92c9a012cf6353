"""Copies a whole store to another place, or migrates it.

Every move is all or nothing: StoreError, an interruption or a kill leave the former store. Moves
run outside of an event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import StoreError
from store.admin import files
from store.admin.locations import alive, file_of, reading
from store.admin.transfer import (
    End,
    Moved,
    Progress,
    is_empty,
    is_untouched_copy,
    mark_as_copy,
    match_steps,
    size_of,
    transfer,
)
from store.admin.transfer_sqlite import SqliteEnd
from store.engines.sqlite_file import connect
from store.engines.tables import kept, steps
from store.statements import to_db_time

if TYPE_CHECKING:
    from store.admin.transfer_postgres import PostgresEnd


@dataclass(frozen=True, slots=True)
class Copied:
    """The result of `copy`. `rehearsed`: a bot still writes to the source."""

    moved: Moved
    rehearsed: bool


def copy(source_url: str, target_url: str, progress: Progress, *, replace: bool = False) -> Copied:
    """Copy everything from one store into an empty one.

    `replace` first empties a target that an earlier copy filled and no bot has used since.
    """
    source_file, target_file = file_of(source_url), file_of(target_url)
    with ExitStack() as stack:
        held = not source_file or (
            source_file.is_file() and stack.enter_context(files.alone(source_file))
        )
        source = stack.enter_context(reading(source_url))
        if target_file:
            if source_file and target_file.exists() and target_file.samefile(source_file):
                raise same(str(target_file))
            moved = _copy_into_file(source, target_file, progress, replace=replace)
        else:
            moved = _copy_intoserver_for(source, target_url, progress, replace=replace)
    if source_file:
        return Copied(moved, rehearsed=not held)
    with reading(source_url) as now:
        return Copied(moved, rehearsed=bool(alive(now)))


def _copy_into_file(source: End, file: Path, progress: Progress, *, replace: bool) -> Moved:
    real = file.resolve()
    with files.alone(file) as nobody_else:
        if not nobody_else:
            raise in_use(str(file))
        if real.exists() and real.stat().st_size:
            with SqliteEnd.reading(real) as present:
                match_steps(source, present)
                _must_be_free(present, progress, replace=replace)
        with files.written_beside(real) as partial:
            with SqliteEnd.making(partial) as target:
                moved = transfer(source, target, progress)
                mark_as_copy(target, moved.digest, to_db_time(target.clock()))
                target.commit()
            files.examine(partial, progress, what="the copy")
            progress.decide()
            files.put_store_in_place(partial, real, None)
    return moved


def _copy_intoserver_for(source: End, url: str, progress: Progress, *, replace: bool) -> Moved:
    with server_for(source, url) as target:
        _must_be_free(target, progress, replace=replace)
        target.clear()
        moved = transfer(source, target, progress)
        mark_as_copy(target, moved.digest, to_db_time(target.clock()))
        progress.decide()
        target.commit()
    return moved


@contextmanager
def server_for(source: End, url: str) -> Iterator[PostgresEnd]:
    """Yield a server's database for this process alone; check it before changing anything in it."""
    from store.admin.transfer_postgres import PostgresEnd

    with PostgresEnd.reading(url) as target:
        if isinstance(source, PostgresEnd) and source.place() == target.place():
            raise same(target.name)
        if target.steps():
            match_steps(source, target)
            if alive(target):
                raise in_use(target.name)
    with PostgresEnd.writing(url) as target:
        if alive(target):
            raise in_use(target.name)
        yield target


def _must_be_free(target: End, progress: Progress, *, replace: bool) -> None:
    if is_empty(target):
        return
    rows = sum(size_of(target, table) for table in kept())
    if not replace:
        raise StoreError(
            f"{target.name} is not empty: it holds {rows:,} rows.",
            permanent=True,
            remedy="Name an empty one; `--replace` empties one that an earlier copy made.",
        )
    if not is_untouched_copy(target, progress):
        raise StoreError(
            f"{target.name} holds {rows:,} rows that are not just an earlier copy: it was used.",
            permanent=True,
            remedy="Name an empty one, or empty it yourself if nobody needs it.",
        )


def migrate(url: str) -> tuple[str, ...]:
    """Bring the schema up to date. Returns the steps that were done."""
    file = file_of(url)
    if not file:
        from store.admin.transfer_postgres import bring_up_to_date

        with reading(url) as before:
            seen = before.steps()
        bring_up_to_date(url)
        return tuple(step for step in steps() if step not in seen)
    seen = []
    if file.exists() and file.stat().st_size:
        with SqliteEnd.reading(file) as present:
            seen = present.steps()
    missing = tuple(step for step in steps() if step not in seen)
    with files.alone(file) as nobody_else:
        if missing and not nobody_else:
            raise in_use(str(file))
        connect(str(file), 10, writes=True).close()  # refuses a newer one as well
    return missing


def in_use(name: str) -> StoreError:
    """StoreError while a bot uses the store."""
    return StoreError(f"A bot is running on {name}.", remedy="Stop it, and try again.")


def same(name: str) -> StoreError:
    """StoreError if source and target are the same store."""
    return StoreError(
        f"{name} would be both source and target.", permanent=True, remedy="Name another."
    )
