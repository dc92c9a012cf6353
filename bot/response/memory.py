"""Cites what earlier incidents left and what fits by its text: SOPs, lessons, post-mortems."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from bot.enrichment.model import FACT_CHARS, KnownFact
from bot.errors import StoreError
from bot.incidents.lessons import Lesson
from bot.incidents.model import Incident
from bot.incidents.records import Postmortem
from bot.incidents.sops import Sop
from bot.postmortem.markdown import as_text
from bot.response.dependencies import Dependencies
from bot.response.lessons import LESSON
from bot.response.readers import Readers
from bot.response.runbooks import query_of
from bot.retrieval.markdown import Document, Passage, parse_document
from bot.retrieval.passage_index import PassageIndex
from bot.retrieval.search import Hit
from store.operations.advice_context import AdviceContext

log = logging.getLogger(__name__)

SOP, POSTMORTEM = "SOP", "Post-mortem"
CITED = 2  # beside the runbooks and the lessons of the same SOP ID
WAIT = 0.4  # seconds: evidence does not wait for an index that is built
_CANDIDATES = 10


class Memory:
    """Searches SOPs, lessons and post-mortems. It indexes them again when one of them changed.

    Their text is data: people wrote it, or a model that people asked.
    """

    def __init__(self, dependencies: Dependencies, readers: Readers) -> None:
        self._may_cite = readers.may_cite
        self._library = dependencies.runbooks
        self._store = dependencies.store
        self._config = dependencies.config
        self._clock = dependencies.clock
        self._indexed: object = None
        self._lock = asyncio.Lock()
        self._building: asyncio.Future[None] | None = None
        self.wait = WAIT

    async def facts_about(
        self, context: AdviceContext, cited: Sequence[KnownFact]
    ) -> list[KnownFact]:
        """Return what fits the incident and is not `cited` yet; [] while the index is built."""
        index = self._library.memory
        if index is None:
            return []
        try:
            async with asyncio.timeout(self.wait):
                await self._refresh(index)
                hits = await index.search(query_of(context), _CANDIDATES)
        except (TimeoutError, StoreError) as error:
            log.warning(
                "earlier incidents are not searched: %s", str(error) or "the index is being built"
            )
            return []
        own = (context.incident.sop_id, context.incident.number)
        facts = []
        for incident_id, fact in self._facts(hits, own, {fact.text for fact in cited}):
            if incident_id is None or await self._is_of_use(fact, incident_id, context.incident):
                facts.append(fact)
        return facts[:CITED]

    async def _is_of_use(self, fact: KnownFact, incident_id: int, incident: Incident) -> bool:
        """True if the thread may quote it. Words that fit are no proof for a whole post-mortem: it
        must be of the same service, unless one of the two names none.
        """
        if fact.source == POSTMORTEM:
            other = (await self._store.incident(incident_id)).service
            if other and incident.service and other != incident.service:
                return False
        return await self._may_cite(incident.channel, incident_id)

    async def _refresh(self, index: PassageIndex) -> None:
        """Index everything again if something changed since the last time."""
        sops, synonyms = self._config.current.sops.sops, self._library.synonyms
        version = (await self._store.memory_version(), sops, synonyms)
        if self._indexed == version or self._lock.locked():
            return
        async with self._lock:
            lessons = await self._store.all_lessons()
            postmortems = await self._store.newest_postmortems()
            self._indexed = version

            def read() -> list[Document]:
                return [
                    *map(document_of_sop, sops),
                    *map(document_of_lesson, lessons),
                    *map(document_of_postmortem, postmortems),
                ]

            async def build() -> None:
                # Hundreds of post-mortems take a second to read: on the index's thread too.
                await index.replace(await index.run(read), synonyms)

            # Shielded: it goes on also when the evidence no longer waits for it.
            self._building = asyncio.ensure_future(build())
        await asyncio.shield(self._building)

    def _facts(
        self, hits: Sequence[Hit], own: Collection[str], cited: Collection[str]
    ) -> Iterator[tuple[int | None, KnownFact]]:
        """The facts, each with the incident of which people wrote it; None for an SOP."""
        now = self._clock()
        for hit in hits:
            source, _slash, name = hit.passage.path.partition("/")
            about = name.partition("/")[0]
            text = hit.passage.text[:FACT_CHARS]
            if not hit.fits or about in own or text in cited or not text:
                continue
            shown = f"lesson of {about}" if source == LESSON else about
            if source == POSTMORTEM and hit.passage.heading:
                shown = f"{about}: {hit.passage.heading}"
            elif source == SOP and hit.passage.title != about:
                shown = f"{hit.passage.title} ({about})"
            number = about.removeprefix("INC-")
            if source != SOP and not number.isdecimal():
                continue  # nobody could say who may read it
            yield None if source == SOP else int(number), KnownFact(source, shown, text, now)


def document_of_sop(sop: Sop) -> Document:
    """Return an SOP as one passage: what to look at and to do."""
    lines = [*sop.fix_action, *sop.command, *sop.metric, *sop.log]
    text = _utf8("\n".join(lines))
    keywords = " ".join(key.partition(":")[2] for key in sop.keys)
    title = _utf8(sop.title or sop.sop_id)
    return Document(f"{SOP}/{sop.sop_id}", title, (Passage("", 1, text),), keywords)


def _utf8(text: str) -> str:
    """Return the text without halves of surrogate pairs: JSON can hold one, an index cannot."""
    return text.encode("utf-8", "replace").decode()


def document_of_lesson(lesson: Lesson) -> Document:
    """Return a lesson as one passage under the name of its alert."""
    path = f"{LESSON}/{lesson.incident}/{lesson.id}"
    return Document(path, lesson.alert_name, (Passage("", 1, lesson.text),), lesson.service)


def document_of_postmortem(postmortem: Postmortem) -> Document:
    """Return a post-mortem, cut by its headings, as text without marks of Markdown."""
    document = parse_document(f"{POSTMORTEM}/INC-{postmortem.incident_id}", postmortem.body)
    passages = tuple(replace(part, text=as_text(part.text)) for part in document.passages)
    return replace(document, passages=passages)
