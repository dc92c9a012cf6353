"""Reads payloads as the bot would, and folds them into incidents of a store in memory.

No settings and no network: the parsers and the rules of correlation are the real ones.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.errors import InputError, SopbotError
from bot.incidents.model import Alert, Severity
from bot.incidents.sops import SopLibrary
from bot.intake import Reading, parse_body, parse_message, source_name
from bot.intake.cleaning import one_line
from bot.intake.fields import a_list, an_object, optional_text, wrong
from bot.intake.mappings import NO_MAPPINGS, SourceMappings, parse_mapping
from bot.intake.times import read_time
from bot.regular_files import read_regular
from bot.response.receive import Delivery, identify_activities, name_all
from store import Store, open_store

_SHOWN_FIELDS = (
    "status", "severity", "name", "title", "service", "env", "region", "category", "value",
    "threshold", "starts_at", "ends_at", "fingerprint",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payloads:
    """The payloads of one sender, in the order in which they come."""

    intake: str
    source: str
    inputs: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The incidents that the payloads open, and what is left at the end.

    An incident that became a part of another one counts as that one. `severities` are those of the
    incidents, in the order in which they opened.
    """

    incidents: int
    open_at_end: int
    firing_at_end: int
    severities: tuple[Severity, ...] = ()


def run(options: argparse.Namespace) -> int:
    """Print how the file's payloads are read, or the cases; returns the exit code."""
    if options.verb == "cases":
        from bot.sources_command.cases import run as run_cases  # it reads settings and a store

        return run_cases(options)
    try:
        payloads = parse_payloads(_read(options.file))
    except SopbotError as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 1
    try:
        mappings = _mappings(options.mapping)
    except SopbotError as error:
        print(error.message, file=sys.stderr)
        return 1
    readings = [read(payloads, payload, mappings) for payload in payloads.inputs]
    outcome = asyncio.run(outcome_of(payloads, readings))
    print("\n".join(_json_lines(readings, outcome) if options.json else _lines(readings, outcome)))
    return 0


def _mappings(file: Path | None) -> SourceMappings:
    if file is None:
        return NO_MAPPINGS
    return SourceMappings((parse_mapping(_text(file), file.name),))


def _text(file: Path) -> str:
    try:
        return read_regular(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}", field="file") from error


def _read(file: Path) -> object:
    try:
        return json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", field="file") from error


def parse_payloads(content: object) -> Payloads:
    """Return the payloads in a file's JSON, or raise InputError with the field's name."""
    whole = an_object(content, "file")
    intake = optional_text(whole.get("door"), "door")
    if intake not in ("slack", "http"):
        raise wrong("door", '"slack" or "http"')
    inputs = a_list(whole.get("inputs"), "inputs")
    return Payloads(intake, optional_text(whole.get("source"), "source") or "generic", inputs)


def read(payloads: Payloads, payload: Any, mappings: SourceMappings = NO_MAPPINGS) -> Reading:
    """Read one payload as the bot does where it arrives."""
    if payloads.intake == "http":
        return parse_body(payloads.source, payload, mappings)
    return parse_message(payload if isinstance(payload, Mapping) else {"text": str(payload)})


async def outcome_of(payloads: Payloads, readings: Sequence[Reading]) -> Outcome:
    """Fold the alerts into incidents, with the real rules, on a store in memory."""
    store = await open_store("sqlite://", owner="sources-try")
    try:
        opened: set[int] = set()
        now = datetime(2026, 1, 1, tzinfo=UTC)
        for index, (payload, reading) in enumerate(zip(payloads.inputs, readings, strict=True)):
            now = max(_sent_at(payload) or now, now + timedelta(seconds=1))
            opened.update(await _receive(store, payloads, index, reading, now))
        return await _outcome(store, opened)
    finally:
        await store.close()


