"""Words of the operator that mean the same, from `synonyms.txt` in the folder of runbooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.regular_files import read_regular
from bot.retrieval.tokens import terms

FILE = "synonyms.txt"
MOST_LINES = 2_000
MOST_WORDS = 50  # of one line
LARGEST_FILE = 262_144  # bytes


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Search terms that stand for another one: each stands for the first of its line."""

    instead: Mapping[str, str] = field(default_factory=dict)

    def of(self, names: Iterable[str]) -> list[str]:
        """Return the terms, each replaced by the one that it stands for."""
        return [self.instead.get(name, name) for name in names]

    def weights_of(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return the weights by the terms that are searched; the heaviest of a line counts."""
        result: dict[str, float] = {}
        for name, weight in weights.items():
            term = self.instead.get(name, name)
            result[term] = max(result.get(term, 0.0), weight)
        return result


NO_SYNONYMS = Synonyms()


def read_synonyms(folder: Path) -> tuple[Synonyms, list[str]]:
    """Return the synonyms of the folder, none without a file, and what is wrong with their file.

    OSError if the file cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return NO_SYNONYMS, []
    # As of the runbooks: who may write there must not have another file's words in our log.
    if not path.resolve().is_relative_to(folder.resolve()):
        return NO_SYNONYMS, [f"{FILE}: not read: it leads out of the folder"]
    if path.stat().st_size > LARGEST_FILE:
        return NO_SYNONYMS, [f"{FILE}: not read: it is over {LARGEST_FILE >> 10} KiB"]
    return parse_synonyms(read_regular(path, errors="replace").removeprefix("\ufeff"))


def parse_synonyms(text: str) -> tuple[Synonyms, list[str]]:
    """Return the synonyms of a text, a line of words with commas each, and its bad lines."""
    instead: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if number > MOST_LINES:
            problems.append(f"{FILE}:{number}: over {MOST_LINES} lines: later ones are not read")
            break
        synonyms = [word.strip() for word in line.partition("#")[0].split(",")]
        if synonyms == [""]:
            continue
        problem = _add(instead, synonyms[:MOST_WORDS])
        if problem or len(synonyms) > MOST_WORDS:
            why = problem or f"over {MOST_WORDS} words: later ones are not read"
            problems.append(f"{FILE}:{number}: {why}")
    return Synonyms(instead), problems


def _add(instead: dict[str, str], synonyms: Sequence[str]) -> str:
    """Add the words of one line; returns what is wrong with it, or ''."""
    stems = [terms(word) for word in synonyms]
    for word, stem in zip(synonyms, stems, strict=True):
        if len(stem) != 1 or len(word.split()) != 1:
            return f"{word!r} is not one word that can be searched"
    names = list(dict.fromkeys(stem[0] for stem in stems))
    if len(names) < 2:
        return "two different words are needed, with a comma between them"
    if known := [name for name in names if name in instead or name in instead.values()]:
        return f"{synonyms[names.index(known[0])]!r} stands in a line before"
    for name in names[1:]:
        instead[name] = names[0]
    return ""
