"""Cuts a Markdown file into passages by its headings, and reads its front matter. Pure.

Nothing here is rendered or followed: a link, an image or an HTML tag is text to be left out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.yaml_text import YamlProblem, read_yaml

PASSAGE_CHARS = 2_000  # a longer section is cut again, between two lines
MOST_PASSAGES = 200  # of one document; what comes after them is not indexed
FRONT_MATTER_CHARS = 20_000  # a number of a megabyte takes minutes
HEADING_CHARS = 200
KEYWORD_CHARS = 2_000

# Front matter that names what the document is about.
_NAMING_KEYS = (
    "title", "alert", "alerts", "alertname", "alertnames", "aliases", "keywords", "tags", "service",
    "services", "description", "summary", "component",
)  # fmt: skip

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(\S.*))?$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_CLOSING_HASHES = re.compile(r"[ \t]#+$")
_COMMENT = re.compile(r"<!--[^>]{0,2000}-->")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")
_LINK = re.compile(r"!?\[([^\[\]]{0,500})\]\([^()\s]{0,2000}[^()]{0,200}\)")
_ADDRESS = re.compile(r"\bhttps?://[^\s<>)\"']{1,2000}")
_MARKS = re.compile(r"[*`]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document under one heading. `line` counts from 1."""

    heading: str
    line: int
    text: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A runbook. `path` is relative to its folder; `keywords` are those of its front matter."""

    path: str
    title: str
    passages: tuple[Passage, ...]
    keywords: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, with its level from 1 and its line."""

    text: str
    level: int
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (None before the first one) and the lines below it; `line` is that of the first."""

    heading: Heading | None
    line: int
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The mapping before the text; `problem` says why it could not be read."""

    values: Mapping[str, Any] = field(default_factory=dict)
    lines: int = 0  # that it takes, with its two marks
    problem: str = ""
    problem_line: int = 0


def read_front_matter(lines: Sequence[str]) -> FrontMatter:
    """Read YAML between two `---`, or TOML between two `+++`, at the start of a file."""
    mark = lines[0].rstrip() if lines else ""
    if mark not in ("---", "+++"):
        return FrontMatter()
    ends = (number for number, line in enumerate(lines[1:500], start=1) if line.rstrip() == mark)
    end = next(ends, 0)
    if not end:
        # A horizontal line may begin a document; only a `key:` makes it front matter.
        looks = len(lines) > 1 and re.match(r"\w{1,40}\s{0,8}[:=]", lines[1])
        return FrontMatter(problem=f"no closing {mark}" if looks else "", problem_line=1)
    text = "\n".join(lines[1:end])
    if len(text) > FRONT_MATTER_CHARS:
        return FrontMatter({}, end + 1, f"over {FRONT_MATTER_CHARS:,} characters", 1)
    try:
        values = read_yaml(text).value if mark == "---" else tomllib.loads(text)
    except YamlProblem as error:
        return FrontMatter({}, end + 1, error.reason, error.line + 1)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return FrontMatter({}, end + 1, f"not TOML: {error}"[:200], 1)
    if values is not None and not isinstance(values, Mapping):
        return FrontMatter({}, end + 1, "no mapping of names to values", 1)
    return FrontMatter(values or {}, end + 1)


def sections(lines: Sequence[str], start: int = 0) -> Iterator[Section]:
    """Yield the sections of a document, from line `start` (counted from 0) on."""
    heading: Heading | None = None
    body: list[str] = []
    first, fence = start, ""
    for number in range(start, len(lines)):
        line = lines[number]
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        heading_here = None if fence else _heading_at(lines, number, body)
        if heading_here is None:
            body.append(line)
            continue
        if heading_here.line <= number:
            body.pop()  # the text of an underlined heading
        if heading or any(item.strip() for item in body):
            yield Section(heading, first + 1, tuple(body))
        heading, body, first = heading_here, [], number + 1
    if heading or any(item.strip() for item in body):
        yield Section(heading, first + 1, tuple(body))


def _heading_at(lines: Sequence[str], number: int, body: Sequence[str]) -> Heading | None:
    line = lines[number]
    if match := _HEADING.match(line):
        text = plain(_CLOSING_HASHES.sub("", (match[2] or "").rstrip()))
        return Heading(text[:HEADING_CHARS], len(match[1]), number + 1)
    above = body[-1] if body else ""
    # A list, a quote or a table above dashes is no heading: there the dashes are a line.
    if above.strip() and above.lstrip()[0] not in "-*+>|#" and (mark := _UNDERLINE.match(line)):
        if len(body) > 1 and body[-2].strip():
            return None  # the last line of a paragraph
        return Heading(plain(above)[:HEADING_CHARS], 1 if mark[1][0] == "=" else 2, number)
    return None


def plain(text: str) -> str:
    """Return the visible text: tags, addresses and marks left out, the text of links kept."""
    text = _LINK.sub(r"\1", _COMMENT.sub(" ", text))
    return _MARKS.sub("", _TAG.sub(" ", _ADDRESS.sub(" ", text))).strip()


def parse_document(path: str, text: str) -> Document:
    """Cut a file into a document; its title is its first heading, else the front matter's."""
    lines = text.split("\n")
    matter = read_front_matter(lines)
    passages: list[Passage] = []
    titles: dict[int, str] = {}
    title = ""
    for section in sections(lines, matter.lines):
        if section.heading:
            level = section.heading.level
            titles = {known: name for known, name in titles.items() if known < level}
        parents = tuple(titles.values())
        if section.heading:
            titles[section.heading.level] = section.heading.text
            title = title or section.heading.text
        passages += _passages(section, parents)
        if len(passages) >= MOST_PASSAGES:
            break
    own_title = matter.values.get("title")
    values = (_text_values(matter.values.get(key)) for key in _NAMING_KEYS)
    keywords = " ".join(filter(None, values))
    return Document(
        path,
        (own_title if isinstance(own_title, str) else "")[:HEADING_CHARS] or title or path,
        tuple(passages[:MOST_PASSAGES]),
        keywords[:KEYWORD_CHARS],
    )


def _text_values(value: Any) -> str:
    if isinstance(value, str):
        return value[:KEYWORD_CHARS]
    if isinstance(value, Sequence):
        return " ".join(item[:200] for item in value[:50] if isinstance(item, str))
    return ""


def _passages(section: Section, parents: tuple[str, ...]) -> Iterator[Passage]:
    """Yield the section, cut between lines where it is too long for one passage."""
    heading = section.heading.text if section.heading else ""
    part: list[str] = []
    line = section.heading.line if section.heading else section.line
    size = 0
    for number, text in enumerate(section.lines, start=section.line):
        if size + len(text) > PASSAGE_CHARS and any(item.strip() for item in part):
            yield Passage(heading, line, "\n".join(part).strip(), parents)
            part, size, line = [], 0, number
        part.append(text[:PASSAGE_CHARS])
        size += min(len(text), PASSAGE_CHARS) + 1
    if heading or any(item.strip() for item in part):
        yield Passage(heading, line, "\n".join(part).strip(), parents)
