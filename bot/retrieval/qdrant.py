"""Keeps the vectors of passages in Qdrant, a server or a local one: the extra `qdrant`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from qdrant_client import QdrantClient
from qdrant_client.models import Distance, PointStruct, VectorParams

from bot.retrieval.ollama import Vector, VectorsUnavailable

_SECONDS = 5
_AT_ONCE = 256  # points in a request


@contextmanager
def _named() -> Iterator[None]:
    """Turn a failure of the client into VectorsUnavailable."""
    try:
        yield
    except Exception as error:  # the errors of its two transports share no class
        raise VectorsUnavailable(f"Qdrant: {type(error).__name__}") from error


class QdrantPassages:
    """The passages of one folder. `place` is a server's URL, or ':memory:'.

    A collection is named after its content, so replicas share it, and a start that changes
    nothing embeds nothing. Raises VectorsUnavailable if the server cannot be used.
    """

    def __init__(self, place: str) -> None:
        with _named():
            self._client = (
                QdrantClient(":memory:")
                if place == ":memory:"
                else QdrantClient(url=place, timeout=_SECONDS, check_compatibility=False)
            )
        self._collection = ""

    def has(self, model: str, texts: Sequence[str]) -> bool:
        """Return True, and search them from now on, if these texts are there already."""
        name = _name(model, texts)
        with _named():
            if not self._client.collection_exists(name):
                return False
            if self._client.count(name).count != len(texts):
                return False
        self._collection = name
        return True

    def replace(self, model: str, texts: Sequence[str], vectors: Sequence[Vector]) -> None:
        """Keep these vectors, one for each text, and search them from now on."""
        name, client = _name(model, texts), self._client
        with _named():
            if client.collection_exists(name):
                client.delete_collection(name)
            size = VectorParams(size=len(vectors[0]), distance=Distance.COSINE)
            client.create_collection(name, vectors_config=size)
            for begin in range(0, len(vectors), _AT_ONCE):
                rows = enumerate(vectors[begin : begin + _AT_ONCE], start=begin)
                client.upsert(name, [PointStruct(id=row, vector=vector) for row, vector in rows])
            # Only our own former one: another replica may use the others.
            if self._collection not in ("", name):
                client.delete_collection(self._collection)
        self._collection = name

    def nearest(self, vector: Vector, limit: int) -> list[int]:
        """Return the numbers of the nearest texts, nearest first."""
        with _named():
            answer = self._client.query_points(self._collection, query=vector, limit=limit)
            return [int(point.id) for point in answer.points]

    def close(self) -> None:
        """Close the connection, or forget what is in memory."""
        self._client.close()


def _name(model: str, texts: Sequence[str]) -> str:
    digest = hashlib.sha256("\x1f".join((model, *texts)).encode("utf-8", "replace"))
    return f"sopbot-{digest.hexdigest()[:32]}"
