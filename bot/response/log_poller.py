"""Reads the declared logs, and hands their lines over as alerts: each line once."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import platform
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from bot.configuration import LiveConfiguration
from bot.incidents.model import Alert
from bot.intake.log_lines import Poller, alerts_of
from bot.response.receive import Delivery
from bot.response.service import IncidentService
from store import Store
from store.operations.log_positions import LogPosition

log = logging.getLogger(__name__)

CHUNK = 1_048_576  # bytes that are read at once; a longer line is cut
CHUNKS = 8  # of one file before the next one has its turn
HEAD = 256  # bytes by which a file is told from one that replaced it under the same inode


class LogPoller:
    """Polls every file of `detect.pollers` when it is due.

    `channel` gets the card of a new incident that no route of the policy matches.
    """

    def __init__(
        self,
        service: IncidentService,
        config: LiveConfiguration,
        clock: Callable[[], datetime],
        channel: str,
        host: str = "",
    ) -> None:
        self._service = service
        self._store: Store = service.store
        self._config = config
        self._clock = clock
        self._channel = channel
        self._host = host or platform.node()
        self._due: dict[str, datetime] = {}
        self._problems: dict[str, str] = {}

    async def poll(self) -> None:
        """Read each file that is due; one with more than CHUNKS to read is due again at once."""
        for poller in self._config.current.policy.detect.pollers:
            now = self._clock()
            if self._due.get(poller.name, now) > now:
                continue
            has_more, chunks = True, 0
            try:
                while has_more and chunks < CHUNKS:
                    has_more, chunks = await self._poll(poller), chunks + 1
            except OSError as error:
                self._report(poller, f"{type(error).__name__}: {error.strerror or error}")
                has_more = False
            else:
                self._report(poller, "")
            if not has_more:
                self._due[poller.name] = now + timedelta(seconds=poller.every_seconds)

    async def _poll(self, poller: Poller) -> bool:
        at = await self._store.log_position(poller.key, self._host)
        if at is None:
            await self._begin_at_the_end(poller)
            return False
        if at.planned_end > at.position:
            return await self._read_planned(poller, at)
        with _opened(poller.file, at) as (file, is_current):
            # Whoever writes may go on in a rotated file until there is something in the next one.
            is_finished = not is_current and _has_bytes(poller.file)
            if file is None:
                return await self._begin_next(poller, at)
            end = _end_of_lines(file, at.position, is_finished=is_finished)
            if end == at.position:
                return await self._begin_next(poller, at) if is_finished else False
            head = _head_of(file, end)
        if not await self._store.plan_log_read(poller.key, self._host, at, end, head):
            return False
        return await self._read_planned(poller, replace(at, planned_end=end, head=head))

    async def _begin_at_the_end(self, poller: Poller) -> None:
        """The first time: what the file holds already is no news."""
        first = LogPosition()
        try:
            with _open(poller.file) as file:
                size = os.fstat(file.fileno()).st_size
                first = LogPosition(_id_of(file), _head_of(file, size), 0, size, size)
        except FileNotFoundError:
            pass  # it is read from its beginning when it appears
        await self._store.begin_log(poller.key, self._host, first)

    async def _begin_next(self, poller: Poller, at: LogPosition) -> bool:
        """Begin the file that stands at the path now; False if there is none."""
        try:
            with _open(poller.file) as file:
                following = LogPosition(_id_of(file), "", at.generation + 1)
        except FileNotFoundError:
            return False
        return await self._store.begin_log(poller.key, self._host, following)

    async def _read_planned(self, poller: Poller, at: LogPosition) -> bool:
        """Store the alerts of the planned bytes, then advance; after a crash, do both again."""
        with _opened(poller.file, at) as (file, _):
            if file is None or os.fstat(file.fileno()).st_size < at.planned_end:
                log.warning("log poller %s: a part of its file is gone unread", poller.name)
            else:
                data = os.pread(file.fileno(), at.planned_end - at.position, at.position)
                alerts = await asyncio.to_thread(_alerts_in, poller, data)
                await self._receive(poller, at, alerts)
        await self._store.advance_log(
            poller.key, self._host, at.generation, at.position, at.planned_end
        )
        return True

    async def _receive(self, poller: Poller, at: LogPosition, alerts: list[Alert]) -> None:
        if not alerts:
            return
        place = f"{self._host}/{at.generation}/{at.position}-{at.planned_end}"
        key = f"log/{poller.name}/{place}"
        await self._service.receive(Delivery(key, self._channel, alerts, sender=poller.sender))

    def _report(self, poller: Poller, problem: str) -> None:
        if problem != self._problems.get(poller.name, ""):
            self._problems[poller.name] = problem
            log.warning(
                "log poller %s: %s %s", poller.name, poller.file, problem or "can be read again"
            )


def _alerts_in(poller: Poller, data: bytes) -> list[Alert]:
    return alerts_of(poller, data.split(b"\n"))


def _has_bytes(path: str) -> bool:
    try:
        return Path(path).stat().st_size > 0
    except FileNotFoundError:
        return False


def _open(path: str | Path) -> BinaryIO:
    """Open a regular file; OSError for anything else, which could block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def _id_of(file: BinaryIO) -> str:
    status = os.fstat(file.fileno())
    return f"{status.st_dev}:{status.st_ino}"


def _head_of(file: BinaryIO, size: int) -> str:
    """Return what identifies the first bytes of a file that had at least so many."""
    length = min(HEAD, size)
    return f"{length}:{hashlib.sha256(os.pread(file.fileno(), length, 0)).hexdigest()[:16]}"


def _is_the_same(file: BinaryIO, at: LogPosition) -> bool:
    length = int(at.head.partition(":")[0] or 0)
    long_enough = os.fstat(file.fileno()).st_size >= at.position
    return (
        _id_of(file) == at.file_id
        and long_enough
        and (not at.head or _head_of(file, length) == at.head)
    )


@contextmanager
def _opened(path: str, at: LogPosition) -> Iterator[tuple[BinaryIO | None, bool]]:
    """Yield the file that is being read, and whether it stands at its path.

    A rotated file is found by its inode in the same folder. None for one that was truncated,
    replaced or removed: it cannot be read any more.
    """
    try:
        file = _open(path)
    except FileNotFoundError:
        pass
    else:
        with file:
            if _is_the_same(file, at):
                yield file, True
                return
    rotated = next(_rotated(Path(path), at), None)
    if rotated is None:
        yield None, False
        return
    with rotated:
        yield rotated, False


def _rotated(path: Path, at: LogPosition) -> Iterator[BinaryIO]:
    inode = at.file_id.partition(":")[2]
    with os.scandir(path.parent) as entries:
        names = [entry.path for entry in entries if str(entry.inode()) == inode]
    for name in names:
        file = _open(name)
        if _is_the_same(file, at):
            yield file
        else:
            file.close()


def _end_of_lines(file: BinaryIO, start: int, *, is_finished: bool) -> int:
    """Return where the last whole line of the next chunk ends.

    A chunk without an end of line is one line, and so is the rest of a file that is finished.
    """
    data = os.pread(file.fileno(), CHUNK, start)
    end = data.rfind(b"\n") + 1
    if (not end and len(data) == CHUNK) or (is_finished and len(data) < CHUNK):
        end = len(data)
    return start + end
