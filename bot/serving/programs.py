"""Runs a foreign program once: text in, capped output out, a deadline, no process left behind.

`asyncio.create_subprocess_exec` is not used: on Python 3.11 to 3.13 its `wait()` hangs while a
grandchild holds the pipe. The protocol below is notified of the exit itself, even if a pipe stays
open, so it needs no polling and a run costs hardly more than the bare process.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import resource
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Required, TypedDict, Unpack, cast

from bot.serving import process_tree as trees

MARK = "SOPBOT_PROGRAM_RUN"
# After the exit: to read the rest of the pipes, if another process holds them open.
_DRAIN_SECONDS = 0.5
_LINE_BYTES = 400  # of a line for `on_line`
_REAP_SECONDS = 5.0  # after SIGKILL: only a process that hangs in the kernel takes longer


class Stop(StrEnum):
    """The reason why we ended a run."""

    DEADLINE = "deadline"
    TOO_LONG = "too_long"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Run:
    """Result of a run. `exit_code` is negative for a signal, None if it is unknown."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    stopped: Stop | None


class Options(TypedDict, total=False):
    """The environment and the limits of a program; `run` describes them."""

    env: Required[Mapping[str, str]]
    max_output: Required[int]
    max_memory: int | None
    forbidden: re.Pattern[bytes] | None
    cwd: Path | None
    user: str
    on_line: Callable[[str], None] | None


async def run(
    argv: Sequence[str], stdin: bytes, *, timeout: float, **options: Unpack[Options]
) -> Run:
    """Run `argv` in `cwd`, else in a new, empty, read-only directory; read its output to the end.

    `user` is the user that it runs as, with only that user's groups; '' is ours. `on_line` gets the
    last complete line of each piece of stdout while the program runs.

    We end the whole process tree early: after `timeout` seconds, when stdout or stderr passes
    `max_output` bytes, when `forbidden` appears on stderr, and when the caller is cancelled. After
    any end, processes that the program left running are ended too. `max_memory` (bytes) limits each
    process of the program; a process that allocates more fails by itself (Linux only). Raises
    OSError if it cannot be started.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with started(argv, **options) as child:
        child.feed(stdin)
        child.close_stdin()
        try:
            async with asyncio.timeout(timeout):
                await child.ended.wait()
        except TimeoutError:
            child.stop(Stop.DEADLINE)
        if child.stopped is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await child.drained.wait()
    return Run(
        exit_code=child.exit_code,
        stdout=bytes(child.stdout),
        stderr=bytes(child.stderr),
        seconds=loop.time() - began,
        stopped=child.stopped,
    )


@asynccontextmanager
async def started(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    max_output: int,
    max_memory: int | None = None,
    forbidden: re.Pattern[bytes] | None = None,
    cwd: Path | None = None,
    user: str = "",
    on_line: Callable[[str], None] | None = None,
    reader: Callable[[bytes], None] | None = None,
) -> AsyncIterator[Child]:
    """Start `argv` as `run` does, and end its whole process tree after the block.

    `reader` gets stdout as it comes, which is then not kept; b"" is its end.
    """
    own = None if cwd else _empty_directory()
    nonce = secrets.token_hex(16)
    since = trees.tree_started_now()
    child = Child(max_output, forbidden, cwd or own, on_line, reader)
    running = False
    try:
        await _start(child, argv, {**env, MARK: nonce}, identity_of(user))
        running = True
        if max_memory:
            _limit_memory(child.pid, max_memory)
        yield child
    finally:
        await _to_the_end(_clear(child if running else None, nonce, since, own))


class Child(asyncio.SubprocessProtocol):
    """Collects the child's output, and detects its exit and every exceeded limit at once."""

    def __init__(
        self,
        max_output: int,
        forbidden: re.Pattern[bytes] | None,
        cwd: Path | None,
        on_line: Callable[[str], None] | None,
        reader: Callable[[bytes], None] | None,
    ) -> None:
        self.cwd = cwd
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.stopped: Stop | None = None
        self.exit_code: int | None = None
        self.exited = asyncio.Event()
        self.ended = asyncio.Event()  # exited, or stopped by us
        self.drained = asyncio.Event()  # both pipes have reached their end
        self.closed = asyncio.Event()  # the transport has released everything
        self.transport: asyncio.SubprocessTransport | None = None
        self._max_output = max_output
        self._forbidden = forbidden
        self._on_line = on_line
        self._reader = reader
        self._read = 0  # bytes that the reader got
        self._open_pipes = {1, 2}

    @property
    def pid(self) -> int:
        return self.transport.get_pid() or 0 if self.transport else 0

    def feed(self, data: bytes) -> None:
        """Write to stdin. A child that does not read all of it is no error."""
        pipe = self._pipe(0)
        if pipe and not pipe.is_closing():
            pipe.write(data)

    def close_stdin(self) -> None:
        """Close stdin behind the data that is still unwritten."""
        pipe = self._pipe(0)
        if pipe:
            pipe.close()

    def stop(self, why: Stop) -> None:
        if self.stopped is None:
            self.stopped = why
        self.ended.set()
        if self._reader:
            self._reader(b"")

    def close(self) -> None:
        """Release the pipes, even a stdin that another process holds open without reading."""
        if self.transport:
            stdin = self._pipe(0)
            # Only while data is unwritten: asyncio fails if the same pipe is closed twice.
            if stdin and stdin.get_write_buffer_size():
                stdin.abort()
            self.transport.close()

    def _pipe(self, fd: int) -> asyncio.WriteTransport | None:
        pipe = self.transport.get_pipe_transport(fd) if self.transport else None
        return cast("asyncio.WriteTransport | None", pipe)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self.stopped:
            return  # output after a stop must not grow in memory while the tree ends
        if fd == 1 and self._reader:
            self._read += len(data)
            if self._read > self._max_output:
                self.stop(Stop.TOO_LONG)
            else:
                self._reader(data)
            return
        buffer = self.stdout if fd == 1 else self.stderr
        seen = len(buffer)
        buffer += data[: self._max_output - seen]
        if fd == 1 and self._on_line and b"\n" in data:
            *_, line = bytes(buffer[max(0, seen - _LINE_BYTES) :]).rstrip(b"\n").split(b"\n")
            self._on_line(line[:_LINE_BYTES].decode(errors="replace"))
        if seen + len(data) > self._max_output:
            self.stop(Stop.TOO_LONG)
        # Search 64 bytes back: the text may be split over two reads.
        if fd == 2 and self._forbidden and self._forbidden.search(buffer, max(0, seen - 64)):
            self.stop(Stop.FORBIDDEN)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._open_pipes.discard(fd)
        if fd == 1 and self._reader:
            self._reader(b"")
        if not self._open_pipes:
            self.drained.set()

    def process_exited(self) -> None:
        self.exit_code = self.transport.get_returncode() if self.transport else None
        self.exited.set()
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self.closed.set()


