"""Every event that the bot logs: one per step, with a stable name. docs/logs.md lists them all.

`emit(Event.X, incident="INC-7", …)` logs one. The fields of `bound(…)` are added to it.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

from bot.serving import logs

log = logging.getLogger("bot.events")


class Event(StrEnum):
    """The name of a step. The comment states when it is logged."""

    ALERT_ACCEPTED = "alert.accepted"  # an alert is stored
    ALERT_FOLDED = "alert.folded"  # … and joined an open incident
    ALERT_CLEARED = "alert.cleared"  # a resolve ended an alert of an incident
    ALERT_SUPPRESSED = "alert.suppressed"  # … and opened nothing, because of a silence
    ALERT_REPEATED = "alert.repeated"  # a known delivery; nothing changed
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_REOPENED = "incident.reopened"
    INCIDENT_FLAPPING = "incident.flapping"
    INCIDENT_SEVERITY = "incident.severity_changed"
    INCIDENT_ACKNOWLEDGED = "incident.acknowledged"
    INCIDENT_RESOLVED = "incident.resolved"
    ADVICE_ASKED = "advice.asked"  # the advisor is asked
    ADVICE_GIVEN = "advice.given"  # the thread shows it
    ADVICE_FAILED = "advice.failed"  # the command gave no usable answer; the SOP's rules replace it
    ADVISOR_FAILED = "advisor.failed"  # one advisor did not answer; the next one is asked
    ADVICE_BUDGET_SPENT = "advice.budget_spent"  # … nor is the next one: the rules answer
    REMEDIATION_PROPOSED = "remediation.proposed"
    REMEDIATION_EDITED = "remediation.edited"
    VOTE_COUNTED = "vote.counted"
    VOTE_REFUSED = "vote.refused"  # a press of Approve or Reject does not count
    PRESS_REFUSED = "press.refused"  # any other press, box or command that was refused
    APPROVAL_DECIDED = "approval.decided"  # approved, rejected, expired or revoked: see `state`
    DISPATCH_CLAIMED = "dispatch.claimed"  # this replica will send it
    DISPATCH_SENT = "dispatch.sent"  # the request goes to the gateway now
    DISPATCH_FINISHED = "dispatch.finished"  # the gateway answered: see `state`
    DISPATCH_UNKNOWN = "dispatch.unknown"  # sent, and no answer arrived
    DISPATCH_MARKED = "dispatch.marked"  # a person records the outcome
    REMEDIATION_VERIFIED = "remediation.verified"
    REMEDIATION_NOT_VERIFIED = "remediation.not_verified"  # or the result is unknown: see `state`
    REMEDIATION_UNDONE = "remediation.undone"
    FREEZE_SET = "freeze.set"
    FREEZE_ENDED = "freeze.ended"
    SILENCE_SET = "silence.set"  # alerts of a matcher open nothing
    SILENCE_ENDED = "silence.ended"  # a person ended it early
    LEASE_TAKEN_OVER = "lease.taken_over"  # from a replica that has ended: a channel or a dispatch
    POLICY_LOADED = "policy.loaded"  # at the start, and again after a reload
    POLICY_RELOADED = "policy.reloaded"  # SIGHUP: policy and SOPs are read again
    POLICY_REFUSED = "policy.refused"  # … and a file has a problem: the old ones stay in use
    POLICY_DIFFERS = "policy.differs"  # the shadow policy would decide otherwise about an alert
    BOT_READY = "bot.ready"
    BOT_STOPPING = "bot.stopping"
    SLACK_CONNECTED = "slack.connected"  # a Socket Mode connection is open
    SLACK_DISCONNECTED = "slack.disconnected"
    # Messages that only the read of Slack's history delivered.
    SLACK_BACKFILLED = "slack.backfilled"
    STORE_UNAVAILABLE = "store.unavailable"
    STORE_AVAILABLE = "store.available"
    HEALTH_FAILING = "health.failing"  # another part than the store: see `part`
    HEALTH_RECOVERED = "health.recovered"
    WORK_OVERDUE = "work.overdue"  # work is overdue
    OUTBOX_POSTPONED = "outbox.postponed"  # a message is retried later
    OUTBOX_GIVEN_UP = "outbox.given_up"  # Slack will not accept a message


LEVELS = {
    Event.ALERT_REPEATED: logging.DEBUG,
    Event.DISPATCH_CLAIMED: logging.DEBUG,
    Event.ADVICE_FAILED: logging.WARNING,
    Event.ADVISOR_FAILED: logging.WARNING,
    Event.ADVICE_BUDGET_SPENT: logging.WARNING,
    Event.DISPATCH_UNKNOWN: logging.WARNING,
    Event.REMEDIATION_NOT_VERIFIED: logging.WARNING,
    Event.LEASE_TAKEN_OVER: logging.WARNING,
    Event.POLICY_REFUSED: logging.ERROR,
    Event.SLACK_DISCONNECTED: logging.WARNING,
    Event.SLACK_BACKFILLED: logging.WARNING,
    Event.STORE_UNAVAILABLE: logging.ERROR,
    Event.HEALTH_FAILING: logging.WARNING,
    Event.WORK_OVERDUE: logging.ERROR,
    Event.OUTBOX_POSTPONED: logging.WARNING,
    Event.OUTBOX_GIVEN_UP: logging.ERROR,
}


def emit(event: Event, **fields: Any) -> None:
    """Log a step. `fields` are ids, states and short reasons: never a secret, never alert text."""
    logs.emit(log, LEVELS.get(event, logging.INFO), event, fields)
