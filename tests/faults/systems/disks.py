"""Folders of a real disk: one is a small file system of its own that really fills."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults.fault import Fault, State, System

_SIZE = 4 * 2**20  # bytes of the small file system
_FULL = 2**20  # bytes that the folder of logs may hold
_NAMES = ("upload-spool", "app-logs", "image-cache")


@contextmanager
def disks() -> Iterator[System]:
    """A folder for each target; in each a file stands by, which no action may remove."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sopbot-disks-")))
        folders = {name: root / "var" / name for name in _NAMES}
        for folder in folders.values():
            folder.mkdir(parents=True)
        spool = folders["upload-spool"]
        if os.geteuid() == 0:
            size = f"size={_SIZE}"
            subprocess.run(
                ["/usr/bin/mount", "-t", "tmpfs", "-o", size, "spool", spool], check=True
            )
            stack.callback(subprocess.run, ["/usr/bin/umount", spool], check=True)
        for folder in folders.values():
            (folder / "keep.conf").write_text("a file of the application")

        def state() -> State:
            return {
                f"file {name}/{path.name}": path.stat().st_size
                for name, folder in folders.items()
                for path in sorted(folder.iterdir())
            }

        globs = {"upload-spool": "*.part", "app-logs": "app.log.*", "image-cache": "*.tmp"}
        yield System(
            name="disk",
            targets={
                name: {
                    "executor": "files", "root": str(folder), "globs": [globs[name]],
                    "min_age_seconds": 1,
                }
                for name, folder in folders.items()
            },
            state=state,
            faults=_faults(folders),
        )  # fmt: skip


def _faults(folders: dict[str, Path]) -> tuple[Fault, ...]:
    def fault(
        id_: str,
        what: str,
        target: str,
        sender: str,
        glob: str,
        fill: Callable[[Path], None],
        is_healthy: Callable[[Path], bool],
    ) -> Fault:
        folder = folders[target]

        def break_it() -> None:
            fill(folder)
            newest = max(path.stat().st_ctime for path in folder.iterdir())
            while time.time() < newest + 1.1:  # an action removes only what is a second old
                time.sleep(0.05)

        return Fault(
            id=id_,
            what=what,
            target=target,
            sender=sender,
            action="files.remove",
            parameters={"older_than_seconds": 1},
            break_it=break_it,
            is_healthy=lambda: is_healthy(folder),
            changes=(f"disk file {target}/{glob}",),
        )

    return (
        fault(
            "disk-full", "Aborted uploads filled the disk", "upload-spool", "nagios", "*.part",
            fill_the_disk, takes_an_upload,
        ),
        fault(
            "disk-logs", "Rotated logs fill their folder", "app-logs", "alertmanager in Slack",
            "app.log.*", rotate, is_small,
        ),
        fault(
            "disk-left-overs", "A crashed job left hundreds of files behind", "image-cache",
            "netdata", "*.tmp", leave_halves, lambda folder: len(list(folder.iterdir())) < 10,
        ),
    )  # fmt: skip


def fill_the_disk(folder: Path) -> None:
    for number in range(_SIZE // 2**19):
        try:
            (folder / f"upload-{number}.part").write_bytes(b"x" * 2**19)
        except OSError:  # no space is left
            return


def takes_an_upload(folder: Path) -> bool:
    if sum(path.stat().st_size for path in folder.glob("*.part")) > _SIZE // 2:
        return False
    probe = folder.parent / "probe" if os.geteuid() else folder / ".probe"
    try:
        probe.write_bytes(b"x" * 2**20)
    finally:
        probe.unlink(missing_ok=True)
    return True


def rotate(folder: Path) -> None:
    for number in range(1, 9):
        (folder / f"app.log.{number}").write_bytes(b"line\n" * (2**18 // 5))


def is_small(folder: Path) -> bool:
    return sum(path.stat().st_size for path in folder.iterdir()) < _FULL


def leave_halves(folder: Path) -> None:
    for number in range(500):
        (folder / f"image-{number}.tmp").write_bytes(b"half an image")
