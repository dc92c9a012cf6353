"""Recognises activity about an alert: somebody took it, assigned it, commented on it, ended it.

`Ana assigned ISSUE-1 to themselves` is no new trouble, and `marked ISSUE-1 as resolved` is its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.intake.reading import ActivityKind

_KINDS = {
    "acknowledged": ActivityKind.ACKNOWLEDGED,
    "acked": ActivityKind.ACKNOWLEDGED,
    "ack": ActivityKind.ACKNOWLEDGED,
    "acknowledgement": ActivityKind.ACKNOWLEDGED,
    "unacknowledged": ActivityKind.UNACKNOWLEDGED,
    "unacked": ActivityKind.UNACKNOWLEDGED,
    "assigned": ActivityKind.ASSIGNED,
    "reassigned": ActivityKind.ASSIGNED,
    "unassigned": ActivityKind.ASSIGNED,
    "delegated": ActivityKind.ASSIGNED,
    "claimed": ActivityKind.ASSIGNED,
    "commented": ActivityKind.COMMENTED,
    "annotated": ActivityKind.COMMENTED,
    "noted": ActivityKind.COMMENTED,
    "note added": ActivityKind.COMMENTED,
    "added a note": ActivityKind.COMMENTED,
    "added a comment": ActivityKind.COMMENTED,
    "added note": ActivityKind.COMMENTED,
    "silenced": ActivityKind.SILENCED,
    "snoozed": ActivityKind.SILENCED,
    "muted": ActivityKind.SILENCED,
    "unmuted": ActivityKind.SILENCED,
    "suppressed": ActivityKind.SILENCED,
    "archived": ActivityKind.ARCHIVED,
    "ignored": ActivityKind.ARCHIVED,
    "merged": ActivityKind.UPDATED,
    "linked": ActivityKind.UPDATED,
    "viewed": ActivityKind.UPDATED,
    "priority changed": ActivityKind.UPDATED,
    "changed the priority": ActivityKind.UPDATED,
    "updated the": ActivityKind.UPDATED,
}
_ENDS = ("resolved", "closed", "fixed", "done")
_LOOKED_AT = 300  # characters of the first line
_LONGEST_NAME = 4  # words before the verb that may name a person
_LONGEST_SUBJECT = 9  # words between "marked" and "as resolved"
_MARKS = " *_~`.,:;|()[]"


@dataclass(frozen=True, slots=True)
class Deed:
    """An action of a person. `kind` is None if it ended the alert; `actor` is a name or ''."""

    kind: ActivityKind | None
    actor: str


def deed_in(text: str) -> Deed | None:
    """Return the action that the first line of a text reports, or None.

    `Ana Lima assigned X to …`, `X was acknowledged by Ana`, `Acknowledged: X`, `Ana marked X as
    resolved`, `Resolved by Ana`.
    """
    line = text.strip()[:_LOOKED_AT].split("\n", 1)[0]
    tokens = line.split()
    plain = [word.strip(_MARKS).lower() for word in tokens]
    for at, word in enumerate(plain):
        if word in _ENDS and (actor := _by(tokens, plain, at)):
            return Deed(None, actor)
        if word == "marked" and 0 < at <= _LONGEST_NAME and _marks_ended(plain, at):
            return Deed(None, _name(tokens[:at]))
        kind = _KINDS.get(word) or _KINDS.get(" ".join(plain[at : at + 3]))
        kind = kind or _KINDS.get(" ".join(plain[at : at + 2]))
        if kind is None:
            continue
        if actor := _by(tokens, plain, at):
            return Deed(kind, actor)
        if at == 0 and (tokens[0][-1:] in ":]" or plain[1:2] in (["in"], ["on"])):
            return Deed(kind, "")
        if 0 < at <= _LONGEST_NAME and not any(mark in ":]" for mark in _last_marks(tokens[:at])):
            return Deed(kind, _name(tokens[:at]))
    return None


def _by(tokens: list[str], plain: list[str], at: int) -> str:
    """Return the name behind `… by`, or ''."""
    if plain[at + 1 : at + 2] != ["by"]:
        return ""
    return _name(tokens[at + 2 : at + 2 + _LONGEST_NAME])


def _marks_ended(plain: list[str], at: int) -> bool:
    behind = plain[at + 1 : at + 1 + _LONGEST_SUBJECT]
    return any(
        word == "as" and behind[index + 1 : index + 2] and behind[index + 1] in _ENDS
        for index, word in enumerate(behind)
    )


def _last_marks(tokens: list[str]) -> list[str]:
    return [word[-1] for word in tokens if word]


def _name(tokens: list[str]) -> str:
    return " ".join(tokens).strip(_MARKS).removesuffix(" has").removesuffix(" have")
