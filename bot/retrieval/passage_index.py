"""An index of documents in memory, which a thread of its own fills and searches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.retrieval.embeddings import load_embedder
from bot.retrieval.markdown import Document
from bot.retrieval.model_vectors import ModelVectors
from bot.retrieval.queries import Query
from bot.retrieval.search import Hit, RunbookSearch
from bot.retrieval.sqlite_index import SqliteIndex
from bot.retrieval.synonyms import NO_SYNONYMS, Synonyms

Result = TypeVar("Result")


class PassageIndex:
    """Holds no documents until `replace`; neither it nor `search` holds up the event loop."""

    def __init__(self, name: str, model_vectors: ModelVectors | None = None) -> None:
        self._model_vectors = model_vectors
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._index: SqliteIndex | None = None
        self._search: RunbookSearch | None = None

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do other work on its thread, such as reading the documents."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def replace(
        self, documents: Sequence[Document], synonyms: Synonyms = NO_SYNONYMS
    ) -> None:
        """Search these documents from now on. A text that it had is not embedded again."""
        await self.run(lambda: self._replace(documents, synonyms))

    async def search(self, query: Query, limit: int) -> list[Hit]:
        """Return the best passage of each document, best first; [] if the best does not fit."""
        if self._search is None:
            return []
        return await self.run(lambda: self._search.search(query, limit) if self._search else [])

    async def close(self) -> None:
        """Free the index and the thread."""
        await self.run(self._close)
        self._thread.shutdown()

    def _replace(self, documents: Sequence[Document], synonyms: Synonyms) -> None:
        index = self._index = self._index or SqliteIndex()
        index.replace(documents, synonyms)
        # Without a document there is nothing to compare with, and the vectors take tens of MB.
        if self._model_vectors is not None:
            self._model_vectors.replace(index.rows())
        self._search = RunbookSearch(
            index, load_embedder() if documents else None, synonyms, self._model_vectors
        )

    def _close(self) -> None:
        self._search = None
        if self._model_vectors is not None:
            self._model_vectors.close()
        if self._index is not None:
            self._index.close()
            self._index = None
