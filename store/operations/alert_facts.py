"""Reads in one round trip the facts about many alerts that arrive together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.incidents.correlation import Candidate, IdentifiedAlert
from store.operations import senders
from store.operations.candidates import COLUMNS, IS_OPEN, candidate
from store.statements import Operation, Statement, query, together

_NAMES = (
    *(name.strip().removeprefix("i.") for name in COLUMNS.split(", EXISTS")[0].split(",")),
    "was_acted_on",
    "happened_at",
    "fires",
    "fired_severity",
    "fired_key",
    "fired_since",
    "fired_told",
    "replaces",
)
_OPEN = (
    f"SELECT {COLUMNS}, i.happened_at, 0, '', '', '', '', '' FROM incidents i"  # noqa: S608 - constants
    " WHERE i.scope_service IN ({services}) AND (i.scope_category IN ({categories})"
    f" OR i.sop_id IN ({{sops}})) AND {IS_OPEN}"
    f" UNION ALL SELECT {COLUMNS}, i.happened_at, 1, f.severity, f.fingerprint, f.starts_at,"
    " f.told_at, '' FROM firing f JOIN incidents i ON i.id = f.incident_id"
    f" WHERE {IS_OPEN} AND f.fingerprint IN ({{keys}})"
)
_EARLIER = (
    "WITH v (source, fingerprint) AS (VALUES {pairs}) SELECT v.source, v.fingerprint FROM v"
    " WHERE EXISTS (SELECT 1 FROM alerts a WHERE a.fingerprint = v.fingerprint"
    " AND a.source = v.source AND a.status = 'firing')"
    " OR EXISTS (SELECT 1 FROM alerts a WHERE a.fingerprint = v.fingerprint"
    " AND a.source = v.source AND a.status = 'resolved' AND a.told_at != '')"
)

T = TypeVar("T")
OpenIncident = dict[str, Any]
"""A row as `candidates` has it, with `happened_at`. The run that reads it keeps it up to date."""


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """The facts about some alerts.

    `stored` are dedup_keys of alerts that are stored; `earlier` are those of (source, fingerprint)
    that any stored alert has. `open_incidents` are those of their services, by service, each with
    what `decide` goes by; `firing` has, by key, the incidents in which an alert of that key fires.
    """

    stored: set[str]
    earlier: set[tuple[str, str]]
    open_incidents: Mapping[str, Sequence[tuple[OpenIncident, Candidate]]]
    firing: Mapping[str, Sequence[OpenIncident]]


def read(alerts: Sequence[IdentifiedAlert]) -> Operation[AlertFacts]:
    """Read them. The caller holds the scopes of the alerts."""
    stored, earlier, rows = yield from together(_stored(alerts), _earlier(alerts), _open(alerts))
    incidents = [dict(zip(_NAMES, row, strict=True)) for row in rows]
    # A row says of one alert that it fires; the incident itself is the same one.
    by_id = {row["id"]: row for row in incidents if not row["fires"]}
    firing: dict[str, list[OpenIncident]] = {}
    for row in incidents:
        if row["fires"]:
            firing.setdefault(row["fired_key"], []).append(row)
    open_incidents: dict[str, list[tuple[OpenIncident, Candidate]]] = {}
    for _, row in sorted(by_id.items()):
        open_incidents.setdefault(row["scope_service"], []).append((row, candidate(row)))
    return AlertFacts(
        {row["dedup_key"] for row in stored},
        {(row["source"], row["fingerprint"]) for row in earlier},
        open_incidents,
        firing,
    )


def _stored(alerts: Sequence[IdentifiedAlert]) -> Statement:
    keys = _padded(item.dedup_key for item in alerts)
    return query(
        f"SELECT dedup_key FROM alerts WHERE dedup_key IN ({senders.placeholders(keys)})",  # noqa: S608 - placeholders
        *keys,
    )


def _earlier(alerts: Sequence[IdentifiedAlert]) -> Statement:
    pairs = _padded((item.alert.source, item.alert.fingerprint) for item in alerts)
    return query(
        _EARLIER.format(pairs=", ".join(["(?, ?)"] * len(pairs))),
        *(value for pair in pairs for value in pair),
    )


def _open(alerts: Sequence[IdentifiedAlert]) -> Statement:
    services = _padded(item.scope.service for item in alerts)
    categories = _padded(item.scope.category for item in alerts)
    sops = _padded(item.sop_id for item in alerts)
    keys = _padded(key for item in alerts for key in senders.keys(item))
    sql = _OPEN.format(
        services=senders.placeholders(services),
        categories=senders.placeholders(categories),
        sops=senders.placeholders(sops),
        keys=senders.placeholders(keys),
    )
    return query(sql, *services, *categories, *sops, *keys)


def _padded(values: Iterable[T]) -> list[T]:
    """Return each of them once, the last one repeated up to a power of two.

    An engine keeps a statement that it has prepared for each text: so there are few.
    """
    each = list(dict.fromkeys(values))
    size = 1 << (len(each) - 1).bit_length()
    return each + each[-1:] * (size - len(each))
