"""The code of the version before this one, out of the wheel that `releases/` keeps of it."""

from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path

from benchmarks.stage import ROOT

RELEASES = ROOT / "releases"
_NAME = re.compile(r"sopbot-(\d+)\.(\d+)\.(\d+)(?:\.dev(\d+))?-py3-none-any\.whl")

Version = tuple[int, int, int, float]


def earlier_version(folder: Path = RELEASES, current: str = "") -> Path:
    """Return the wheel of the newest version before `current`, by default that of pyproject.toml.

    FileNotFoundError: the folder has none.
    """
    if not current:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        current = project["version"]
    before = version_of(f"sopbot-{current}-py3-none-any.whl")
    kept = {version_of(wheel.name): wheel for wheel in folder.glob("*.whl")}
    older = [version for version in kept if version < before]
    if not older:
        raise FileNotFoundError(f"{folder} keeps no wheel of a version before {current}")
    return kept[max(older)]


def version_of(name: str) -> Version:
    """Return the version in the name of a wheel, as a value that orders it."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name} is no wheel of sopbot")
    major, minor, patch, development = match.groups()
    return int(major), int(minor), int(patch), int(development) if development else float("inf")


def take_out(wheel: Path, folder: Path) -> None:
    """Write the packages of that wheel into the folder."""
    with zipfile.ZipFile(wheel) as members:
        members.extractall(folder)