def _limit_memory(pid: int, limit: int) -> None:
    """Limit the memory that the process and each of its children may allocate (Linux only).

    RLIMIT_DATA, not RLIMIT_AS: a runtime like V8 reserves far more address space than it uses.
    """
    if sys.platform == "linux":
        with suppress(ProcessLookupError):  # it has ended already
            resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))


def _empty_directory() -> Path:
    """Return an empty working directory.

    Q and Kiro read AGENTS.md, README.md and .amazonq/ of their directory: here none exists and
    (unless the bot is root) none can be written.
    """
    path = Path(tempfile.mkdtemp(prefix="sopbot-advisor-"))
    path.chmod(0o500)
    return path


def _remove(path: Path) -> None:
    path.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def identity_of(user: str) -> dict[str, Any]:
    """Return the user and groups of a new process; empty for our own user."""
    if not user or pwd.getpwnam(user).pw_uid == os.geteuid():
        return {}
    entry = pwd.getpwnam(user)
    groups = os.getgrouplist(user, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}


async def _start(
    child: Child,
    argv: Sequence[str],
    env: Mapping[str, str],
    identity: Mapping[str, Any],
) -> None:
    loop = asyncio.get_running_loop()
    # Shielded: a cancellation between fork and here would lose the only handle of the child.
    starting: asyncio.Future[object] = asyncio.ensure_future(
        loop.subprocess_exec(
            lambda: child, *argv, env=dict(env), cwd=child.cwd, start_new_session=True, **identity
        )
    )
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _to_the_end(_abandon(starting, child, env[MARK]))
        raise


async def _abandon(starting: asyncio.Future[object], child: Child, nonce: str) -> None:
    with suppress(OSError):
        await starting
    if child.transport:
        await _end_child(child, trees.Tree(child.pid, _mark_of(nonce)))


async def _clear(child: Child | None, nonce: str, since: int, own: Path | None) -> None:
    try:
        if child:
            await _end_child(child, trees.Tree(child.pid, _mark_of(nonce), since))
    finally:
        if own:
            _remove(own)


def _mark_of(nonce: str) -> str:
    return f"{MARK}={nonce}"


async def _end_child(child: Child, tree: trees.Tree) -> None:
    """End the whole tree, reap the child and close every pipe."""
    await trees.end(tree)
    with suppress(TimeoutError):
        async with asyncio.timeout(_REAP_SECONDS):
            # First the exit, then close(): in the other order asyncio's watcher may lose the exit
            # code.
            await child.exited.wait()
    child.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(_REAP_SECONDS):
            await child.closed.wait()


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Finish `work` even if the caller is cancelled; pass the cancellation on afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
    task.result()
