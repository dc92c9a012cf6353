"""The subjects that the bot consumes and publishes, and how a subject matches a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

ANOMALIES = ("anomaly.detected", "anomaly.detected.>")


def covers(pattern: str, subject: str) -> bool:
    """Return True if `pattern` matches everything that `subject`, itself a pattern, matches."""
    wide, narrow = pattern.split("."), subject.split(".")
    for index, word in enumerate(wide):
        if word == ">":
            return len(narrow) > index
        if index >= len(narrow) or narrow[index] == ">":
            return False
        if word not in ("*", narrow[index]):
            return False
    return len(wide) == len(narrow)


def filters(taken: Iterable[str], patterns: Iterable[str]) -> Iterator[str]:
    """Yield the filters that consume `patterns` from a stream that takes the subjects `taken`."""
    subjects = tuple(taken)
    for pattern in patterns:
        for subject in subjects:
            if covers(subject, pattern):
                yield pattern
            elif covers(pattern, subject):
                yield subject
