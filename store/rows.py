"""Converts rows to models and back: the one place that knows the column names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from bot.approvals.model import Approval, ApprovalConditions, Binding, Choice, Execution, Vote
from bot.approvals.reasons import from_text
from bot.fast_json import ascii_text
from bot.incidents.correlation import Decision
from bot.incidents.model import (
    Alert,
    AlertStatus,
    Hyperlink,
    Incident,
    Severity,
)
from bot.incidents.notices import Notice
from bot.incidents.remediation import Parameter, Preview, Proposal, RemediationStatus
from bot.incidents.subject import Subject
from bot.language import unpacked
from store.statements import Row, from_db_time, from_db_time_or_none, to_db_time_or_none


@dataclass(frozen=True, slots=True)
class AdviceRecord:
    """Advice wanted or given. `question` is '' when nobody asked; `body` is None until given.

    `replaced_by` is the later advice that is in force instead. `is_last_attempt`: the claim is the
    last one, so its holder must finish without a risk.
    """

    id: int
    incident_id: int
    question: str
    asked_by: str
    body: dict[str, Any] | None
    at: datetime
    is_last_attempt: bool = False
    replaced_by: int | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to publish: an incident, or advice about it. `source_id` is the row's own id.

    `alert_name` is the name of the alert that opened the incident, '' if that was pruned.
    """

    subject: str
    source_id: int
    incident: Incident
    alert_name: str
    advice: AdviceRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalTask:
    """Something to be planned and put before people.

    What the incident's SOP offers, or, with `approval_id`, that one again. `deferrals` is how often
    the gateway could not plan it.
    """

    id: int
    incident_id: int
    origin: str
    approval_id: str
    attempts: int
    deferrals: int


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One turn of a conversation. `role` is person, alert or advisor."""

    role: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """A question by HTTP without an alert. `source` is '' until it was answered."""

    tracking_id: str
    incident_key: str
    sop_id: str
    source: str
    asked_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class TracedAlert:
    """One stored alert: its source and time, the incident that it joined, and the reason.

    `read_from` says by field where its value was read, see `Alert`. `facts` are those of the
    decision, see `correlation.Decision`.
    """

    tracking_id: str
    source: str
    status: str
    name: str
    severity: str
    fingerprint: str
    reason: str
    received_at: datetime
    incident_id: int | None
    read_from: Mapping[str, str]
    facts: Mapping[str, str | int]


def facts_from(decision: str) -> Mapping[str, str | int]:
    """Return the facts of a stored decision; none of an alert of before they were stored."""
    facts: Mapping[str, str | int] = json.loads(decision).get("facts", {}) if decision else {}
    return facts


def dump(value: object) -> str:
    """Return compact JSON; lone surrogates become escapes, so any text can be stored."""
    return _ENCODER.encode(value)


def dump_plain(value: object) -> str:
    """Return what `dump` returns, in a fifth of the time.

    Only for JSON values and text enumerations, none of them a floating-point number.
    """
    return ascii_text(value, may_have_nan=False) or dump(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)  # json.dumps would make one a call


def alert_to_json(alert: Alert) -> str:
    """Return the alert with its raw data as one JSON object."""
    body = dict(zip(_ALERT_FIELDS, _ALERT_VALUES(alert), strict=True))
    body["labels"] = dict(alert.labels)
    body["annotations"] = dict(alert.annotations)
    body["links"] = [(link.label, link.url) for link in alert.links]
    body["starts_at"] = to_db_time_or_none(alert.starts_at)
    body["ends_at"] = to_db_time_or_none(alert.ends_at)
    if alert.raw_shared:
        body["shared"] = digest_of_shared(alert.raw_shared)
    # The raw data is the longest part, and intake has encoded it already to measure it.
    return f'{dump_plain(body)[:-1]},"raw":{alert.raw_json or dump(alert.raw)}}}'


def decision_to_json(decision: Decision) -> str:
    """The rule, its facts and its alternatives, as one JSON object."""
    body: dict[str, Any] = {"rule": decision.reason, "facts": dict(decision.facts)}
    if decision.alternatives:
        body["alternatives"] = decision.alternatives
    if decision.shadow:
        body["shadow"] = dict(decision.shadow)
    return dump_plain(body)


def subject_to_json(subject: Subject) -> str:
    """Return what an incident is about as one JSON object."""
    # `asdict` copies each value, however plain: that takes as long as to store the incident.
    body = dict(zip(_SUBJECT_FIELDS, _SUBJECT_VALUES(subject), strict=True))
    body["read_from"] = dict(subject.read_from)
    return dump_plain(body)


def digest_of_shared(text: str) -> str:
    """Return the key of a delivery's shared part: the SHA-256 of its text."""
    # It stands in three places of an alert. A long text is not kept in memory for that.
    return _digest_of_short(text) if len(text) <= _SHORT else _digest(text)


_SHORT = 4_096  # characters


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_digest_of_short = lru_cache(maxsize=128)(_digest)


