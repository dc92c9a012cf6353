"""Reads a stream of alerts: a JSON object a line, each one payload and the time of its arrival."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from bot.errors import InputError
from bot.intake import source_name
from bot.intake.fields import an_object, optional_text, wrong
from bot.intake.times import read_time

LARGEST_FILE = 268_435_456  # bytes: the store in memory holds all of it
LONGEST_LINE = (
    1_114_112  # bytes: a body of 1 MiB, the most that HTTP accepts, and the fields beside
)
MOST_LINES = 200_000
LONGEST_STREAM = timedelta(days=400)  # time that passes is played minute by minute


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One payload; `receiver` is slack or http.

    `number` counts the lines of the file from 1, also empty and bad ones.
    """

    number: int
    at: datetime
    receiver: str
    source: str
    body: Any


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read, and the reason."""

    number: int
    reason: str


def read_stream(path: Path) -> Iterator[StreamLine | BadLine]:
    """Yield every line that is not empty, in the order of the file.

    OSError if the file cannot be read: it is missing, no regular file, or over 256 MiB. A line over
    its limit is bad, as is everything after 200,000 lines, which is one bad line.
    """
    # O_NONBLOCK: opening a pipe to read it would wait for a writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if facts.st_size > LARGEST_FILE:
            raise OSError(errno.EFBIG, f"it is over {LARGEST_FILE // 1_048_576} MiB", str(path))
        first: datetime | None = None
        for number, data in enumerate(_lines(file), start=1):
            if number > MOST_LINES:
                yield BadLine(number, f"the file has more than {MOST_LINES:,} lines")
                return
            if not data.strip():
                continue
            try:
                line = _parse(number, data)
                first = first or line.at
                if abs(line.at - first) > LONGEST_STREAM:
                    raise wrong("at", f"within {LONGEST_STREAM.days} days of the first line")
            except InputError as error:
                yield BadLine(number, str(error))
            else:
                yield line


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of a line over the limit only so much that it is seen to be too long."""
    while data := file.readline(LONGEST_LINE + 1):
        yield data
        while len(data) > LONGEST_LINE and not data.endswith(b"\n"):
            data = file.readline(LONGEST_LINE + 1)


def _parse(number: int, data: bytes) -> StreamLine:
    if len(data) > LONGEST_LINE:
        raise InputError(f"the line is over {LONGEST_LINE:,} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from error
    line = an_object(value, "the line")
    at = read_time(line.get("at"))
    if at is None:
        raise wrong("at", "a time as 2026-11-27T09:20:00Z")
    receiver = optional_text(line.get("door"), "door")
    if receiver not in ("slack", "http"):
        raise wrong("door", '"slack" or "http"')
    if "body" not in line:
        raise wrong("body", "the payload")
    if receiver == "slack":
        an_object(line["body"], "body")
    source = source_name(optional_text(line.get("source"), "source") or "generic")
    return StreamLine(number, at, receiver, source, line["body"])
