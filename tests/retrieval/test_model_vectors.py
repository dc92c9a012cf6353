"""Vectors of an Ollama rank runbooks beside the words, kept in memory or in a real Qdrant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.retrieval.embeddings import load_embedder
from bot.retrieval.library import RunbookLibrary
from bot.retrieval.model_vectors import PAUSE, MemoryVectors, ModelVectors, VectorStore
from bot.retrieval.ollama import OllamaEmbedder, Vector, VectorsUnavailable
from bot.retrieval.qdrant import QdrantPassages
from bot.retrieval.queries import Query, build_query
from bot.retrieval.search import RunbookSearch
from tests.helpers.clocks import FixedSeconds
from tests.helpers.embedding_server import HOSTILE, MODEL, EmbeddingServer
from tests.helpers.http_servers import served
from tests.helpers.waiting import until


@pytest.fixture
def server() -> EmbeddingServer:
    return EmbeddingServer()


@pytest.fixture
async def url(server: EmbeddingServer) -> AsyncIterator[str]:
    async with served(server.handle) as address:
        yield address


@pytest.fixture(params=["memory", "qdrant"])
def open_store(request: pytest.FixtureRequest) -> Callable[[], VectorStore]:
    return MemoryVectors if request.param == "memory" else lambda: QdrantPassages(":memory:")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "queue.md").write_text("# Queue depth\n\nThe queue of the mail host is long.\n")
    (tmp_path / "spool.md").write_text("# Spool full\n\nThe spool of the mail host is full.\n")
    return tmp_path


QUERY: Query = build_query(title="Mailbox overflowing on the mail host")


async def loaded(folder: Path, vectors: ModelVectors) -> RunbookLibrary:
    library = RunbookLibrary(folder, model_vectors=vectors)
    await library.load()
    return library


def nearest(vectors: ModelVectors) -> list[int]:
    return vectors.nearest(QUERY.text, 10)


async def test_the_passage_that_means_the_same_is_nearest(
    folder: Path, url: str, open_store: Callable[[], VectorStore]
) -> None:
    vectors = ModelVectors(OllamaEmbedder(url, MODEL), open_store)
    library = await loaded(folder, vectors)
    index = library._index
    await until(lambda: index.run(lambda: nearest(vectors)), why="the vectors are made")
    order = await index.run(lambda: nearest(vectors))
    assert index._search is not None
    rows = index._search._rows
    assert rows[order[0]].path == "spool.md"
    assert len(order) == len(rows)
    both = build_query(title="The queue of the mail host is long, its mailbox overflowing")

    def scores(search: RunbookSearch) -> dict[str, float]:
        return {hit.passage.path: hit.score for hit in search.search(both)}

    def compare() -> tuple[dict[str, float], dict[str, float]]:
        assert index._index is not None
        assert index._search is not None
        return scores(RunbookSearch(index._index, load_embedder())), scores(index._search)

    by_words, fused = await index.run(compare)
    assert fused["spool.md"] > by_words["spool.md"], "the model's ranking counts too"
    await library.close()


async def test_a_changed_folder_is_embedded_again_and_an_equal_one_in_qdrant_is_not(
    folder: Path, url: str, server: EmbeddingServer
) -> None:
    store = QdrantPassages(":memory:")
    vectors = ModelVectors(OllamaEmbedder(url, MODEL), lambda: store)
    library = await loaded(folder, vectors)
    await until(lambda: vectors._ready, why="the vectors are made")
    assert len(server.inputs) == 1
    await library.load()
    await until(lambda: vectors._ready, why="the vectors are there")
    assert len(server.inputs) == 1, "nothing changed"
    (folder / "new.md").write_text("# New\n\nSomething new.\n")
    await library.load()
    await until(lambda: len(server.inputs) == 2, why="the folder changed")
    await until(lambda: vectors._ready, why="the vectors are made")
    assert len(store._client.get_collections().collections) == 1, "the former one is deleted"
    await library.close()


async def test_a_dead_server_leaves_the_words_and_is_named_and_is_asked_again_later(
    folder: Path, url: str, server: EmbeddingServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.behaviour = "missing"
    seconds = FixedSeconds()
    vectors = ModelVectors(OllamaEmbedder(url, MODEL), MemoryVectors, monotonic=seconds)
    library = await loaded(folder, vectors)
    spool = build_query(name="SpoolFull", title="The spool is full")
    await until(lambda: "words only" in caplog.text, why="the failure is logged")
    assert f"{MODEL}: HTTP 404" in caplog.text
    (passage, *_) = await library.find(spool, {})
    assert "spool.md" in passage.name
    assert len(server.inputs) == 1, "it is left alone for a while"
    server.behaviour = "answer"
    seconds.forward(PAUSE)
    await library.find(spool, {})
    await until(lambda: vectors._ready, why="it is asked again")
    await library.close()


def test_qdrant_keeps_what_it_made_again_after_its_points_were_lost() -> None:
    store = QdrantPassages(":memory:")
    texts, vectors = ["a", "b"], [[1.0, 0.0], [0.0, 1.0]]
    store.replace(MODEL, texts, vectors)
    store._client.delete_collection(store._collection)
    assert not store.has(MODEL, texts)
    store.replace(MODEL, texts, vectors)
    assert store.has(MODEL, texts)
    assert store.nearest([0.0, 1.0], 1) == [1]
    store.close()


@pytest.mark.parametrize("open_one", [MemoryVectors, lambda: QdrantPassages(":memory:")])
def test_a_vector_of_another_length_is_refused(open_one: Callable[[], VectorStore]) -> None:
    store = open_one()
    store.replace(MODEL, ["a"], [[1.0, 0.0]])
    with pytest.raises(VectorsUnavailable):
        store.nearest([1.0, 0.0, 0.0], 1)
    store.close()


async def test_a_server_that_lost_its_vectors_gets_them_again_and_a_memory_keeps_its_own(
    folder: Path, url: str, server: EmbeddingServer
) -> None:
    seconds, qdrant = FixedSeconds(), QdrantPassages(":memory:")
    for store, times in ((qdrant, 2), (MemoryVectors(), 1)):
        server.inputs.clear()
        vectors = ModelVectors(OllamaEmbedder(url, MODEL), lambda: store, monotonic=seconds)  # noqa: B023 - called in this turn
        library = await loaded(folder, vectors)
        index = library._index
        await until(lambda: index.run(lambda: nearest(vectors)), why="the vectors are made")  # noqa: B023
        made = len(server.inputs)
        if store is qdrant:
            qdrant._client.delete_collection(qdrant._collection)
        server.behaviour = "missing"
        assert await index.run(lambda: nearest(vectors)) == []  # noqa: B023
        server.behaviour = "answer"
        seconds.forward(PAUSE)
        await until(lambda: index.run(lambda: nearest(vectors)), why="they are there again")  # noqa: B023
        whole = [texts for texts in server.inputs if len(texts) > 1]
        assert (made >= 1, len(whole)) == (True, times)
        await library.close()


@pytest.mark.parametrize("behaviour", ["missing", "redirect", "garbled", "few", "ragged", *HOSTILE])
async def test_an_answer_that_is_no_vectors_is_refused(
    url: str, server: EmbeddingServer, behaviour: str, folder: Path
) -> None:
    server.behaviour = behaviour
    library = RunbookLibrary(folder)
    embedder = OllamaEmbedder(url, MODEL)
    with pytest.raises(VectorsUnavailable, match=MODEL):
        await library._index.run(lambda: embedder.embed(["a", "b"], timeout=10))
    await library.close()


async def test_an_answer_that_never_ends_is_given_up(
    url: str, server: EmbeddingServer, folder: Path
) -> None:
    server.behaviour = "slow"
    library = RunbookLibrary(folder)
    embedder = OllamaEmbedder(url, MODEL)
    with pytest.raises(VectorsUnavailable, match="TimeoutError"):
        await library._index.run(lambda: embedder.embed(["a"], timeout=0.2))
    await library.close()


async def test_what_is_no_http_is_refused(folder: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")  # or the closing would be a reset
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        library = RunbookLibrary(folder)
        embedder = OllamaEmbedder(f"http://127.0.0.1:{port}", MODEL)
        with pytest.raises(VectorsUnavailable, match=MODEL):
            await library._index.run(lambda: embedder.embed(["a"], timeout=10))
        await library.close()


class LyingVectors(MemoryVectors):
    """A store whose server names passages that are not there, or that we never had."""

    def nearest(self, vector: Vector, limit: int) -> list[int]:
        return [10**9, -1, *super().nearest(vector, limit), 0, 0]


async def test_numbers_of_no_passage_are_left_out_and_a_vector_of_another_length_ranks_nothing(
    folder: Path, url: str, server: EmbeddingServer
) -> None:
    vectors = ModelVectors(OllamaEmbedder(url, MODEL), LyingVectors)
    library = await loaded(folder, vectors)
    await until(lambda: vectors._ready, why="the vectors are made")
    numbers = await library._index.run(lambda: nearest(vectors))
    assert sorted(numbers) == [0, 1]
    assert await library.find(build_query(name="SpoolFull", title="The spool is full"), {})
    server.behaviour = "ragged"
    assert await library._index.run(lambda: nearest(vectors)) == []
    await library.close()


async def test_many_texts_are_sent_in_parts_and_long_ones_are_cut(
    url: str, server: EmbeddingServer, folder: Path
) -> None:
    library = RunbookLibrary(folder)
    embedder = OllamaEmbedder(url, MODEL)
    texts = ["x" * 9_000] * 150
    rows = await library._index.run(lambda: embedder.embed(texts, timeout=10))
    assert len(rows) == 150
    assert [len(part) for part in server.inputs] == [64, 64, 22]
    assert max(len(json.dumps(text)) for part in server.inputs for text in part) < 4_100
    await library.close()


def test_a_qdrant_that_is_away_is_named(free_port: Callable[[], int]) -> None:
    store = QdrantPassages(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(VectorsUnavailable, match="Qdrant: "):
        store.has(MODEL, ["a"])
    store.close()
