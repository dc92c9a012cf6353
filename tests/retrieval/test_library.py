"""The bot's runbooks: what fits is cited, what people say is wrong is put behind and dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.retrieval.library import CITED_CHARS, RunbookLibrary
from bot.retrieval.queries import build_query

QUERY = build_query(name="DiskFull", title="No space left on the filesystem")
FIRST, SECOND = "Disk full (a.md)", "Disk is full (b.md)"


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[RunbookLibrary]:
    (tmp_path / "a.md").write_text(
        "# Disk full\n\nNo space left on the filesystem.\n"
        + "Delete old files of the disk to free space. " * 35
    )
    (tmp_path / "b.md").write_text("# Disk is full\n\nNo space left on a filesystem of a host.\n")
    (tmp_path / "c.md").write_text("# Queue grows\n\nConsumers are slower than publishers.\n")
    library = RunbookLibrary(tmp_path, "https://git.example/main/")
    await library.load()
    yield library
    await library.close()


async def names(library: RunbookLibrary, **reports: int) -> list[str]:
    counts = {name: reports.get(key, 0) for key, name in (("a", FIRST), ("b", SECOND))}
    return [passage.name for passage in await library.find(QUERY, counts)]


async def test_a_passage_is_cited_with_its_heading_its_path_and_its_address(
    library: RunbookLibrary,
) -> None:
    passages = {item.name: item for item in await library.find(QUERY, {})}
    assert set(passages) == {FIRST, SECOND}
    assert passages[FIRST].url == "https://git.example/main/a.md"
    assert len(passages[FIRST].text) == CITED_CHARS


async def test_one_report_puts_a_passage_behind_the_others_and_two_drop_it(
    library: RunbookLibrary,
) -> None:
    best, other = await names(library)
    key, other_key = ("a", "b") if best == FIRST else ("b", "a")
    assert await names(library, **{key: 1}) == [other, best]
    assert await names(library, **{key: 2}) == [other]
    assert await names(library, **{key: 2, other_key: 3}) == []


async def test_without_a_folder_and_after_one_that_vanished_nothing_breaks(
    library: RunbookLibrary, tmp_path: Path
) -> None:
    nowhere = RunbookLibrary()
    await nowhere.load()
    assert await nowhere.find(QUERY, {}) == ()
    await nowhere.close()
    gone = RunbookLibrary(tmp_path / "gone")
    await gone.load()
    assert await gone.find(QUERY, {}) == ()
    await gone.close()
