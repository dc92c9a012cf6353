"""Reads the steps of incidents that ended lately, for their traces, from the times in the store.

So the path of an alert does nothing for a trace, and a step is exported once, whichever replicas
had a part in it. The row `traces` of `stats_progress` keeps how far they are exported: the time,
and the number of the last row of the audit trail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.incidents.traced_step import StepKind, TracedStep
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.statements import Operation, Row, from_db_time, query, run, to_db_time, together

SETTLED_AFTER = timedelta(seconds=5)  # a transaction that began before then has ended by now
LONGEST_GAP = timedelta(minutes=10)  # steps that ended earlier are not exported: traces were off

_OF = "i.tracking_id AS traced, i.id AS incident_id"
_ENDED_LATELY = {
    "alerts": (
        f"SELECT {_OF}, i.created_at, a.id, a.tracking_id, a.source, a.status, a.severity,"  # noqa: S608 - constants
        " a.arrived_at, a.received_at, a.written_at FROM alerts a"
        " JOIN incidents i ON i.id = a.incident_id WHERE a.received_at >= ? AND a.received_at < ?"
        " ORDER BY a.id"
    ),
    "cards": (
        f"SELECT {_OF}, o.created_at, o.posted_at FROM outbox o JOIN incidents i"  # noqa: S608 - constants
        " ON i.id = o.incident_id WHERE o.kind = 'card' AND o.posted_at >= ? AND o.posted_at < ?"
    ),
    "evidence": (
        f"SELECT {_OF}, i.created_at, e.at FROM evidence e JOIN incidents i"  # noqa: S608 - constants
        " ON i.id = e.incident_id WHERE e.at >= ? AND e.at < ?"
    ),
    "advice": (
        f"SELECT {_OF}, v.id, v.question, v.given_at, v.body FROM advice v JOIN incidents i"  # noqa: S608 - constants
        " ON i.id = v.incident_id WHERE v.given_at >= ? AND v.given_at < ?"
    ),
    "resolved": (
        f"SELECT {_OF}, i.created_at, i.resolved_at, i.resolution, i.severity FROM incidents i"  # noqa: S608 - constants
        " WHERE i.resolved_at >= ? AND i.resolved_at < ?"
    ),
}
_ON_RECORD = (
    f"SELECT {_OF}, t.seq, t.at, t.kind, t.subject, p.requested_at, p.action_id, x.id AS execution,"  # noqa: S608 - constants
    " x.state, x.attempt, x.started_at, x.finished_at, (SELECT COUNT(*) FROM audit u"
    " WHERE t.kind = 'looked up' AND u.incident_id = t.incident_id AND u.subject = t.subject"
    " AND u.kind = 'outcome unknown') AS lost FROM audit t"
    " JOIN incidents i ON i.id = t.incident_id LEFT JOIN approvals p ON p.id = t.subject"
    " LEFT JOIN executions x ON x.approval_id = t.subject WHERE t.seq > ? ORDER BY t.seq"
)
_DECIDED = frozenset({Kind.APPROVED, Kind.REJECTED, Kind.EXPIRED, Kind.REVOKED})
_ANSWERED = frozenset({Kind.ANSWER, Kind.LOOKED_UP, Kind.OUTCOME_UNKNOWN})
_CONCLUDED = frozenset({Kind.VERIFIED, Kind.NOT_VERIFIED, Kind.VERIFICATION_UNKNOWN})


def ended_lately(now: datetime) -> Operation[tuple[list[TracedStep], str]]:
    """Read the steps that are not exported yet, and the mark up to which they reach.

    1. Read how far they are exported, and the end of the audit trail. 2. Read what ended since, and
    what was recorded since.
    """
    stored, heads = yield from together(
        query("SELECT until FROM stats_progress WHERE name = 'traces'"),
        query("SELECT COALESCE(MAX(seq), 0) AS seq FROM audit"),
    )
    until, seq = now - SETTLED_AFTER, int(heads[0]["seq"])
    mark = f"{to_db_time(until)} {seq}"
    if not stored:
        return [], mark
    time, _, last_seq = stored[0]["until"].partition(" ")
    since = from_db_time(time)
    if until - since > LONGEST_GAP:
        return [], mark
    if until <= since:
        mark, until = f"{time} {seq}", since
    window = (to_db_time(since), to_db_time(until))
    *by_time, recorded = yield from together(
        *(query(sql, *window) for sql in _ENDED_LATELY.values()), query(_ON_RECORD, int(last_seq))
    )
    if recorded:  # the trail may have grown since its end was read
        mark = f"{mark.partition(' ')[0]} {max(seq, recorded[-1]['seq'])}"
    alerts, cards, evidence, advice, resolved = by_time
    steps = [
        *_of_alerts(alerts),
        *(_step(StepKind.CARD, row, "", row["created_at"], row["posted_at"]) for row in cards),
        *(_step(StepKind.EVIDENCE, row, "", row["created_at"], row["at"]) for row in evidence),
        *map(_of_advice, advice),
        *map(_of_resolve, resolved),
        *(step for row in recorded for step in _of_record(row)),
    ]
    return steps, mark


def set_mark(mark: str) -> Operation[None]:
    """Store how far the steps are exported."""
    yield run(
        "INSERT INTO stats_progress (name, until) VALUES ('traces', ?)"
        " ON CONFLICT (name) DO UPDATE SET until = excluded.until",
        mark,
    )


def _of_alerts(rows: list[Row]) -> Iterator[TracedStep]:
    opened: set[int] = set()
    for row in rows:
        opens = row["received_at"] == row["created_at"] and row["tracking_id"] == row["traced"]
        key = str(row["id"])
        if opens and row["incident_id"] not in opened:
            opened.add(row["incident_id"])
            key = ""
        facts = {name: row[name] for name in ("tracking_id", "source", "status", "severity")}
        began, ended = row["arrived_at"] or row["received_at"], row["written_at"]
        yield _step(StepKind.ACCEPT, row, key, began, ended or row["received_at"], facts)
        facts = {"opened": not key}
        ended = ended or row["received_at"]
        yield _step(StepKind.FOLD, row, key, row["received_at"], ended, facts)


def _of_advice(row: Row) -> TracedStep:
    body = json.loads(row["body"])
    facts = {
        name: body[name]
        for name in ("source", "provider", "model", "input_tokens", "output_tokens", "confidence")
        if body.get(name)
    }
    facts["asked"] = bool(row["question"])
    facts["reused"] = bool(body.get("answered_at"))
    seconds = 0.0 if facts["reused"] else float(body.get("seconds") or 0.0)
    began = from_db_time(row["given_at"]) - timedelta(seconds=seconds)
    return _step(StepKind.ADVICE, row, str(row["id"]), to_db_time(began), row["given_at"], facts)


def _of_resolve(row: Row) -> TracedStep:
    facts = {"resolution": row["resolution"], "severity": row["severity"]}
    began, ended = row["created_at"], row["resolved_at"]
    return _step(StepKind.RESOLVE, row, ended, began or ended, ended, facts)


def _of_record(row: Row) -> Iterator[TracedStep]:
    kind, facts = row["kind"], {"approval": row["subject"], "state": row["kind"]}
    if row["action_id"]:
        facts["action"] = row["action_id"]
    if kind == Kind.PROPOSED:
        yield _step(StepKind.PROPOSE, row, row["subject"], row["at"], row["at"], facts)
    elif kind in _DECIDED:
        began = row["requested_at"] or row["at"]
        # What revokes an approval decides once more.
        key = row["subject"] if kind == Kind.APPROVED else f"{row['subject']} {kind}"
        yield _step(StepKind.DECIDE, row, key, began, row["at"], facts)
    elif row["execution"] and row["started_at"]:
        attempt = row["attempt"]
        key = row["execution"] if attempt == 1 else f"{row['execution']}.{attempt}"
        finished = row["finished_at"] or row["at"]
        if kind in _ANSWERED:
            facts |= {"execution": key, "state": row["state"]}
            step = StepKind.LOOK_UP if row["lost"] else StepKind.DISPATCH
            yield _step(step, row, key, row["started_at"], finished, facts)
        elif kind in _CONCLUDED:
            facts["execution"] = key
            yield _step(StepKind.VERIFY, row, key, finished, row["at"], facts)


def _step(
    kind: StepKind,
    row: Row,
    key: str,
    began: str,
    ended: str,
    facts: Mapping[str, str | int | float | bool] | None = None,
) -> TracedStep:
    return TracedStep(
        kind=kind,
        tracking_id=row["traced"],
        incident_id=row["incident_id"],
        key=key,
        began=from_db_time(began),
        ended=from_db_time(ended),
        facts=facts or {},
    )


class TracedStepsPart(Part):
    """The methods of `Store` for the traces of incidents."""

    async def steps_to_trace(self, now: datetime) -> tuple[list[TracedStep], str]:
        """Return the steps that ended since the last mark, and the next mark.

        At first, and after ten minutes without a mark, there is none: it begins now.
        """
        return await self._engine.read(ended_lately, now)

    async def traced(self, mark: str) -> None:
        """Store that the steps up to this mark are exported."""
        await self._write(set_mark, mark)
