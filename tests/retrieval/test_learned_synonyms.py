"""Words are suggested from passages that helped, and never used before an operator copies them."""

from __future__ import annotations

from datetime import timedelta

from bot.retrieval.learned_synonyms import JudgedPassage, learned_pairs
from bot.retrieval.queries import build_query
from bot.retrieval.synonyms import NO_SYNONYMS, parse_synonyms
from tests.helpers.clocks import NOW

PASSAGE = "Spool full (mail/queue.md)"
TEXT = "Delete what is old."


def cited(
    number: int, *, helped: bool = True, days: float = 1, title: str = "Mailbox full"
) -> JudgedPassage:
    query = build_query(title=title)
    return JudgedPassage(f"INC-{number}", query, PASSAGE, TEXT, NOW - timedelta(days=days), helped)


def suggested(*cases: JudgedPassage, known=NO_SYNONYMS) -> set[tuple[str, str]]:
    return {(pair.word, pair.of_runbooks) for pair in learned_pairs(cases, known, NOW)}


def test_a_word_of_alerts_and_one_of_the_heading_that_helped_twice_are_suggested() -> None:
    (pair, *_) = learned_pairs([cited(1), cited(2)], NO_SYNONYMS, NOW)
    assert ("mailbox", "spool") in suggested(cited(1), cited(2))
    assert pair.helped == ("INC-1", "INC-2")
    assert suggested(cited(1)) == set(), "once may be chance"
    assert suggested(cited(1), cited(1)) == set(), "twice in one incident is once"
    assert not any("full" in pair for pair in suggested(cited(1), cited(2))), "both have that word"


def test_what_did_not_help_counts_against_it_and_old_cases_count_less() -> None:
    helped = [cited(1), cited(2)]
    refused = [cited(number, helped=False) for number in (3, 4)]
    assert suggested(*helped, *refused) == set()
    long_ago = [cited(number, helped=False, days=900) for number in (3, 4)]
    assert ("mailbox", "spool") in suggested(*helped, *long_ago)
    assert suggested(*(cited(number, days=900) for number in (1, 2))) == set(), "too old to be sure"


def test_a_whole_identifier_and_the_path_are_no_words_to_suggest() -> None:
    pairs = suggested(*(cited(number, title="MailboxOverflowing") for number in (1, 2)))
    assert pairs == {
        (word, other) for word in ("mailbox", "overflow") for other in ("spool", "full")
    }


def test_words_that_mean_the_same_already_are_not_suggested() -> None:
    known, problems = parse_synonyms("spool, mailbox\n")
    assert not problems
    assert ("mailbox", "spool") not in suggested(cited(1), cited(2), known=known)


def test_each_suggested_line_can_stand_in_the_file() -> None:
    title = "MailboxOverflowing: evictions 503 Ünïcode"
    for pair in suggested(*(cited(number, title=title) for number in (1, 2))):
        assert parse_synonyms(", ".join(pair))[1] == []
