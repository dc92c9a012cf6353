"""Finds what is wrong with runbooks: front matter, headings, empty sections, broken links. Pure.

Only the names of the folder's files are known here; no link is followed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import unquote, urlsplit

from bot.retrieval.folder import RunbookFile
from bot.retrieval.markdown import FrontMatter, Heading, Section, read_front_matter, sections

_LINK = re.compile(r"!?\[[^\[\]]{0,500}\]\(<?([^()\s<>]{1,2000})>?[^()]{0,200}\)")
_CODE = re.compile(r"`[^`]{0,500}`")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a runbook with its place; `line` counts from 1."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def problems_in(files: Sequence[RunbookFile], names: Collection[str]) -> list[Problem]:
    """Return the problems by path and line. `names` are all files of the folder, of any kind."""
    anchors = {file.path: frozenset(_anchors(_sections(file))) for file in files}
    problems: list[Problem] = []
    for file in files:
        parts = _sections(file)
        problems += _of_front_matter(file, read_front_matter(file.text.split("\n")))
        problems += _of_headings(file, parts)
        problems += _of_links(file, parts, names, anchors)
    return sorted(problems, key=lambda problem: (problem.path, problem.line, problem.text))


def _sections(file: RunbookFile) -> list[Section]:
    lines = file.text.split("\n")
    return list(sections(lines, read_front_matter(lines).lines))


def _of_front_matter(file: RunbookFile, matter: FrontMatter) -> Iterator[Problem]:
    if matter.problem:
        yield Problem(file.path, matter.problem_line, f"front matter: {matter.problem}")
    title = matter.values.get("title")
    if title is not None and not (isinstance(title, str) and title.strip()):
        yield Problem(file.path, 1, "front matter: title is no text")


def _of_headings(file: RunbookFile, parts: Sequence[Section]) -> Iterator[Problem]:
    headings = [part.heading for part in parts if part.heading]
    if not headings:
        yield Problem(file.path, 1, "no heading" if parts else "the file is empty")
    first_line: dict[tuple[tuple[str, ...], str], int] = {}
    parents: dict[int, str] = {}
    for heading in headings:
        parents = {level: text for level, text in parents.items() if level < heading.level}
        key = (tuple(parents.values()), heading.text.casefold())
        if not heading.text:
            yield Problem(file.path, heading.line, "the heading has no text")
        elif key in first_line:
            where = f"as in line {first_line[key]}"
            yield Problem(file.path, heading.line, f"the heading {heading.text!r} is there {where}")
        first_line.setdefault(key, heading.line)
        parents[heading.level] = heading.text
    for part, after in zip_longest(parts, parts[1:]):
        following = after.heading if after else None
        has_text = any(line.strip() for line in part.lines)
        if part.heading and not has_text and not _is_above(part.heading, following):
            text = f"the section {part.heading.text!r} is empty"
            yield Problem(file.path, part.heading.line, text)


def _is_above(heading: Heading, following: Heading | None) -> bool:
    return following is not None and following.level > heading.level


def _anchors(parts: Sequence[Section]) -> Iterator[str]:
    """Yield the anchors of the headings as GitHub and GitLab make them."""
    counts: dict[str, int] = {}
    for part in parts:
        if part.heading:
            anchor = _NOT_IN_ANCHORS.sub("", part.heading.text.lower()).replace(" ", "-")
            count = counts[anchor] = counts.get(anchor, -1) + 1
            yield f"{anchor}-{count}" if count else anchor


def _of_links(
    file: RunbookFile,
    parts: Sequence[Section],
    names: Collection[str],
    anchors: dict[str, frozenset[str]],
) -> Iterator[Problem]:
    folders = {posixpath.dirname(name) for name in names} | {""}
    for line, target in _links(parts):
        path, _, anchor = target.partition("#")
        if urlsplit(target).scheme or target.startswith("//"):
            continue
        place = file.path
        if path:
            base = "" if path.startswith("/") else posixpath.dirname(file.path)
            place = posixpath.normpath(posixpath.join(base, unquote(path.lstrip("/"))))
        if place.startswith(".."):
            yield Problem(file.path, line, f"the link {target} leads out of the folder")
        elif place not in names and place.rstrip("/") not in folders and place != ".":
            yield Problem(file.path, line, f"the link {target} leads to no file")
        elif anchor and place in anchors and anchor.lower() not in anchors[place]:
            yield Problem(file.path, line, f"the link {target} leads to no heading")


def _links(parts: Sequence[Section]) -> Iterator[tuple[int, str]]:
    """Yield the line and the target of each link outside of code."""
    for part in parts:
        fence = ""
        for number, line in enumerate(part.lines, start=part.line):
            if mark := _FENCE.match(line):
                fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
            elif not fence:
                for match in _LINK.finditer(_CODE.sub("", line[:20_000])):
                    yield number, match[1]
