"""Groups the error lines of a log by their form, with the number of each."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bot.enrichment.kubernetes.fitting import Line
from bot.enrichment.kubernetes.text import clean, lines_of, one_space, template_of

MOST_LINES = 100_000
SHOWN_CHARS = 420
MOST_FORMS = 2_000
SHOWN_FORMS = 40
_DEEPEST = 5  # objects within objects
_MOST_RANKED = 200
_NAME_POINTS = 6.0
_CAUSE_POINTS = 12.0  # as much as four thousand equal lines
_TIME = re.compile(
    r"[\[(]?(?:\d{4}[-/]\d\d[-/]\d\d[T ])?(\d\d:\d\d:\d\d)[.,]?\d{0,9}(?:Z|[+-]\d\d:?\d\d)?[\])]?"
    r"[\s:|-]{0,4}"
)
_FRAME = re.compile(r"\s+(?:at |File \"|\.\.\. \d|in )|goroutine \d|\s+/\S+\.go:\d|\t")
_NOTHING = re.compile(r"(?i)\W*no (?:recent |error |matching )*(?:logs?|lines|errors?|entries)\b")
_CAUSE = re.compile(
    r"(?i)refused|denied|forbidden|unauthori[sz]ed|no such host|timed? ?out|deadline|unreachable"
    r"|out of memory|oom|exhausted|too many|not found|no route|reset by peer|unavailable|x509"
    r"|certificate|read-only|no space|cannot|could ?n[o']t|unable|failed to|invalid|panic|fatal"
    r"|killed|caused by|bad gateway|broken pipe|unknown host|in use|permission"
)
_TEXT_FIELDS = (
    "severity",
    "level",
    "logger",
    "name",
    "message",
    "msg",
    "error",
    "err",
    "exception",
)


@dataclass(slots=True)
class ErrorForm:
    """Error lines that differ only in numbers and ids.

    `line` is the newest of them without its time, `first` and `last` their times of day, '' if
    they have none. `names_workload`: it names another workload of the namespace.
    """

    line: str
    first: str
    last: str
    count: int = 1
    names_workload: bool = False

    @property
    def points(self) -> float:
        """Return how telling it is: a word of a cause, another workload, how often it comes."""
        cause = _CAUSE_POINTS if _CAUSE.search(self.line) else 0.0
        return math.log2(self.count + 1) + cause + (_NAME_POINTS if self.names_workload else 0.0)


def error_forms(text: str) -> list[ErrorForm]:
    """Return the forms of the lines, the most telling first. Frames of a stack are left out."""
    forms: dict[str, ErrorForm] = {}
    for dated in _error_lines(text):
        time = _TIME.search(dated)
        at = time[1] if time else ""
        line = _TIME.sub("", dated, count=2).strip() or dated
        template = template_of(line)
        known = forms.get(template)
        if known is not None:
            known.line, known.last, known.count = line, at, known.count + 1
        elif len(forms) < MOST_FORMS:
            forms[template] = ErrorForm(line, at, at)
    return sorted(forms.values(), key=lambda form: -form.points)


def _error_lines(text: str) -> Iterator[str]:
    for number, raw in enumerate(_texts(text)):
        if number == MOST_LINES:
            return
        if _FRAME.match(raw):
            continue
        line = next(lines_of(raw), "")
        if line and not _NOTHING.match(line):
            yield clean(_from_json(line))  # JSON may hold line ends as escapes


def _texts(text: str) -> Iterable[str]:
    """Return the lines of a text, or the items of the lists in it if the whole is JSON."""
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return list(_items(json.loads(text)))
        except (ValueError, RecursionError):
            pass
    return text.split("\n")


def _items(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts of a list, and those of the lists in an object."""
    if (
        isinstance(value, dict)
        and depth < _DEEPEST
        and any(isinstance(item, list | dict) for item in value.values())
    ):
        for item in value.values():
            yield from _items(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield from item.split("\n")
            else:
                yield json.dumps(item, ensure_ascii=False)
    elif value not in (None, "", {}):
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _from_json(line: str) -> str:
    """Return the telling fields of a line that is a JSON object, else the line."""
    if not line.startswith("{"):
        return line
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return line
    parts = [str(body[name]) for name in _TEXT_FIELDS if isinstance(body.get(name), str | int)]
    return " ".join(parts) if len(parts) > 1 else line


def error_lines(forms: list[ErrorForm]) -> list[Line]:
    """Return a line for each form, with its count and the times of its first and last line."""
    lines = []
    for index, form in enumerate(forms[:SHOWN_FORMS]):
        text = one_space(form.line)
        shown = text[:SHOWN_CHARS] + ("…" if len(text) > SHOWN_CHARS else "")
        times = f" {form.first}–{form.last}" if form.first != form.last else f" {form.first}"
        lines.append(Line(f"×{form.count}{times.rstrip()} {shown}", index))
    if (more := len(forms) - SHOWN_FORMS) > 0:
        lines.append(Line(f"{more} more kinds of lines", SHOWN_FORMS))
    return lines


def rank_by_names(forms: list[ErrorForm], names: Collection[str]) -> set[str]:
    """Move the lines that name one of these workloads up, and return the workloads."""
    known = {name.lower(): name for name in names}
    named: set[str] = set()
    for form in forms[:_MOST_RANKED]:
        tokens = re.split(r"[^A-Za-z0-9-]+", form.line.lower())
        others = {known[token] for token in tokens if token in known}
        form.names_workload = bool(others)
        named |= others
    forms.sort(key=lambda form: -form.points)
    return named
