"""Sends one GET request to a declared source, with its credentials, and reads a bounded answer."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import aiohttp

from bot.enrichment.segment import Access
from bot.regular_files import read_regular

LARGEST = 65_536  # bytes of one answer
DETAIL_CHARS = 200
NO_ACCESS = Access()


class SourceError(Exception):
    """The source answered in an unexpected way."""


async def get(
    session: aiohttp.ClientSession,
    url: str,
    parameters: Mapping[str, str],
    access: Access = NO_ACCESS,
    *,
    largest: int = LARGEST,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return the answer's body. SourceError for another status than 200, or if it is too large.

    The secrets are read from their files at each call, because clusters replace their tokens every
    hour. An error never shows one, also if the answer repeats it.
    """
    authorization, secrets = _authorization(access)
    tls = _authorities(access.ca_file) if access.ca_file else True
    async with session.get(
        url,
        params=parameters,
        headers={**(headers or {}), **authorization},
        allow_redirects=False,
        ssl=tls,
    ) as answer:
        body = await answer.content.read(largest + 1)
        while len(body) <= largest and (more := await answer.content.read(largest + 1)):
            body += more
        if answer.status != 200:
            detail = body.decode(errors="replace").strip()
            for secret in secrets:
                detail = detail.replace(secret, "[secret]")
            raise SourceError(f"HTTP {answer.status}: {detail[:DETAIL_CHARS]}")
        if len(body) > largest:
            raise SourceError(f"the answer is over {largest} bytes")
        return body


def _authorization(access: Access) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the header, and the secrets in it as they may be repeated."""
    if access.token_file:
        token = _secret(access.token_file)
        return {"Authorization": f"Bearer {token}"}, (token,)
    if access.password_file:
        password = _secret(access.password_file)
        pair = base64.b64encode(f"{access.username}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}, (pair, password)
    return {}, ()


def _secret(file: Path) -> str:
    try:
        secret = read_regular(file).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file.name} cannot be read") from error
    if not secret or not secret.isprintable():
        raise SourceError(f"{file.name} holds no secret of one line")
    return secret


def _authorities(file: Path) -> ssl.SSLContext:
    try:
        return _trusting(str(file), file.stat().st_mtime_ns)
    except OSError as error:  # ssl.SSLError too
        raise SourceError(f"{file.name} holds no certificate of an authority") from error


@lru_cache(maxsize=16)
def _trusting(file: str, _changed: int) -> ssl.SSLContext:
    """Build the context once for each version of the file."""
    return ssl.create_default_context(cafile=file)
