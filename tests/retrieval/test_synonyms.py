"""The operator's synonyms: words of one line are the same word in a search."""

from __future__ import annotations

from pathlib import Path

from bot.retrieval.library import RunbookLibrary
from bot.retrieval.queries import build_query
from bot.retrieval.synonyms import parse_synonyms, read_synonyms


async def test_an_alert_finds_the_runbook_that_uses_the_other_word(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Mailbox overrun\n\nThe mailbox of the ledger is overrun.\n")
    (tmp_path / "b.md").write_text("# Disk full\n\nNo space left.\n")
    query = build_query(title="The spool of the ledger is saturated")
    library = RunbookLibrary(tmp_path)
    await library.load()
    assert await library.find(query, {}) == ()
    (tmp_path / "synonyms.txt").write_text("mailbox, spool\noverrun, saturated  # of a queue\n")
    await library.load()
    assert [passage.name for passage in await library.find(query, {})] == ["Mailbox overrun (a.md)"]
    await library.close()


def test_bad_lines_are_named_and_the_others_hold(tmp_path: Path) -> None:
    good, bad = "# ours\n\nspool, mailbox\n", "alone\nout of memory, oom\nqueue, mailbox\n"
    text = f"{good}{bad}topic, topics\nlag, delay\n"
    synonyms, problems = parse_synonyms(text)
    assert synonyms.of(["mailbox", "delay", "queue"]) == ["spool", "lag", "queue"]
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"synonyms.txt:{number}" for number in (4, 5, 6, 7)
    ]
    assert "'mailbox' stands in a line before" in problems[2]
    assert read_synonyms(tmp_path) == (parse_synonyms("")[0], [])
    (tmp_path / "synonyms.txt").write_text("a" * 300_000)
    assert "over 256 KiB" in read_synonyms(tmp_path)[1][0]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    outside = tmp_path / ".env"
    outside.write_text("AUDIT_KEY=precious\nspool, mailbox\n")
    (folder / "synonyms.txt").symlink_to(outside)
    synonyms, problems = read_synonyms(folder)
    assert problems == ["synonyms.txt: not read: it leads out of the folder"]
    assert synonyms.instead == {}
    (tmp_path / "ours").symlink_to(folder)
    (folder / "words.txt").write_text("spool, mailbox\n")
    (folder / "synonyms.txt").unlink()
    (folder / "synonyms.txt").symlink_to("words.txt")
    assert read_synonyms(tmp_path / "ours")[0].of(["mailbox"]) == ["spool"], "a link within it is"
