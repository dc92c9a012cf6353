"""The wheel, built from the sdist as on another machine, and a fresh environment that has it."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("bot", "handlers", "store", "config", "manifest.yml", "pyproject.toml")
TEXTS = ("README.md", "LICENSE")


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and an empty folder to work in; no checkout is in reach."""

    binaries: Path
    folder: Path

    def run(
        self, *arguments: str, settings: Mapping[str, str] | None = None, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `sopbot` there; only PATH, HOME and `settings` reach it."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME")}
        return subprocess.run(
            [self.binaries / "sopbot", *arguments],
            cwd=self.folder,
            env=kept | {"PYTHONIOENCODING": "utf-8"} | dict(settings or {}),
            capture_output=True,
            text=True,
            timeout=seconds,
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network from the sdist of a copy: a build leaves files behind."""
    copy = tmp_path_factory.mktemp("checkout")
    passed = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in (*SOURCES, *TEXTS):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=passed)
        else:
            shutil.copy(ROOT / name, copy / name)
    sdist = _build(copy, "sdist")
    _unpack(sdist, sdist.parent)
    return _build(sdist.parent / sdist.name.removesuffix(".tar.gz"), "wheel")


def _unpack(sdist: Path, folder: Path) -> None:
    """Write the regular files of the archive; AssertionError: one would be outside the folder.

    `extractall(filter="data")` needs Python 3.11.4, and without a filter Python 3.12 warns.
    """
    with tarfile.open(sdist) as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            file, content = (folder / member.name).resolve(), tar.extractfile(member)
            assert content is not None
            assert file.is_relative_to(folder.resolve()), member.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.read())


def _build(folder: Path, kind: str) -> Path:
    code = f"from setuptools import build_meta as b; print(b.build_{kind}('dist'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "dist" / done.stdout.split()[-1]


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A fresh environment with the wheel; the libraries are those of the tests."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home / "venv", with_pip=False, symlinks=True)
    binaries = home / "venv/bin"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", binaries / "python", "install", "--quiet",
         "--no-deps", "--no-index", "--no-compile", wheel],
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (packages,) = (home / "venv/lib").glob("python*/site-packages")
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    (home / "empty").mkdir()
    return Installed(binaries, home / "empty")
