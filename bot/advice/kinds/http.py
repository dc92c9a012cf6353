"""One question to a model's HTTP API: bounded in time and bytes, no redirect, failures by name."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from bot.advice.failures import FailureKind, excerpt, failure_of
from bot.errors import AdvisorError

_CONNECT_SECONDS = 10.0
_ERROR_BYTES = 16_384  # of an error's body that are read
_ENVELOPE_BYTES = 65_536  # of JSON around an answer
_WIRE = 32  # bytes on the wire for one of the answer: a stream has an object around each word
_LONGEST_WAIT = 3600.0  # of a Retry-After


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A model's server. The address comes from a setting, and never from an alert or a model.

    `variable` is the setting that names the address, `key` the secret in the header, '' without
    one. `max_output` bytes of an answer are accepted.
    """

    session: aiohttp.ClientSession
    name: str
    url: str
    variable: str
    key: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    max_output: int = 1_048_576

    @property
    def host(self) -> str:
        """Return host and port, for people."""
        return URL(self.url).authority.rpartition("@")[2]

    @asynccontextmanager
    async def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request and yield its answer of status 200; the body is read inside the block.

        Raises AdvisorError for any other status and whatever fails inside, at the latest after
        `timeout` seconds.
        """
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_SECONDS))
        try:
            async with self.session.request(
                method,
                self.url.rstrip("/") + path,
                json=body,
                headers=headers,
                timeout=limits,
                allow_redirects=False,  # a redirect would carry the prompt and the key elsewhere
                ssl=self.tls or True,
            ) as answer:
                if answer.status != 200:
                    raise self._refusal(answer, await _start(answer, _ERROR_BYTES))
                yield answer
        except TimeoutError as error:
            raise self.failed(FailureKind.TIMEOUT, f"{timeout:.3g} s") from error
        except aiohttp.ClientPayloadError as error:
            detail = "the connection ended in the middle of the answer"
            raise self.failed(FailureKind.TRANSIENT, detail) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self.failed(FailureKind.UNREACHABLE, _reason(error)) from error

    async def body(self, answer: aiohttp.ClientResponse) -> bytes:
        """Return the whole body. AdvisorError if it is too long."""
        largest = self.max_output + _ENVELOPE_BYTES
        body = await _start(answer, largest + 1)
        if len(body) > largest:
            raise self.too_long()
        return body

    async def lines(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield the lines of a stream as they come. AdvisorError if one or all are too long."""
        largest = self.max_output + _ENVELOPE_BYTES
        left = _WIRE * largest
        kept = bytearray()  # it grows in place: a server may send a byte at a time
        async for chunk in answer.content.iter_any():
            left -= len(chunk)
            for number, piece in enumerate(chunk.split(b"\n")):
                if number and (line := bytes(kept.strip())):
                    yield line
                if number:
                    kept.clear()
                kept += piece
                if left < 0 or len(kept) > largest:
                    raise self.too_long()
        if line := bytes(kept.strip()):
            yield line

    def document(self, raw: bytes) -> dict[str, Any]:
        """Return the JSON object. AdvisorError if it is something else."""
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self.failed(FailureKind.GARBLED, excerpt(self._without_key(raw)))
        return value

    def failed(
        self, kind: FailureKind, detail: str = "", *, retry_after: float | None = None
    ) -> AdvisorError:
        """Build the error, with the remedies of a server and without the key."""
        if self.key:
            detail = detail.replace(self.key, "…")
        remedy = {
            FailureKind.LOGIN: f"Correct the key of {self.variable}.",
            FailureKind.USAGE: f"Compare {self.variable} and its model with docs/advice.md.",
            FailureKind.UNREACHABLE: f"Look at {self.variable}, at the network, and at the server.",
            FailureKind.TOO_LONG: "Use a smaller model, or raise QCHAT_MAX_OUTPUT_SIZE.",
            FailureKind.EMPTY: "Ask the model by hand; it may not know how to answer in JSON.",
            FailureKind.APPROVAL_REQUIRED: "None was offered to it: use another model.",
        }.get(kind, "")
        return failure_of(kind, self.name, detail=detail, remedy=remedy, retry_after=retry_after)

    def too_long(self) -> AdvisorError:
        """Build the error of an answer that passes `max_output`."""
        return self.failed(FailureKind.TOO_LONG, f"{self.max_output} bytes")

    def _without_key(self, body: bytes) -> bytes:
        """Hide the key before a text is cut: a half of it would not be recognised any more."""
        key = self.key.encode()
        if not key:
            return body
        body = body.replace(key, b"...")
        half = next((n for n in range(len(key), 3, -1) if body.endswith(key[:n])), 0)
        return body[: len(body) - half]

    def _refusal(self, answer: aiohttp.ClientResponse, body: bytes) -> AdvisorError:
        body = self._without_key(body)
        text = error_text(body)
        detail = f"HTTP {answer.status}" + (f": {text}" if text else "")
        if answer.status == 429:
            wait = _seconds(answer.headers.get("Retry-After", ""))
            spent = "insufficient_quota" in body.decode(errors="replace")
            kind = FailureKind.QUOTA if spent else FailureKind.THROTTLED
            return self.failed(kind, detail, retry_after=wait)
        return self.failed(_KINDS.get(answer.status) or _by_class(answer.status), detail)


_KINDS = {
    401: FailureKind.LOGIN,
    402: FailureKind.QUOTA,
    403: FailureKind.LOGIN,
    404: FailureKind.MODEL_MISSING,
    408: FailureKind.TRANSIENT,
    409: FailureKind.TRANSIENT,
    413: FailureKind.USAGE,
}


def _by_class(status: int) -> FailureKind:
    return FailureKind.TRANSIENT if status >= 500 else FailureKind.USAGE


def error_text(body: bytes) -> str:
    """Return the message of an error's body: `{"error": "…"}`, `{"error": {"message": "…"}}`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return excerpt(body)
    if isinstance(value, dict):
        value = value.get("error", value.get("message", value.get("detail", "")))
    if isinstance(value, dict):
        value = value.get("message", "")
    return excerpt(str(value or "").encode("utf-8", "replace"))


async def _start(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """Return the body, or the first `most` bytes of a longer one."""
    body = bytearray()
    while len(body) < most and (more := await answer.content.read(most - len(body))):
        body += more
    return bytes(body)


def _seconds(header: str) -> float | None:
    """Return the seconds of a Retry-After; None without one, and for a date."""
    text = header.strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(float(text[:9]), _LONGEST_WAIT)


def _reason(error: Exception) -> str:
    """Return what failed without the address, which may hold more than people should read."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else type(error).__name__
