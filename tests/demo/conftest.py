import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
LINE_SECONDS = 60.0  # the longest wait for one line; a step of the demo gives up before


@dataclass
class RunningDemo:
    """`python -m bot.demo`, read line by line; remembers every process it ever saw below it."""

    process: asyncio.subprocess.Process
    folder: Path
    lines: list[str] = field(default_factory=list)
    family: set[psutil.Process] = field(default_factory=set)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    async def line(self) -> str:
        assert self.process.stdout
        raw = await asyncio.wait_for(self.process.stdout.readline(), LINE_SECONDS)
        line = raw.decode()
        if line:
            self.lines.append(line.rstrip("\n"))
            self._read_output()
        return line

    async def until(self, text: str) -> str:
        """Read to the first line with `words`."""
        while line := await self.line():
            if text in line:
                return line
        pytest.fail(f"never said {text!r}:\n{self.output}")

    async def ended(self) -> int:
        """Read to the end; the exit code."""
        while await self.line():
            pass
        return await asyncio.wait_for(self.process.wait(), LINE_SECONDS)

    def left_over(self) -> list[psutil.Process]:
        """Descendants that still run long after the end."""
        _, alive = psutil.wait_procs(list(self.family), timeout=30)
        return list(alive)

    def _read_output(self) -> None:
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return
        self.family.update(below)


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[RunningDemo]]]:
    """Start the demo with these arguments; ends the processes that a failed test leaves."""
    started: list[RunningDemo] = []

    async def start(*argv: str) -> RunningDemo:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.demo",
            *argv,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(RunningDemo(process, tmp_path))
        return started[-1]

    yield start
    for child in started:
        if child.process.returncode is None:
            child.process.terminate()
            await child.ended()
        for process in child.left_over():
            process.kill()
