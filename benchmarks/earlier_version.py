"""The code of an earlier version, taken out of this repository's history by `git archive`."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from benchmarks.stage import ROOT

EARLIER = "e15ccbd7"
"""The version before backups and service levels; no tag leads to it."""
_PACKAGES = ("bot", "handlers", "store")


def earlier_version() -> str:
    """Return the last tag (v…) that leads to this commit, else EARLIER; '' if git lacks both."""
    tag = _git("describe", "--tags", "--match", "v*", "--abbrev=0", "HEAD^")
    version = tag.stdout.decode().strip() if tag and tag.returncode == 0 else EARLIER
    there = _git("cat-file", "-e", f"{version}^{{commit}}")
    return version if there and there.returncode == 0 else ""


def take_out(version: str, folder: Path) -> None:
    """Write the packages of that version into the folder."""
    archive = _git("archive", "--format=tar", version, *_PACKAGES)
    assert archive is not None
    archive.check_returncode()
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as members:
        members.extractall(folder, filter="data")


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    return subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, timeout=60)
