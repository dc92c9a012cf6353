"""Results of a benchmark: a figure, its floor, the bar, and the verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit on the value, or on value/floor with `times_floor`. `at_least` inverts it."""

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
        """Return True if the figure meets the bar. Without a floor a bar on the ratio fails."""
        measured = ratio_of(value, floor) if self.times_floor else value
        if measured is None or math.isnan(measured):
            return False
        return measured >= self.limit if self.at_least else measured <= self.limit


def ratio_of(value: float, floor: float | None) -> float | None:
    """Return value / floor, None without a usable floor."""
    return value / floor if floor else None


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `floor` is measured in the same run; None without one.

    `covers` are the lines that this one represents: it holds if its own bar and all of theirs hold.
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
        """Return value / floor."""
        return ratio_of(self.value, self.floor)

    @property
    def holds(self) -> bool | None:
        """Return True if the bar is met; None without a bar."""
        judged = [result.holds for result in self.covers]
        if self.bar is not None:
            judged.append(self.bar.holds(self.value, self.floor))
        judged = [verdict for verdict in judged if verdict is not None]
        return all(judged) if judged else None

    def as_json(self) -> dict[str, Any]:
        """Return the line as in results.json."""
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
    """Return the nearest-rank percentile: the smallest value that `share` (0 to 1) of all do not
    exceed.

    ValueError without values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def best_of_rounds(rounds: Sequence[Sequence[float]], share: float) -> float:
    """Return the percentile of the round in which it was lowest.

    Other work on a shared machine only ever adds time, so the quietest round says most about the
    program. Floors use the same rule.
    """
    return min(percentile(times, share) for times in rounds)


def summary(rounds: Sequence[Sequence[float]]) -> dict[str, float]:
    """Summarise all rounds together: n, p50, p95, p99, max."""
    every = [value for times in rounds for value in times]
    return {
        "n": len(every),
        "p50": percentile(every, 0.50),
        "p95": percentile(every, 0.95),
        "p99": percentile(every, 0.99),
        "max": max(every),
    }


def table(results: Sequence[Result]) -> str:
    """Format the lines as columns, for a terminal."""
    head = ("id", "value", "unit", "floor", "ratio", "bar", "holds")
    rows = [head, *(_cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _cells(result: Result) -> tuple[str, ...]:
    holds = {True: "yes", False: "NO", None: "–"}[result.holds]
    return (
        result.id,
        shown(result.value),
        result.unit,
        shown(result.floor),
        shown(result.ratio),
        str(result.bar or "–"),
        holds,
    )


def shown(number: float | None) -> str:
    """Format a number with its meaningful digits."""
    if number is None:
        return "–"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.2f}"


def write(results: Sequence[Result], file: Path, machine: Mapping[str, Any]) -> None:
    """Write results.json; lines of benches that were not run now are kept.

    Each line carries the facts of the machine that measured it.
    """
    fresh = [{**result.as_json(), "machine": dict(machine)} for result in results]
    named = {line["id"] for line in fresh}
    kept = [line for line in read(file) if line["id"] not in named]
    text = json.dumps([*kept, *fresh], indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def read(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a results.json; none if the file is missing or invalid."""
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
