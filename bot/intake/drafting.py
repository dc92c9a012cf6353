"""Builds every Alert: clean, complete, and with an identity that stays the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.incidents import keys
from bot.incidents.model import Alert, AlertStatus, Hyperlink
from bot.incidents.severity_words import severity_of
from bot.intake import guesses
from bot.intake.cleaning import (
    LINK_LIMIT,
    TEXT_LIMIT,
    TITLE_LIMIT,
    VALUE_LIMIT,
    body_of,
    clean_mapping,
    http_url,
    one_line,
    parse_words,
    storable_with_json,
    title_of,
)
from bot.intake.reading import Activity, ActivityKind

# A number or a time on its own: neither the digit of db-1 nor an IP address.
_LOOSE_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.\-])(?!\d{1,3}(?:\.\d{1,3}){3})[-+]?\d[\d.,:/T\-]*+[A-Za-zµ%]{0,3}+"
    r"(?:\d[\d.,:]*+[A-Za-zµ%]{0,3}+)*+"
)
_VOLATILE_LABELS = parse_words(
    "severity priority level sev value threshold score tracking_id request_id timestamp ts time "
    "starts_at ends_at status state sop_id incident_key"
)


_VOLATILE_LABEL = re.compile(
    r"[a-z_]*(?:_|^)(?:severity|priority|level|status|state|value|threshold|time|timestamp|at)"
)


def still(text: str) -> str:
    """Replace loose numbers and times by '#', so that the text names the same thing next time."""
    return _LOOSE_NUMBER.sub("#", one_line(text, VALUE_LIMIT)).lower()


def identifying(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that identify the alert: without its severity, values and times."""
    return {name: text for name, text in labels.items() if not _is_volatile(name.lower())}


def _is_volatile(name: str) -> bool:
    return name in _VOLATILE_LABELS or _VOLATILE_LABEL.fullmatch(name[:60]) is not None


def activity_about(
    source: str,
    identity: Mapping[str, str],
    kind: ActivityKind,
    text: str,
    *,
    actor: str = "",
    is_stated: bool = False,
) -> Activity:
    """Return activity about the alert that a Draft with this source and identity makes."""
    return Activity(
        kind=kind,
        source=source,
        fingerprint=keys.fingerprint_of(source, clean_mapping(identity)),
        text=body_of(text),
        actor=one_line(actor),
        is_stated=is_stated,
    )


def links_of(pairs: Iterable[tuple[str, str]]) -> tuple[Hyperlink, ...]:
    """Return (label, address) pairs as links: http(s) only, each address once, 20 at most."""
    links: dict[str, Hyperlink] = {}
    for label, address in pairs:
        url = http_url(address) if address else ""
        if url and url not in links and len(links) < LINK_LIMIT:
            links[url] = Hyperlink(one_line(label, 75) or "Link", url)
    return tuple(links.values())


@dataclass(slots=True, kw_only=True)
class Draft:
    """A parser's values of one alert; empty values are read from the labels.

    `identity` identifies the alert if the sender gave no `fingerprint`: it must be the same when
    the alert fires again and when it resolves. A malformed tracking or SOP ID is left out;
    parsers that must refuse one check it before. `read_from` names the fields that the parser did
    not read from a field of the sender's form: from the title, a colour, or by a guess.
    """

    source: str
    status: AlertStatus
    name: str
    raw: Any
    identity: Mapping[str, str]
    raw_shared: str = ""
    title: str = ""
    text: str = ""
    env: str = ""
    region: str = ""
    service: str = ""
    category: str = ""
    severity: str = ""
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    value: str = ""
    threshold: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    links: Iterable[tuple[str, str]] = ()
    fingerprint: str = ""
    tracking_id: str = ""
    incident_key: str = ""
    sop_id: str = ""
    read_from: Mapping[str, str] | None = None
    not_understood: str = ""

    def alert(self) -> Alert:
        """The alert: clean and complete."""
        labels = clean_mapping(self.labels) if self.labels else {}
        annotations = clean_mapping(self.annotations, TEXT_LIMIT) if self.annotations else {}
        raw, raw_json = storable_with_json(self.raw)
        title = title_of(self.title) or title_of(self.name) or title_of(self.text)
        name = one_line(self.name) or title
        severity = one_line(self.severity or guesses.severity_in(labels), 40)
        identity = clean_mapping(self.identity)
        fingerprint = one_line(self.fingerprint, 128) or keys.fingerprint_of(self.source, identity)
        read_from = dict(self.read_from or {})
        env, region, service = self._place(labels, read_from)
        category = self.category or labels.get("category", "")
        if not category and (category := guesses.category_of(name)):
            read_from.setdefault("category", "guess")
        read_from.setdefault("status", "field")
        if severity:
            read_from.setdefault("severity", "field")
        if title:
            read_from.setdefault("title", "field")
        return Alert(
            source=self.source,
            status=self.status,
            name=name or f"{self.source} alert",
            title=title or one_line(name, TITLE_LIMIT) or f"{self.source} alert",
            text=body_of(self.text),
            env=one_line(env),
            region=one_line(region),
            service=one_line(service),
            category=one_line(category),
            severity=severity_of(guesses.severity_spoken(severity)),
            severity_raw=severity,
            labels=labels,
            annotations=annotations,
            value=one_line(self.value) or _first(("value",), annotations, labels),
            threshold=one_line(self.threshold) or _first(("threshold",), annotations, labels),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            links=links_of(self.links),
            fingerprint=fingerprint,
            tracking_id=_valid_tracking_id(self.tracking_id, labels, annotations),
            incident_key=one_line(self.incident_key),
            sop_id=_valid_sop_id(self.sop_id or labels.get("sop_id", "")),
            read_from=read_from,
            not_understood=one_line(self.not_understood, VALUE_LIMIT),
            raw=raw,
            raw_json=raw_json,
            raw_shared=self.raw_shared,
        )

    def _place(self, labels: Mapping[str, str], read_from: dict[str, str]) -> tuple[str, str, str]:
        """Return env, region and service, and note in `read_from` where each was read."""
        env, env_label = (guesses.env_word(self.env), "") if self.env else guesses.env_of(labels)
        region, region_label = (self.region, "") if self.region else guesses.region_of(labels)
        service, service_label = (self.service, "") if self.service else guesses.service_of(labels)
        if env:
            read_from.setdefault("env", f"label {env_label}" if env_label else "field")
        if region:
            read_from.setdefault("region", f"label {region_label}" if region_label else "field")
        if service:
            read_from.setdefault("service", f"label {service_label}" if service_label else "field")
        return env, region, service


def _valid_tracking_id(text: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    tracking_id = text or _first(("tracking_id", "request_id"), labels, annotations)
    return tracking_id if tracking_id and keys.is_tracking_id(tracking_id) else ""


def _valid_sop_id(sop_id: str) -> str:
    return sop_id if sop_id and keys.is_sop_id(sop_id) else ""


def _first(names: tuple[str, ...], *mappings: Mapping[str, str]) -> str:
    for mapping in mappings:
        for name in names:
            if name in mapping:
                return one_line(mapping[name])
    return ""
