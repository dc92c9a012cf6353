"""Parses `key = value` and `key: value` lines of a message into labels and annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.incidents.severity_words import known_severity, severity_of
from bot.intake import guesses, states
from bot.intake.cleaning import TEXT_LIMIT, parse_words
from bot.intake.label_names import our_name, with_our_names

# Such as " - env = prod", "• *Severity:* `critical`", "*Alert:* Queue is full".
_LINE = re.compile(
    r"[ \t]*(?P<item>[-•‣*–>][ \t]+|[■◆▪●▶・]\ufe0f?[ \t]*)?[*_`]{0,3}"
    r"(?P<key>[^\W\d_][\w ./-]{0,40}?)[*_`]{0,3}[ \t]?"
    r"(?:=[*_`]{0,3}|:(?=[*_`\s]|$)[*_`]{0,3}|：[*_`]{0,3})[ \t]*(?P<value>.*)"
)
_ANNOTATIONS = parse_words(
    "summary description message details detail runbook runbook_url graph dashboard panel silence "
    "source value values reason info annotations_summary note link links url"
)
_MARKS = " \t*_~`"


@dataclass(frozen=True, slots=True)
class Lines:
    """The parsed lines.

    A label with two different values in the message is left out; of several severities the most
    severe one counts. `differing` are the names of labels and annotations with several values: the
    message lists several members.
    """

    labels: dict[str, str]
    annotations: dict[str, str]
    differing: frozenset[str] = field(default_factory=frozenset)


def read_lines(text: str) -> Lines:
    """Parse the first 10,000 characters; lines of another form are skipped."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    torn: set[str] = set()
    worst: dict[str, str] = {}
    section = ""
    for line in _rows(text[:TEXT_LIMIT]):
        if ":" not in line and "=" not in line and "：" not in line:
            continue
        match = _LINE.fullmatch(line[:2_000])
        if match is None:
            continue
        key = match["key"].strip().replace(" ", "_").lower()
        value = match["value"].strip(_MARKS)
        word = states.STATE_WORDS.get(key)
        if word is not None and word.status is states.RESOLVED and not word.is_symptom:
            continue  # `OK: berth-api` names no label
        if not value:
            section = key if key in ("labels", "annotations") else section
            continue
        if not match["item"]:
            section = ""
        ours = our_name(key)
        if section == "annotations" or (not section and not _ANNOTATIONS.isdisjoint((key, ours))):
            if annotations.setdefault(ours or key, value) != value:
                torn.add(ours or key)
        elif (first := labels.setdefault(key, value)) != value:
            torn.add(key)
            if (ours or key) in guesses.SEVERITY_LABELS:
                worst[key] = _more_severe(worst.get(key, first), value)
    kept = {key: text for key, text in labels.items() if key not in torn}
    return Lines(with_our_names({**kept, **worst}), annotations, frozenset(torn))


def _rows(text: str) -> Iterator[str]:
    """Yield the lines, and each row of a line that holds several: `env: prod | region: eu`."""
    left = _MOST_SPLIT
    for line in text.split("\n"):
        mark = next((mark for mark in BETWEEN_ROWS if left and mark in line), "")
        left -= bool(mark)
        rows = line[:2_000].split(mark) if mark else ()
        if len(rows) > 1 and all(_LINE.fullmatch(row.strip()) for row in rows):
            yield from (row.strip() for row in rows)
        else:
            yield line


_MOST_SPLIT = 20  # lines with such a mark that are looked at
BETWEEN_ROWS = (" | ", " • ", " · ", " ｜ ", " ; ")


def row_of(line: str) -> tuple[str, str] | None:
    """Return (our name of it, its value) of a line such as `*Serviço:* berth-api`, else None."""
    if ":" not in line and "=" not in line and "：" not in line:
        return None
    match = _LINE.fullmatch(line[:300])
    if match is None or not (value := match["value"].strip(_MARKS)):
        return None
    key = match["key"].strip().replace(" ", "_").lower()
    return our_name(key) or key, value


def _more_severe(word: str, other: str) -> str:
    """Return the word of the more severe of two; a known one before an unknown one."""
    spoken = guesses.severity_spoken(other)
    if known_severity(spoken) is None:
        return word
    rank = severity_of(guesses.severity_spoken(word)).rank
    is_unknown = known_severity(guesses.severity_spoken(word)) is None
    return other if is_unknown or severity_of(spoken).rank < rank else word
