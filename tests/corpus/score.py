"""Judges incidents against faults: pairs of alerts, mixed incidents, posts, open incidents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LATEST_END = timedelta(hours=3)  # after the last message of a fault: stale is two hours


@dataclass(frozen=True, slots=True)
class JudgedAlert:
    """An alert with the label of its fault and its root incident, None without one."""

    fault: str
    root: int | None
    resolved: bool = False


@dataclass(slots=True)
class Score:
    """The figures of one stream. `by_kind` has those of the faults of each kind alone."""

    alerts: int = 0
    faults: int = 0
    precision: float = 1.0
    recall: float = 1.0
    posts: int = 0
    mixed: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)
    by_kind: dict[str, KindScore] = field(default_factory=dict)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall of the pairs."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def posts_per_fault(self) -> float:
        """Return how many messages a channel gets for a fault."""
        return self.posts / self.faults if self.faults else 0.0


@dataclass(slots=True)
class KindScore:
    """Of one kind: faults, faults split over roots, roots a fault, mixed faults, posts, open."""

    faults: int = 0
    split: int = 0
    roots: int = 0
    mixed: int = 0
    posts: int = 0
    left_open: int = 0


def pairs(counts: Iterable[int]) -> int:
    """Return how many pairs there are within groups of these sizes."""
    return sum(count * (count - 1) // 2 for count in counts)


def precision_and_recall(alerts: Sequence[JudgedAlert]) -> tuple[float, float]:
    """Return both, over pairs of alerts. An alert without an incident is alone in its own."""
    by_fault = Counter(alert.fault for alert in alerts)
    by_root = Counter(_root(alert, index) for index, alert in enumerate(alerts))
    by_both = Counter((alert.fault, _root(alert, index)) for index, alert in enumerate(alerts))
    right, together, related = (pairs(c.values()) for c in (by_both, by_root, by_fault))
    return right / together if together else 1.0, right / related if related else 1.0


def _root(alert: JudgedAlert, index: int) -> int:
    return -index - 1 if alert.root is None else alert.root


def score(
    alerts: Sequence[JudgedAlert],
    posts: Mapping[int, int],
    closed_at: Mapping[int, datetime | None],
    last_message: Mapping[str, datetime],
) -> Score:
    """Judge the alerts; `posts` and `closed_at` are by root.

    `last_message` is when the last message about a fault came.
    """
    # A resolve that closes nothing has no incident, and needs none.
    judged = [alert for alert in alerts if alert.fault and (alert.root or not alert.resolved)]
    faults_of = defaultdict[int, set[str]](set)
    roots_of = defaultdict[str, set[int]](set)
    for alert in judged:
        if alert.root is not None:
            faults_of[alert.root].add(alert.fault)
            roots_of[alert.fault].add(alert.root)
    result = Score(len(judged), len({alert.fault for alert in judged}))
    result.precision, result.recall = precision_and_recall(judged)
    result.mixed = [(r, tuple(sorted(f))) for r, f in sorted(faults_of.items()) if len(f) > 1]
    result.posts = sum(posts.values())
    for fault in sorted({alert.fault for alert in judged}):
        roots = roots_of[fault]
        is_open = any(_is_left_open(closed_at.get(r), last_message[fault]) for r in roots)
        if is_open:
            result.left_open.append(fault)
        kind = result.by_kind.setdefault(fault.split("/")[0], KindScore())
        kind.faults += 1
        kind.split += len(roots) > 1
        kind.roots += len(roots)
        kind.mixed += any(len(faults_of[root]) > 1 for root in roots)
        kind.posts += sum(posts.get(root, 0) for root in roots)
        kind.left_open += is_open
    return result


def _is_left_open(closed_at: datetime | None, last_message: datetime) -> bool:
    return closed_at is None or closed_at - last_message > LATEST_END


def table(result: Score) -> str:
    """Return the figures as text, a line for each kind."""
    lines = [
        (
            f"F1 {result.f1:.3f} (precision {result.precision:.3f}, recall {result.recall:.3f}),"
            f" {len(result.mixed)} mixed, {result.posts_per_fault:.2f} posts a fault,"
            f" {len(result.left_open)} left open; {result.alerts} alerts, {result.faults} faults"
        ),
        f"{'kind':<32} faults  split  roots  mixed  posts  open",
    ]
    for kind, of in sorted(result.by_kind.items()):
        lines.append(
            f"{kind:<32} {of.faults:>6} {of.split:>6} {of.roots / of.faults:>6.1f} {of.mixed:>6}"
            f" {of.posts / of.faults:>6.1f} {of.left_open:>5}"
        )
    return "\n".join(lines)
