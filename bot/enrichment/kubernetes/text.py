"""Reads a stranger's lines: bounded, printable, and without what differs from one to the next."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

LINE_CHARS = 1_200  # of one line; the messages of the scheduler are about 600 characters long
TEMPLATE_CHARS = 300  # of a line that are compared with others
_SPACES = re.compile(r"[ \t]{2,}")
_ESCAPES = re.compile(r"\x1b\[[0-9;]{0,12}[A-Za-z]")
_VARIABLE = re.compile(r"(?<!\w)(?=[A-Za-z_]*[0-9])\w+(?:-\w+)*|\b[0-9a-f]{12,64}\b")
_AGE = re.compile(r"(?:(\d{1,5})y)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
_UNITS = (31_536_000, 86_400, 3_600, 60, 1)


def clean(line: str) -> str:
    """Return the line, cut, without colours and without characters that do not print."""
    text = line[:LINE_CHARS]
    if not text.isprintable():
        text = _ESCAPES.sub("", text)
        text = "".join(c if c.isprintable() else " " for c in text)
    return text.rstrip() + ("…" if len(line) > LINE_CHARS else "")


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines that are not empty, cleaned."""
    for raw in text.split("\n"):
        if line := clean(raw):
            yield line


def one_space(text: str) -> str:
    """Return the text with runs of spaces as one."""
    return _SPACES.sub(" ", text)


def template_of(text: str) -> str:
    """Return the text with each word that holds a digit as `#`.

    Lines that differ only in numbers, ids, addresses and pods are equal then.
    """
    return _VARIABLE.sub("#", text[:TEMPLATE_CHARS])


def seconds_of(age: str) -> int | None:
    """Return the seconds of an age as kubectl prints it (`2m35s`, `3d4h`); None if it is none."""
    match = _AGE.fullmatch(age) if age else None
    if match is None:
        return None
    return sum(int(n) * unit for n, unit in zip(match.groups(), _UNITS, strict=True) if n)


def raw_lines(text: str, most: int) -> list[str]:
    """Return the first lines of an answer that has another form than the expected one."""
    return [one_space(line) for line in itertools.islice(lines_of(text), most)]
