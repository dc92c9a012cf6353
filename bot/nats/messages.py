"""The messages that the bot publishes, with the fields of the AIOps V3 models (docs/nats.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bot.advice.model import advice_from
from bot.incidents.model import Incident
from bot.incidents.sops import Sop
from store.operations.publications import ADVICE_GIVEN, ADVICE_REQUESTED, INCIDENT_CREATED
from store.rows import Publication

SCHEMA_VERSION = "3.0"
TEXT_LIMIT = 500  # characters of a summary, as in V3
NARRATIVE_LIMIT = 20_000  # characters: a server takes 1 MiB by default, and less by its settings
ID_LIMIT = 400  # characters of a message id
UNKNOWN = "unknown"
PRIORITY = {"critical": 10, "high": 7, "medium": 5, "low": 3}


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish. The stream drops a second one with the same `message_id`."""

    subject: str
    message_id: str
    body: bytes


def message_of(publication: Publication, sop: Sop | None, now: datetime) -> Message:
    """Return the message about an incident or its advice; `sop` is the one that it matched."""
    incident, subject = publication.incident, publication.subject
    fields = {
        "schema_version": SCHEMA_VERSION,
        "tracking_id": incident.tracking_id,
        "ts": _time(now),
        "ship_id": ship_of(incident),
        "incident_id": incident.number,
    } | _FIELDS[subject](publication, sop)
    message_id = f"{subject}/{incident.number}/{publication.source_id}/{_quoted(incident)}"
    # A sender may write half a surrogate pair, which UTF-8 and other parsers do not know.
    body = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    return Message(subject, message_id[:ID_LIMIT], body)


def ship_of(incident: Incident) -> str:
    """Return the ship id of the anomaly, else the environment, in V3's spelling."""
    name = incident.labels.get("ship_id", "").strip() or incident.env.strip() or UNKNOWN
    return name.replace(" ", "_").replace("/", "-").lower()


def _created(publication: Publication, sop: Sop | None) -> dict[str, Any]:
    incident, kind = publication.incident, _type(publication)
    ship, service = ship_of(incident), incident.service or UNKNOWN
    domain, device = incident.category or UNKNOWN, incident.labels.get("device_id") or "none"
    return {
        "incident_type": kind,
        "severity": incident.severity.value,
        "scope": _scope(incident),
        "corr_keys": [
            f"{kind}:{ship}",
            f"{domain}:{ship}",
            f"{service}:{ship}",
            f"{device}:{ship}",
            f"{kind}:{service}:{ship}",
        ],
        "suppress_key": f"{kind}:{ship}:{device}:{service}",
        "timeline": [
            {
                "ts": _time(incident.opened_at),
                "event": "incident_created",
                "description": _short(incident.title),
                "source": "sopbot",
                "meta": {},
            }
        ],
        "evidence": [
            {"ref": _ref(incident), "summary": _short(incident.text or incident.title), "weight": 1}
        ],
        "runbook_refs": [_runbook(sop)] if sop else [],
        "status": _STATUS.get(incident.status.value, incident.status.value),
        "narrative": None,
        "confidence": None,
        "owner": incident.acknowledged_by or None,
        "created_at": _time(incident.opened_at),
        "updated_at": _time(incident.updated_at),
    }


def _request(publication: Publication, _: Sop | None) -> dict[str, Any]:
    incident = publication.incident
    return {
        "incident_type": _type(publication),
        "severity": incident.severity.value,
        "scope": _scope(incident),
        "evidence_refs": [_ref(incident)],
        "priority": PRIORITY[incident.severity.value],
    }


def _completed(publication: Publication, sop: Sop | None) -> dict[str, Any]:
    if publication.advice is None or publication.advice.body is None:
        raise AssertionError("only advice that was given is published")
    advice = advice_from(publication.advice.body)
    return {
        "narrative": advice.answer[:NARRATIVE_LIMIT],
        "confidence": advice.confidence or "low",
        "evidence_refs": [_ref(publication.incident)],
        "runbooks": [_runbook(sop)] if sop else [],
        "cache_hit": False,
        "llm_latency_ms": round(advice.seconds * 1000),
        "token_count": 0,
    }


def _type(publication: Publication) -> str:
    """Return the incident type: for an anomaly its `anomaly_type`, else the alert's name."""
    return publication.alert_name or publication.incident.category or UNKNOWN


def _scope(incident: Incident) -> list[dict[str, str]]:
    device = incident.labels.get("device_id") or UNKNOWN
    return [{"device_id": device, "service": incident.service or UNKNOWN}]


def _ref(incident: Incident) -> str:
    return f"sopbot:/api/v3/trace/{_quoted(incident)}"


def _quoted(incident: Incident) -> str:
    """Return the tracking id, which a sender may have chosen, as ASCII without spaces."""
    return quote(incident.tracking_id, safe="", errors="backslashreplace")


def _runbook(sop: Sop) -> dict[str, str]:
    """Return the SOP as a runbook; `medium` if it offers actions: each has its own risk."""
    risk = "medium" if sop.actions else "low"
    return {"id": sop.sop_id, "title": sop.title or sop.sop_id, "risk": risk}


def _short(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 3]}..."


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_STATUS = {"acknowledged": "ack"}
_FIELDS: Mapping[str, Callable[[Publication, Sop | None], dict[str, Any]]] = {
    INCIDENT_CREATED: _created,
    ADVICE_REQUESTED: _request,
    ADVICE_GIVEN: _completed,
}
