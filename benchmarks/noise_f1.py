"""One incident for one fault: labelled streams through the live rules, beside Alertmanager.

The floor is what Debian's Alertmanager makes of the same alerts: it groups them by alert name,
environment and service, as the bot has read these; a group that begins to fire anew is another one.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.alertmanager import alertmanager, is_there
from benchmarks.results import Bar, Result
from bot.incidents.model import Alert, AlertStatus
from bot.intake import parse_body, parse_message
from tests.corpus.generator import JUDGING, stream_of
from tests.corpus.judge import judged
from tests.corpus.model import Stream
from tests.corpus.score import JudgedAlert, Score, precision_and_recall

SEEDS = JUDGING
SCENARIOS: int | None = None  # of each stream: all
UNDECLARED = 0.25
_scores: dict[tuple[int, float], Score] = {}


async def run() -> list[Result]:
    """Return pairwise F1, mixed incidents and open ones; the worst of the seeds."""
    declared = [await _score(seed, 0.0) for seed in SEEDS]
    fewer = [await _score(seed, UNDECLARED) for seed in SEEDS]
    floor = max([await _of_alertmanager(seed) for seed in SEEDS]) if is_there() else None
    worst = min(declared, key=lambda score: score.f1)
    facts: dict[str, float] = {"alerts": worst.alerts, "faults": worst.faults}
    facts |= {"precision": worst.precision, "recall": worst.recall}
    no = Bar(0, "incidents")
    return [
        Result("noise.f1", worst.f1, "F1", floor, Bar(0.97, "F1", at_least=True), facts),
        Result(
            "noise.f1.undeclared",
            min(score.f1 for score in fewer),
            "F1",
            floor,
            Bar(0.92, "F1", at_least=True),
        ),
        Result("noise.f1.mixed", _most_mixed([*declared, *fewer]), "incidents", bar=no),
        Result(
            "noise.f1.left_open", max(len(score.left_open) for score in declared), "faults", bar=no
        ),
    ]


async def run_posts() -> list[Result]:
    """Return how many cards a channel gets for a fault; the worst of the seeds."""
    scores = [await _score(seed, 0.0) for seed in SEEDS]
    posts = max(score.posts_per_fault for score in scores)
    return [Result("noise.posts", posts, "posts a fault", bar=Bar(1.2, "posts a fault"))]


async def _score(seed: int, undeclared: float) -> Score:
    """Play the stream once, though two benches ask for it."""
    if (seed, undeclared) not in _scores:
        stream = stream_of(seed, undeclared=undeclared, most=SCENARIOS)
        _scores[seed, undeclared] = await judged(stream)
    return _scores[seed, undeclared]


def _most_mixed(scores: Sequence[Score]) -> int:
    return max(len(score.mixed) for score in scores)


async def _of_alertmanager(seed: int) -> float:
    """Return the F1 of Alertmanager's groups, each from its first firing alert to its last end."""
    stream = stream_of(seed, most=SCENARIOS)
    alerts = _alerts_of(stream)
    group_of = await _groups([_labels(alert) for _, alert in alerts])
    firing = defaultdict[int, set[str]](set)
    episode: dict[int, int] = {}
    judged_alerts: list[JudgedAlert] = []
    for number, (fault, alert) in enumerate(alerts, start=1):
        group = group_of[frozenset(_labels(alert).items())]
        if alert.status is AlertStatus.RESOLVED:
            root = episode.get(group) if firing[group] else None
            firing[group].discard(alert.fingerprint)
        else:
            if not firing[group]:
                episode[group] = number
            firing[group].add(alert.fingerprint)
            root = episode[group]
        if root is not None:
            judged_alerts.append(JudgedAlert(fault, root))
    precision, recall = precision_and_recall(judged_alerts)
    return 2 * precision * recall / (precision + recall)


def _alerts_of(stream: Stream) -> list[tuple[str, Alert]]:
    alerts: list[tuple[str, Alert]] = []
    for message in stream.messages:
        reading = (
            parse_body(message.source, message.body)
            if message.receiver == "http"
            else parse_message(message.body)
        )
        labelled = zip(message.faults, reading.alerts, strict=False)
        alerts += [(fault, alert) for fault, alert in labelled if fault]
    return alerts


def _labels(alert: Alert) -> dict[str, str]:
    labels = {"alertname": alert.name, "env": alert.env, "service": alert.service}
    return {name: value for name, value in labels.items() if value}


async def _groups(label_sets: Sequence[Mapping[str, str]]) -> dict[frozenset[tuple[str, str]], int]:
    """Ask a real Alertmanager into which group it puts each of these alerts."""
    nobody = {"api_url": "http://127.0.0.1:9/", "channel": "#alerts"}
    with tempfile.TemporaryDirectory() as folder:
        async with alertmanager(Path(folder, "am"), nobody, group_interval="5m") as server:
            different = {frozenset(labels.items()) for labels in label_sets}
            await server.fire([dict(labels) for labels in different])
            groups = await server.groups(len(different))
    return {
        frozenset(labels.items()): number for number, group in enumerate(groups) for labels in group
    }
