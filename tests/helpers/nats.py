"""A real NATS server for tests: JetStream on, a free port, a folder of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.ports import kept_port

START_SECONDS = 60.0


class NatsServer:
    """One server; `stop` and `start` keep its streams, as a restart of a machine does."""

    def __init__(self, folder: Path, port: int, arguments: tuple[str, ...]) -> None:
        self._folder = folder
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        program = shutil.which("nats-server", path="/usr/sbin:/usr/local/bin:/usr/bin")
        assert program is not None, "nats-server is not on this machine (make services)"
        arguments = [program, "-a", "127.0.0.1", "-p", str(self.port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*arguments, *self._arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + START_SECONDS
        while not self._accepts():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < end, "nats-server does not accept connections"
            time.sleep(0.02)

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def stop(self, *, kill: bool = False) -> None:
        """End it: in order, or as a crash does."""
        if self._process is None:
            return
        (self._process.kill if kill else self._process.terminate)()
        self._process.wait(60)
        self._process = None


@contextmanager
def nats_server(
    *arguments: str, running: bool = True, jetstream: bool = True
) -> Iterator[NatsServer]:
    """A server until the block ends, not started yet if `running` is False."""
    if jetstream:
        arguments = ("-js", "-sd", "store", *arguments)
    folder = Path(tempfile.mkdtemp(prefix="sopbot-nats-"))
    try:
        with kept_port() as port:
            server = NatsServer(folder, port, arguments)
            if running:
                server.start()
            try:
                yield server
            finally:
                server.stop(kill=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
