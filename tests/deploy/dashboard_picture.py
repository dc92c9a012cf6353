"""Draws the panels of a Grafana dashboard from Prometheus' own answers, as an SVG. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

CELL, ROW, GAP = 50, 30, 8
TITLE, LEGEND = 22, 16
MOST_LINES = 4  # of a panel that have a legend
TEXT, FAINT = "#7d8590", "#7d859055"  # readable on a white and on a near-black page
COLOURS = ("#2f81f7", "#db6d28", "#a371f7", "#3fb950", "#d4a72c", "#f85149")


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel: its legend, and pairs of Unix seconds and a finite value."""

    legend: str
    points: Sequence[tuple[float, float]]


Panels = Sequence[tuple[Mapping[str, Any], Sequence[Series]]]


def read_series(legend: str, result: Sequence[Mapping[str, Any]]) -> list[Series]:
    """Return the series of a range query's `result`; those without any finite value are left out.

    `legend` is the panel's own format, such as `{{part}}`.
    """
    series = []
    for row in result:
        name = legend
        for label, value in row["metric"].items():
            name = name.replace("{{" + label + "}}", value)
        points = [(float(at), float(value)) for at, value in row["values"]]
        points = [(at, value) for at, value in points if math.isfinite(value)]
        if points:
            series.append(Series(name, points))
    return series


def draw(panels: Panels, *, began: float, ended: float) -> str:
    """Return the picture of the panels, each at its own place, with the times in seconds."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel, _ in panels) * ROW
    parts = [part for panel, series in panels for part in _panel(panel, series, began, ended)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * CELL} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="11">\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(
    panel: Mapping[str, Any], series: Sequence[Series], began: float, ended: float
) -> Iterator[str]:
    place = panel["gridPos"]
    left, top = place["x"] * CELL + GAP / 2, place["y"] * ROW + GAP / 2
    width, height = place["w"] * CELL - GAP, place["h"] * ROW - GAP
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "none")
    yield (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="4" fill="none" '
        f'stroke="{FAINT}"/>'
    )
    yield _text(left + 8, top + 15, panel["title"], TEXT, bold=True)
    if not series:
        yield _text(left + width / 2 - 20, top + height / 2 + 8, "no data", TEXT)
    elif panel["type"] == "stat":
        for number, line in enumerate(series):
            text = f"{_number(line.points[-1][1], unit)} {line.legend}"
            yield _text(left + 8, top + 48 + 26 * number, text, COLOURS[number], size=20)
    else:
        yield from _lines(series, unit, (left + 44, top + TITLE, width - 52, height), began, ended)


def _lines(
    series: Sequence[Series],
    unit: str,
    box: tuple[float, float, float, float],
    began: float,
    ended: float,
) -> Iterator[str]:
    left, top, width, height = box
    legends = [line.legend for line in series[:MOST_LINES]]
    below = LEGEND * math.ceil(len(legends) / 2)
    plot_height = height - TITLE - below - 8
    highest = max(value for line in series for _, value in line.points) or 1.0
    for share in (0.0, 0.5, 1.0):
        y = top + plot_height * (1 - share)
        yield f'<path d="M{left:g} {y:g}h{width:g}" stroke="{FAINT}"/>'
        yield _text(left - 40, y + 4, _number(highest * share, unit), TEXT, size=9)
    for line, colour in zip(series, itertools.cycle(COLOURS), strict=False):
        places = [
            f"{left + width * (at - began) / (ended - began):.1f} "
            f"{top + plot_height * (1 - value / highest):.1f}"
            for at, value in line.points
        ]
        yield f'<path d="M{"L".join(places)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    for number, legend in enumerate(legends):
        x, y = left + width / 2 * (number % 2), top + plot_height + LEGEND * (1 + number // 2)
        yield _text(x, y, legend, COLOURS[number], size=10)


def _number(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 1_000_000:.0f} MB"
    return f"{value:.3g}" + (" s" if unit == "s" else "")


def _text(x: float, y: float, text: str, colour: str, *, bold: bool = False, size: int = 12) -> str:
    style = f'font-size="{size}"' + (' font-weight="600"' if bold else "")
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" {style}>{escape(text)}</text>'
