"""Plays labelled streams by the replay and judges the incidents: `python -m tests.corpus.judge`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from bot.incidents.service_file import parse_services
from bot.policy import Policy
from bot.replay.stream import BadLine
from bot.replay_command.commands import Replayed, replay
from tests.corpus.generator import TUNING, stream_of
from tests.corpus.model import Stream
from tests.corpus.score import JudgedAlert, Score, score, table


async def judged(stream: Stream, policy: Policy | None = None) -> Score:
    """Play the stream with the catalogue of its services, and judge what it becomes."""
    with tempfile.TemporaryDirectory() as folder:
        services = parse_services(stream.services, file="services.yaml")
        replayed = await replay(_written(stream, Path(folder)), policy or Policy(), services)
    return score_of(stream, replayed)


def _written(stream: Stream, folder: Path) -> Path:
    file = folder / "stream.jsonl"
    file.write_text(stream.text(), encoding="utf-8")
    return file


def score_of(stream: Stream, replayed: Replayed) -> Score:
    """Judge a replay of that stream. ValueError if the alerts of a line are not those labelled."""
    parents = {item.incident.id: item.parent_id for item in replayed.incidents}

    def root_of(number: int) -> int:
        while (parent := parents.get(number)) is not None:
            number = parent
        return number

    alerts: list[JudgedAlert] = []
    last_message: dict[str, datetime] = {}
    for message, (number, outcomes) in zip(stream.messages, replayed.lines, strict=True):
        if isinstance(outcomes, BadLine) or (outcomes and len(outcomes) != len(message.faults)):
            raise ValueError(f"line {number} was not read as labelled: {outcomes}")
        for fault, outcome in zip(message.faults, outcomes, strict=False):
            last_message[fault] = message.at
            root = None if outcome.incident_id is None else root_of(outcome.incident_id)
            alerts.append(JudgedAlert(fault, root, resolved=_is_resolve(outcome.reason)))
    posts = defaultdict[int, int](int)
    closed: dict[int, datetime | None] = {}
    for item in replayed.incidents:
        root = root_of(item.incident.id)
        posts[root] += item.posts
        times = (closed.get(root, item.incident.resolved_at), item.incident.resolved_at)
        closed[root] = None if None in times else max(time for time in times if time)
    return score(alerts, posts, closed, last_message)


def _is_resolve(reason: str) -> bool:
    return "resolve" in reason


def main() -> None:
    """Print the figures of seeds, and each fault that is split, mixed or left open."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=TUNING[:1])
    parser.add_argument("--undeclared", type=float, default=0.0)
    parser.add_argument("--write", type=Path, help="write the stream and services.yaml there")
    options = parser.parse_args()
    for seed in options.seeds:
        stream = stream_of(seed, undeclared=options.undeclared)
        if options.write:
            options.write.mkdir(parents=True, exist_ok=True)
            (options.write / f"{seed}.jsonl").write_text(stream.text())
            (options.write / f"{seed}.services.yaml").write_text(stream.services)
        result = asyncio.run(judged(stream))
        print(f"seed {seed}: {table(result)}")
        for root, faults in result.mixed:
            print(f"  mixed: INC-{root}: {', '.join(faults)}")
        print(f"  left open: {', '.join(result.left_open)}")


if __name__ == "__main__":
    main()
