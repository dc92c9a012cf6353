"""Assigns an alert to an incident, with the reason.

The rules, in order (the first match decides):

1. the same fingerprint of the same source fires in an open incident, and neither env nor service
   contradicts it;
2. an earlier version of the same message joined an open incident;
3. an open incident has the same env, service and category, whatever the severity;
4. an open incident has the same SOP ID, env and service;
5. otherwise a firing alert opens an incident, and a resolved one has nothing to close.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.incidents.keys import normalise
from bot.incidents.model import Alert, AlertStatus


@dataclass(frozen=True, slots=True)
class Scope:
    """The subject of an alert, normalised for comparison: equal scopes mean the same subject."""

    env: str
    service: str
    category: str


@dataclass(frozen=True, slots=True)
class DeliveryPart:
    """One alert of a delivery: the delivery's key, and the place of the alert in it."""

    delivery: str
    place: int

    def __str__(self) -> str:
        return f"{self.delivery}{self.ending}"

    @property
    def ending(self) -> str:
        """Return the end of the dedup_keys of the alerts in this place."""
        return f"#{self.place}"


@dataclass(frozen=True, slots=True)
class IdentifiedAlert:
    """An alert with its final identity: scope, incident key, SOP ID, tracking id.

    `sop_matched`: the SOP ID comes from the library, not from the alert's text. `series_key` is the
    common prefix of the dedup_keys of all reminders of the same firing alert, '' for a sender that
    sends no reminders. `edit_of` is the part of the message that this is an edit of, with the
    common prefix of the keys of all its versions; None if this is not an edit. `sent_at` is the
    sender's time, if known. `senders` are its own sender and those that the operator declares to be
    the same; empty if unknown. `channel` is where a route of the policy puts the card of a new
    incident; '' if none matches: the delivery's channel.
    """

    alert: Alert
    scope: Scope
    incident_key: str
    sop_id: str
    tracking_id: str
    dedup_key: str
    sop_matched: bool = False
    series_key: str = ""
    edit_of: DeliveryPart | None = None
    sent_at: datetime | None = None
    senders: tuple[str, ...] = ()
    channel: str = ""

    @property
    def sender(self) -> str:
        """Return the sender by Slack or by endpoint, never by the alert's own text; '' if
        unknown.
        """
        return self.senders[0] if self.senders else ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open incident that an alert could join.

    `had_earlier_version`: the alert edits a message that was folded into this incident.
    """

    id: int
    sop_id: str
    scope: Scope
    fires_fingerprint: bool
    had_earlier_version: bool = False


class Reason(StrEnum):
    """The reason why an alert joined an incident, opened one, or did neither; stored with the
    alert.
    """

    SAME_FINGERPRINT = "same fingerprint"
    EDITED_MESSAGE = "an edit of the same message"
    SAME_SCOPE = "same env, service and category"
    SAME_SOP = "same SOP ID, env and service"
    OPENED = "no open incident matches"
    NOTHING_TO_CLOSE = "resolved, and no open incident matches"
    OVERTAKEN = "overtaken by a newer telling"
    NOT_ITS_SENDER = "says resolved, but another sender's alert fires: nothing is cleared"


class Verdict(StrEnum):
    """The action for the alert."""

    JOIN = "join"
    OPEN = "open"
    NOTHING_OPEN = "nothing open"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, the incident to join (JOIN only) and the reason."""

    verdict: Verdict
    incident_id: int | None
    reason: Reason


def scope_of(alert: Alert) -> Scope:
    """Return the alert's scope. Without a service it uses the alert's name, else its fingerprint.

    Otherwise two strangers' messages without a service could fold into one incident.
    """
    service = alert.service or alert.name or alert.fingerprint
    return Scope(normalise(alert.env), normalise(service), normalise(alert.category))


def key_of(alert: Alert, scope: Scope) -> str:
    """Return the caller's incident key, else `env|service|category|severity`."""
    # The parts of the scope are normalised; a second time would change an empty part's `-` to `_`.
    return alert.incident_key or "|".join(
        (scope.env, scope.service, scope.category, normalise(alert.severity))
    )


def could_share_fingerprint(alert: Alert, env: str, service: str) -> bool:
    """Return True if an incident about that env and service may have this alert's fingerprint.

    Some senders count from 1 or hash too little, so the same fingerprint about another subject is
    another alert. An unknown value on either side contradicts nothing.
    """
    pairs = ((alert.env, env), (alert.service, service))
    return all("-" in (a, b) or a == b for a, b in ((normalise(x), normalise(y)) for x, y in pairs))


def decide(named: IdentifiedAlert, candidates: Iterable[Candidate]) -> Decision:
    """Apply the rules of the module docstring to the given open incidents."""
    same_scope: Candidate | None = None
    same_sop: Candidate | None = None
    for candidate in candidates:
        if candidate.fires_fingerprint:
            return Decision(Verdict.JOIN, candidate.id, Reason.SAME_FINGERPRINT)
        if candidate.had_earlier_version:
            return Decision(Verdict.JOIN, candidate.id, Reason.EDITED_MESSAGE)
        if candidate.scope == named.scope:
            same_scope = same_scope or candidate
        elif (
            candidate.sop_id == named.sop_id
            and candidate.scope.env == named.scope.env
            and candidate.scope.service == named.scope.service
        ):
            same_sop = same_sop or candidate
    if same_scope:
        return Decision(Verdict.JOIN, same_scope.id, Reason.SAME_SCOPE)
    if same_sop:
        return Decision(Verdict.JOIN, same_sop.id, Reason.SAME_SOP)
    if named.alert.status is AlertStatus.RESOLVED:
        return Decision(Verdict.NOTHING_OPEN, None, Reason.NOTHING_TO_CLOSE)
    return Decision(Verdict.OPEN, None, Reason.OPENED)