_ALERT_FIELDS = tuple(field.name for field in fields(Alert) if not field.name.startswith("raw"))
_ALERT_VALUES = attrgetter(*_ALERT_FIELDS)
_SUBJECT_FIELDS = tuple(field.name for field in fields(Subject))
_SUBJECT_VALUES = attrgetter(*_SUBJECT_FIELDS)


def alert_from_json(text: str) -> Alert:
    """Reverse `alert_to_json`, without the part that its delivery's alerts share."""
    body = json.loads(text)
    body.pop("shared", None)
    return Alert(
        **{
            **body,
            "status": AlertStatus(body["status"]),
            "severity": Severity(body["severity"]),
            "links": links_from(body["links"]),
            "starts_at": from_db_time_or_none(body["starts_at"]),
            "ends_at": from_db_time_or_none(body["ends_at"]),
        }
    )


def links_from(pairs: list[list[str]]) -> tuple[Hyperlink, ...]:
    """Return links from [label, url] pairs."""
    return tuple(Hyperlink(label, url) for label, url in pairs)


def proposal_to_json(proposal: Proposal) -> str:
    """A proposal as JSON."""
    body = {field.name: getattr(proposal, field.name) for field in fields(Proposal)}
    body["parameters"] = [(p.name, p.value, p.origin) for p in proposal.parameters]
    return dump(body)


def terms_to_json(terms: ApprovalConditions) -> str:
    """Terms as JSON."""
    return dump(asdict(terms))


# A click reads the same approval five times: its constant parts are parsed once.
_APPROVALS_KEPT = 256


@lru_cache(_APPROVALS_KEPT)
def _proposal_from(text: str) -> Proposal:
    body = json.loads(text)
    body["parameters"] = tuple(Parameter(*parts) for parts in body["parameters"])
    return Proposal(**body)


@lru_cache(_APPROVALS_KEPT)
def _preview_from(text: str) -> Preview:
    return Preview(*json.loads(text))


@lru_cache(_APPROVALS_KEPT)
def terms_from(text: str) -> ApprovalConditions:
    """The reverse; '' is what was asked before there were any."""
    if not text:
        return ApprovalConditions()
    body = json.loads(text)
    return ApprovalConditions(
        **{
            **body,
            "environments": tuple(body.get("environments", ())),
            "editors": tuple(body["editors"]),
            "bound": Binding(**body["bound"]),
        }
    )


def approval_from(row: Row, votes: list[Row]) -> Approval:
    """An approvals row with its votes rows."""
    return Approval(
        id=row["id"],
        incident_id=row["incident_id"],
        proposal=_proposal_from(row["proposal"]),
        preview=_preview_from(row["preview"]),
        state=RemediationStatus(row["state"]),
        requested_by=row["requested_by"],
        requested_at=from_db_time(row["requested_at"]),
        expires_at=from_db_time(row["expires_at"]),
        needed=row["needed"],
        approvers=tuple(json.loads(row["approvers"])),
        digest=row["digest"],
        decided_by=row["decided_by"],
        decided_at=from_db_time_or_none(row["decided_at"]),
        reason=from_text(row["reason"]),
        votes=tuple(
            Vote(vote["voter"], Choice(vote["choice"]), from_db_time(vote["at"]), vote["reason"])
            for vote in votes
        ),
        terms=terms_from(row["terms"]),
        undoes=row["undoes"],
    )


def execution_from(row: Row) -> Execution:
    """An executions row."""
    return Execution(
        id=row["id"],
        approval_id=row["approval_id"],
        incident_id=row["incident_id"],
        state=RemediationStatus(row["state"]),
        owner=row["owner"],
        created_at=from_db_time(row["created_at"]),
        started_at=from_db_time_or_none(row["started_at"]),
        finished_at=from_db_time_or_none(row["finished_at"]),
        answer=json.loads(row["answer"]) if row["answer"] else None,
        error=unpacked(row["error_message"], row["error"]),
        verify_until=from_db_time_or_none(row["verify_until"]),
        verify_note=unpacked(row["verify_message"], row["verify_note"]),
        by_hand=row["by_hand"],
        attempt=row["attempt"],
        retry_until=from_db_time_or_none(row["retry_until"]),
        concluded_at=from_db_time_or_none(row["concluded_at"]),
        taken_over_at=from_db_time_or_none(row["taken_over_at"]),
        running_at=from_db_time_or_none(row["running_at"]),
        progress=row["progress"],
        cancellable=bool(row["cancellable"]),
    )


def advice_from(row: Row) -> AdviceRecord:
    """An advice row."""
    return AdviceRecord(
        id=row["id"],
        incident_id=row["incident_id"],
        question=row["question"],
        asked_by=row["asked_by"],
        body=json.loads(row["body"]) if row["body"] else None,
        at=from_db_time(row["at"]),
        replaced_by=row["replaced_by"],
    )


def notice_from(row: Row) -> Notice:
    """A notices row."""
    return Notice(
        id=row["id"],
        kind=row["kind"],
        channel=row["channel"],
        body=json.loads(row["body"]),
        began_at=from_db_time(row["began_at"]),
        ended_at=from_db_time_or_none(row["ended_at"]),
    )
