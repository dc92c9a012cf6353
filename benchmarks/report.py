"""Writes docs/performance.md from results.json and growth.json.

No figure in it is typed by hand.
"""

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
    """Write the page, and the picture of the storm if one was measured."""
    lines = read(results)
    if picture := storm_plot(lines):
        STORM.write_text(picture, encoding="utf-8")
    rows = json.loads(growth.read_text(encoding="utf-8")) if growth.is_file() else []
    PAGE.write_text(page(TEXT.read_text(encoding="utf-8"), lines, rows), encoding="utf-8")


def page(text: str, lines: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Fill the figures into the page; `text` is a string.Template."""
    return Template(text).substitute(
        machine=machines(lines),
        table=results_table(lines),
        faults=faults_run(lines),
        bars=bars(lines),
        growth=growth_table(rows),
        growth_plot=growth_plot(rows),
    )


def machines(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return one bullet per machine state of the figures."""
    ids_by_machine: dict[str, list[str]] = {}
    for line in lines:
        it = line.get("machine")
        if it:
            load = " ".join(f"{average:g}" for average in it["load"])
            description = (
                f"{it['processor']}, {it['cores']} cores, {it['memory_gb']:g} GB, {it['system']}, "
                f"Python {it['python']}; load {load}; a million additions took "
                f"{it['loop_ms']:g} ms; {it['at']}"
            )
            ids_by_machine.setdefault(description, []).append(str(line["id"]))
    return "\n".join(
        f"- {description}: {_families(ids)}" for description, ids in ids_by_machine.items()
    )


def _families(ids: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(f"`{'.'.join(bench_id.split('.')[:2])}`" for bench_id in ids))


def results_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return every line of results.json as Markdown."""
    head = "| id | value | floor | ratio | bar | holds |\n|---|---:|---:|---:|---|---|\n"
    return head + "\n".join(
        f"| `{line['id']}` | {shown(line['value'])} {line['unit']} | {shown(line['floor'])} "
        f"| {shown(line['ratio'])} | {line['bar'] or '–'} | {_HOLDS[line['holds']]} |"
        for line in lines
    )


def faults_run(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return how many faults were run for `gateway.faults`, and which systems were missing."""
    details = [line.get("detail", {}) for line in lines if line["id"] == "gateway.faults"]
    sentences = [f"{detail['how_many']}." for detail in details if "how_many" in detail]
    return " ".join(sentences) or "the last run did not say."


_HOLDS = {True: "yes", False: "**no**", None: "–"}


def bars(lines: Sequence[Mapping[str, Any]]) -> str:
    """Draw value / floor of each line that has one, as bars on one scale."""
    rated = [line for line in lines if line["ratio"]]
    if not rated:
        return "(nothing measured yet)"
    longest = max(line["ratio"] for line in rated)
    wide = max(len(line["id"]) for line in rated)
    return "\n".join(
        f"{line['id']:<{wide}} {_bar(line['ratio'], longest)} {line['ratio']:.2f}×"
        for line in rated
    )


def _bar(value: float, longest: float) -> str:
    return ("█" * max(1, round(value / longest * WIDTH))).ljust(WIDTH)


def storm_plot(lines: Sequence[Mapping[str, Any]]) -> str:
    """Draw sixty incidents; '' if they were not measured."""
    for line in lines:
        if line["id"] == "storm.sixty_incidents":
            detail = line["detail"]
            return plot(
                detail["sopbot_at_s"],
                [
                    ("Alertmanager", detail["alertmanager_10s_at_s"]),
                    ("… by its defaults", detail["alertmanager_5m_at_s"]),
                ],
                incidents=sixty_incidents.INCIDENTS,
                within=sixty_incidents.WITHIN,
                watched=sixty_incidents.WATCHED,
            )
    return ""


def growth_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one row per size of storm."""
    head = "| alerts | door | alerts/s | CPU, µs each | peak RSS, MB |\n|---:|---|---:|---:|---:|\n"
    return head + "\n".join(
        f"| {row['alerts']:,} | {row['door']} | {row['per_second']:,} | {row['cpu_us']:,} "
        f"| {row['rss_mb']:.1f} |"
        for row in rows
    )


def growth_plot(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw the processor time of an alert by the size of the storm: a flat line is the goal."""
    if not rows:
        return "(nothing measured yet)"
    longest = max(row["cpu_us"] for row in rows)
    return "\n".join(
        f"{row['door']:<5} {row['alerts']:>6,} {_bar(row['cpu_us'], longest)} {row['cpu_us']:,} µs"
        for row in sorted(rows, key=lambda row: (row["door"], row["alerts"]))
    )
