"""Assigns an alert to an incident, with the reason.

The rules, in order (the first match decides):

1. the same fingerprint of the same source fires in an open incident, and neither env nor service
   contradicts it;
2. an earlier version of the same message joined an open incident;
3. an open incident has the same scope: env, region, service and category, whatever the severity;
4. an open incident has the same SOP ID, env, region and service, and an SOP or the caller chose
   that ID;
5. a firing alert continues an incident that was resolved lately (`episodes`);
6. otherwise a firing alert opens an incident, and a resolved one has nothing to close.

An unknown env, region or place on either side matches by rules 3 and 4 only if exactly one open
incident fits and nothing contradicts: a wrong merge is worse than a split.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.incidents.keys import incident_key_of, normalise
from bot.incidents.model import Alert, AlertStatus
from bot.incidents.subject import Scope, Subject
from bot.language import N_


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
    """An alert with its final identity: subject, scope, incident key, SOP ID, tracking id.

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
    subject: Subject = field(default_factory=Subject)
    sop_matched: bool = False
    series_key: str = ""
    edit_of: DeliveryPart | None = None
    sent_at: datetime | None = None
    senders: tuple[str, ...] = ()
    channel: str = ""

    @property
    def chooses_sop(self) -> bool:
        """Return True if the operator or the caller chose the SOP ID.

        Else it is made of the incident key, which two troubles without a category share.
        """
        return self.sop_matched or bool(self.alert.sop_id or self.alert.incident_key)

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

    SAME_FINGERPRINT = N_("same fingerprint")
    EDITED_MESSAGE = N_("an edit of the same message")
    SAME_SCOPE = N_("same env, service and category")
    SAME_SOP = N_("same SOP ID, env and service")
    FIRES_AGAIN = N_("fires again soon after its incident was resolved")
    SCOPE_FIRES_AGAIN = N_("same env, service and category, soon after its incident was resolved")
    STILL_FIRES = N_("still fires, though its incident was resolved by a person or as stale")
    REMINDER_AFTER_RESOLVE = N_("a reminder, soon after a person resolved its incident")
    OPENED = N_("no open incident matches")
    ZONE_DOWN = N_("runs in a zone that is down")
    NODE_DOWN = N_("runs on a node that is down")
    SYMPTOM = N_("another symptom of the same service")
    NAMED_ALIKE = N_("its host or title has the name of the service")
    CALLS = N_("a declared call between the services")
    DEPLOY = N_("a deploy of the same service")
    NOTHING_TO_CLOSE = N_("resolved, and no open incident matches")
    ENDS_LATER = N_("resolved, after its incident was resolved by a person or as stale")
    ENDS_AGAIN = N_("resolved once more, soon after its incident was resolved")
    OVERTAKEN = N_("overtaken by a newer telling")
    SUPPRESSED = N_("suppressed by a silence")
    NOT_ITS_SENDER = N_("says resolved, but another sender's alert fires: nothing is cleared")


_JOINED = (Reason.SAME_FINGERPRINT, Reason.EDITED_MESSAGE, Reason.SAME_SCOPE, Reason.SAME_SOP)


