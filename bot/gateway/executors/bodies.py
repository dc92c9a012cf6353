"""Reads the body of a server's answer, which may be endless."""

from __future__ import annotations

import aiohttp


async def begin_of(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """Return the first `most` bytes of a body, and whether it has more; then it is not read on."""
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > most:
            response.close()
            return bytes(data[:most]), True
    return bytes(data), False
