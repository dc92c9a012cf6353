"""Checks the identifiers that a caller may give: an incident key and a SOP ID."""

from __future__ import annotations

from bot.incidents import keys
from bot.intake.cleaning import one_line
from bot.intake.fields import wrong

KEY_LIMIT = 256


def checked_sop_id(text: str, field: str) -> str:
    """Return a SOP ID from outside, or raise InputError."""
    if text and not keys.is_sop_id(text):
        raise wrong(field, "1 to 64 of a-z, 0-9, _ and -")
    return text


def checked_key(text: str, field: str) -> str:
    """Return an incident key from outside, trimmed, as the caller wrote it; or raise InputError."""
    text = text.strip()
    if len(text) > KEY_LIMIT:
        raise wrong(field, f"at most {KEY_LIMIT} characters")
    if one_line(text, KEY_LIMIT) != text:
        raise wrong(field, "one line without control characters")
    return text