async def _receive(
    store: Store, payloads: Payloads, index: int, reading: Reading, now: datetime
) -> Sequence[int]:
    by_http = payloads.intake == "http"
    delivery = Delivery(
        key=f"{payloads.intake}/{index}/",
        channel="C0TRY",
        alerts=reading.alerts,
        repeats=by_http,
        sent_at=None if by_http else now,
        posted=not by_http,
        sender=f"http:{source_name(payloads.source)}" if by_http else "slack:try",
        activities=reading.activities,
    )
    named = list(name_all(delivery, SopLibrary(), now))
    receipt = await store.accept(
        delivery.key,
        named,
        channel=delivery.channel,
        now=now,
        posted=delivery.posted,
        activities=identify_activities(delivery),
    )
    return receipt.opened


async def _outcome(store: Store, opened: set[int]) -> Outcome:
    incidents = [await store.incident(number) for number in sorted(opened)]
    still_open = [incident for incident in incidents if incident.resolved_at is None]
    roots = [incident for incident in incidents if incident.parent_id is None]
    return Outcome(
        len(roots),
        sum(incident.resolved_at is None for incident in roots),
        sum(incident.firing for incident in still_open),
        tuple(incident.severity for incident in roots),
    )


def _sent_at(payload: Any) -> datetime | None:
    ts = payload.get("event_ts") or payload.get("ts") if isinstance(payload, Mapping) else None
    return read_time(ts)


def fields_of(alert: Alert) -> dict[str, Any]:
    """Return the alert's fields as JSON values, as `sources try --json` prints them."""
    return {
        "status": str(alert.status),
        "severity": str(alert.severity),
        "severity_raw": alert.severity_raw,
        "name": alert.name,
        "title": alert.title,
        "service": alert.service,
        "env": alert.env,
        "region": alert.region,
        "category": alert.category,
        "labels": dict(alert.labels),
        "value": alert.value,
        "threshold": alert.threshold,
        "starts_at": alert.starts_at.isoformat() if alert.starts_at else None,
        "ends_at": alert.ends_at.isoformat() if alert.ends_at else None,
        "fingerprint": alert.fingerprint,
        "read_from": dict(alert.read_from),
    }


def _json_lines(readings: Sequence[Reading], outcome: Outcome) -> list[str]:
    lines = [
        {
            "alerts": [fields_of(alert) for alert in reading.alerts],
            "activities": [
                {"kind": str(item.kind), "actor": item.actor, "text": item.text}
                for item in reading.activities
            ],
            "error": "; ".join(reading.reasons) or None,
        }
        for reading in readings
    ]
    totals = {
        "incidents": outcome.incidents,
        "open_at_end": outcome.open_at_end,
        "firing_at_end": outcome.firing_at_end,
    }
    return [json.dumps(line, ensure_ascii=False) for line in [*lines, {"story": totals}]]


def _lines(readings: Sequence[Reading], outcome: Outcome) -> list[str]:
    """Return a table for people: a line for each field that has a value."""
    lines: list[str] = []
    for number, reading in enumerate(readings, start=1):
        lines.append(f"input {number}: {_count(len(reading.alerts), 'alert')}")
        lines += [
            f"  activity   {activity.kind}: {one_line(activity.text, 100)}"
            for activity in reading.activities
        ]
        for alert in reading.alerts:
            shown = fields_of(alert)
            for field in _SHOWN_FIELDS:
                if shown[field]:
                    where = alert.read_from.get(field, "")
                    value = one_line(str(shown[field]), 70)
                    lines.append(f"  {field:<12}{value}{f'   ({where})' if where else ''}")
            for name, value in alert.labels.items():
                lines.append(f"  label      {name} = {one_line(value, 70)}")
            lines.append("")
        lines += [f"  not understood: {reason}" for reason in reading.reasons]
    incidents = _count(outcome.incidents, "incident")
    firing = _count(outcome.firing_at_end, "alert")
    lines.append(f"{incidents}; {outcome.open_at_end} open at the end, {firing} firing")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
