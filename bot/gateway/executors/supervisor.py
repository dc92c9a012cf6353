"""One supervised process: started from its declared argv, watched, ended with all its children."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.gateway.errors import ExecutorError
from bot.gateway.executors.output import CappedLog
from bot.gateway.executors.process_target import ProcessTarget
from bot.gateway.journal import Child, Journal
from bot.serving import process_tree
from bot.serving.process_tree import birth_of
from bot.serving.programs import identity_of

log = logging.getLogger(__name__)

_PROBE_SECONDS = 2.0
_SETTLE_SECONDS = 0.5
_ORPHAN_GRACE_SECONDS = 2.0
_LAST_READS = 64


@dataclass(frozen=True, slots=True)
class Start:
    """Result of a start. `problem` is empty when the process runs and its health check passes."""

    pid: int
    seconds: float
    problem: str = ""


class Supervisor:
    """Holds one process of the config. Callers ensure that starts and stops do not overlap."""

    def __init__(
        self,
        name: str,
        config: ProcessTarget,
        *,
        output: CappedLog,
        journal: Journal,
        session: aiohttp.ClientSession,
        environ: Mapping[str, str],
        mark: str,
    ) -> None:
        self.name = name
        self.config = config
        self.env = environment_of(config, environ)
        self._mark = mark
        self.restarts = 0
        self.exit_code: int | None = None
        self._output = output
        self._journal = journal
        self._session = session
        self._process: asyncio.subprocess.Process | None = None
        self._exited = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._reader = -1
        self._started_at = 0.0
        self._never = "not started"
        self._stopping = False

    def take_on(self, config: ProcessTarget, environ: Mapping[str, str]) -> None:
        """Use another declaration at the next start."""
        self.config, self.env = config, environment_of(config, environ)

    @property
    def pid(self) -> int | None:
        """The running process's id."""
        return self._process.pid if self._process and self.exit_code is None else None

    @property
    def tree(self) -> process_tree.Tree:
        """Return the running process and everything it started, in any session."""
        return process_tree.Tree(self.pid or 0, self._mark)

    def state(self) -> str:
        """`running (pid 7, up 12 s)`, `exited with code 1`, `not started`."""
        if self.pid is not None:
            up = asyncio.get_running_loop().time() - self._started_at
            return f"running (pid {self.pid}, up {up:.0f} s)"
        return self._never if self.exit_code is None else _ending(self.exit_code)

    async def spawn(self, argv: Sequence[str]) -> None:
        """Start the process. ExecutorError when the system refuses."""
        self._close_reader()
        reader, writer = os.pipe()
        try:
            self._output.open()
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=self.config.cwd,
                env=self.env | dict([self._mark.split("=", 1)]),
                **identity_of(self.config.user),
                stdin=asyncio.subprocess.DEVNULL,
                # A pipe of our own: with asyncio's, wait() hangs on Python 3.11 to 3.13 for as
                # long as a grandchild holds it.
                stdout=writer,
                stderr=writer,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            os.close(reader)
            self._process = self.exit_code = None
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._never = f"not started: {argv[0]}: {why}"
            raise ExecutorError("START_FAILED", f"{self.name} {self._never}") from error
        finally:
            os.close(writer)
        self._process, self.exit_code, self._stopping = process, None, False
        self._exited = asyncio.Event()
        self._started_at = asyncio.get_running_loop().time()
        self._listen(reader)
        self._watcher = asyncio.create_task(self._watch(process, self._exited))
        await self._journal.put_child(Child(self.name, process.pid, birth_of(process.pid)))

    async def start(self, argv: Sequence[str]) -> Start:
        """Spawn, then wait until the process is healthy, has exited or its time limit has
        passed.
        """
        await self.spawn(argv)
        process, loop = self._process, asyncio.get_running_loop()
        assert process is not None  # noqa: S101 - spawn sets it or raises
        began = loop.time()
        problem = await self._until_healthy(began + self.config.start_seconds)
        return Start(process.pid, loop.time() - began, problem)

    async def stop(self, grace_seconds: float) -> None:
        """End the whole group: SIGTERM, the grace, SIGKILL. Does nothing if it never ran."""
        if self._process is None or self._watcher is None:
            return
        if self.pid is not None:
            self._stopping = True
            if (await process_tree.end(self.tree, grace=grace_seconds)).killed:
                log.warning("%s did not end in %g s and was killed", self.name, grace_seconds)
        await self._watcher
        self._process = None
        self._close_reader()
        self._output.close()
        await self._journal.drop_child(self.name)

    async def health(self) -> str:
        """Probe the health URL: `ok (200)`, `503`, `no answer`; '' when none is declared."""
        if self.config.health_url is None:
            return ""
        try:
            async with self._session.get(
                self.config.health_url,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=_PROBE_SECONDS),
            ) as response:
                good = 200 <= response.status < 300
                return f"ok ({response.status})" if good else str(response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"no answer ({type(error).__name__})"

    def logs(self, lines: int) -> str:
        """Return the last lines that it printed."""
        return self._output.tail(lines)

    async def _until_healthy(self, deadline: float) -> str:
        """Return '' when healthy, else the problem."""
        loop = asyncio.get_running_loop()
        if self.config.health_url is None:
            # Without a health URL the process must at least survive its first moments.
            deadline = min(deadline, loop.time() + _SETTLE_SECONDS)
        pause, health = 0.02, ""
        while True:
            if not self._exited.is_set():
                health = await self.health()
                if health.startswith("ok") and not self._exited.is_set():
                    return ""
            if self._exited.is_set():
                return _ending(self.exit_code)
            left = deadline - loop.time()
            if left <= 0:
                return (
                    f"not healthy after {self.config.start_seconds:g} s: {health}" if health else ""
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._exited.wait(), min(pause, left))
            pause = min(pause * 1.5, 0.25)

    async def _watch(self, process: asyncio.subprocess.Process, exited: asyncio.Event) -> None:
        self.exit_code = await process.wait()
        exited.set()
        log.info("%s %s", self.name, _ending(self.exit_code))
        if not self._stopping:
            # Its children end with it, and at once: later their pids may belong to other processes.
            tree = process_tree.Tree(process.pid, self._mark)
            await process_tree.end(tree, grace=_ORPHAN_GRACE_SECONDS)

    def _listen(self, reader: int) -> None:
        os.set_blocking(reader, False)
        self._reader = reader
        asyncio.get_running_loop().add_reader(reader, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._reader, 65_536)
        except BlockingIOError:
            return
        if data:
            self._output.write(data)
        else:
            self._close_reader()

    def _close_reader(self) -> None:
        if self._reader >= 0:
            asyncio.get_running_loop().remove_reader(self._reader)
            # Its last output often explains the exit.
            with contextlib.suppress(OSError):
                for _ in range(_LAST_READS):
                    self._output.write(os.read(self._reader, 65_536))
            os.close(self._reader)
            self._reader = -1


def environment_of(config: ProcessTarget, environ: Mapping[str, str]) -> dict[str, str]:
    """Return all variables of the process: those that the config passes on, and its own."""
    passed = {name: environ[name] for name in config.pass_env if name in environ}
    if config.user and "HOME" in passed:
        passed["HOME"] = pwd.getpwnam(config.user).pw_dir
    return passed | config.env


def output_of(name: str, folder: Path, limit: int) -> CappedLog:
    """The log file of one target in the state directory."""
    return CappedLog(folder / f"{name}.log", limit)


def _ending(code: int | None) -> str:
    return (
        f"killed by signal {-code}" if code is not None and code < 0 else f"exited with code {code}"
    )
