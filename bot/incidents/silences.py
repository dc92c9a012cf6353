"""Silences: which alerts open no incident, until when, by whom and why.

A silence stops new incidents and their posts. The alerts of an open incident keep joining it. A
critical alert is suppressed only by a silence whose matcher names a severity that includes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from bot.errors import InputError
from bot.incidents.environments import Environments, folded
from bot.incidents.globs import glob_pattern
from bot.incidents.matchers import FIELDS, LABEL, Matcher
from bot.incidents.model import Alert, Incident, Severity
from bot.incidents.severity_words import severity_synonyms
from bot.incidents.sop_keys import spelled
from bot.incidents.subject import Subject
from bot.language import deferred
from bot.validation import field_problems

LONGEST_REASON = 200  # characters of a reason that are kept
LONGEST_MATCHER = 1000  # characters of a typed matcher
SHORTEST = timedelta(minutes=1)
LETTERS = 3  # letters or digits that a glob with a wildcard needs

USAGE = (
    "`/incident silence service=checkout-api env=prod 2h why`, or `/incident silence INC-7 2h why`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence. `id` is 0 for one of the policy that has suppressed nothing yet.

    `author` is a Slack user id, '' for one that no person made: `origin` names the source.
    `channel` shows it. `ended_at` is None while it is in force; `ended_by` is the person who ended
    it early.
    """

    id: int
    matcher: Matcher
    reason: str
    author: str
    origin: str
    channel: str
    made_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""

    @property
    def covers_critical(self) -> bool:
        """Return whether the silence says that it is for critical alerts: by its severities."""
        spellings = (Severity.CRITICAL, *severity_synonyms(Severity.CRITICAL))
        globs = self.matcher.match.get("severity", ())
        return any(
            glob_pattern(folded(glob)).fullmatch(word) for glob in globs for word in spellings
        )

    @property
    def is_of_quiet_hours(self) -> bool:
        """Return whether it holds alerts for a digest, which is posted whatever still fires."""
        return self.origin.startswith(f"{OF_POLICY}{QUIET_HOURS}/")

    @property
    def is_of_policy(self) -> bool:
        """Return whether the operator's policy made it."""
        return self.origin.startswith(OF_POLICY)


OF_POLICY = "policy/"
"""The origin of a silence of the policy begins with this."""

QUIET_HOURS = "quiet hours"
"""The name of the silence of quiet hours in its origin."""


