"""The draft of a post-mortem states what is stored, and hostile text stays text in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.advice.model import Advice
from bot.approvals.model import Choice, Vote
from bot.enrichment.model import Evidence, KnownFact, SourceFailure
from bot.incidents.model import GroupedAlert, Severity, TimelineEntry
from bot.incidents.records import ActionItem
from bot.incidents.remediation import Preview, RemediationStatus
from bot.language import deferred, speaking
from bot.postmortem import Child, GivenAdvice, PostmortemFacts, Remedy, draft
from bot.postmortem.markdown import as_text, inline, quoted
from tests.helpers.languages import left_in_english
from tests.helpers.models import ANA, BEN, CAT, HOSTILE, NOW, approval, execution, resolved

SECTIONS = [
    "What happened",
    "Impact",
    "Times",
    "What helped, and what did not",
    "Who decided what, and why",
    "Evidence",
    "Advice",
    "Children",
    "Open questions",
    "Actions",
]
NAMES = {ANA: "Ana", BEN: "Ben"}
MARKDOWN = [
    "# heading",
    "\n\n# heading\n\n- item\n1. item\n> quote\n---\n",
    "<script>alert(1)</script> <img src=x>",
    "[a](https://evil.example) ![i](https://evil.example/i.png) <https://evil.example>",
    "https://evil.example www.evil.example mailto:a@evil.example a@evil.example #12 @admin",
    "| a | b |\n|---|---|\n| c | d |",
    "```\ncode\n```\n~~~\n~~gone~~ **bold** _it_ $x$ &amp; &#64;",
    "\\ \\\\* *a* \\",
    "- [x] done",
    "12345678901234567890) x\n+ y\n= z\n===",
]


def at(minutes: float) -> Any:
    return NOW + timedelta(minutes=minutes)


def alert(text: str = "Errors above 5 %", since: float = -4) -> GroupedAlert:
    return GroupedAlert(
        name=text,
        title=text,
        value=text,
        severity=Severity.CRITICAL,
        is_firing=False,
        since=at(since),
        reason="new",
        source=text,
        count=3,
        labels={},
    )


def facts(text: str = "a text", **changes: Any) -> PostmortemFacts:
    """Facts with `text` in every place that others write."""
    incident = resolved(by=BEN, title=text, text=text, value=text, threshold=text, cause_id=143)
    ran = replace(execution(state=RemediationStatus.NOT_VERIFIED), verify_note=text, error=text)
    voted = approval(
        state=RemediationStatus.APPROVED, votes=(Vote(BEN, Choice.APPROVE, at(3), text),)
    )
    fields: dict[str, Any] = {
        "incident": incident,
        "version": 2,
        "made_by": ANA,
        "made_at": at(90),
        "timeline": [
            TimelineEntry(142, at(0), "opened", text),
            TimelineEntry(142, at(2), "acknowledged", f"Taken over by @{BEN}", BEN),
            TimelineEntry(142, at(4), "note", text, CAT),
            TimelineEntry(142, at(65), "resolved", "Resolved", BEN),
        ],
        "alerts": [alert(text)],
        "children": [Child(resolved(id=143, title=text), [alert(text, since=-9)])],
        "remedies": [Remedy(voted, ran)],
        "evidence": Evidence(
            (KnownFact(text, text, text, at(0), "E1"),), (SourceFailure(text, text, text),)
        ),
        "advice": [
            GivenAdvice(Advice(source=text, cause=text, text=text, next_steps=(text,)), at(1), text)
        ],
        "actions": [
            ActionItem(id=1, incident_id=142, text=text, owner=BEN, made_by=ANA, made_at=at(70))
        ],
        "names": NAMES | {CAT: text},
    }
    return PostmortemFacts(**{**fields, **changes})


def test_the_draft_has_every_section_in_its_order() -> None:
    assert re.findall(r"^## (.*)$", draft(facts()), re.MULTILINE) == SECTIONS


def test_the_draft_states_times_decisions_effects_and_questions() -> None:
    text = draft(facts())
    for says in (
        "| First symptom | 2026-11-21 02:55:05 | |",  # an alert of the child came first
        "| Acknowledged | 2026-11-21 03:06:05 | 11 min |",
        "| Resolved | 2026-11-21 04:09:05 | 1 h 14 min |",
        "- **did not help**: Restart checkout-api on checkout-api-3",
        "@\u2060Ben approved: Restart checkout-api, because “a text”",
        "- INC-143 **(the most probable cause)**: “a text”",
        "Why did it take 11 min until somebody acknowledged it?",
        "Why did it not help: Restart checkout-api?",
        "No SOP covers this alert: who writes it?",
        "- [ ] a text (@\u2060Ben)",
        "Version 2, drafted by sopbot from the timeline at 2026-11-21 04:34:05 UTC for @\u2060Ana.",
    ):
        assert says in text, text


def test_the_draft_is_in_the_language_of_its_reader() -> None:
    entry = TimelineEntry(142, NOW, "muted", deferred("Muted until it clears"), ANA)
    with speaking("de"):
        text = draft(facts(timeline=[entry]))
    assert re.findall(r"^## (.*)", text, re.MULTILINE)[1:3] == ["Auswirkung", "Zeiten"]
    assert "Stumm, bis es entwarnt" in text
    assert left_in_english(text, "de") == []


def test_the_steps_of_a_command_stay_apart_and_a_cause_ends_with_one_full_stop() -> None:
    steps = approval(preview=Preview("stop web\nstart web"))
    advice = GivenAdvice(Advice(source="rules", cause="A memory leak."), at(1), "")
    text = draft(facts(remedies=[Remedy(steps, None)], advice=[advice]))
    assert "  - Command: stop web; start web\n" in text
    assert "The advisor's newest suggestion: A memory leak.\n" in text


def test_an_incident_without_anything_has_a_draft_that_says_so() -> None:
    bare = PostmortemFacts(
        incident=resolved(value="", threshold=""), version=1, made_by="", made_at=at(70)
    )
    text = draft(bare)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    for says in (
        "No action was proposed.",
        "No person decided anything.",
        "No evidence is stored.",
        "No advice is stored.",
        "Why did nobody acknowledge it?",
        "None: no other incident is a child of this one.",
        "for the bot.",
    ):
        assert says in text


def _flat(tokens: list[Token]) -> list[Token]:
    return [part for token in tokens for part in [token, *_flat(token.children or [])]]


def _shape(text: str) -> list[str]:
    """The elements that a reader of Markdown finds in the draft, without its texts."""
    parser = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
    kept = (token for token in _flat(parser.parse(text)) if token.type != "softbreak")
    return [token.type for token in kept if token.type != "text"]


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("text", [*MARKDOWN, *(text[:500] for text in HOSTILE)])
def test_hostile_text_makes_no_heading_link_mention_or_html(text: str) -> None:
    names = set(_shape(draft(facts(text))))
    assert not names & {"html_block", "html_inline", "link_open", "image", "code_inline", "fence"}
    assert not names & {"em_open", "s_open", "hr", "code_block", "lheading_open"}
    shown = draft(facts(text))
    assert re.findall(r"^## (.*)$", shown, re.MULTILINE) == SECTIONS
    assert len(re.findall(r"^ {0,3}#{1,6}( |$)", shown, re.MULTILINE)) == len(SECTIONS) + 1
    assert not re.search(r"@(?!\u2060)", shown), "nobody is mentioned"
    assert not re.search(r"(?<!\\):(?=//)", shown), "no site makes a link of an address"


@pytest.mark.parametrize("length", [10, 5_000])
def test_no_text_is_lost_to_length(length: int) -> None:
    long = " ".join(f"word{number}" for number in range(length))
    assert inline(long) == long
    assert long in quoted(f"first\n{long}\nlast")
    shown = draft(facts(long))
    assert shown.count(long) >= 20, "the title, the texts, the votes, the evidence, the advice"


def test_a_quotation_keeps_its_lines() -> None:
    assert quoted("one\r\n\n# two\n1. three") == "> one\n>\n> \\# two\n> 1\\. three"


def test_a_draft_read_as_text_is_what_was_written_into_it() -> None:
    written = "one *bold*\n# two\n1. three [a](https://b.example) @ops #12 names_like_this _it_"
    assert as_text(quoted(written)) == written
    assert as_text("- **helped**: restart") == "- helped: restart"
