"""Reads the stages of an alert and of its incident, each with the time at which it happened."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot.incidents.trace import RepeatedAlert, Stage
from bot.language import N_
from store.incident_rows import text_of_event
from store.operations import senders
from store.operations.part import Part
from store.rows import facts_from
from store.statements import Operation, Row, Statement, from_db_time, query, together

MOST = 200  # events, messages, advice or executions of an incident, the newest

_TOLD_ELSEWHERE = frozenset({"advised", "dispatched"})
"""Kinds of events whose own rows have more times."""
NAMES = {
    "action": N_("action added or done"),
    "activity": N_("news from its sender"),
    "approve": N_("approved"),
    "cause": N_("probable cause found"),
    "child": N_("child joined"),
    "cleared": N_("alert cleared"),
    "joined": N_("became a child"),
    "lesson": N_("lesson kept"),
    "lesson_removed": N_("lesson removed"),
    "override": N_("override applied"),
    "postmortem": N_("post-mortem written"),
    "reject": N_("rejected"),
    "severity": N_("severity changed"),
    "sop_draft": N_("SOP drafted"),
    "sop": N_("SOP linked"),
    "stakeholders": N_("stakeholders informed"),
    "steady": N_("stopped flapping"),
    "still": N_("said to go on"),
    "unacknowledged": N_("acknowledgement withdrawn"),
    "wrong_runbook": N_("runbook reported as wrong"),
}
"""The names of the events whose kind is no word for a reader."""
POSTED = {
    "action": N_("action posted"),
    "action_reminder": N_("reminder of an action posted"),
    "activity": N_("news from its sender posted"),
    "advice": N_("advice posted"),
    "approval": N_("approval posted"),
    "card": N_("card posted"),
    "escalation": N_("direct message to the second person posted"),
    "evidence": N_("what is known posted"),
    "export": N_("export sent"),
    "handover": N_("handover offered"),
    "handover_late": N_("reminder of a handover posted"),
    "news": N_("bad news posted"),
    "note": N_("note posted"),
    "postmortem": N_("post-mortem posted"),
    "resolved": N_("resolve posted"),
    "result": N_("result posted"),
    "sop_draft": N_("SOP draft posted"),
    "stakeholder_note": N_("note about the stakeholders posted"),
    "stakeholders": N_("stakeholder update posted"),
    "steered": N_("change by a person posted"),
    "undelivered": N_("shown in the ops channel instead"),
}
"""The names of the messages about an incident, by the kind of the outbox row."""


def stages(tracking_id: str, incident_id: int | None) -> Operation[list[Stage]]:
    """Read them, in the order of their times.

    1. Read the alerts of that tracking id. 2. Read what happened to the incident, and the card of
    the root if it is a child.
    """
    alerts = yield query(
        "SELECT source, status, told_at, arrived_at, received_at, written_at, reason,"
        " decision FROM alerts"
        " WHERE tracking_id = ? ORDER BY id LIMIT ?",
        tracking_id,
        MOST,
    )
    steps = [stage for row in alerts for stage in _of_alert(row)]
    if incident_id is not None:
        steps += yield from _of_incident(incident_id)
    return sorted(steps, key=lambda stage: stage.at)


def _of_alert(row: Row) -> Iterator[Stage]:
    yield from _at(row["told_at"], "sent", f"by {row['source']}")
    yield from _at(row["arrived_at"] or row["received_at"], "received", f"from {row['source']}")
    override = facts_from(row["decision"]).get("override")
    by = f" (override {override})" if override else ""
    yield from _at(row["received_at"], "decided", f"{row['status']}: {row['reason']}{by}")
    yield from _at(row["written_at"], "written")


def _of_incident(incident_id: int) -> Operation[list[Stage]]:
    events, posted, advice, executions = yield from together(
        _newest("at, kind, text, message, actor", "timeline", incident_id, "id"),
        query(
            "SELECT kind, posted_at FROM outbox WHERE posted_at IS NOT NULL AND incident_id IN"
            " (?, (SELECT parent_id FROM incidents WHERE id = ?)) ORDER BY id DESC LIMIT ?",
            incident_id,
            incident_id,
            MOST,
        ),
        _newest("asked_at, given_at, question, asked_by, body", "advice", incident_id, "id"),
        _newest("started_at, finished_at, error", "executions", incident_id, "created_at"),
    )
    steps: list[Stage] = []
    for row in events:
        if row["kind"] not in _TOLD_ELSEWHERE:
            name = NAMES.get(row["kind"], row["kind"].replace("_", " "))
            steps += _at(row["at"], name, text_of_event(row), row["actor"])
    for row in posted:
        steps += _at(row["posted_at"], POSTED.get(row["kind"], N_("message posted")))
    for row in advice:
        steps += _of_advice(row)
    for row in executions:
        steps += _of_execution(row)
    return steps


def _newest(columns: str, table: str, incident_id: int, order: str) -> Statement:
    return query(
        f"SELECT {columns} FROM {table} WHERE incident_id = ? ORDER BY {order} DESC LIMIT ?",  # noqa: S608 - constants
        incident_id,
        MOST,
    )


def _of_advice(row: Row) -> Iterator[Stage]:
    what = "a question" if row["question"] else "the first advice"
    yield from _at(row["asked_at"], "advice asked", what, row["asked_by"])
    if row["given_at"]:
        source = json.loads(row["body"])["source"]
        yield from _at(row["given_at"], "advice answered", f"by {source}")


def _of_execution(row: Row) -> Iterator[Stage]:
    yield from _at(row["started_at"], "dispatched")
    yield from _at(row["finished_at"], "finished", row["error"])


def _at(time: str | None, name: str, text: str = "", actor: str = "") -> Iterator[Stage]:
    if time:
        yield Stage(from_db_time(time), name, text, actor)


def repeated_as(tracking_id: str) -> Operation[str | None]:
    """The tracking id of the alert that the telling of this tracking id repeated.

    Known for the last repeat of each hour.
    """
    if not tracking_id:
        return None
    rows = yield query(
        "SELECT a.tracking_id FROM repeats r JOIN alerts a ON a.incident_id = r.incident_id"  # noqa: S608 - constants
        f" AND {senders.KEY.format('a')} = r.alert WHERE r.tracking_id = ?"
        " ORDER BY a.id DESC LIMIT 1",
        tracking_id,
    )
    return rows[0]["tracking_id"] if rows else None


def repeats_of(tracking_id: str) -> Operation[RepeatedAlert | None]:
    """Count the repeats of the alert of this tracking id, in all its hours."""
    rows = yield query(
        "SELECT SUM(r.count) AS n, MAX(r.last_at) AS last_at FROM (SELECT DISTINCT a.incident_id,"  # noqa: S608 - constants
        f" {senders.KEY.format('a')} AS alert FROM alerts a WHERE a.tracking_id = ?) AS traced"
        " JOIN repeats r ON r.incident_id = traced.incident_id AND r.alert = traced.alert",
        tracking_id,
    )
    if rows[0]["n"] is None:
        return None
    return RepeatedAlert(int(rows[0]["n"]), from_db_time(rows[0]["last_at"]))


class StagesPart(Part):
    """The methods of `Store` for traces."""

    async def stages(self, tracking_id: str, incident_id: int | None) -> list[Stage]:
        """Return the stages of the alerts of that id, and of the incident, in order of time."""
        return await self._engine.read(stages, tracking_id, incident_id)

    async def repeats_of(self, tracking_id: str) -> RepeatedAlert | None:
        """Return how often the alert of this tracking id was repeated; None if never."""
        return await self._engine.read(repeats_of, tracking_id)
