"""Published messages have exactly the fields of the V3 models, within their limits."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from pydantic import BaseModel, ConfigDict, Field

from bot.advice.model import Advice
from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.sops import Sop
from bot.nats.messages import NARRATIVE_LIMIT, Message, message_of
from store.operations.publications import ADVICE_GIVEN, ADVICE_REQUESTED, INCIDENT_CREATED, SUBJECTS
from store.rows import AdviceRecord, Publication
from tests.helpers.models import NOW, WILD, incident

Level = Literal["low", "medium", "high"]
Word = Literal["low", "medium", "high", "critical"]


class Base(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)

    schema_version: Literal["3.0"]
    tracking_id: str
    ts: datetime
    ship_id: str = Field(min_length=1)
    incident_id: str


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")
    device_id: str
    service: str


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ts: datetime
    event: str
    description: str
    source: str
    meta: dict[str, Any]


class Evidence(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ref: str
    summary: str = Field(max_length=500)
    weight: float = Field(ge=0, le=1)


class Runbook(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str
    title: str
    risk: Level


class Created(Base):
    incident_type: str
    severity: Word
    scope: list[Place] = Field(min_length=1)
    corr_keys: list[str] = Field(min_length=5, max_length=5)
    suppress_key: str
    timeline: list[Entry]
    evidence: list[Evidence]
    runbook_refs: list[Runbook]
    status: Literal["open", "ack", "resolved", "suppressed"]
    narrative: str | None
    confidence: Level | None
    owner: str | None
    created_at: datetime
    updated_at: datetime


class Request(Base):
    incident_type: str
    severity: Word
    scope: list[Place] = Field(min_length=1)
    evidence_refs: list[str]
    priority: int = Field(ge=1, le=10)


class Completed(Base):
    narrative: str = Field(max_length=NARRATIVE_LIMIT)
    confidence: Level
    evidence_refs: list[str]
    runbooks: list[Runbook]
    cache_hit: bool
    llm_latency_ms: int = Field(ge=0)
    token_count: int = Field(ge=0)


MODELS = {INCIDENT_CREATED: Created, ADVICE_REQUESTED: Request, ADVICE_GIVEN: Completed}
SOP = Sop(sop_id="sop_checkout_down", title="Checkout is down")


def message(
    subject: str, sop: Sop | None = None, prose: str = "Restart it", **changes: Any
) -> Message:
    advice = Advice(source="Amazon Q", seconds=8.1234, confidence="high", text=prose)
    record = AdviceRecord(3, 142, "", "", asdict(advice), NOW)
    given_advice = None if subject == INCIDENT_CREATED else record
    publication = Publication(subject, 3, incident(**changes), "link_degradation", given_advice)
    return message_of(publication, sop, NOW)


def body(subject: str, sop: Sop | None = None, **changes: Any) -> dict[str, Any]:
    return json.loads(message(subject, sop, **changes).body)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("sop", [None, SOP])
def test_each_message_is_valid_by_its_model(subject: str, sop: Sop | None) -> None:
    fields = body(subject, sop)
    MODELS[subject].model_validate(fields)
    assert fields.keys() == MODELS[subject].model_fields.keys()


@pytest.mark.parametrize("status", IncidentStatus)
@pytest.mark.parametrize("severity", Severity)
def test_every_status_and_severity_has_its_word(status: IncidentStatus, severity: Severity) -> None:
    Created.model_validate(body(INCIDENT_CREATED, status=status, severity=severity))
    Request.model_validate(body(ADVICE_REQUESTED, severity=severity))


@given(text=WILD)
def test_wild_text_stays_valid_and_bounded(text: str) -> None:
    wild = {"title": text, "text": text, "service": text, "env": text, "tracking_id": text}
    for subject in SUBJECTS:
        built = message(subject, prose=text * 20, **wild)
        MODELS[subject].model_validate_json(built.body)
        assert len(built.body) < 512 * 1024, "a server takes 1 MiB by default"
        assert built.message_id.isascii()
        assert built.message_id.isprintable()
        assert len(built.message_id) <= 400


def test_the_ship_is_spelt_as_v3_does_and_else_is_the_environment() -> None:
    assert body(INCIDENT_CREATED, labels={"ship_id": "MSC Aurora/2"})["ship_id"] == "msc_aurora-2"
    assert body(INCIDENT_CREATED, labels={}, env="prod")["ship_id"] == "prod"
    assert body(INCIDENT_CREATED, labels={}, env="")["ship_id"] == "unknown"


def test_the_keys_are_those_of_v3() -> None:
    fields = body(
        INCIDENT_CREATED,
        labels={"ship_id": "aurora", "device_id": "modem-1"},
        service="vsat",
        category="comms",
    )
    assert fields["suppress_key"] == "link_degradation:aurora:modem-1:vsat"
    assert fields["corr_keys"] == [
        "link_degradation:aurora",
        "comms:aurora",
        "vsat:aurora",
        "modem-1:aurora",
        "link_degradation:vsat:aurora",
    ]
    assert fields["scope"] == [{"device_id": "modem-1", "service": "vsat"}]


def test_each_message_has_an_id_of_its_own() -> None:
    ids = {message(subject, id=number).message_id for subject in SUBJECTS for number in (7, 8)}
    assert len(ids) == 6, "in one stream the id is known for all subjects"


def test_advice_says_how_long_the_model_took() -> None:
    fields = body(ADVICE_GIVEN)
    assert fields["llm_latency_ms"] == 8123
    assert fields["narrative"].startswith("Likely cause: ")
