"""A real Docker Engine of our own, without networks, with one image made of a static busybox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IMAGE = "sopbot-test:1"
PROGRAMS = ("dockerd", "docker", "busybox")


class EngineUnavailableError(Exception):
    """This machine cannot run an engine; the text is the reason."""


@dataclass(frozen=True)
class DockerDaemon:
    url: str

    def run(self, *arguments: str, seconds: float = 60) -> str:
        command = ["docker", "-H", self.url, *arguments]
        return subprocess.run(  # the docker client is for the tests only
            command, check=True, capture_output=True, text=True, timeout=seconds
        ).stdout.strip()


def missing() -> str:
    """Return the reason why this machine cannot run an engine, '' if it can try."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"{absent[0]} is not on this machine (make services)"
    return "" if os.geteuid() == 0 else "dockerd needs root"


@contextmanager
def docker_engine(storage: str = "vfs") -> Iterator[DockerDaemon]:
    """Start an engine, until the block ends. EngineUnavailableError if it does not start.

    `vfs` works on any file system, but copies the whole image for each step of a build.
    """
    if reason := missing():
        raise EngineUnavailableError(reason)
    # A short path: the name of a unix socket has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="sopbot-docker-"))
    url, apart = f"unix://{folder}/docker.sock", f"sopbot-{uuid.uuid4().hex}"
    with (folder / "log").open("wb") as output:
        daemon = subprocess.Popen(
            [
                str(shutil.which("dockerd")),
                "--iptables=false", "--ip6tables=false", "--bridge=none",
                f"--storage-driver={storage}", "--data-root", str(folder / "data"),
                "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid"), "-H", url,
                # A containerd that runs already is shared: our containers are apart in it.
                "--containerd-namespace", apart, "--containerd-plugins-namespace", f"{apart}-p",
            ],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )  # fmt: skip
    docker = DockerDaemon(url)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                docker.run("version")
                break
            except subprocess.CalledProcessError:
                if daemon.poll() is not None or time.monotonic() > deadline:
                    text = (folder / "log").read_text(errors="replace")[-500:]
                    raise EngineUnavailableError(f"dockerd does not start: {text}") from None
                time.sleep(0.1)
        image = folder / "image.tar"
        with tarfile.open(image, "w") as tar:
            tar.add(str(shutil.which("busybox")), arcname="bin/busybox")
            shell = tarfile.TarInfo("bin/sh")  # runs the health checks
            shell.type, shell.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(shell)
        docker.run("import", str(image), IMAGE)
        yield docker
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
