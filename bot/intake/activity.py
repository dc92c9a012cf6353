"""Recognises a person's action in the text of an app: acknowledged, assigned, commented, ended.

`Ana assigned ISSUE-1 to themselves` is no new trouble, and `marked ISSUE-1 as resolved` is its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.intake.cleaning import parse_words
from bot.intake.delimiters import without_actor
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
class ReportedAction:
    """An action of a person. `kind` is None if it ended the alert; `actor` is a name or ''.

    `subject` is the title of the alert, or the whole line if the line does not name it.
    """

    kind: ActivityKind | None
    actor: str
    subject: str


def reported_action(text: str, *, about_alert: bool = False) -> ReportedAction | None:
    """Return the action that the first line of a text reports, or None.

    `Ana Lima assigned X to …`, `X was acknowledged by Ana`, `Acknowledged: X`, `Resolved by Ana`.

    `Disk acknowledged no writes` and `Connection closed by peer` are alerts. So a line counts only
    if the verb comes first, a person is named behind "by", or it refers to an alert by its number.
    With `about_alert` another part of the message says which alert it is about, as a link to an
    issue does: then a verb behind a name is enough.
    """
    line = text.strip()[:_LOOKED_AT].split("\n", 1)[0].strip()
    action = _stated(line)
    return action or (_mentioned(line) if about_alert else None)


def _mentioned(line: str) -> ReportedAction | None:
    """Return the action whose verb stands anywhere behind a name, or None."""
    tokens = line.split()
    plain = [word.strip(_MARKS).lower() for word in tokens]
    for at, word in enumerate(plain):
        if word in _ENDS and (actor := _by(tokens, plain, at)):
            return ReportedAction(None, actor, line)
        if word == "marked" and 0 < at <= _LONGEST_NAME and _marks_ended(plain, at):
            return ReportedAction(None, _name(tokens[:at]), line)
        kind = _KINDS.get(word) or _KINDS.get(" ".join(plain[at : at + 3]))
        kind = kind or _KINDS.get(" ".join(plain[at : at + 2]))
        if kind is None:
            continue
        if actor := _by(tokens, plain, at):
            return ReportedAction(kind, actor, line)
        if at == 0 and (tokens[0][-1:] in ":]" or plain[1:2] in (["in"], ["on"])):
            return ReportedAction(kind, "", line)
        if 0 < at <= _LONGEST_NAME and not any(mark in ":]" for mark in _last_marks(tokens[:at])):
            return ReportedAction(kind, _name(tokens[:at]), line)
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


_REFERENCE = re.compile(r"(?:^|\s|\[)(?:#\d+|[A-Z][A-Z0-9]{1,9}-\d+)\b")
_LEADING = re.compile(
    r"\W{0,6}(?P<verb>acknowledged|acked|acknowledgement|assigned|reassigned|resolved|closed"
    r"|silenced|snoozed|commented|archived|unacknowledged)"
    r"(?: #\d{1,12})?(?: by (?P<actor>[^:\n]{1,60}))?:\s+(?P<subject>\S[^\n]*)",
    re.IGNORECASE,
)
_PASSIVE = re.compile(
    r"(?P<subject>[^\n]{1,200}?) (?:was|has been|is) (?P<verb>acknowledged|acked|assigned|resolved"
    r"|silenced|snoozed|archived|unacknowledged)(?: to [^\n:]{1,60}?)?"
    r" by (?P<actor>[@\[A-Z][^\n]{0,60})"
)
# `Job #33 resolved 4 tasks` is about a job, not by a person.
_NO_PERSON = parse_words(
    "alert alerts alarm incident incidents issue issues problem ticket task job build pipeline"
    " monitor check rule case event error query the a an this all no"
)
_PERSON = re.compile(
    r"(?P<actor>@?[^\s:\[\]]{1,40}(?: [^\s:\[\]]{1,40})?|\[user \w+\]) (?:has )?"
    r"(?P<verb>acknowledged|assigned|reassigned|resolved|snoozed|silenced|archived) "
    r"(?P<subject>[^\n]{1,200}?)(?: to [^\n]{1,60})?"
)


# `Ana Lima acknowledged problem at 09:12`: the words of Zabbix for an update of a problem.
_OF_PROBLEM = re.compile(
    r"(?P<actor>[^\n:]{1,60}?) (?P<verb>acknowledged|commented|closed|unacknowledged|suppressed)"
    r"(?:[a-z ,]{0,60})? (?:the )?"
    r"(?P<subject>(?:problem|alert|incident|issue|alarm)\b[^\n]{0,200})",
    re.IGNORECASE,
)


# `*Ana Lima* acknowledged *Queue is full*`, `@ana snoozed Queue is full`.
_MARKED = re.compile(
    r"(?:\*?(?P<actor>[^\s:*\[\]]{1,40}(?: [^\s:*\[\]]{1,40}){0,2})\*?"
    r"|(?P<user>\[user \w+\]|@\S{1,40}))"
    r" (?:has )?(?P<verb>acknowledged|acked|assigned|reassigned|resolved|closed|snoozed|silenced"
    r"|archived|muted|escalated|commented on)(?: the)?(?: alert| incident| issue)? "
    r"(?P<mark>[*\"“`]?)(?P<subject>[^*\"”`\n]{2,200}?)"
    r"(?:[*\"”`].*|(?: (?:for|to|until) [^\n]{1,60})?)"
)


def _stated(line: str) -> ReportedAction | None:
    """Return the action of a line that names the person or the alert by its form, or None."""
    match = _LEADING.match(line)
    if match is not None and match["verb"].lower() in _ENDS and not match["actor"]:
        return None  # `Resolved: X` says nothing of a person
    match = match or _PASSIVE.fullmatch(line)
    if match is None and _REFERENCE.search(line):
        match = _PERSON.fullmatch(line)
        if match is not None and match["actor"].split()[0].lower() in _NO_PERSON:
            return None
    match = match or _of_problem(line)
    if match is None and (marked := _marked(line)) is not None:
        return marked
    if match is None:
        return None
    verb = match["verb"].lower()
    kind = None if verb in _ENDS else _KINDS[verb]
    subject = match["subject"].strip()
    actor = (match["actor"] or "").strip(_MARKS)
    if not actor and (title := without_actor(subject)) != subject:
        subject, actor = title, subject[len(title) :].removeprefix(" by ").strip(_MARKS)
    return ReportedAction(kind, actor, subject)


def _of_problem(line: str) -> re.Match[str] | None:
    match = _OF_PROBLEM.fullmatch(line)
    if match is None or not _NO_PERSON.isdisjoint(match["actor"].lower().split()):
        return None
    return match if match["actor"][:1].isupper() or match["actor"][:1] in "@[" else None


def _marked(line: str) -> ReportedAction | None:
    """Return the action of a line that marks the alert's title, or mentions the person."""
    match = _MARKED.fullmatch(line)
    if match is None or not (match["mark"] or match["user"]):
        return None
    actor = match["user"] or match["actor"]
    if not _NO_PERSON.isdisjoint(actor.lower().split()) or actor[:1].islower():
        return None
    verb = match["verb"].lower().removesuffix(" on")
    kind = None if verb in _ENDS else _KINDS.get(verb, ActivityKind.UPDATED)
    return ReportedAction(kind, actor.strip(_MARKS), match["subject"].strip())
