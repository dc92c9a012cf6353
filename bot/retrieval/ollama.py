"""Embeds texts by Ollama's `POST /api/embed`; called in a thread, it blocks."""

from __future__ import annotations

import http.client
import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from bot.errors import OutsideError

_AT_ONCE = 64  # texts in a request
_MOST_BYTES = 33_554_432  # of an answer
_PIECE = 65_536  # bytes of an answer that are read at once
TEXT_CHARS = 4_000  # of a text that are embedded

Vector = list[float]


class VectorsUnavailable(OutsideError):
    """Vectors of another server cannot be had now; `permanent` if waiting does not help."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        """Follow none: the address is the operator's own."""


class OllamaEmbedder:
    """Embeds by one model of one server. `url` is its address, without the path."""

    def __init__(self, url: str, model: str) -> None:
        self.model = model
        self._url = f"{url.rstrip('/')}/api/embed"
        # No proxy of the environment: the texts are for this server alone.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def embed(self, texts: Sequence[str], *, timeout: float) -> list[Vector]:
        """Return a vector of length 1 for each text, or raise VectorsUnavailable.

        `timeout` is in seconds, for each request of at most 64 texts.
        """
        vectors: list[Vector] = []
        for begin in range(0, len(texts), _AT_ONCE):
            vectors += self._embed(texts[begin : begin + _AT_ONCE], timeout)
        if len({len(vector) for vector in vectors}) > 1:
            raise VectorsUnavailable(f"{self.model} gave vectors of different lengths")
        return vectors

    def _embed(self, texts: Sequence[str], timeout: float) -> list[Vector]:
        cut = [text[:TEXT_CHARS] for text in texts]
        body = json.dumps({"model": self.model, "input": cut, "truncate": True}).encode()
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked by the setting
            self._url, body, {"Content-Type": "application/json"}
        )
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                rows = json.loads(_body(answer, time.monotonic() + timeout))["embeddings"]
            vectors = [_normal([float(number) for number in row]) for row in rows]
        except urllib.error.HTTPError as error:
            error.close()
            raise VectorsUnavailable(f"{self.model}: HTTP {error.code}") from error
        except _FAILURES as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise VectorsUnavailable(f"{self.model}: {reason}") from error
        if len(vectors) != len(texts):
            raise VectorsUnavailable(f"{self.model} gave {len(vectors)} vectors for {len(texts)}")
        return vectors


# What a server can cause by any answer. A deep one is a RecursionError, a huge number an
# ArithmeticError, and what is no HTTP an HTTPException.
_FAILURES = (
    *(OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError),
    http.client.HTTPException,
)


def _body(answer: http.client.HTTPResponse, until: float) -> bytes:
    """Return the body. TimeoutError: it is not there in time, however often a part of it comes."""
    body = bytearray()
    while piece := answer.read1(_PIECE):
        body += piece
        if len(body) > _MOST_BYTES:
            raise ValueError("the answer is too large")
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(body)


def _normal(vector: Vector) -> Vector:
    """Return the vector with length 1, or that of zeros. ValueError: a number is not finite."""
    length = math.hypot(*vector)
    if not math.isfinite(length):
        raise ValueError("a vector without a length")
    return [number / length for number in vector] if length else vector
