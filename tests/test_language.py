"""A stored message and its parts can be read in any language, and old texts as they are."""

from __future__ import annotations

import json

import pytest

from bot.incidents.model import Severity, TimelineEntry
from bot.language import Deferred, deferred, packed, speaking, spoken, unpacked
from tests.helpers.builders import NOW


def test_a_text_with_parts_is_read_in_another_language_than_that_of_its_writer() -> None:
    was = deferred("it was {severity}", severity=Severity.HIGH)
    text = deferred(
        "Severity set to {severity} by @{user}; {was}", severity=Severity.LOW, user="U1", was=was
    )
    restored = unpacked(packed(text), str(text))
    assert restored == "Severity set to low by @U1; it was high"
    with speaking("de"):
        assert spoken(restored) == "Schwere auf niedrig gesetzt von @U1; vorher hoch"


@pytest.mark.parametrize("part", ["{0.__class__}", "{user}", "\ud800", "a\x00b", '"}', "🔥"])
def test_a_strangers_text_in_a_part_stays_what_it_is(part: str) -> None:
    text = deferred("Lesson: {text}", text=part)
    restored = unpacked(packed(text), str(text))
    assert restored == f"Lesson: {part}"
    with speaking("de"):
        assert spoken(restored) == f"Lehre: {part}"


UNREADABLE = ["", "{", "7", "[]", "null", '{"parts": {}}', '{"message": "Done", "parts": 7}']
UNREADABLE.append(json.dumps({"message": "{a.b}", "parts": {"a": 1}}))


@pytest.mark.parametrize("stored", UNREADABLE)
def test_what_cannot_be_read_is_shown_in_the_english_that_stands_beside_it(stored: str) -> None:
    assert spoken(unpacked(stored, "Acknowledged")) == "Acknowledged"


def test_the_entry_of_a_person_or_of_an_old_bot_is_shown_as_it_was_written() -> None:
    assert packed("Acknowledged") == ""
    entry = TimelineEntry(1, NOW, "note", "Acknowledged")
    with speaking("de"):
        assert entry.spoken == "Acknowledged"
        shown = TimelineEntry(1, NOW, "acknowledged", deferred("Acknowledged")).spoken
    assert shown == "Bestätigt"
    assert isinstance(deferred("Acknowledged"), Deferred)
