"""The store's id, by which two sopbots in one workspace tell their messages apart."""

from __future__ import annotations

from store.statements import Operation, query, run


def identity(fresh: str) -> Operation[str]:
    """The store's id; `fresh` becomes it where it has none yet."""
    yield run(
        "INSERT INTO store_identity (name, id) VALUES ('store', ?) ON CONFLICT (name) DO NOTHING",
        fresh,
    )
    rows = yield query("SELECT id FROM store_identity WHERE name = 'store'")
    known: str = rows[0]["id"]
    return known
