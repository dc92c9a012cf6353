"""The runbooks of a folder as the bot searches them: read at the start and at each reload."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from bot.retrieval.embeddings import load_embedder
from bot.retrieval.folder import read_folder
from bot.retrieval.queries import Query
from bot.retrieval.search import Hit, RunbookSearch
from bot.retrieval.sqlite_index import SqliteIndex

log = logging.getLogger(__name__)

MOST_PASSAGES = 2  # about one incident: a third one is seldom about it, and a thread is short
CITED_CHARS = 1_200  # of one passage
DROPPED_AT = 2  # people who said that a passage is wrong for a kind of alert
_CANDIDATES = 10

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage that fits. `name` is its heading and path; `url` is '' without RUNBOOK_URL."""

    name: str
    text: str
    url: str = ""


class RunbookLibrary:
    """Searches the runbooks of `folder`; without one it has none.

    Reading and searching run on one thread of its own, so that neither holds up the event loop.
    """

    def __init__(self, folder: Path | None = None, base_url: str = "") -> None:
        self._folder = folder
        self._base_url = base_url.rstrip("/")
        self._index: SqliteIndex | None = None
        self._search: RunbookSearch | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="runbooks")

    async def load(self) -> None:
        """Read the folder again; if it cannot be read, what was read before stays."""
        if self._folder is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._load, self._folder)

    async def find(self, query: Query, reports: Mapping[str, int]) -> tuple[CitedPassage, ...]:
        """Return the passages that fit, best first.

        `reports` counts the people who said of a passage, by its name, that it is wrong: one puts
        it behind the others, two drop it.
        """
        if self._search is None:
            return ()
        hits = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._search.search, query, _CANDIDATES
        )
        fitting = [hit for hit in hits if hit.fits and reports.get(_name(hit), 0) < DROPPED_AT]
        fitting.sort(key=lambda hit: reports.get(_name(hit), 0))
        return tuple(self._cited(hit) for hit in fitting[:MOST_PASSAGES])

    async def close(self) -> None:
        """Free the index."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _load(self, folder: Path) -> None:
        try:
            documents, skipped = read_folder(folder)
        except OSError as error:
            log.warning("the runbooks cannot be read: %s", error)
            return
        for item in skipped:
            log.warning("runbook %s is not read: %s", item.path, item.reason)
        index = SqliteIndex()
        index.replace(documents)
        search = RunbookSearch(index, load_embedder())
        self._close()
        self._index, self._search = index, search
        log.info("%d runbooks are read", len(documents))

    def _close(self) -> None:
        self._search = None
        if self._index is not None:
            self._index.close()
            self._index = None

    def _cited(self, hit: Hit) -> CitedPassage:
        url = f"{self._base_url}/{quote(hit.passage.path)}" if self._base_url else ""
        return CitedPassage(_name(hit), hit.passage.text[:CITED_CHARS], url)


def _name(hit: Hit) -> str:
    passage = hit.passage
    return f"{passage.heading} ({passage.path})" if passage.heading else passage.path
