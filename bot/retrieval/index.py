"""The contract of a search index, and the rows that it holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.retrieval.markdown import Document, Passage
from bot.retrieval.synonyms import NO_SYNONYMS, Synonyms
from bot.retrieval.tokens import terms

# The weights of a document's fields, in the order of `Fields`: heading words tell most.
FIELD_WEIGHTS = (6.0, 3.0, 1.0)


@dataclass(frozen=True, slots=True)
class Fields:
    """The terms of a document or passage, a string for each field."""

    title: str
    headings: str
    body: str


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage as it is found; `id` counts all passages of the index from 0."""

    id: int
    document: int
    path: str
    title: str
    heading: str
    line: int
    text: str
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ids of the best documents and of the best passages, best first."""

    documents: Sequence[int]
    passages: Sequence[int]


class Index(Protocol):
    """Full-text search over documents and their passages, ranked by two separate queries."""

    def replace(self, documents: Sequence[Document], synonyms: Synonyms = NO_SYNONYMS) -> None:
        """Index these documents instead of those it held; nothing if all is the same."""
        ...

    def frequencies(self) -> Mapping[str, int]:
        """Return in how many passages each term stands."""
        ...

    def rows(self) -> Sequence[PassageRow]:
        """Return all passages, by id."""
        ...

    def vectors(self, model: str) -> Mapping[str, bytes]:
        """Return the vectors that it keeps of this model, by the hash of the text."""
        ...

    def keep_vectors(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keep these vectors, and no others."""
        ...

    def rank(self, terms: Sequence[str], limit: int) -> Ranking:
        """Return what holds any of the terms; a term that is there twice counts twice."""
        ...


def document_fields(document: Document, synonyms: Synonyms = NO_SYNONYMS) -> Fields:
    """Return what is indexed of a whole document."""
    return Fields(
        _joined(synonyms, document.path, document.title, document.keywords),
        _joined(synonyms, *(passage.heading for passage in document.passages)),
        _joined(synonyms, *(passage.text for passage in document.passages)),
    )


def passage_fields(
    document: Document, passage: Passage, synonyms: Synonyms = NO_SYNONYMS
) -> Fields:
    """Return what is indexed of a passage: it inherits the title and the headings above it."""
    return Fields(
        _joined(synonyms, document.path, document.title, document.keywords),
        _joined(synonyms, passage.heading, *passage.parents),
        _joined(synonyms, passage.text),
    )


def _joined(synonyms: Synonyms, *texts: str) -> str:
    return " ".join(synonyms.of(terms("\n".join(texts))))
