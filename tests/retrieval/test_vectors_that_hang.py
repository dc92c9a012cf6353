"""A server of vectors that hangs or dies holds up no search, and the health check names it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.retrieval.library import RunbookLibrary
from bot.retrieval.model_vectors import PAUSE, MemoryVectors, ModelVectors
from bot.retrieval.ollama import OllamaEmbedder, VectorsUnavailable
from bot.retrieval.queries import build_query
from tests.helpers.clocks import FixedSeconds
from tests.helpers.embedding_server import MODEL, EmbeddingServer
from tests.helpers.http_servers import served
from tests.helpers.waiting import until

SPOOL = build_query(name="SpoolFull", title="The spool is full")


@pytest.fixture
def server() -> EmbeddingServer:
    return EmbeddingServer()


@pytest.fixture
async def url(server: EmbeddingServer) -> AsyncIterator[str]:
    async with served(server.handle) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spool.md").write_text("# Spool full\n\nThe spool of the mail host is full.\n")
    return tmp_path


async def loaded(folder: Path, vectors: ModelVectors) -> RunbookLibrary:
    library = RunbookLibrary(folder, model_vectors=vectors)
    await library.load()
    return library


async def test_a_server_that_hangs_holds_up_no_search_whether_it_makes_the_vectors_or_answers(
    folder: Path, url: str, server: EmbeddingServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.behaviour = "hang"
    vectors = ModelVectors(OllamaEmbedder(url, MODEL), MemoryVectors)
    library = await loaded(folder, vectors)
    await until(lambda: server.inputs, why="the vectors are asked for")
    assert [passage.name for passage in await library.find(SPOOL, {})] == ["Spool full (spool.md)"]
    assert len(server.inputs) == 1, "the vectors are still made, once"
    server.released.set()
    await until(lambda: vectors._ready, why="the vectors are made")

    server.released.clear()
    assert await library.find(SPOOL, {}), "found while the server has its answer still"
    assert "words only for 60 s" in caplog.text
    assert f"{MODEL}: " in caplog.text
    requests = len(server.inputs)
    assert await library.find(SPOOL, {})
    assert len(server.inputs) == requests == 2, "it is left alone for a while"
    server.released.set()
    await library.close()


async def test_health_names_a_dead_server_until_it_answers_again_without_any_search(
    folder: Path, url: str, server: EmbeddingServer
) -> None:
    seconds, store = FixedSeconds(), MemoryVectors()
    vectors = ModelVectors(OllamaEmbedder(url, MODEL), lambda: store, monotonic=seconds)
    await vectors.check()
    library = await loaded(folder, vectors)
    await until(lambda: vectors._ready, why="the vectors are made")
    server.behaviour = "missing"
    assert await library._index.run(lambda: vectors.nearest(SPOOL.text, 10)) == []
    for _ in range(2):
        with pytest.raises(VectorsUnavailable, match=f"{MODEL}: HTTP 404"):
            await vectors.check()
        seconds.forward(PAUSE)  # and it fails once more
        requests = len(server.inputs)
        with pytest.raises(VectorsUnavailable):
            await vectors.check()
        await until(lambda: len(server.inputs) == requests + 1 and not vectors._building.locked())  # noqa: B023
    server.behaviour = "answer"
    seconds.forward(PAUSE)
    with pytest.raises(VectorsUnavailable):
        await vectors.check()
    await until(lambda: vectors._ready, why="the vectors that are kept are used again")
    await vectors.check()
    await library.close()
