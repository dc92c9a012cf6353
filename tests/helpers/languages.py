"""Finds sentences of the catalogue that a text in another language still has in English."""

from __future__ import annotations

import re
from functools import cache

from tests import catalogue

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_CODE = re.compile(r"`[^`]*`")
_WORDS = re.compile(r"[A-Za-z']{2,} [a-z][A-Za-z']+")
SHORTEST = 8  # characters of a part of a sentence that identifies it


@cache
def english_parts(language: str) -> frozenset[str]:
    """The parts between placeholders, of two words or more, that the translations do not have."""
    parts, translated = set(), []
    for message in catalogue.read(language):
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        translated += texts
        for form in filter(None, forms):
            for part in _PLACEHOLDER.split(_CODE.sub("{}", form)):
                if len(part.strip()) >= SHORTEST and _WORDS.search(part):
                    parts.add(part.strip())
    known = "\n".join(translated)
    return frozenset(part for part in parts if part not in known)


def left_in_english(text: str, language: str) -> list[str]:
    """The parts of English sentences of the catalogue that the text has."""
    return sorted(part for part in english_parts(language) if part in text)
