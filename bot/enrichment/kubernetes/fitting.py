"""Fits the parts of the evidence into a limit of characters. Pure.

Each part has a share of the usual limit that it may always use. A part that needs less leaves the
rest to the others, in their order. Within a part the lines with the largest weight are
left out first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

USUAL_LIMIT = 12_000  # characters of all parts
LEFT_OUT = "… {count} more lines"
_LEFT_OUT_CHARS = 24
_SHORTEST = 40  # characters: a smaller rest of a line is not worth reading
INDENT = 2  # characters before each line when the part is printed


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a part. The smallest `weight` matters most."""

    text: str
    weight: int = 1


@dataclass(slots=True)
class Part:
    """The lines about one answer. `name` is `QUERY/ARGUMENT`.

    `share` is the number of characters that it may use of `USUAL_LIMIT`.
    """

    name: str
    share: int
    lines: list[Line] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return the characters of the whole part."""
        return sum(_cost(line.text) for line in self.lines)


def fit(parts: Sequence[Part], limit: int, *, heading: int) -> list[tuple[str, str]]:
    """Return (name, text) of the parts that fit, in their order.

    `heading` is the number of characters that each part costs besides its name and its lines.
    """
    left = limit
    sizes: list[int] = []
    for part in parts:
        cost = len(part.name) + heading
        size = min(part.size, part.share * limit // USUAL_LIMIT, left - cost)
        size = size if size >= min(_SHORTEST, part.size) and part.lines else 0
        sizes.append(size)
        left -= size + cost if size else 0
    for index, part in enumerate(parts):
        if sizes[index]:
            more = max(0, min(part.size - sizes[index], left))
            sizes[index] += more
            left -= more
    fitted = ((part.name, _cut(part, size)) for part, size in zip(parts, sizes, strict=True))
    return [(name, text) for name, text in fitted if text]


def _cut(part: Part, size: int) -> str:
    if size <= 0:
        return ""
    if part.size <= size:
        return "\n".join(line.text for line in part.lines)
    left = size - _LEFT_OUT_CHARS - INDENT
    kept: dict[int, str] = {}
    order = sorted(range(len(part.lines)), key=lambda index: (part.lines[index].weight, index))
    for index in order:
        text = part.lines[index].text
        if _cost(text) > left:
            text = text[: max(0, left - INDENT - 2)] + "…" if left > _SHORTEST else ""
        if not text:
            break
        kept[index] = text
        left -= _cost(text)
    lines = [kept[index] for index in sorted(kept)]
    if count := len(part.lines) - len(kept):
        lines.append(LEFT_OUT.format(count=count))
    return "\n".join(lines)


def _cost(text: str) -> int:
    return len(text) + 1 + INDENT
