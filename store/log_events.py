"""Log events of operations: yielded where something is decided, logged once it is durable.

An operation yields `log_event(Event.X, …)` as it yields statements. `audit.sealing` answers it,
before the engine hears of it: a step that is rolled back is not logged, one that is run a second
time is logged once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bot.errors import StoreError
from bot.observability.events import Event, emit
from store.engines.protocol import Engine
from store.statements import Operation, Statement, query

_KNOWN = 1024  # incidents whose SOP ID and tracking id are kept in memory


class LogEvent(NamedTuple):
    """One step: its event, the incident it belongs to, and its fields."""

    event: Event
    incident_id: int | None
    fields: dict[str, Any]


def log_event(event: Event, incident_id: int | None = None, **fields: Any) -> Statement:
    """Logs the step once the transaction is durable. Sends back nothing."""
    return log_events([LogEvent(event, incident_id, fields)])


def log_events(steps: Sequence[LogEvent]) -> Statement:
    """Do as `log_event` for each of these steps, in their order."""
    return Statement("log", "", tuple(steps))


class Announcer:
    """Logs events with the incident's number, SOP ID and tracking id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: OrderedDict[int, tuple[str, str]] = OrderedDict()
        self.listeners: list[Callable[[LogEvent], None]] = []

    async def announce(self, events: list[LogEvent]) -> None:
        """Log these events."""
        for step in events:
            for listener in self.listeners:
                listener(step)
            if step.incident_id is None:
                emit(step.event, **step.fields)
                continue
            if step.event is Event.INCIDENT_OPENED:
                self._keep(step.incident_id, (step.fields["sop_id"], step.fields["tracking_id"]))
            about = step.fields
            if "sop_id" not in about or "tracking_id" not in about:
                sop_id, tracking_id = await self._identity(step.incident_id)
                about = {"sop_id": sop_id, "tracking_id": tracking_id} | about
            emit(step.event, incident=f"INC-{step.incident_id}", **about)

    async def _identity(self, incident_id: int) -> tuple[str, str]:
        if incident_id not in self._known:
            try:
                self._keep(incident_id, await self._engine.read(_identity, incident_id))
            except StoreError:  # the event is logged all the same
                return "", ""
        return self._known[incident_id]

    def _keep(self, incident_id: int, identity: tuple[str, str]) -> None:
        self._known[incident_id] = identity
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)


def _identity(incident_id: int) -> Operation[tuple[str, str]]:
    rows = yield query("SELECT sop_id, tracking_id FROM incidents WHERE id = ?", incident_id)
    return (rows[0]["sop_id"], rows[0]["tracking_id"]) if rows else ("", "")
