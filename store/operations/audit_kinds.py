"""The kinds of rows of the audit trail, and the log event of each."""

from __future__ import annotations

from enum import StrEnum

from bot.observability.events import Event


class Kind(StrEnum):
    """The kinds of rows on record. `subject` is the approval's id unless a kind says otherwise."""

    PROPOSED = "proposed"  # with the digest, and every parameter with its origin
    EDITED = "edited"  # a person changed the parameters; actor: that person
    VOTED = "voted"  # a vote that counts; detail: the choice, Slack's ids of the press
    REFUSED = "refused"  # a press, a command or a proposal that was not allowed; detail: why
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REVOKED = "revoked"  # detail: why
    DISPATCHING = "dispatching"  # claimed, before the request is sent
    TAKEN_OVER = "taken over"  # another replica claimed it; its former owner is gone
    REQUEST = "request"  # about to be sent: SHA-256 of its bytes, key, the gateway's host
    ANSWER = "answer"  # the gateway's answer: the state, SHA-256 of the answer
    OUTCOME_UNKNOWN = "outcome unknown"
    LOOKED_UP = "looked up"  # the bot asked the gateway for the outcome
    TRIED_AGAIN = "tried again"  # it did not run and is queued once more; actor: who asked
    MARKED_BY_HAND = "marked by hand"  # a person states the outcome
    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    VERIFICATION_UNKNOWN = (
        "verification unknown"  # it ran; no probe and no alert tells whether it helped
    )
    UNDONE = "undone"
    FROZEN = "frozen"  # no action runs; subject: what is frozen
    UNFROZEN = "unfrozen"
    SCOPE_FROZEN = "scope frozen"  # no action of the subject runs: `incident:7`, `target:web`
    SCOPE_UNFROZEN = "scope unfrozen"
    SILENCED = "silenced"  # alerts of a matcher open nothing; subject: the silence's id
    SILENCE_ENDED = "silence ended"  # early, by the actor; subject: the silence's id
    EXPORTED = "exported"  # the actor was sent the incident's export; subject: the file's name
    SOP_LINKED = "sop linked"  # a person chose the incident's SOP; subject: its id
    LESSON_REMOVED = "lesson removed"  # a wrong one; subject: its number; detail: text, author
    STAKEHOLDERS_INFORMED = "stakeholders informed"  # subject: the channel; detail: the text
    POLICY_LOADED = "policy loaded"  # subject: SHA-256 of the policy
    PRUNED = "pruned"  # retention deleted the rows up to detail.through
    DISPUTED = "disputed"  # the trail lacks rows that a running bot had seen; detail: why
    BEGUN_ANEW = "begun anew"  # with another key, or after a fault; detail: why, and its old end
    CLOCK_MOVED_BACK = "clock moved back"  # by more than SKEW; the next row was recorded then


EVENTS = {
    Kind.PROPOSED: Event.REMEDIATION_PROPOSED,
    Kind.EDITED: Event.REMEDIATION_EDITED,
    Kind.VOTED: Event.VOTE_COUNTED,
    Kind.APPROVED: Event.APPROVAL_DECIDED,
    Kind.REJECTED: Event.APPROVAL_DECIDED,
    Kind.EXPIRED: Event.APPROVAL_DECIDED,
    Kind.REVOKED: Event.APPROVAL_DECIDED,
    Kind.DISPATCHING: Event.DISPATCH_CLAIMED,
    Kind.TAKEN_OVER: Event.LEASE_TAKEN_OVER,
    Kind.REQUEST: Event.DISPATCH_SENT,
    Kind.ANSWER: Event.DISPATCH_FINISHED,
    Kind.LOOKED_UP: Event.DISPATCH_FINISHED,
    Kind.OUTCOME_UNKNOWN: Event.DISPATCH_UNKNOWN,
    Kind.TRIED_AGAIN: Event.DISPATCH_MARKED,
    Kind.MARKED_BY_HAND: Event.DISPATCH_MARKED,
    Kind.VERIFIED: Event.REMEDIATION_VERIFIED,
    Kind.NOT_VERIFIED: Event.REMEDIATION_NOT_VERIFIED,
    Kind.VERIFICATION_UNKNOWN: Event.REMEDIATION_NOT_VERIFIED,
    Kind.UNDONE: Event.REMEDIATION_UNDONE,
    Kind.FROZEN: Event.FREEZE_SET,
    Kind.UNFROZEN: Event.FREEZE_ENDED,
    Kind.SCOPE_FROZEN: Event.FREEZE_SET,
    Kind.SCOPE_UNFROZEN: Event.FREEZE_ENDED,
    Kind.SILENCED: Event.SILENCE_SET,
    Kind.SILENCE_ENDED: Event.SILENCE_ENDED,
    Kind.POLICY_LOADED: Event.POLICY_LOADED,
}
"""The log event of each kind. The missing kinds are about the trail itself, or refusals, which
`handlers.listeners.errors` logs."""
LOGGED = ("why", "choice", "state", "action", "target", "execution", "error", "former", "note")
"""The fields of the detail that are logged too."""