class Verdict(StrEnum):
    """The action for the alert."""

    JOIN = "join"
    OPEN = "open"
    REOPEN = "reopen"
    KEEP = "keep"  # it is stored, and no incident changes


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, the incident to join, to reopen or to keep the alert with (a kept one may have
    none), and the reason with its facts.

    `alternatives` are the other incidents that a rule matched, each with its code. `shadow` is what
    the shadow policy would do instead (`shadow.difference`).
    """

    verdict: Verdict
    incident_id: int | None
    reason: Reason
    facts: Mapping[str, str | int] = field(default_factory=dict)
    alternatives: tuple[tuple[int, str], ...] = ()
    shadow: Mapping[str, str | int] = field(default_factory=dict)


def key_of(alert: Alert) -> str:
    """Return the caller's incident key, else `env|service|category|severity` in the sender's words.

    Without a service it has the alert's name, else its fingerprint.
    """
    service = alert.service or alert.name or alert.fingerprint
    return alert.incident_key or incident_key_of(alert.env, service, alert.category, alert.severity)


def could_share_fingerprint(alert: Alert, env: str, service: str) -> bool:
    """Return True if an incident about that env and service may have this alert's fingerprint.

    Some senders count from 1 or hash too little, so the same fingerprint about another subject is
    another alert. An unknown value on either side contradicts nothing.
    """
    pairs = ((alert.env, env), (alert.service, service))
    return all("-" in (a, b) or a == b for a, b in ((normalise(x), normalise(y)) for x, y in pairs))


def could_be_about(named: IdentifiedAlert, env: str, service: str, scope: Scope) -> bool:
    """Return True if an incident about that env and service, in that scope, may have the
    fingerprint of this alert.
    """
    theirs = in_our_words(named, scope)
    if theirs.env != named.scope.env:
        theirs = replace(theirs, env="-")  # the sender's own words decide
    if theirs.contradicts(named.scope):
        return False
    return could_share_fingerprint(named.alert, env, service) or (
        scope.service == named.scope.service and not scope.contradicts(named.scope)
    )


def in_our_words(named: IdentifiedAlert, scope: Scope) -> Scope:
    """Return the scope with this alert's env if it was written in the sender's own word.

    An incident may have been opened before the operator declared that word.
    """
    if scope.env == normalise(named.alert.env):
        return replace(scope, env=named.scope.env)
    return scope


MOST_ALTERNATIVES = 5


def explained(
    decision: Decision, named: IdentifiedAlert, candidates: Iterable[Candidate]
) -> Decision:
    """Return the decision with its facts, and with the other open incidents that a rule matched."""
    scope, facts = named.scope, decision.facts
    if decision.reason is Reason.SAME_FINGERPRINT:
        facts = {"fingerprint": named.alert.fingerprint}
    elif decision.reason in (Reason.SAME_SCOPE, Reason.OPENED):
        facts = {"env": scope.env, "service": scope.service, "category": scope.category}
    elif decision.reason is Reason.SAME_SOP:
        facts = {"sop_id": named.sop_id, "env": scope.env, "service": scope.service}
    others = (
        (candidate.id, str(decide(named, (candidate,)).reason))
        for candidate in candidates
        if candidate.id != decision.incident_id
    )
    matched = [(id_, rule) for id_, rule in others if rule in _JOINED]
    # Not `replace`, which takes three times as long: every alert passes here.
    return Decision(
        decision.verdict,
        decision.incident_id,
        decision.reason,
        facts,
        tuple(matched[:MOST_ALTERNATIVES]),
        decision.shadow,
    )


def decide(named: IdentifiedAlert, candidates: Iterable[Candidate]) -> Decision:
    """Apply the rules of the module docstring to the given open incidents."""
    same_scope: list[Candidate] = []
    same_sop: list[Candidate] = []
    for candidate in candidates:
        if candidate.fires_fingerprint:
            return Decision(Verdict.JOIN, candidate.id, Reason.SAME_FINGERPRINT)
        if candidate.had_earlier_version:
            return Decision(Verdict.JOIN, candidate.id, Reason.EDITED_MESSAGE)
        if candidate.scope.service == named.scope.service:
            if candidate.scope.category == named.scope.category:
                same_scope.append(candidate)
            if named.chooses_sop and candidate.sop_id == named.sop_id:
                same_sop.append(candidate)
    rules = ((same_scope, Reason.SAME_SCOPE), (same_sop, Reason.SAME_SOP))
    for choose in (_at_the_same_place, _only_fitting):
        for matching, reason in rules:
            if joins := choose(named, matching):
                return Decision(Verdict.JOIN, joins.id, reason)
    if named.alert.status is AlertStatus.RESOLVED:
        return Decision(Verdict.KEEP, None, Reason.NOTHING_TO_CLOSE)
    return Decision(Verdict.OPEN, None, Reason.OPENED)


def _at_the_same_place(named: IdentifiedAlert, candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the first with the same env, region and place."""
    at = (item for item in candidates if in_our_words(named, item.scope).is_at(named.scope))
    return next(at, None)


def _only_fitting(named: IdentifiedAlert, candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the only one that contradicts neither env nor region nor place."""
    fitting = [
        item for item in candidates if not in_our_words(named, item.scope).contradicts(named.scope)
    ]
    return fitting[0] if len(fitting) == 1 else None
