"""A stand-in for Ollama's `/api/embed`, written from its API document."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

MODEL = "nomic-embed-text"
SIZE = 64
HOSTILE = {
    "deep": '{"embeddings": ' + "[" * 200_000,
    "huge": '{"embeddings": [[1' + "0" * 400 + "], [1]]}",
    "infinite": '{"embeddings": [[1e200, Infinity], [1, 2]]}',
    "no number": '{"embeddings": [[NaN], [1]]}',
}
MEANS = {"mailbox": "spool", "overflowing": "full"}  # what this model knows and words do not


@dataclass
class EmbeddingServer:
    """Ollama's `/api/embed` from its API document; `behaviour` is what it does next."""

    behaviour: str = "answer"
    inputs: list[list[str]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert (request.method, request.path) == ("POST", "/api/embed")
        body = await request.json()
        self.inputs.append(body["input"])
        match self.behaviour:
            case "hang":
                await self.released.wait()
            case "missing":
                error = {"error": f"model '{body['model']}' not found, try pulling it first"}
                return web.json_response(error, status=404)
            case "redirect":
                raise web.HTTPTemporaryRedirect("http://169.254.169.254/latest/meta-data")
            case "garbled":
                return web.Response(text="<html>It works!</html>", content_type="text/html")
            case "few":
                return web.json_response({"model": MODEL, "embeddings": []})
            case "ragged":
                rows = [[1.0] * (number + 2) for number in range(len(body["input"]))]
                return web.json_response({"model": MODEL, "embeddings": rows})
        if self.behaviour == "slow":
            response = web.StreamResponse()
            await response.prepare(request)
            with suppress(ConnectionError):
                for _ in range(10_000):
                    await response.write(b" ")
                    await asyncio.sleep(0.01)
            return response
        if self.behaviour in HOSTILE:
            return web.Response(text=HOSTILE[self.behaviour])
        rows = [vector_of(text) for text in body["input"]]
        return web.json_response({"model": MODEL, "embeddings": rows, "total_duration": 14_143_917})


def vector_of(text: str) -> list[float]:
    row = [0.0] * SIZE
    for word in text.lower().replace(".", " ").split():
        digest = hashlib.sha256(MEANS.get(word, word).encode()).digest()
        row[digest[0] % SIZE] += 1.0
    return row
