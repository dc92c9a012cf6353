"""Reads a table of events, and folds those that repeat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bot.enrichment.kubernetes.fitting import Line
from bot.enrichment.kubernetes.text import lines_of, one_space, seconds_of, template_of
from bot.incidents.names import workload_of_pod, workload_of_replicaset

MOST_EVENTS = 20_000
_TYPES = ("Warning", "Normal")
_TIMES = re.compile(r"\(?x(\d{1,7})")
# Normal events that tell of trouble or of a change.
_NOTABLE = {
    "Killing", "ScalingReplicaSet", "NodeNotReady", "NodeNotSchedulable", "Preempted", "Evicted",
    "TaintManagerEviction", "RemovingNode", "SuccessfulRescale", "DeletingNode", "NodeSchedulable",
    "WaitForFirstConsumer", "FailedBinding", "ExternalProvisioning",
}  # fmt: skip
# What says why comes before what says only that something failed.
_CAUSES = {
    "FailedScheduling", "FailedCreate", "FailedMount", "FailedAttachVolume", "OOMKilling",
    "SystemOOM", "Evicted", "NodeNotReady", "Failed", "ProvisioningFailed", "FailedBinding",
    "FailedCreatePodSandBox", "InspectFailed", "ErrImageNeverPull", "KubeletIsDown",
    "ContainerGCFailed", "ImageGCFailed", "FreeDiskSpaceFailed", "NetworkNotReady",
    "NodeNotSchedulable",
}  # fmt: skip


@dataclass(slots=True)
class Event:
    """Equal events of one object. `age` is that of the newest in seconds, None if unknown."""

    type: str
    reason: str
    object: str
    message: str
    age: int | None
    count: int = 1
    objects: set[str] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """Return the kind of the object, in lower case."""
        return self.object.partition("/")[0].lower()

    @property
    def names_cause(self) -> bool:
        """Return True for a warning that says why something fails."""
        return self.type == "Warning" and self.reason in _CAUSES

    @property
    def workload(self) -> str:
        """Return the workload of the object, or the object's own name."""
        kind, _, name = self.object.partition("/")
        if kind.lower() in ("pod", "po"):
            return workload_of_pod(name)
        return workload_of_replicaset(name) if kind.lower() in ("replicaset", "rs") else name


def read_events(text: str) -> list[Event]:
    """Return the events of a table, folded, in the order of the table.

    The table is one of `kubectl get events`, or the one at the end of a description, which names
    the sender of an event in place of its object.
    """
    folded: dict[tuple[str, ...], Event] = {}
    for number, line in enumerate(lines_of(text)):
        if number == MOST_EVENTS:
            break
        event = _event(line)
        if event is None:
            continue
        key = (event.type, event.reason, event.kind, event.workload, template_of(event.message))
        known = folded.setdefault(key, event)
        known.objects.add(event.object)
        if known is event:
            continue
        known.count += event.count
        if event.age is not None and (known.age is None or event.age <= known.age):
            known.age, known.object, known.message = event.age, event.object, event.message
    return list(folded.values())


def _event(line: str) -> Event | None:
    head, word, rest = _split_at_type(line)
    if not word:
        return None
    reason, _, rest = rest.partition(" ")
    rest = rest.strip()
    if seconds_of(rest.partition(" ")[0]) is not None:  # the table of a description
        head, rest = _age_first(rest)
    target, _, message = rest.partition(" ")
    ages = [seconds for token in head.split() if (seconds := seconds_of(token)) is not None]
    times = _TIMES.search(head)
    return Event(
        type=word,
        reason=reason,
        object=target,
        message=one_space(message.strip()),
        age=ages[0] if ages else None,
        count=int(times[1]) if times else 1,
    )


def _age_first(text: str) -> tuple[str, str]:
    """Return the age with its count, and the rest, of `2m (x4 over 5m) kubelet Back-off …`."""
    age, _, rest = text.partition(" ")
    rest = rest.strip()
    if rest.startswith("(x"):
        count, _, rest = rest.partition(")")
        age = f"{age} {count})"
    return age, rest.strip()


def _split_at_type(line: str) -> tuple[str, str, str]:
    tokens = line.split(None, 8)
    for word in _TYPES:
        if word in tokens[:8]:
            head, _, rest = line.partition(f" {word} ")
            return (
                (head, word, rest.strip()) if rest else ("", word, line.partition(word)[2].strip())
            )
    return "", "", ""


def event_lines(events: Iterable[Event], interest: Callable[[str], int]) -> list[Line]:
    """Return warnings and telling events. `interest` says how much a workload matters.

    First the causes, each kind of event once, then the rest; among equal ones the newest first.
    """
    notable = [e for e in events if e.type == "Warning" or e.reason in _NOTABLE]
    notable.reverse()  # of equal age the last row is the newest

    def order(event: Event) -> tuple[int, int, int, float]:
        return (
            0 if event.type == "Warning" else 1,
            0 if event.names_cause else 1,
            -interest(event.workload),
            event.age if event.age is not None else float("inf"),
        )

    lines: list[Line] = []
    reasons: dict[str, int] = {}
    for event in sorted(notable, key=order):
        seen = reasons[event.reason] = reasons.get(event.reason, 0) + 1
        lines.append(Line(_shown(event), seen if event.type == "Warning" else seen + 3))
    return lines


def _shown(event: Event) -> str:
    times = f" ×{event.count}" if event.count > 1 else ""
    others = len(event.objects) - 1
    also = f" and {others} more" if others > 0 else ""
    newest = f", newest {age_text(event.age)} ago" if event.age is not None else ""
    return f"{event.type} {event.reason}{times} {event.object}{also}{newest}: {event.message}"


def age_text(seconds: int) -> str:
    """Return seconds as `45s`, `12m`, `5h` or `3d`."""
    for unit, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * unit:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"
