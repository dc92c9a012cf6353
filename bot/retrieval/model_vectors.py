"""A ranking by the vectors of a model on a server, beside the rankings by words.

It never decides what fits, and a search never waits long for it: vectors are made in a thread of
their own, and a server that fails is left alone for a while.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from bot.errors import OutsideError
from bot.retrieval.index import PassageRow
from bot.retrieval.ollama import OllamaEmbedder, Vector, VectorsUnavailable

log = logging.getLogger(__name__)

PAUSE = 60.0  # seconds without a question after a failure
_QUERY_SECONDS = 1.0
_BUILD_SECONDS = 120.0


class VectorStore(Protocol):
    """Keeps vectors and finds the nearest ones (`bot.retrieval.qdrant`, `MemoryVectors`)."""

    def has(self, model: str, texts: Sequence[str]) -> bool: ...

    def replace(self, model: str, texts: Sequence[str], vectors: Sequence[Vector]) -> None: ...

    def nearest(self, vector: Vector, limit: int) -> list[int]: ...

    def close(self) -> None: ...


class ModelVectors:
    """Ranks passages by `embedder`, with their vectors in `open_store()`.

    While the server fails or the vectors are made, it ranks nothing; the log names the reason, and
    so does `check` while the server fails.
    """

    def __init__(
        self,
        embedder: OllamaEmbedder,
        open_store: Callable[[], VectorStore],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._embedder = embedder
        self._open_store = open_store
        self._monotonic = monotonic
        self._texts: tuple[str, ...] = ()
        self._store: VectorStore | None = None
        self._ready: VectorStore | None = None
        self._ready_for: tuple[str, ...] = ()
        self._building = threading.Lock()
        self._closed = False
        self._paused_until = 0.0
        self._failure = ""

    async def check(self) -> None:
        """Raise VectorsUnavailable until the server answers again; it is asked after each pause."""
        failure = self._failure
        if failure and self._texts:
            if self._monotonic() >= self._paused_until:
                self._build_in_background()
            raise VectorsUnavailable(failure)

    def replace(self, rows: Sequence[PassageRow]) -> None:
        """Make the vectors of these passages in the background."""
        self._texts = tuple(f"{row.title}. {row.heading}. {row.text}" for row in rows)
        self._ready, self._paused_until = None, 0.0
        self._build_in_background()

    def nearest(self, text: str, limit: int) -> list[int]:
        """Return the ids of the nearest passages, nearest first; [] if they cannot be had now."""
        if self._monotonic() < self._paused_until:
            return []
        store = self._ready
        if store is None or self._ready_for is not self._texts:
            self._build_in_background()
            return []
        try:
            (vector,) = self._embedder.embed([text], timeout=_QUERY_SECONDS)
            numbers = store.nearest(vector, limit)
            # A server may name what is no passage of ours.
            known = range(len(self._texts))
            return list(dict.fromkeys(number for number in numbers if number in known))[:limit]
        except (OutsideError, ValueError) as error:  # such as a vector of another length
            self._pause(error)
            self._ready = None  # a server may have lost its vectors: look whether it `has` them
            return []

    def close(self) -> None:
        """Close the store. Vectors that are being made are given up."""
        self._closed = True
        if self._store is not None:
            self._store.close()

    def _build_in_background(self) -> None:
        if self._texts and not self._closed and self._building.acquire(blocking=False):
            # A daemon: the end of the process must not wait for a server that hangs.
            threading.Thread(target=self._build, name="vectors", daemon=True).start()

    def _build(self) -> None:
        try:
            texts, model = self._texts, self._embedder.model
            store = self._store = self._store or self._open_store()
            if not store.has(model, texts):
                store.replace(model, texts, self._embedder.embed(texts, timeout=_BUILD_SECONDS))
            elif self._failure:  # the vectors are there: does the server answer?
                self._embedder.embed([texts[0]], timeout=_BUILD_SECONDS)
            self._ready_for, self._ready, self._failure = texts, store, ""
            log.info("%d passages have vectors of %s", len(texts), model)
        except OutsideError as error:
            self._pause(error)
        except Exception as error:  # a bug must not end the search by words
            if not self._closed:
                log.exception("the vectors of the runbooks cannot be made")
                self._pause(error)
        finally:
            self._building.release()

    def _pause(self, error: Exception) -> None:
        self._paused_until = self._monotonic() + PAUSE
        self._failure = str(error) or type(error).__name__
        log.warning("runbooks are found by words only for %g s: %s", PAUSE, error)


class MemoryVectors:
    """Keeps vectors in this process."""

    def __init__(self) -> None:
        self._kept: tuple[str, Sequence[str]] | None = None

    def has(self, model: str, texts: Sequence[str]) -> bool:
        """Return True if they are the texts of the last `replace`."""
        return self._kept == (model, texts)

    def replace(self, model: str, texts: Sequence[str], vectors: Sequence[Vector]) -> None:
        import numpy as np

        self._matrix = np.asarray(vectors, np.float32)
        self._kept = (model, texts)

    def nearest(self, vector: Vector, limit: int) -> list[int]:
        import numpy as np

        if len(vector) != self._matrix.shape[1]:  # the model was replaced under its name
            raise VectorsUnavailable("the model gives vectors of another length than before")
        # Not `@`: BLAS would wake a thread on each core for a millisecond of work.
        cosines = np.einsum("ij,j->i", self._matrix, np.asarray(vector, np.float32))
        return [int(number) for number in (-cosines).argsort(kind="stable")[:limit]]

    def close(self) -> None:
        """Nothing is held open."""
