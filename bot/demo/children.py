"""Child processes that are never left behind: each in its own session, ended by its pid."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from bot.demo.errors import DemoFailedError

ROOT = Path(__file__).resolve().parents[2]  # the folder of our packages: checkout or site-packages
CHECK_SECONDS = 0.02  # seconds between two checks of a child
START_SECONDS = 30.0
END_SECONDS = 15.0  # to finish requests in progress, before SIGKILL

# A child gets only our settings: variables of a real workspace may be set here.
_PASSED = ("HOME", "USER", "LOGNAME", "LANG", "LC_*", "TZ", "TMPDIR", "XDG_*", "AWS_*", "PYTHON*")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return a child's environment: a few names of ours, this Python first in PATH, and
    `settings`.
    """
    passed = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatchcase(name, pattern) for pattern in _PASSED)
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**passed, "PATH": path, "PYTHONPATH": str(ROOT), **settings}


class Child:
    """One process; its output goes to a file."""

    def __init__(
        self, name: str, argv: Sequence[str], *, settings: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            # Popen returns the handle directly: no cancellation can lose a child that is half
            # started.
            self._process = subprocess.Popen(  # noqa: S603 - an argv of ours, no shell
                argv,
                cwd=folder,  # not the working directory: it may hold a .env of a real workspace
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # we pass Ctrl-C on, in our own order
            )

    async def wait_for_output(self, pattern: str) -> str:
        """Wait until the child prints `pattern`; return its first group."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while True:
            match = re.search(pattern, self.log.read_text("utf-8", "replace"))
            if match:
                return match[1]
            self.check()
            if asyncio.get_running_loop().time() > deadline:
                raise DemoFailedError(f"the {self.name} was not ready in {START_SECONDS:g} s")
            await asyncio.sleep(CHECK_SECONDS)

    def check(self) -> None:
        """Raise DemoFailedError if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise DemoFailedError(f"the {self.name} ended by itself, with code {code}")

    def tail(self, lines: int = 25) -> str:
        """Return its last lines of output."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    async def end(self) -> None:
        """Send SIGTERM, wait some time, then send SIGKILL to its whole group."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
