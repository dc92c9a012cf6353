"""The runbooks of a folder as the bot searches them: read at the start and at each reload."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.retrieval.folder import read_folder
from bot.retrieval.model_vectors import ModelVectors
from bot.retrieval.passage_index import PassageIndex
from bot.retrieval.queries import Query
from bot.retrieval.search import Hit
from bot.retrieval.synonyms import NO_SYNONYMS, read_synonyms

log = logging.getLogger(__name__)

MOST_PASSAGES = 2  # about one incident: a third one is seldom about it, and a thread is short
CITED_CHARS = 1_200  # of one passage
DROPPED_AT = 2  # people who said that a passage is wrong for a kind of alert
_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage that fits. `name` is its heading and path; `url` is '' without RUNBOOK_URL."""

    name: str
    text: str
    url: str = ""


class RunbookLibrary:
    """Searches the runbooks of `folder`; without one it has none.

    `model_vectors` adds a ranking by the vectors of a model. `memory` is another index beside it,
    for what the bot itself knows; None before `load`.
    """

    def __init__(
        self,
        folder: Path | None = None,
        base_url: str = "",
        model_vectors: ModelVectors | None = None,
    ) -> None:
        self._folder = folder
        self._base_url = base_url.rstrip("/")
        self._index = PassageIndex("runbooks", model_vectors)
        self.memory: PassageIndex | None = None
        self.synonyms = NO_SYNONYMS

    async def load(self) -> None:
        """Read the folder again; if it cannot be read, what was read before stays."""
        self.memory = self.memory or PassageIndex("memory")
        folder = self._folder
        if folder is None:
            return
        try:
            documents, skipped = await self._index.run(lambda: read_folder(folder))
            self.synonyms, problems = await self._index.run(lambda: read_synonyms(folder))
        except OSError as error:
            log.warning("the runbooks cannot be read: %s", error)
            return
        for item in skipped:
            log.warning("runbook %s is not read: %s", item.path, item.reason)
        for problem in problems:
            log.warning("%s", problem)
        await self._index.replace(documents, self.synonyms)
        log.info("%d runbooks are read", len(documents))

    async def find(self, query: Query, reports: Mapping[str, int]) -> tuple[CitedPassage, ...]:
        """Return the passages that fit, best first.

        `reports` counts the people who said of a passage, by its name, that it is wrong: one puts
        it behind the others, two drop it.
        """
        hits = await self._index.search(query, _CANDIDATES)
        fitting = [hit for hit in hits if hit.fits and reports.get(_name(hit), 0) < DROPPED_AT]
        fitting.sort(key=lambda hit: reports.get(_name(hit), 0))
        return tuple(self._cited(hit) for hit in fitting[:MOST_PASSAGES])

    async def close(self) -> None:
        """Free the indexes."""
        await self._index.close()
        if self.memory is not None:
            await self.memory.close()

    def _cited(self, hit: Hit) -> CitedPassage:
        url = f"{self._base_url}/{quote(hit.passage.path)}" if self._base_url else ""
        return CitedPassage(_name(hit), hit.passage.text[:CITED_CHARS], url)


def _name(hit: Hit) -> str:
    passage = hit.passage
    return f"{passage.heading} ({passage.path})" if passage.heading else passage.path
