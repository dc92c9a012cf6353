"""The bot as a process of its own, which can be stopped, killed and started again."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers.waiting import until
from tests.measuring import CHILDREN, stop

REPOSITORY = Path(__file__).resolve().parents[2]
READY = "bot.ready"

# A server process that has imported the bot and forks off a fresh one in milliseconds.
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        __name__,  # which the fresh process looks into first, and which imports pytest
        *("bot.__main__", "bot.app", "bot.serving.logs", "bot.check"),
        *("bot.store_command.commands", "bot.audit_command.commands", "store.engines.postgres"),
    ]
)


def child_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a child may see: the settings, what Python needs, and what coverage needs."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
    kept |= {k: v for k, v in os.environ.items() if k.startswith("COV")}
    return kept | {"PYTHONPATH": str(REPOSITORY)} | dict(settings)


class Command:
    """`main()` of `python -m bot …` in a process that need not import everything again."""

    def __init__(self, texts: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._folder = folder
        self._output_folder = TemporaryDirectory(prefix="sopbot-said-")
        items = (list(texts), dict(environment), str(folder), self._output_folder.name)
        self._fork = _forks.Process(target=_command, args=items, daemon=True)
        self._fork.start()

    @property
    def alive(self) -> bool:
        return self._fork.is_alive()

    def ended(self, seconds: float = 100) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        with self._output_folder as result, closing(self._fork):
            self._fork.join(seconds)
            if self._fork.is_alive():
                self._fork.kill()
                self._fork.join()
            out, err = ((Path(result) / name).read_text("utf-8") for name in ("out", "err"))
            code = self._fork.exitcode
            assert code is not None
            return code, out, err


def completed(
    texts: Sequence[str], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """`python -m bot …` to its end, in a process that need not import everything again."""
    code, out, err = Command(texts, environment, folder).ended()
    return subprocess.CompletedProcess(texts, code, out, err)


def _command(texts: list[str], environment: dict[str, str], folder: str, output: str) -> None:
    _become(environment, folder, f"{output}/out", f"{output}/err")
    from bot.__main__ import main

    sys.exit(main(texts))


def _become(environment: dict[str, str], folder: str, out: str, err: str) -> None:
    """Look like a process that was started so."""
    gc.freeze()  # no collection of this process scans, and so copies, what it shares with others
    os.environ.clear()
    os.environ.update(environment)
    if CHILDREN not in environment:
        stop()  # the process that forks may have been started by a test that was measured
    os.chdir(folder)
    for number, file in enumerate((out, err), start=1):
        target = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(target, number)
        os.close(target)


async def run_bot(
    *arguments: str, settings: Mapping[str, str], folder: Path, seconds: float = 60
) -> tuple[int, str, str]:
    """`python -m bot …` to its end: exit code, stdout, stderr."""
    command = Command(arguments, child_environment(settings), folder)
    await until(lambda: not command.alive, seconds, f"bot {' '.join(arguments)} ends")
    return command.ended()


class BotProcess:
    """`python -m bot` in `folder`: `begin`, then `ready`."""

    def __init__(self, settings: Mapping[str, str], folder: Path, number: int) -> None:
        self._settings = settings
        self._folder = folder
        self._log = folder / f"bot-{number}.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        """Everything it wrote to stderr."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def begin(self) -> None:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-W",
                "always::ResourceWarning",
                "-m",
                "bot",
                cwd=self._folder,
                env=child_environment(self._settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> None:
        """Wait until it says so; AssertionError with its log when it ends instead."""
        await until(lambda: READY in self.log or not self.alive, why="the bot is ready")
        assert self.alive, self.log

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def kill(self) -> None:
        """SIGKILL, now."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM, as a supervisor does."""
        os.kill(self.pid, signal.SIGTERM)

    async def ended(self, seconds: float = 60) -> int:
        """Its exit code, once it has one."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            return await self._process.wait()


class ForkedBot(BotProcess):
    """The same main(), in a process that need not import everything again."""

    _fork: ForkServerProcess | None = None

    async def begin(self) -> None:
        items = (child_environment(self._settings), str(self._folder), str(self._log))
        self._fork = _forks.Process(target=_main, args=items, daemon=True)
        self._fork.start()

    @property
    def pid(self) -> int:
        assert self._fork is not None
        assert self._fork.pid is not None
        return self._fork.pid

    @property
    def alive(self) -> bool:
        return self._fork is not None and self._fork.is_alive()

    async def ended(self, seconds: float = 60) -> int:
        fork = self._fork
        assert fork is not None
        await until(lambda: not fork.is_alive(), seconds, "the bot ends")
        code = fork.exitcode
        assert code is not None
        return code

    def close(self) -> None:
        """Give its handles back."""
        if self._fork is not None:
            self._fork.close()


def _main(environment: dict[str, str], folder: str, log: str) -> None:
    _become(environment, folder, log, log)
    warnings.simplefilter("always", ResourceWarning)
    from bot.__main__ import main

    code = main([])
    gc.collect()  # what was never closed or awaited says so in the log
    sys.exit(code)
