"""Reads a folder of runbooks within bounds. A link that leads out of the folder is not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.regular_files import read_regular
from bot.retrieval.markdown import Document, parse_document

ENDINGS = (".md", ".markdown", ".mdx")
MOST_FILES = 5_000
MOST_DEPTH = 8  # folders below the given one
LARGEST_FILE = 1_048_576  # bytes
LARGEST_TOTAL = 67_108_864
MOST_ENTRIES = 100_000  # of any kind: a folder of a million other files does not stop a start


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not read, and the reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunbookFile:
    """A runbook's text; `path` is relative to the folder, with `/`."""

    path: str
    text: str


def read_folder(folder: Path) -> tuple[list[Document], list[Skipped]]:
    """Return the folder's documents, by path, and the files that were not read."""
    documents: list[Document] = []
    skipped: list[Skipped] = []
    for item in read_files(folder):
        if isinstance(item, Skipped):
            skipped.append(item)
        else:
            documents.append(parse_document(item.path, item.text))
    return documents, skipped


def read_files(folder: Path) -> Iterator[RunbookFile | Skipped]:
    """Yield each Markdown file within the bounds, and what the bounds left out.

    OSError if the folder itself cannot be read.
    """
    root = folder.resolve(strict=True)
    if not root.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    total = files = 0
    for path in _markdown_files(root):
        if isinstance(path, Skipped):
            yield path
            continue
        name = _name(path, root)
        if name != path.relative_to(root).as_posix():
            yield Skipped(name, "its name is not UTF-8")
            continue
        if files >= MOST_FILES:
            yield Skipped(name, f"over {MOST_FILES} files: this and later ones are not read")
            return
        text = _read(path, root)
        if isinstance(text, Skipped):
            yield text
            continue
        files, total = files + 1, total + len(text)
        if total > LARGEST_TOTAL:
            yield Skipped(name, f"over {LARGEST_TOTAL >> 20} MiB in all: later ones are not read")
            return
        yield RunbookFile(name, text)


def file_names(folder: Path) -> frozenset[str]:
    """Return the paths of all files, which a link may lead to, relative to the folder."""
    root = folder.resolve(strict=True)
    names: set[str] = set()
    for place, folders, files in os.walk(root):
        here = Path(place).relative_to(root)
        folders[:] = [name for name in folders if not name.startswith(".")]
        names |= {(here / name).as_posix() for name in files}
        if len(here.parts) >= MOST_DEPTH or len(names) > MOST_ENTRIES:
            folders.clear()
    return frozenset(names)


def _name(path: Path, root: Path) -> str:
    """Return the relative path; `?` stands for each byte of it that is not UTF-8."""
    return path.relative_to(root).as_posix().encode("utf-8", "replace").decode()


def _read(path: Path, root: Path) -> str | Skipped:
    name = _name(path, root)
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(root):
            return Skipped(name, "it leads out of the folder")
        if real.stat().st_size > LARGEST_FILE:
            return Skipped(name, f"it is over {LARGEST_FILE >> 20} MiB")
        return read_regular(real, errors="replace").removeprefix("\ufeff")
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        return Skipped(name, getattr(error, "strerror", None) or str(error))


def _markdown_files(root: Path) -> Iterator[Path | Skipped]:
    """Yield the files in the order of their paths; hidden names are left out."""
    seen = 0
    for place, folders, names in os.walk(root):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if folders and len(here.relative_to(root).parts) >= MOST_DEPTH:
            yield Skipped(_name(here, root), f"over {MOST_DEPTH} folders deep")
            folders.clear()
        for name in sorted(names):
            seen += 1
            if seen > MOST_ENTRIES:
                yield Skipped(
                    _name(here / name, root), f"over {MOST_ENTRIES} files: later ones are not read"
                )
                return
            if not name.startswith(".") and name.lower().endswith(ENDINGS):
                yield here / name
