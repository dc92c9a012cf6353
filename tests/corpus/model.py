"""A labelled stream: messages as senders send them, each alert with the fault that it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.corpus.world import World

START = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LabelledMessage:
    """One payload. `faults` has the label of each of its alerts, '' for one about no fault."""

    at: datetime
    receiver: str
    source: str
    body: Any
    faults: tuple[str, ...]

    def line(self) -> str:
        """Return the line of a stream for `python -m bot replay`."""
        at = self.at.isoformat().replace("+00:00", "Z")
        return json.dumps(
            {"at": at, "door": self.receiver, "source": self.source, "body": self.body}
        )


@dataclass(frozen=True, slots=True)
class Stream:
    """The messages of one seed, in the order of arrival, and the catalogue of its services."""

    messages: Sequence[LabelledMessage]
    services: str
    """The text of services.yaml."""

    @property
    def labels(self) -> frozenset[str]:
        """Return the label of every fault; a label begins with its kind and `/`."""
        return frozenset(self._labels())

    def _labels(self) -> Iterator[str]:
        for message in self.messages:
            yield from filter(None, message.faults)

    def text(self) -> str:
        """Return the stream as a file."""
        return "".join(f"{message.line()}\n" for message in self.messages)


@dataclass(slots=True)
class Scenario:
    """One scenario of a kind: it draws from `random`, takes services, and adds messages."""

    kind: str
    number: int
    start: datetime
    random: Random
    world: World
    messages: list[LabelledMessage] = field(default_factory=list)

    def fault(self, name: str = "") -> str:
        """Return the label of a fault of this scenario."""
        return f"{self.kind}/{self.number}{name}"

    def at(self, minutes: float) -> datetime:
        """Return the time so many minutes after the start."""
        return self.start + timedelta(minutes=minutes)

    def http(self, minutes: float, source: str, body: Any, *faults: str) -> None:
        """Add a body that was posted to that source's endpoint."""
        self._add(minutes, "http", source, body, faults)

    def slack(self, minutes: float, event: dict[str, Any], *faults: str) -> None:
        """Add a message of an alert channel; its ts is that of its arrival."""
        at = self.at(minutes)
        ts = f"{at.timestamp():.0f}.{self.random.randrange(1_000_000):06d}"
        channel = {"channel": "C0ALERTS01", "channel_type": "channel"}
        event = {"type": "message", **event, **channel, "ts": ts, "event_ts": ts}
        self._add(minutes, "slack", str(event.get("username", "slack")), event, faults)

    def repeat(self, minutes: float, message: LabelledMessage) -> None:
        """Add the same message once more, at another time."""
        self._add(minutes, message.receiver, message.source, message.body, message.faults)

    def _add(
        self, minutes: float, receiver: str, source: str, body: Any, faults: tuple[str, ...]
    ) -> None:
        self.messages.append(
            LabelledMessage(self.at(minutes), receiver, source, body, faults or (self.fault(),))
        )
