"""Ranking: what a hit is, what the floor refuses, and what is kept between two searches."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.retrieval import embeddings
from bot.retrieval.embeddings import MODEL, load_embedder
from bot.retrieval.markdown import Document, parse_document
from bot.retrieval.queries import build_query
from bot.retrieval.search import RunbookSearch
from bot.retrieval.sqlite_index import SqliteIndex

DISK = """# Disk full

## Meaning

No space left on the filesystem.

## Mitigation

Rotate logs.
"""
QUEUE = "# Queue grows\n\nConsumers of the broker are slower than its publishers.\n"


def documents(**texts: str) -> list[Document]:
    return [parse_document(f"{name}.md", text) for name, text in texts.items()]


def search_of(*parts: Document, path: str = ":memory:") -> RunbookSearch:
    index = SqliteIndex(path)
    index.replace(parts)
    return RunbookSearch(index, load_embedder())


def test_a_hit_is_the_best_passage_of_its_document() -> None:
    search = search_of(*documents(disk=DISK, queue=QUEUE))
    (hit, *_) = search.search(build_query(title="No space left on filesystem /var"))
    assert (hit.passage.path, hit.passage.heading, hit.passage.line) == ("disk.md", "Meaning", 3)


@pytest.mark.parametrize("text", ["", "42", "the of and", '"); DROP TABLE x; --', "a" * 100_000])
def test_an_alert_without_any_telling_word_finds_nothing(text: str) -> None:
    assert search_of(*documents(disk=DISK)).search(build_query(title=text)) == []


def test_an_empty_folder_finds_nothing() -> None:
    assert search_of().search(build_query(title="Disk full")) == []


def test_in_a_small_folder_the_words_of_every_passage_of_a_runbook_find_it() -> None:
    """Each passage has the words of its title, so they stand in many of a few passages."""
    sections = "".join(
        f"## {name}\n\nRead the logs.\n\n" for name in ("Impact", "Diagnosis", "Fix")
    )
    crash = f"# PodCrashLooping\n\nThe pod is in a crash loop.\n\n{sections}"
    index = SqliteIndex()
    index.replace(documents(crash=crash, disk=DISK, queue=QUEUE))
    (hit, *_) = RunbookSearch(index).search(build_query(title="Pod is crash looping."))
    assert hit.passage.path == "crash.md"


@pytest.mark.attack("ASI06")
def test_a_runbook_that_lists_every_word_does_not_fit_every_alert() -> None:
    everything = " ".join(f"{DISK} {QUEUE}".split())
    bait = "\n\n".join(
        f"## {number}\n\n{everything[number:]} fraud billing login door" for number in range(9)
    )
    search = search_of(*documents(disk=DISK, queue=QUEUE, bait=bait))
    (hit, *_) = search.search(
        build_query(title="Disk full", text="No space left on the filesystem")
    )
    assert hit.passage.path == "disk.md"


def test_names_of_instances_do_not_take_part() -> None:
    labels = {"pod": "queue-grows-0", "namespace": "broker-1"}
    search = search_of(*documents(disk=DISK, queue=QUEUE))
    (hit, *_) = search.search(
        build_query(
            title="queue-grows-0 in broker-1: no space left on the filesystem", labels=labels
        )
    )
    assert hit.passage.path == "disk.md"


def test_details_and_names_of_objects_do_not_keep_a_runbook_from_fitting() -> None:
    """As some senders write: counters and times as annotations, an object's name in the text."""
    labels = {"persistentvolumeclaim": "data-logging-0", "service": "logging-service"}
    summary = "No space left on filesystem of data-logging-0 for logging-service"
    details = {
        "last_success": "Error: ETIMEOUT connecting to external-data-source",
        "affected_clients": "mobile app, legacy integrations, partner gateway",
    }
    plain = build_query(annotations={"summary": "No space left on filesystem of for"})
    query = build_query(labels=labels, annotations={"summary": summary, **details})
    assert query.text == plain.text
    assert "mobil" in query.weights
    assert "mobil" not in query.core, "a detail may rank, and decides nothing"
    assert search_of(*documents(disk=DISK, queue=QUEUE)).search(query)
    alone = build_query(annotations={"reason": "No space left on filesystem"})
    assert alone.core >= {"spac", "filesystem"}, "details are the text where there is no other"


def test_vectors_are_kept_by_content_and_only_those_that_are_needed(tmp_path: Path) -> None:
    path = str(tmp_path / "index.db")
    first = documents(disk=DISK, queue=QUEUE)
    search_of(*first, path=path)
    before = SqliteIndex(path).vectors(MODEL)
    search_of(*documents(disk=DISK, queue="# Other\n\nText of another thing.\n"), path=path)
    after = SqliteIndex(path).vectors(MODEL)
    disk = {key for key in before if key in after}
    assert len(disk) == len(first[0].passages)
    assert len(after) == len(disk) + 1


@pytest.mark.attack("ASI08")
def test_an_alert_with_megabytes_of_text_makes_a_small_query() -> None:
    huge = {
        f"field{number}": " ".join(f"word{chr(97 + n % 26)}" for n in range(9999))
        for number in range(500)
    }
    query = build_query(title="x" * 10**6, text="y " * 10**6, labels=huge, annotations=huge)
    assert len(query.text) <= 4_000
    assert len(query.weights) < 100


def test_without_the_extra_words_alone_find_the_runbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "find_spec", lambda _name: None)
    search = search_of(*documents(disk=DISK, queue=QUEUE))
    assert not search.has_vectors
    (hit, *_) = search.search(build_query(title="No space left on the filesystem"))
    assert hit.passage.path == "disk.md"
    assert search.search(build_query(title="The coffee machine wants beans")) == []
