"""What a benchmark says: a figure, its floor, the bar, and whether the bar holds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit on the value, or on value/floor with `times_floor`. `at_least` turns it round."""

    limit: float
    unit: str = ""
    times_floor: bool = False
    at_least: bool = False

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        if self.times_floor:
            return f"{sign} {self.limit:g} × floor"
        return f"{sign} {self.limit:g} {self.unit}"

    def holds(self, value: float, floor: float | None) -> bool:
        """Whether the figure meets the bar. Without a floor a bar on the ratio does not hold."""
        measured = ratio_of(value, floor) if self.times_floor else value
        if measured is None or math.isnan(measured):
            return False
        return measured >= self.limit if self.at_least else measured <= self.limit


def ratio_of(value: float, floor: float | None) -> float | None:
    """value / floor, None without a floor to divide by."""
    return value / floor if floor else None


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `floor` is measured in the same run; None where there is none.

    `covers` are lines that this one stands for: it holds when its own bar and all of theirs do.
    """

    id: str
    value: float
    unit: str
    floor: float | None = None
    bar: Bar | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    covers: tuple[Result, ...] = ()

    @property
    def ratio(self) -> float | None:
        """How many times the floor."""
        return ratio_of(self.value, self.floor)

    @property
    def holds(self) -> bool | None:
        """Whether the bar is met; None where there is no bar."""
        judged = [one.holds for one in self.covers]
        if self.bar is not None:
            judged.append(self.bar.holds(self.value, self.floor))
        judged = [one for one in judged if one is not None]
        return all(judged) if judged else None

    def as_json(self) -> dict[str, Any]:
        """As results.json has it."""
        return {
            "id": self.id,
            "value": _rounded(self.value),
            "unit": self.unit,
            "floor": _rounded(self.floor),
            "ratio": _rounded(self.ratio),
            "bar": str(self.bar) if self.bar else None,
            "holds": self.holds,
            **({"detail": _rounded(dict(self.detail))} if self.detail else {}),
        }


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that `share` (0 to 1) of all do not pass.

    ValueError when there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def best_of_rounds(rounds: Sequence[Sequence[float]], share: float) -> float:
    """The percentile of the round in which it was lowest.

    Other work on a shared machine only ever adds time, so the quietest round says most about the
    program. Floors are taken in the same way.
    """
    return min(percentile(one, share) for one in rounds)


def summary(rounds: Sequence[Sequence[float]]) -> dict[str, float]:
    """All rounds in one heap: n, p50, p95, p99, max."""
    every = [value for one in rounds for value in one]
    return {
        "n": len(every),
        "p50": percentile(every, 0.50),
        "p95": percentile(every, 0.95),
        "p99": percentile(every, 0.99),
        "max": max(every),
    }


def table(results: Sequence[Result]) -> str:
    """The lines side by side, for a terminal."""
    head = ("id", "value", "unit", "floor", "ratio", "bar", "holds")
    rows = [head, *(_cells(one) for one in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _cells(one: Result) -> tuple[str, ...]:
    holds = {True: "yes", False: "NO", None: "–"}[one.holds]
    return (
        one.id,
        shown(one.value),
        one.unit,
        shown(one.floor),
        shown(one.ratio),
        str(one.bar or "–"),
        holds,
    )


def shown(number: float | None) -> str:
    """A number with as many digits as mean something."""
    if number is None:
        return "–"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.2f}"


def write(results: Sequence[Result], file: Path, machine: Mapping[str, Any]) -> None:
    """Write results.json; lines of benches that were not run this time are kept.

    Each line carries the facts of the machine it was measured on.
    """
    fresh = [{**one.as_json(), "machine": dict(machine)} for one in results]
    named = {line["id"] for line in fresh}
    kept = [line for line in read(file) if line["id"] not in named]
    text = json.dumps([*kept, *fresh], indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def read(file: Path) -> list[dict[str, Any]]:
    """The lines of a results.json; none when there is no such file, or it is not one."""
    try:
        lines = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [line for line in lines if isinstance(line, dict) and "id" in line]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
