"""Writes docs/performance.md from results.json and growth.json. No figure in it is typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from benchmarks import sixty_incidents
from benchmarks.results import read, shown
from benchmarks.stage import HERE, ROOT
from benchmarks.storm_plot import plot

PAGE = ROOT / "docs" / "performance.md"
STORM = ROOT / "docs" / "images" / "storm.svg"
TEXT = HERE / "performance.md.template"
WIDTH = 40


def write(results: Path, growth: Path) -> None:
    """Write the page, and the picture of the storm where there was one."""
    lines = read(results)
    if picture := storm_plot(lines):
        STORM.write_text(picture, encoding="utf-8")
    rows = json.loads(growth.read_text(encoding="utf-8")) if growth.is_file() else []
    PAGE.write_text(page(TEXT.read_text(encoding="utf-8"), lines, rows), encoding="utf-8")


def page(text: str, lines: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    """The page with its figures; `text` is a string.Template."""
    return Template(text).substitute(
        machine=machines(lines),
        table=results_table(lines),
        bars=bars(lines),
        growth=growth_table(rows),
        growth_plot=growth_plot(rows),
    )


def machines(lines: Sequence[Mapping[str, Any]]) -> str:
    """The facts of every machine state that a figure comes from, one bullet each."""
    said: dict[str, list[str]] = {}
    for line in lines:
        it = line.get("machine")
        if it:
            load = " ".join(f"{one:g}" for one in it["load"])
            words = (
                f"{it['processor']}, {it['cores']} cores, {it['memory_gb']:g} GB, {it['system']}, "
                f"Python {it['python']}; load {load}; a million additions took "
                f"{it['loop_ms']:g} ms; {it['at']}"
            )
            said.setdefault(words, []).append(str(line["id"]))
    return "\n".join(f"- {words}: {_families(ids)}" for words, ids in said.items())


def _families(ids: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(f"`{'.'.join(one.split('.')[:2])}`" for one in ids))


def results_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Every line of results.json as Markdown."""
    head = "| id | value | floor | ratio | bar | holds |\n|---|---:|---:|---:|---|---|\n"
    return head + "\n".join(
        f"| `{one['id']}` | {shown(one['value'])} {one['unit']} | {shown(one['floor'])} "
        f"| {shown(one['ratio'])} | {one['bar'] or '–'} | {_HOLDS[one['holds']]} |"
        for one in lines
    )


_HOLDS = {True: "yes", False: "**no**", None: "–"}


def bars(lines: Sequence[Mapping[str, Any]]) -> str:
    """value / floor of each line that has one, as bars on one scale."""
    rated = [one for one in lines if one["ratio"]]
    if not rated:
        return "(nothing measured yet)"
    longest = max(one["ratio"] for one in rated)
    wide = max(len(one["id"]) for one in rated)
    return "\n".join(
        f"{one['id']:<{wide}} {_bar(one['ratio'], longest)} {one['ratio']:.2f}×" for one in rated
    )


def _bar(value: float, longest: float) -> str:
    return ("█" * max(1, round(value / longest * WIDTH))).ljust(WIDTH)


def storm_plot(lines: Sequence[Mapping[str, Any]]) -> str:
    """Sixty incidents as a picture; '' when they were not measured."""
    for line in lines:
        if line["id"] == "storm.sixty_incidents":
            told = line["detail"]
            return plot(
                told["sopbot_at_s"],
                [
                    ("Alertmanager", told["alertmanager_10s_at_s"]),
                    ("… by its defaults", told["alertmanager_5m_at_s"]),
                ],
                incidents=sixty_incidents.INCIDENTS,
                within=sixty_incidents.WITHIN,
                watched=sixty_incidents.WATCHED,
            )
    return ""


def growth_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Storms of growing size, a row each."""
    head = "| alerts | door | alerts/s | CPU, µs each | peak RSS, MB |\n|---:|---|---:|---:|---:|\n"
    return head + "\n".join(
        f"| {row['alerts']:,} | {row['door']} | {row['per_second']:,} | {row['cpu_us']:,} "
        f"| {row['rss_mb']:.1f} |"
        for row in rows
    )


def growth_plot(rows: Sequence[Mapping[str, Any]]) -> str:
    """Processor time of an alert by the size of the storm: flat is what we want."""
    if not rows:
        return "(nothing measured yet)"
    longest = max(row["cpu_us"] for row in rows)
    return "\n".join(
        f"{row['door']:<5} {row['alerts']:>6,} {_bar(row['cpu_us'], longest)} {row['cpu_us']:,} µs"
        for row in sorted(rows, key=lambda row: (row["door"], row["alerts"]))
    )
