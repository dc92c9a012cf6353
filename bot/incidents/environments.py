"""Environments: the names that an operator declares, and all spellings of each.

Alerts, gateways, the globs of the policy and the `env:` keys of SOPs share this one normaliser, so
that `production`, `prod` and `LIVE` are equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Self

UNKNOWN = "unknown"
"""The name of every undeclared environment, and of a missing one."""

DECLARED: Mapping[str, tuple[str, ...]] = {
    "production": ("prod", "prd", "live", "prod-*", "production-*"),
    "preproduction": ("preprod", "pre-prod", "pre-production"),
    "staging": ("stage", "stg", "staging-*"),
    "uat": ("acceptance",),
    "qa": (),
    "test": ("testing", "tst", "test-*"),
    "development": ("dev", "develop", "dev-*"),
    "sandbox": (),
}
"""The default declaration: names, each with its other spellings."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_GLOB = re.compile(r"[a-z0-9._*?-]{1,63}")


def folded(text: str) -> str:
    """Return the text in the form for comparison: NFKC, lower case, trimmed."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def environment_name(text: str) -> str:
    """Return the word in `[a-z0-9._-]`, or '' for anything else.

    A look-alike letter (Cyrillic) or a zero-width character inside makes it invalid: it becomes
    unknown instead of another environment.
    """
    word = folded(text)
    return word if _NAME.fullmatch(word) else ""


def environment_glob(text: str) -> str:
    """Return a glob in the same letters with `*` and `?`; ValueError if nothing could ever match
    it.
    """
    glob = folded(text)
    if not _GLOB.fullmatch(glob):
        raise ValueError(
            f"{text[:60]!r} can never match: an environment is written in a-z 0-9 . _ -"
        )
    return glob


@dataclass(frozen=True, slots=True, eq=False)  # equal to itself only, so that it can be cached by
class Environments:
    """The declared environments. Build it with `of`."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _exact: Mapping[str, str] = field(default_factory=dict, repr=False)
    _globs: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, declared: Mapping[str, Iterable[str]]) -> Self:
        """Build from names with their other spellings, which may be globs (`prod-*`).

        ValueError for an invalid name, and for a spelling of two environments.
        """
        names: dict[str, tuple[str, ...]] = {}
        exact: dict[str, str] = {}
        globs: list[tuple[str, str]] = []
        for text, others in declared.items():
            name = environment_name(text)
            if not name or name == UNKNOWN:
                raise ValueError(f"{text[:60]!r} cannot be an environment's name")
            names[name] = tuple(environment_glob(other) for other in others)
            for spelling in (name, *names[name]):
                if "*" in spelling or "?" in spelling:
                    globs.append((spelling, name))
                elif exact.setdefault(spelling, name) != name or spelling == UNKNOWN:
                    raise ValueError(f"{spelling!r} is the name of two environments")
        globs.sort(key=lambda pair: -len(pair[0]))  # prod-eu-* is more specific than prod-*
        return cls(names, exact, tuple(globs))

    def name_of(self, text: str) -> str:
        """Return the declared name of a word; UNKNOWN for everything else, also for an
        empty word.
        """
        word = environment_name(text)
        if declared := self._exact.get(word):
            return declared
        return next((name for glob, name in self._globs if fnmatchcase(word, glob)), UNKNOWN)

    def declared(self, word: str) -> str:
        """Return the declared name if the word is one of its spellings, not by a glob; else ''."""
        return self._exact.get(environment_name(word), "")

    def spellings(self, text: str) -> frozenset[str]:
        """Return every word that an `env:` key may use for this environment; an unknown one only
        itself.
        """
        name = self.name_of(text)
        own = environment_name(text)
        return frozenset({own, name, *self.names.get(name, ())} - {""})

    def fitting(self, glob: str) -> frozenset[str]:
        """Return the declared names that a glob matches by any of their spellings, and UNKNOWN."""
        return frozenset(name for name in (*self.names, UNKNOWN) if self.fits(name, glob))

    def fits(self, name: str, glob: str) -> bool:
        """Return whether a glob matches a declared name, or UNKNOWN, by any of its spellings."""
        return any(fnmatchcase(spelling, glob) for spelling in (name, *self.names.get(name, ())))


DEFAULT = Environments.of(DECLARED)
