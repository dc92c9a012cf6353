"""An SQLite connection for asyncio: operations in the order they came, in grouped commits.

Operations run on the event loop's own thread. `sqlite3` gives the interpreter's lock away for each
statement, however short: a thread that ran them beside a busy loop got it back only after some
milliseconds, and passing the lock to and fro took a third of a burst's processor time. What waits
runs on the worker's thread, and the loop goes on meanwhile:

- the COMMIT, which waits for the disk. Writes that come in meanwhile share the next one, and so do
  some that come in while its group runs: under load one fsync serves many;
- a group that finds the file locked, or in which anything fails. It is undone and runs again there,
  see `sqlite_groups`;
- an operation that takes longer than `LONGEST`: a long list, a clean-up, a large delivery, or one
  that reads from a slow disk. It is interrupted and runs again there, with its group, and so does
  all that comes within the next `REST` seconds. Time in which another program had the processor
  does not count: run again, the operation would take the little time that is left twice.

The price: a page that is not in memory holds the loop until the disk gives it. A disk that hangs
can hold the loop for `LONGEST` and one page, once in `REST` seconds.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from bot.errors import StoreError
from store.engines.processor_waits import ProcessorWaits
from store.engines.read_ahead import ReadAhead
from store.engines.sqlite_file import connect, explain, is_damage, is_interrupted
from store.engines.sqlite_groups import Group, Job, Runner, drive, undo
from store.engines.sqlite_watch import Watch
from store.statements import Operation
from store.topics import Topic

T = TypeVar("T")

_GROUP = 256  # operations in one commit at most, so that nobody waits long behind a burst
_JOIN = 64  # the same for a group that grows while it runs: its first caller waits for its last
TURN = 0.001  # seconds: then the loop does other things before the group's next operation
LONGEST = 0.02  # seconds of one operation on the event loop
REST = 1.0  # seconds on the thread after an operation took longer than that
_STEPS = 200  # of SQLite's machine, some 10 µs, between two looks at the time


class Worker:
    """One connection, and the thread that waits for it.

    With `wake` it writes; without, it only reads. `on_result` gets the result of each write: the
    error that kept the file from being written, or None; of a read only damage of the file.
    """

    def __init__(
        self,
        path: str,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[set[Topic]], None] | None,
        busy_timeout: float,
        watch: Watch,
        on_result: Callable[[StoreError | None], None],
    ) -> None:
        self._path = path
        self._watch = watch
        self._on_result = on_result
        self._busy_timeout = busy_timeout
        self._loop = loop
        self._wake = wake
        self._begin = "BEGIN IMMEDIATE" if wake else "BEGIN"
        self._queue: deque[Job] = deque()
        self._is_busy = False  # a group is due, runs, or is in the thread's hands
        self._idle = asyncio.Event()
        self._deadline = math.inf  # of the operation that the loop runs
        self._waits = ProcessorWaits()
        self._waited = 0.0  # seconds for a processor, when the deadline was last put off
        self._rests_until = -math.inf
        self._connection: sqlite3.Connection
        self.ahead: ReadAhead[Any] | None = None
        self._changes = 0  # rows changed before the group
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"sqlite-{path}", daemon=True)
        self._ready: asyncio.Future[None] = loop.create_future()
        self._closed = False

    async def start(self) -> None:
        """Open the file; StoreError when it cannot be used."""
        self._thread.start()
        try:
            await self._ready
        except Exception:  # passed on
            self._closed = True
            self._waits.close()
            raise

    async def submit(self, operation: Callable[[], Operation[T]]) -> T:
        """Run the operation in a transaction of its own, or of its group; return after the
        commit."""
        if self._closed:
            raise StoreError("The store is closed.", permanent=True)
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append((operation, future))
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._start_group)
        return await future

    async def stop(self) -> None:
        """Finish what is queued, then close the file."""
        if self._closed:
            return
        self._closed = True
        if self._thread.ident is None:
            self._waits.close()
            return  # never started: the other worker could not open the file
        while self._is_busy:
            self._idle.clear()
            await self._idle.wait()
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join)
        self._waits.close()

    # On the event loop

    def _start_group(self) -> None:
        jobs = [self._queue.popleft() for _ in range(min(_GROUP, len(self._queue)))]
        self._changes = self._connection.total_changes
        if self.ahead:
            self.ahead.forget()
        if monotonic() < self._rests_until:
            self._hand_over(jobs, None)
            return
        try:
            if self._wake:
                self._watch.check()
            self._connection.execute(self._begin)
        except (sqlite3.Error, StoreError):
            self._hand_over(jobs, None)  # the thread has the time to wait for the file
        else:
            self._run_turn(Group(jobs))

    def _run_turn(self, group: Group) -> None:
        """Run operations of the group until its end, or until something else is due."""
        now = monotonic()
        end_of_turn = now + TURN
        is_done, waits_for_disk, failure = False, False, None
        self._waited = self._waits.seconds()
        try:
            while not is_done and now <= end_of_turn:
                self._deadline = now + LONGEST
                is_done = not group.run_next(self._connection)
                if is_done and self._queue and len(group.jobs) < _JOIN:
                    group.jobs.append(self._queue.popleft())
                    is_done = False
                now = monotonic()
            waits_for_disk = self._waits_for_disk
            if is_done and not waits_for_disk:
                self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the thread finds out whose fault it was
            failure = error
        self._deadline = math.inf  # nothing may interrupt the thread's statements
        if failure is not None:
            if is_interrupted(failure):
                self._rests_until = monotonic() + REST
            self._hand_over(group.jobs, failure)
        elif not is_done:
            self._loop.call_soon(self._run_turn, group)
        elif waits_for_disk:
            self._read_ahead(group)
            self._calls.put(partial(self._commit, group))
        else:  # no disk was touched: it proves nothing about the file
            self._settle(group, None, is_news=False)

    def _read_ahead(self, group: Group) -> None:
        """Read what the step that this commit wakes would read after it.

        Not in a burst, when other operations wait for the next commit. If it fails, the step reads
        for itself and meets the failure.
        """
        ahead = self.ahead
        if ahead is None or self._queue or ahead.topic not in group.topics:
            return
        self._deadline = monotonic() + LONGEST
        with suppress(Exception):
            if (operation := ahead.operation()) is not None:
                group.read_ahead = drive(self._connection, operation, set())
        self._deadline = math.inf

    @property
    def _has_changed(self) -> bool:
        """Return True if the group changed a row."""
        return self._connection.total_changes != self._changes

    @property
    def _waits_for_disk(self) -> bool:
        """Return True if a COMMIT waits for the disk; with no changed row it does not."""
        is_file = self._path != ":memory:"
        return self._wake is not None and is_file and self._has_changed

    def _hand_over(self, jobs: list[Job], failure: Exception | None) -> None:
        self._calls.put(partial(self._serve, jobs, failure))

    def _is_late(self) -> bool:
        """Tell SQLite whether to interrupt the running statement, because it is late."""
        if monotonic() <= self._deadline:
            return False
        waited = self._waits.seconds()
        self._deadline += waited - self._waited
        self._waited = waited
        return monotonic() > self._deadline

    def _settle(self, group: Group, failure: StoreError | None, *, is_news: bool) -> None:
        """Wake whom the group concerns, and go on. `is_news` says that the outcome tells how the
        file is.
        """
        if is_news:
            self._on_result(failure)
        if self.ahead and group.read_ahead is not None:
            self.ahead.committed(group.read_ahead)
        if group.topics and self._wake:
            # First, and the callers one round of the loop later: a card's post leaves before its
            # alert's acknowledgement, which nobody waits for in milliseconds.
            self._wake(group.topics)
            self._loop.call_soon(self._go_on, group)
        else:
            self._go_on(group)

    def _go_on(self, group: Group) -> None:
        """Answer the callers, then run what waits: what they write next is part of it."""
        group.answer()
        if self._queue:
            self._loop.call_soon(self._start_group)
        else:
            self._is_busy = False
            self._idle.set()

    # On the thread

    def _run(self) -> None:
        try:
            self._connection = connect(
                self._path, self._busy_timeout, writes=self._wake is not None
            )
            if self._wake:
                self._watch.begin()
            self._use_on_loop()
        except Exception as error:  # noqa: BLE001 - start() waits for whatever it is
            self._loop.call_soon_threadsafe(self._ready.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._ready.set_result, None)
        try:
            while (call := self._calls.get()) is not None:
                call()
        finally:
            self._connection.close()

    def _use_on_loop(self) -> None:
        """Let the event loop use the connection: nothing waits, nothing takes long."""
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._connection.set_progress_handler(self._is_late, _STEPS)

    def _use_on_thread(self) -> None:
        self._connection.set_progress_handler(None, 0)
        self._connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout * 1000)}")

    def _commit(self, group: Group) -> None:
        if self.ahead and group.read_ahead is not None:
            # Called from here: the commit would wait for the interpreter while the loop prepares.
            self._loop.call_soon_threadsafe(self.ahead.on_read, group.read_ahead)
        try:
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers hear of it
            self._serve(group.jobs, error)
        else:
            self._answer(group, None, is_news=True)

    def _serve(self, jobs: list[Job], failure: Exception | None) -> None:
        """Run a group that did not end on the loop, without a limit of time."""
        self._use_on_thread()
        undo(self._connection)
        try:
            if self._wake:
                self._watch.check()
            group = Runner(self._connection, self._path, self._begin).run(jobs, failure)
            trouble = None
            is_news = self._wake is not None and self._has_changed
        except Exception as error:  # noqa: BLE001 - all wait for an answer, and nobody else serves
            undo(self._connection)
            trouble = error if isinstance(error, StoreError) else explain(error, self._path)
            is_news = self._wake is not None or is_damage(error)
            if is_damage(error):
                self._watch.damaged(trouble)
            group = Group(jobs)
            group.fail(trouble)
        self._use_on_loop()
        self._answer(group, trouble, is_news=is_news)

    def _answer(self, group: Group, failure: StoreError | None, *, is_news: bool) -> None:
        self._loop.call_soon_threadsafe(partial(self._settle, group, failure, is_news=is_news))
