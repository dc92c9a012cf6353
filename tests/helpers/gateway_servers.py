"""Real servers for the gateway's executors: each on a free port, ended with the block."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.ports import kept_port

START_SECONDS = 60


@contextmanager
def daemon(argv: list[str], port: int, log: Path) -> Iterator[int]:
    """A program that listens on this port, until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=log.parent
        )
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{argv[0]}: {log.read_text(errors='replace')}") from None
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"sopbot-{prefix}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server(*options: str) -> Iterator[int]:
    """A Redis that keeps nothing on disk; yields its port."""
    with _folder("redis") as folder, kept_port() as port:
        argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        with daemon([*argv, *options], port, folder / "log"):
            yield port


@contextmanager
def mariadb_server() -> Iterator[int]:
    """A MariaDB whose root has no password; yields its port."""
    with _folder("mariadb") as folder, kept_port() as port:
        account = ["--user=root"] if os.geteuid() == 0 else []
        data = f"--datadir={folder / 'data'}"
        install = str(shutil.which("mariadb-install-db"))
        subprocess.run(
            [install, "--no-defaults", *account, data, "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, capture_output=True,
        )  # fmt: skip
        argv = [
            "mariadbd", "--no-defaults", *account, data, f"--port={port}",
            "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=8M",
            "--skip-name-resolve",
        ]  # fmt: skip
        with daemon(argv, port, folder / "log"):
            yield port


@contextmanager
def memcached_server(logins: str = "") -> Iterator[int]:
    """A Memcached; `logins` are the lines "user:password" of its file. Yields its port."""
    with _folder("memcached") as folder, kept_port() as port:
        argv = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "16", "-t", "1"]
        if os.geteuid() == 0:
            argv += ["-u", "root"]
        if logins:
            (folder / "logins").write_text(logins)
            argv += ["-Y", str(folder / "logins")]
        with daemon(argv, port, folder / "log"):
            yield port


@dataclass(frozen=True)
class SshServer:
    """An OpenSSH server that lets root in by one key; `stranger` is a key that it does not know."""

    port: int
    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "user"

    @property
    def stranger(self) -> Path:
        return self.folder / "stranger"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"


@contextmanager
def ssh_server() -> Iterator[SshServer]:
    """A real sshd, which needs root."""
    with _folder("ssh") as folder, kept_port() as port:
        keygen = str(shutil.which("ssh-keygen"))
        for name in ("host", "user", "stranger"):
            argv = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(argv, check=True)
        public = (folder / "host.pub").read_text().split()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = {
            "Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host",
            "AuthorizedKeysFile": folder / "user.pub", "StrictModes": "no", "UsePAM": "no",
            "PermitRootLogin": "prohibit-password", "PasswordAuthentication": "no",
            "PidFile": "none",
        }  # fmt: skip
        lines = "".join(f"{name} {value}\n" for name, value in config.items())
        (folder / "config").write_text(lines)
        sshd = str(shutil.which("sshd", path="/usr/sbin:/usr/bin"))
        argv = [sshd, "-D", "-e", "-f", str(folder / "config")]
        with daemon(argv, port, folder / "log"):
            yield SshServer(port, folder)
