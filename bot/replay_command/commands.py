"""Plays a stream of alerts, and prints the incidents that it becomes. No settings, no network."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.errors import InputError, SopbotError
from bot.from_settings import read_services
from bot.incidents.correlation import Reason
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.intake.cleaning import one_line
from bot.policy import Policy, read_policy
from bot.replay.player import IncidentAtEnd, Player, player
from bot.replay.stream import BadLine, StreamLine, read_stream
from bot.replay_command import stored
from store.receipts import AlertOutcome

BAD_LINES_NAMED = 20


@dataclass(slots=True)
class Replayed:
    """The outcome of each line, or why it is bad, and every incident as it is at the end."""

    lines: list[tuple[int, Sequence[AlertOutcome] | BadLine]] = field(default_factory=list)
    incidents: list[IncidentAtEnd] = field(default_factory=list)

    @property
    def bad(self) -> list[BadLine]:
        """The lines that were left out."""
        return [line for _, line in self.lines if isinstance(line, BadLine)]


def run(options: argparse.Namespace) -> int:
    """Print what the alerts become: 0, or 1 if a line or a file cannot be read."""
    if options.since:
        return stored.run(options)
    try:
        policy = read_policy(options.policy) if options.policy else Policy()
        services = read_services(options.services) if options.services else NO_SERVICES
        replayed = asyncio.run(replay(options.file, policy, services, options.sops))
    except SopbotError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.file}: cannot be read: {error.strerror}", file=sys.stderr)
        return 1
    for line in replayed.bad[:BAD_LINES_NAMED]:
        print(f"{options.file}:{line.number}: {one_line(line.reason, 200)}", file=sys.stderr)
    if (more := len(replayed.bad) - BAD_LINES_NAMED) > 0:
        print(f"{options.file}: {more:,} more lines are left out", file=sys.stderr)
    for text in json_lines(replayed) if options.json else _table(replayed):
        print(text)
    return 1 if replayed.bad else 0


async def replay(
    file: Path,
    policy: Policy,
    services: Catalogue = NO_SERVICES,
    sop_dir: Path | None = None,
) -> Replayed:
    """Play every line of the file that can be read. OSError if the file cannot."""
    replayed = Replayed()
    lines = read_stream(file)
    bad, first = _until_good(lines)
    replayed.lines += [(line.number, line) for line in bad]
    if first is None:
        return replayed
    async with player(policy, first.at, services, sop_dir) as playing:
        for line in itertools.chain([first], lines):
            replayed.lines.append((line.number, await _outcomes(playing, line)))
        replayed.incidents = await playing.end()
    return replayed


def _until_good(lines: Iterator[StreamLine | BadLine]) -> tuple[list[BadLine], StreamLine | None]:
    """Return the bad lines at the beginning, and the first good one: its time starts the clock."""
    bad: list[BadLine] = []
    for line in lines:
        if isinstance(line, StreamLine):
            return bad, line
        bad.append(line)
    return bad, None


async def _outcomes(
    playing: Player, line: StreamLine | BadLine
) -> Sequence[AlertOutcome] | BadLine:
    if isinstance(line, BadLine):
        return line
    try:
        return await playing.play(line)
    except InputError as error:
        return BadLine(line.number, str(error))


def json_lines(replayed: Replayed) -> Iterator[str]:
    """Yield an object for each line, in order, then the incidents. `index` counts lines from 0."""
    parents = {item.incident.id: item.parent_id for item in replayed.incidents}
    for number, line in replayed.lines:
        if isinstance(line, BadLine):
            shown: dict[str, Any] = {"alerts": [], "error": line.reason}
        else:
            shown = {"alerts": [_alert(outcome, parents) for outcome in line]}
        yield _json({"index": number - 1, **shown})
    yield _json({"incidents": [_incident(item) for item in replayed.incidents]})


def _alert(outcome: AlertOutcome, parents: Mapping[int, int | None]) -> dict[str, Any]:
    number = outcome.incident_id
    return {
        "incident": number,
        "parent": None if number is None else parents.get(number),
        "rule": outcome.reason,
        "opened": outcome.opened,
        "suppressed": outcome.reason == Reason.SUPPRESSED,
    }


def _incident(item: IncidentAtEnd) -> dict[str, Any]:
    incident = item.incident
    closed_at = incident.resolved_at
    return {
        "id": incident.id,
        "parent": item.parent_id,
        "sop_id": incident.sop_id,
        "opened_at": _time(incident.opened_at),
        "closed_at": _time(closed_at) if closed_at else None,
        "alerts": item.alerts,
        "posts": item.posts,
        "pages": item.pages,
        "approvals_asked": item.requests,
    }


def _time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _table(replayed: Replayed) -> Iterator[str]:
    """Yield a line for each alert, then one for each incident."""
    yield f"{'line':>6}  {'incident':<10}  rule"
    for number, line in replayed.lines:
        if isinstance(line, BadLine):
            yield f"{number:>6}  {'-':<10}  left out: {one_line(line.reason, 100)}"
            continue
        for outcome in line:
            name = f"INC-{outcome.incident_id}" if outcome.incident_id else "-"
            yield f"{number:>6}  {name:<10}  {'opens: ' if outcome.opened else ''}{outcome.reason}"
    yield ""
    yield f"{'incident':<10}  {'opened':<20}  {'closed':<20}  alerts  posts  pages  asked  title"
    for item in replayed.incidents:
        incident = item.incident
        closed = _to_second(incident.resolved_at) if incident.resolved_at else "open"
        yield (
            f"{incident.number:<10}  {_to_second(incident.opened_at):<20}  {closed:<20}"
            f"  {item.alerts:>6}  {item.posts:>5}  {item.pages:>5}  {item.requests:>5}"
            f"  {one_line(incident.title, 80)}"
        )


def _to_second(time: datetime) -> str:
    return _time(time.replace(microsecond=0))
