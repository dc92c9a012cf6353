"""Parses `key = value` and `key: value` lines of a message into labels and annotations."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.intake.cleaning import TEXT_LIMIT, parse_words
from bot.intake.label_names import our_name, with_our_names

# Such as " - env = prod", "• *Severity:* `critical`", "*Alert:* Queue is full".
_LINE = re.compile(
    r"[ \t]*(?P<item>[-•‣*–>][ \t]+)?[*_`]{0,3}(?P<key>[^\W\d_][\w ./-]{0,40}?)[*_`]{0,3}[ \t]?"
    r"(?:=[*_`]{0,3}|:(?=[*_`\s]|$)[*_`]{0,3}|：[*_`]{0,3})[ \t]*(?P<value>.*)"
)
_ANNOTATIONS = parse_words(
    "summary description message details detail runbook runbook_url graph dashboard panel silence "
    "source value values reason info annotations_summary note link links url"
)
_MARKS = " \t*_~`"


@dataclass(frozen=True, slots=True)
class Lines:
    """The parsed lines. A label with two different values in the message is left out."""

    labels: dict[str, str]
    annotations: dict[str, str]


def read_lines(text: str) -> Lines:
    """Parse the first 10,000 characters; lines of another form are skipped."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    torn: set[str] = set()
    section = ""
    for line in text[:TEXT_LIMIT].split("\n"):
        if ":" not in line and "=" not in line and "：" not in line:
            continue
        match = _LINE.fullmatch(line[:2_000])
        if match is None:
            continue
        key = match["key"].strip().replace(" ", "_").lower()
        value = match["value"].strip(_MARKS)
        if not value:
            section = key if key in ("labels", "annotations") else section
            continue
        if not match["item"]:
            section = ""
        ours = our_name(key)
        if section == "annotations" or (not section and not _ANNOTATIONS.isdisjoint((key, ours))):
            annotations.setdefault(ours or key, value)
        elif labels.setdefault(key, value) != value:
            torn.add(key)
    kept = {key: text for key, text in labels.items() if key not in torn}
    return Lines(with_our_names(kept), annotations)
