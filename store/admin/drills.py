"""Proves a backup: restores it in a scratch place, migrates it, and reads all of it.

Only a backup that was restored once can be relied upon, so every scheduled backup is drilled.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bot.errors import StoreError
from store.admin import backups
from store.admin.invariants import Broken
from store.admin.locations import file_of, reading
from store.admin.transfer import Progress, size_of
from store.audit import whole_trail
from store.audit.sealing import AuditKey
from store.engines.tables import tables

_COUNTED = ("incidents", "alerts", "approvals", "executions", "audit")


@dataclass(frozen=True, slots=True)
class Drilled:
    """The content of the store that a drill restored.

    `rows` are all rows; `counts` those of the main tables. `audit_rows` were proved, the last one
    has the mac `head`. `migrated` are the steps that the backup lacked.
    """

    rows: int
    counts: dict[str, int]
    migrated: tuple[str, ...]
    audit_rows: int
    head: str
    broken: tuple[Broken, ...]


def drill(
    file: Path, key: AuditKey, progress: Progress, *, scratch: str = "", folder: Path | None = None
) -> Drilled:
    """Restore the backup, prove its audit trail and count its rows; then delete the scratch store.

    The scratch store is a new file in a temporary directory (in `folder` if given), or the empty
    PostgreSQL database that the URL `scratch` names, which is empty again afterwards. The backup
    itself and the bot's own store stay as they are. StoreError: the backup cannot be restored.
    `Fault`: its audit trail is not as it was written.
    """
    if scratch and file_of(scratch):
        raise StoreError(
            "A scratch file needs no name.",
            permanent=True,
            remedy="Name an empty PostgreSQL database, or nothing.",
        )
    if scratch:
        # Outside of the block that empties the database: a refusal means that it is somebody's.
        restored = backups.restore(file, scratch, progress)
        try:
            return _proved(restored, scratch, key, progress)
        finally:
            _empty(scratch)
    with tempfile.TemporaryDirectory(prefix=".drill-", dir=folder) as place:
        url = f"sqlite:///{place}/drill.db"
        return _proved(backups.restore(file, url, progress), url, key, progress)


def _proved(restored: backups.Restored, url: str, key: AuditKey, progress: Progress) -> Drilled:
    progress.begin("proving the audit trail", 0, "")
    proof = whole_trail.prove(url, key)
    with reading(url) as end:
        named = {table.name: table for table in tables()}
        counts = {name: size_of(end, named[name]) for name in _COUNTED}
    return Drilled(
        restored.rows, counts, restored.migrated, proof.rows, proof.head, restored.broken
    )


def _empty(url: str) -> None:
    from store.admin.transfer_postgres import PostgresEnd

    with PostgresEnd.writing(url) as end:
        end.clear()
        end.commit()


def digest_of_file(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
