"""The index in SQLite's FTS5, in memory or in a file."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from bot.retrieval.index import (
    FIELD_WEIGHTS,
    Fields,
    PassageRow,
    Ranking,
    document_fields,
    passage_fields,
)
from bot.retrieval.markdown import Document
from bot.retrieval.synonyms import NO_SYNONYMS, Synonyms

_SCHEMA = """
CREATE TABLE IF NOT EXISTS content (digest TEXT);
CREATE TABLE IF NOT EXISTS documents (id INTEGER PRIMARY KEY, path TEXT, title TEXT);
CREATE TABLE IF NOT EXISTS passages (
  id INTEGER PRIMARY KEY, document INTEGER, heading TEXT, line INTEGER, text TEXT
);
CREATE TABLE IF NOT EXISTS vectors (hash TEXT PRIMARY KEY, model TEXT, vector BLOB) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS document_terms USING fts5 (title, headings, body);
CREATE VIRTUAL TABLE IF NOT EXISTS passage_terms USING fts5 (title, headings, body);
CREATE VIRTUAL TABLE IF NOT EXISTS passage_vocabulary USING fts5vocab (passage_terms, row);
"""
FORM = 2  # of the terms in a file: raise it when tokens or fields change
_TABLES = ("content", "documents", "passages", "document_terms", "passage_terms")


class SqliteIndex:
    """An index that one thread uses. `path` is a file, or `:memory:`."""

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = sqlite3.connect(path)
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def replace(self, documents: Sequence[Document], synonyms: Synonyms = NO_SYNONYMS) -> None:
        content = repr((FORM, documents, sorted(synonyms.instead.items())))
        digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
        if self._connection.execute("SELECT 1 FROM content WHERE digest = ?", (digest,)).fetchone():
            return
        with self._connection as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            connection.execute("INSERT INTO content VALUES (?)", (digest,))
            passage_id = 0
            for number, document in enumerate(documents):
                connection.execute(
                    "INSERT INTO documents VALUES (?, ?, ?)",
                    (number, document.path, document.title),
                )
                self._insert("document_terms", number, document_fields(document, synonyms))
                for passage in document.passages:
                    connection.execute(
                        "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
                        (passage_id, number, passage.heading, passage.line, passage.text),
                    )
                    fields = passage_fields(document, passage, synonyms)
                    self._insert("passage_terms", passage_id, fields)
                    passage_id += 1
            for table in ("document_terms", "passage_terms"):
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 - one of our tables

    def _insert(self, table: str, row: int, fields: Fields) -> None:
        self._connection.execute(
            f"INSERT INTO {table} (rowid, title, headings, body) VALUES (?, ?, ?, ?)",  # noqa: S608 - one of our tables
            (row, fields.title, fields.headings, fields.body),
        )

    def frequencies(self) -> Mapping[str, int]:
        return dict(self._connection.execute("SELECT term, doc FROM passage_vocabulary"))

    def rows(self) -> Sequence[PassageRow]:
        return list(self._rows())

    def _rows(self) -> Iterator[PassageRow]:
        rows = self._connection.execute(
            "SELECT p.id, d.id, d.path, d.title, p.heading, p.line, p.text, t.title, t.headings,"
            " t.body FROM passages p JOIN documents d ON d.id = p.document"
            " JOIN passage_terms t ON t.rowid = p.id ORDER BY p.id"
        )
        for row in rows:
            number, document, path, title, heading, line, text, *fields = row
            yield PassageRow(
                number,
                document,
                path,
                title,
                heading,
                line,
                text,
                frozenset(" ".join(fields).split()),
            )

    def vectors(self, model: str) -> Mapping[str, bytes]:
        rows = self._connection.execute(
            "SELECT hash, vector FROM vectors WHERE model = ?", (model,)
        )
        return dict(rows)

    def keep_vectors(self, model: str, vectors: Mapping[str, bytes]) -> None:
        with self._connection as connection:
            connection.execute("DELETE FROM vectors")
            connection.executemany(
                "INSERT INTO vectors VALUES (?, ?, ?)",
                ((key, model, vector) for key, vector in vectors.items()),
            )

    def rank(self, terms: Sequence[str], limit: int) -> Ranking:
        if not terms:
            return Ranking((), ())
        match = " OR ".join(f'"{term}"' for term in terms)
        return Ranking(
            self._ranked("document_terms", match, limit),
            self._ranked("passage_terms", match, limit),
        )

    def _ranked(self, table: str, match: str, limit: int) -> list[int]:
        weights = ", ".join(map(str, FIELD_WEIGHTS))
        rows = self._connection.execute(
            f"SELECT rowid FROM {table} WHERE {table} MATCH ?"  # noqa: S608 - our own names
            f" ORDER BY bm25({table}, {weights}), rowid LIMIT ?",
            (match, limit),
        )
        return [row for (row,) in rows]
