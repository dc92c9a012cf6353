"""Answers the queries from files: `DIR/QUERY/ARGUMENT.txt`. It reads nothing outside of DIR."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from bot.enrichment.kubernetes.source import NoAnswer, Query, is_name

FILE_BYTES = 1_048_576  # read of one file: a quarter from its beginning, the rest from its end
TOTAL_BYTES = 32 * 1_048_576
MOST_FILES = 2_000  # of one query
_SUFFIX = ".txt"


class Snapshot:
    """The files of one directory. Its links are not followed."""

    most_logs = 60

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._left = TOTAL_BYTES

    async def arguments(self, query: Query, namespace: str) -> Sequence[str]:
        """Return the names of the query's files, without their ending, in order."""
        prefix = "" if query is Query.NODE_SERVICES else f"{namespace}."
        return [name for name in self._names(query) if name.startswith(prefix)]

    def namespaces(self) -> Sequence[str]:
        """Return the namespaces of which it has pods or events."""
        return sorted({*self._names(Query.PODS), *self._names(Query.EVENTS)})

    def _names(self, query: Query) -> list[str]:
        try:
            with os.scandir(self._directory / query) as entries:
                names = [entry.name for entry in itertools.islice(entries, MOST_FILES)]
        except OSError:
            return []
        arguments = (name.removesuffix(_SUFFIX) for name in sorted(names) if name.endswith(_SUFFIX))
        return [name for name in arguments if is_name(name)]

    async def answer(self, query: Query, argument: str) -> str:
        """Return the text of a file: all of it, or its beginning and its end."""
        if not is_name(argument):
            raise NoAnswer("bad name")
        try:
            return self._read(self._directory / query / f"{argument}{_SUFFIX}")
        except FileNotFoundError as error:
            raise NoAnswer("no file") from error
        except OSError as error:
            raise NoAnswer("unreadable") from error

    def _read(self, path: Path) -> str:
        # O_NOFOLLOW: a link may point out of the directory. O_NONBLOCK: a pipe would wait.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NoAnswer("no regular file")
            if self._left <= 0:
                raise NoAnswer("too many files")
            size, most = status.st_size, min(FILE_BYTES, self._left)
            if size <= most:
                data = file.read(most)
            else:
                data = file.read(most // 4)
                file.seek(-(most - most // 4), os.SEEK_END)
                data += b"\n" + file.read(most - most // 4)
        self._left -= len(data)
        return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
