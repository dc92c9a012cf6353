"""The server reads honest bodies in chunks, and refuses encodings and too many chunks."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.serving.conftest import (
    LONG,
    Start,
    enforced,
    everything,
)

pytestmark = pytest.mark.attack("ASI08")


def _posted(body: bytes, *headers: str) -> bytes:
    head = ["POST /body HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def _chunked(data: bytes, size: int) -> bytes:
    parts = (data[at : at + size] for at in range(0, len(data), size))
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    return _posted(body, "Transfer-Encoding: chunked")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip"])
async def test_a_body_with_a_content_encoding_is_refused_and_never_inflated(
    start: Start, encoding: str
) -> None:
    server = await start(LONG)
    data = gzip.compress(b" " * 100_000)
    headers = (f"Content-Encoding: {encoding}", f"Content-Length: {len(data)}")
    reader, _ = await server.connect(_posted(data, *headers))
    async with enforced("the refusal of encoded bodies"):
        answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 415 "), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "encoded"


async def test_a_body_that_says_it_is_not_encoded_is_read(start: Start) -> None:
    server = await start(LONG)
    reader, _ = await server.connect(
        _posted(b"{}", "Content-Encoding: identity", "Content-Length: 2")
    )
    assert (await everything(reader)).endswith(b'{"size": 2}')


async def test_a_body_of_very_many_chunks_is_refused_before_all_of_it_is_read(
    start: Start,
) -> None:
    server = await start(replace(LONG, body_bytes=64_000_000))
    reader, writer = await server.connect()

    async def send() -> None:
        with suppress(ConnectionError):
            writer.write(_chunked(b" " * 900_000, 1))
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        async with enforced("the limit of what a body's chunks cost"):
            assert await reader.readline() == b"HTTP/1.1 413 Content Too Large\r\n"
    finally:
        sending.cancel()


async def test_an_honest_body_in_chunks_is_read(start: Start) -> None:
    server = await start(replace(LONG, body_bytes=64_000_000))
    reader, _ = await server.connect(_chunked(b" " * 1_000_000, 1_000))
    assert (await everything(reader)).endswith(b'{"size": 1000000}')