def of_policy(name: str, ends_at: datetime) -> str:
    """Return the origin of the policy's silence of that name, while one window is open.

    A window that is changed while it is open is another one.
    """
    return f"{OF_POLICY}{name}/{ends_at.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceReport:
    """A silence and its effect: the alerts it suppressed, and the incidents opened at its end.

    `opened` are (id, severity, title) of the first few, `opened_count` counts all of them.
    `kept_back` are (severity, title, how often) of the first few different alerts.
    """

    silence: Silence
    suppressed: int
    opened: tuple[tuple[int, Severity, str], ...] = ()
    opened_count: int = 0
    kept_back: tuple[tuple[Severity, str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedAlert:
    """An alert that a silence suppressed: kept, and opens nothing."""

    alert: Alert
    tracking_id: str
    received_at: datetime
    silence: Silence


@dataclass(frozen=True, slots=True)
class SilenceRequest:
    """A typed silence. `incident_id` is the incident whose service it names, or None."""

    match: Mapping[str, tuple[str, ...]]
    length: timedelta
    reason: str
    incident_id: int | None = None


def find_silence(
    silences: Sequence[Silence],
    alert: Alert,
    environments: Environments,
    subject: Subject | None = None,
) -> Silence | None:
    """Return the first silence that suppresses the alert, or None.

    A matcher may name the alert's service, environment and region as its sender does, or as its
    `subject` does.
    """
    if not silences:
        return None
    spellings = [(alert, spelled(alert, environments))]
    if subject is not None:
        known = replace(
            alert,
            env=subject.env or alert.env,
            service=subject.service or alert.service,
            region=subject.region or alert.region,
        )
        if known != alert:
            spellings.append((known, spelled(known, environments)))
    is_critical = alert.severity is Severity.CRITICAL
    return next(
        (
            silence
            for silence in silences
            if (not is_critical or silence.covers_critical)
            and any(silence.matcher.matches(*named, environments) for named in spellings)
        ),
        None,
    )


_DURATION = re.compile(
    r"(?:(\d{1,4})\s?d(?:ays?)?\s?)?(?:(\d{1,4})\s?h(?:ours?|rs?)?\s?)?"
    r"(?:(\d{1,5})\s?m(?:in(?:ute)?s?)?)?(?=\s|$)",
    re.IGNORECASE,
)
_PAIR = re.compile(r'([^\s=:"“”]+)[=:]\s*(?:["“”„]([^"“”„]*)["“”„]|(\S+))')
_INCIDENT = re.compile(r"(?:INC-?|#)(\d{1,12})", re.IGNORECASE)
_WORD = re.compile(r"\S+")


def parse_mute(text: str) -> timedelta | None:
    """Parse the time of a mute: None for until it clears; InputError for anything else."""
    if text.strip().lower() in ("", "until clear", "until it clears", "clear"):
        return None
    length, rest = _duration(text.strip())
    if length is None or rest:
        raise InputError(
            deferred("Mute for how long?"),
            remedy=deferred(
                "`/incident mute INC-7 2h`, or `/incident mute INC-7` until it clears."
            ),
        )
    return length


def parse_silence(text: str) -> SilenceRequest:
    """Parse `service=checkout-api env=prod 2h why`; InputError says what is missing.

    A first word alone is a service, `INC-7` the service and environment of that incident. A key has
    one value, or several with commas. Then come the duration, and the reason.
    """
    rest = text.strip()
    if len(rest) > LONGEST_MATCHER + LONGEST_REASON * 4:
        raise InputError(
            deferred("That is too long."), remedy=deferred("For example: {example}", example=USAGE)
        )
    match: dict[str, tuple[str, ...]] = {}
    incident_id = None
    while rest:
        length, after = _duration(rest)
        if length is not None:
            return _request(match, incident_id, length, after)
        pair = _PAIR.match(rest)
        if pair:
            name, values = pair[1].lower(), pair[2] if pair[2] is not None else pair[3]
            if name.startswith(LABEL):
                name = LABEL + pair[1][len(LABEL) :]  # the name of a label keeps its case
            match[name] = (*match.get(name, ()), *_values(values))
            rest = rest[pair.end() :].lstrip()
            continue
        word = _WORD.match(rest)
        if word is None or match or incident_id is not None:
            break
        number = _INCIDENT.fullmatch(word[0])
        if number:
            incident_id = int(number[1])
        else:
            match["service"] = _values(word[0])
        rest = rest[word.end() :].lstrip()
    if not match and incident_id is None:
        raise InputError(
            deferred("Silence what?"), remedy=deferred("For example: {example}", example=USAGE)
        )
    raise InputError(
        deferred("For how long?")
        if not rest
        else deferred("The duration comes after the matcher, as 30m, 2h or 1d."),
        remedy=deferred("For example: {example}", example=USAGE),
    )


def _values(text: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in text.split(","))


def _duration(text: str) -> tuple[timedelta | None, str]:
    """Return the duration that the text begins with, and the text after it."""
    parts = _DURATION.match(text)
    if not parts:
        return None, text
    days, hours, minutes = (int(part or 0) for part in parts.groups())
    return timedelta(days=days, hours=hours, minutes=minutes), text[parts.end() :].strip()


def _request(
    match: Mapping[str, tuple[str, ...]], incident_id: int | None, length: timedelta, reason: str
) -> SilenceRequest:
    if not match and incident_id is None:
        raise InputError(
            deferred("Silence what?"), remedy=deferred("For example: {example}", example=USAGE)
        )
    if not reason:
        raise InputError(
            deferred("Why?"), remedy=deferred("Add the reason in a few words after the duration.")
        )
    return SilenceRequest(match, length, reason[:LONGEST_REASON], incident_id)


def match_of(incident: Incident, environments: Environments) -> dict[str, tuple[str, ...]]:
    """Return the matcher for the service and environment of an incident.

    The sender wrote both, so a wildcard in them is refused: it would silence other services.
    """
    if not incident.service.strip():
        raise InputError(
            deferred("{number} names no service.", number=incident.number),
            remedy=deferred("Write the matcher yourself: {example}", example=USAGE),
        )
    if "*" in incident.service:
        raise InputError(
            deferred("The service of {number} has a * in its name.", number=incident.number),
            remedy=deferred("Write the matcher yourself: {example}", example=USAGE),
        )
    return {"service": (incident.service,), "env": (environments.name_of(incident.env),)}


def checked_matcher(match: Mapping[str, Iterable[str]], environments: Environments) -> Matcher:
    """Return the matcher; InputError if no alert can match it, or almost every alert would."""
    try:
        matcher = Matcher.model_validate({"match": {k: tuple(v) for k, v in match.items()}})
    except ValidationError as error:
        problem = next(iter(field_problems(error, Matcher)))
        raise InputError(
            deferred("This matcher cannot be used: {reason}.", reason=problem.reason),
            remedy=deferred(
                "Known keys: {keys}, {label}NAME.", keys=", ".join(FIELDS), label=LABEL
            ),
        ) from error
    if unknown := matcher.undeclared(environments):
        known = ", ".join(environments.names)
        raise InputError(
            deferred("No environment is named {name!r}.", name=unknown[0][:40]),
            remedy=deferred("Declared: {known}.", known=known),
        )
    if not any(
        name != "severity" and all(map(_is_specific, globs)) for name, globs in match.items()
    ):
        raise InputError(
            deferred("This would silence almost everything."),
            remedy=deferred(
                "Name a service, an environment or a label, with {count} letters or "
                "more beside each *.",
                count=LETTERS,
            ),
        )
    return matcher


def _is_specific(glob: str) -> bool:
    if "*" not in glob and "?" not in glob:
        return True
    return sum(char.isalnum() for char in glob) >= LETTERS
