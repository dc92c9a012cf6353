"""The cosine of an alert with each passage, from vectors that the index keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.retrieval.embeddings import MODEL, Embedder
from bot.retrieval.index import Index, PassageRow


@dataclass(frozen=True, slots=True)
class Comparison:
    """The cosine of each passage, by its id, and the ids of the nearest ones, nearest first."""

    cosines: Sequence[float]
    nearest: Sequence[int]


class Similarity:
    """Compares a text with all passages of an index.

    A vector is kept under the hash of its text, so a changed folder embeds only what changed.
    """

    def __init__(self, index: Index, rows: Sequence[PassageRow], embedder: Embedder) -> None:
        import numpy as np

        texts = [f"{row.title}. {row.heading}. {row.text}" for row in rows]
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for text in texts]
        kept = index.vectors(MODEL)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
        new = embedder.embed(list(missing.values())).astype(np.float16)
        vectors = {**kept, **{key: row.tobytes() for key, row in zip(missing, new, strict=True)}}
        if missing or len(kept) > len(set(keys)):
            index.keep_vectors(MODEL, {key: vectors[key] for key in keys})
        joined = b"".join(vectors[key] for key in keys)
        self._embedder = embedder
        self._einsum, self._nearest = np.einsum, np.argpartition
        self._matrix = np.frombuffer(joined, np.float16).reshape(len(keys), -1).astype(np.float32)

    def compare(self, text: str, limit: int) -> Comparison:
        """Compare the text with each passage; `limit` of them are ranked."""
        (vector,) = self._embedder.embed([text])
        # Not `@`: BLAS would wake a thread on each core for a millisecond of work.
        cosines = self._einsum("ij,j->i", self._matrix, vector)
        nearest = self._nearest(-cosines, min(limit, len(cosines)) - 1)[:limit]
        order = nearest[(-cosines[nearest]).argsort(kind="stable")]
        return Comparison(cosines.tolist(), order.tolist())
