"""A real systemd with its journal, as process 1 of namespaces and a root of its own.

Its root is a tmpfs with the machine's /usr, read-only, and nothing else of the machine: a systemd
that shared the machine's /tmp would empty it (tmpfiles.d), and one that shared its control group
would move its processes.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SYSTEMD = Path("/usr/lib/systemd/systemd")
_GROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
_BOOT = """
set -eu
root=$1
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr proc sys dev run tmp var/log etc/systemd/system root
for name in bin sbin lib lib64; do [ -e "/$name" ] && ln -s "usr/$name" "$name"; done
mount --bind /usr usr
mount -o remount,bind,ro usr
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for node in null zero full random urandom; do cp -a "/dev/$node" dev/; done
printf 'root:x:0:0::/root:/bin/sh\\nnobody:x:65534:65534::/:/bin/false\\n' > etc/passwd
printf 'root:x:0:\\nnogroup:x:65534:\\nsystemd-journal:x:900:\\nadm:x:901:\\n' > etc/group
echo 0123456789abcdef0123456789abcdef > etc/machine-id
cat > etc/systemd/system/tests.target <<'UNIT'
[Unit]
DefaultDependencies=no
Wants=systemd-journald.service
UNIT
for place in . tmp var run; do [ "$(stat -f -c %T "$place")" = tmpfs ] || exit 70; done
exec env -i container=sopbot-tests PATH=/usr/bin:/usr/sbin \\
  chroot "$root" /usr/lib/systemd/systemd --system --unit=tests.target --show-status=0
"""


@dataclass(frozen=True)
class Machine:
    """The running systemd: `pid` is its process 1 as this machine sees it."""

    pid: int
    programs: Path

    def run(self, *argv: str) -> str:
        return subprocess.run(
            [*self._enter(), *argv], check=True, capture_output=True, text=True, timeout=30
        ).stdout.strip()

    def add(self, name: str, text: str) -> None:
        """Write a unit's file and let systemd read it; its sections stand in `text`."""
        file = Path(f"/proc/{self.pid}/root/run/systemd/system/{name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[Unit]\nDefaultDependencies=no\n{text}\n")
        self.run("/usr/bin/systemctl", "daemon-reload")

    def shown(self, unit: str, field: str) -> str:
        return self.run("/usr/bin/systemctl", "show", f"--property={field}", "--value", unit)

    def offer(self, *, by: str = "") -> None:
        """Put systemctl and journalctl of this machine into the folder `programs`."""
        for name in ("systemctl", "journalctl"):
            file = self.programs / name
            enter = " ".join([*self._enter(), *by.split()])
            file.write_text(f'#!/bin/sh\nexec {enter} /usr/bin/{name} "$@"\n')
            file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _enter(self) -> list[str]:
        spaces = [f"--{name}" for name in ("mount", "pid", "net", "ipc", "uts", "cgroup")]
        return [
            "/usr/bin/nsenter", f"--target={self.pid}", *spaces, f"--root=/proc/{self.pid}/root",
        ]  # fmt: skip


@contextmanager
def systemd_machine() -> Iterator[Machine]:
    """Boot it; everything of it ends with the block. OSError or RuntimeError: it cannot run."""
    group = next((path for path in _GROUPS if (path / "cgroup.procs").exists()), None)
    if group is None:
        raise RuntimeError("there are no control groups")
    mine = group / f"sopbot-tests-{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="sopbot-systemd-"))
    for name in ("root", "programs"):
        (folder / name).mkdir()
    mine.mkdir()
    # The shell moves itself into the group before it makes the namespaces, whose root it becomes.
    spaces = "--mount --pid --fork --cgroup --ipc --uts --net --kill-child"
    begin = f'echo $$ > "$0/cgroup.procs" && exec unshare {spaces} sh -c "$1" boot "$2"'
    with (folder / "log").open("wb") as log:
        outer = subprocess.Popen(
            ["/bin/sh", "-c", begin, str(mine), _BOOT, str(folder / "root")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        machine = Machine(_first_process(outer, folder), folder / "programs")
        machine.offer()
        yield machine
    finally:
        outer.kill()
        outer.wait(10)
        _remove(mine)
        shutil.rmtree(folder, ignore_errors=True)


def _first_process(outer: subprocess.Popen[bytes], folder: Path) -> int:
    """Return systemd's pid here, once it answers and its journal runs."""
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and outer.poll() is None:
        for word in children.read_text().split():
            machine = Machine(int(word), folder)
            try:
                if machine.shown("systemd-journald.service", "ActiveState") == "active":
                    return machine.pid
            except (subprocess.CalledProcessError, OSError):
                pass  # it is on its way
        time.sleep(0.05)
    raise RuntimeError(f"systemd does not start: {(folder / 'log').read_text()[-500:]}")


def _remove(group: Path) -> None:
    """Remove the control groups, which are empty once the kernel has ended their processes."""
    deadline = time.monotonic() + 10
    while group.exists() and time.monotonic() < deadline:
        for path, _, _ in sorted(os.walk(group), key=lambda entry: -len(entry[0])):
            try:
                Path(path).rmdir()
            except OSError:
                time.sleep(0.02)
