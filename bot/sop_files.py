"""Reads the SOPs of a folder: for the composition root, `check` and a replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.incidents.environments import DEFAULT, Environments
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.incidents.sops import SopLibrary, SopProblem
from bot.regular_files import read_regular


def read_sops(
    folder: Path, environments: Environments = DEFAULT, services: Catalogue = NO_SERVICES
) -> SopLibrary:
    """Every *.jsonl below the folder, in order of their names.

    Bad lines and files that cannot be read are the library's problems, and not fatal.
    """
    files = sorted(folder.rglob("*.jsonl")) if folder.is_dir() else []
    texts: list[tuple[str, str]] = []
    unreadable: list[SopProblem] = []
    for file in files:
        name = str(file.relative_to(folder))
        try:
            texts.append((name, read_regular(file, "replace")))
        except OSError as error:
            unreadable.append(SopProblem(name, 0, f"cannot be read: {error.strerror}"))
    loaded = SopLibrary.load(texts, environments, services)
    return replace(loaded, problems=(*unreadable, *loaded.problems))
