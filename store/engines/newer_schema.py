"""Refuses a database that a newer version of this code has changed."""

from __future__ import annotations

from collections.abc import Iterable

from bot.errors import StoreError
from store.engines.migrations import MIGRATIONS, name_of


def refuse_newer(applied: Iterable[str], where: str) -> None:
    """StoreError when the schema has a step that this code does not know and cannot overlook."""
    ours = {name_of(migration) for migration in MIGRATIONS}
    unknown = sorted(
        name for name in applied if name not in ours and not name[4:].startswith("_expand_")
    )
    if unknown:
        raise StoreError(
            f"{where} was written by a newer sopbot ({', '.join(unknown)}).",
            permanent=True,
            remedy="Run that version, or restore a backup made before the upgrade.",
        )
