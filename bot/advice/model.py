"""The types of advice: its subject, the SOP's guidance, the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.incidents.model import Alert, Incident, Severity
from bot.language import N_, _, plural

CONFIDENCE_LEVELS = ("low", "medium", "high")
UNDETERMINED = N_("Undetermined")
FROM_SOP = "SOP"
FROM_NOTHING = "none"
ALERT_ID, SOP_ID = "A1", "S1"
"""The ids by which an answer cites the alert and the SOP; facts have E ids, earlier turns H ids."""


class Shortfall(StrEnum):
    """The reason why a model's cause does not count: then the verdict is "Undetermined"."""

    CONFIDENCE = "confidence"  # below the policy's floor
    EVIDENCE = "evidence"  # no fact of the prompt is cited for it
    ECHO = "echo"  # the answer repeats the prompt


class Flaw(StrEnum):
    """A fault of a model's answer that its reader must know."""

    ECHO = "echo"  # it repeats the prompt
    CUT = "cut"  # it ends in the middle
    DAMAGED = "damaged"  # a renderer changed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """The guidance of the matched SOP, its templates already filled in.

    `commands`, `metrics`, `logs` and `parameters` are places to check; `fix_actions` are remedies
    to try, in order. Filled-in templates hold alert text, so all of it is data.
    """

    sop_id: str
    title: str = ""
    commands: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    fix_actions: tuple[str, ...] = ()
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation of a SOP ID. `role` is "person" or "advisor"."""

    role: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement of another system about the alert; `source` names that system for people.

    `id` is how the advice can cite it (E1, E2, …), `at` the time of the statement.
    """

    source: str
    text: str
    id: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The subject of the advice. `question` is empty when an alert alone asks.

    `incident` is its number, '' for a question by HTTP; no advisor gets it.
    `now` is the time of the question; the model gets it, so that it can date the alert.
    """

    incident_key: str
    sop_id: str
    incident: str = ""
    about: Alert | Incident | None = None
    question: str = ""
    guidance: Guidance | None = None
    history: tuple[Turn, ...] = ()
    facts: tuple[Fact, ...] = ()
    now: datetime | None = None

    @property
    def severity(self) -> Severity:
        """Return the severity of the alert or incident; medium for a question about none."""
        return self.about.severity if self.about else Severity.MEDIUM


@dataclass(frozen=True, slots=True)
class Asking:
    """The advisors that are asked, in their order, and since when; `user` is '' if nobody asked."""

    advisors: str
    since: datetime
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Recommended steps and their author. Everything in it is text for people, never a command.

    `source` is the model's name ("Amazon Q"), `FROM_SOP` or `FROM_NOTHING`. `seconds` is the
    model's running time, 0 without one. `confidence` is low, medium, high or ''. `text` is
    free-form prose: the summary, or the whole answer if it was not structured. `look_at` lists
    places to check, from the SOP. `sources` names the inputs of the advice. `failure` is the reason
    why a model that was asked did not answer (with `by_model`: why one before this one did not), or
    ''.

    `evidence` and `contrary` are what supports the cause and what speaks against it; `cited` are
    the ids that support it, and `ids` all that the prompt held. `guess` is a cause that does not
    count, because of `shortfall`. `flaws` are faults of the answer. `raw` is the whole answer as
    cleaned text if `text` is only a part of it. `answered_at` is the time (RFC 3339) of an answer
    to an equal question that is used again.
    `tokens` are those that the model counted; `input_tokens` and `output_tokens` are its two parts,
    where it told them apart. `provider` and `model` name the model for traces.
    """

    source: str
    seconds: float = 0.0
    cause: str = UNDETERMINED
    confidence: str = ""
    evidence: tuple[str, ...] = ()
    contrary: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    look_at: tuple[str, ...] = ()
    text: str = ""
    sources: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    guess: str = ""
    shortfall: str = ""
    flaws: tuple[str, ...] = ()
    failure: str = ""
    raw: str = ""
    answered_at: str = ""
    tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    provider: str = ""
    model: str = ""

    @property
    def by_model(self) -> bool:
        """Return True if a model wrote this."""
        return self.source not in (FROM_SOP, FROM_NOTHING)

    @property
    def is_structured(self) -> bool:
        """Return True if it has parts beside the text."""
        return bool(self.evidence or self.next_steps or self.confidence or self.guess)

    @property
    def label(self) -> str:
        """Return the header: "Amazon Q · 8 s · 3 sources", "From the SOP, no model" and
        the like.
        """
        if self.source == FROM_SOP:
            return _("From the SOP, no model")
        if self.source == FROM_NOTHING:
            return _("No SOP, no model")
        seconds = f"{self.seconds:.0f} s" if self.seconds >= 1 else _("under 1 s")
        if self.answered_at:
            seconds = _("answer of {time} UTC").format(time=self.answered_at[11:16])
        parts = [self.source, seconds]
        if self.sources:
            parts.append(plural(len(self.sources), "{count} source", "{count} sources"))
        return " · ".join(parts)

    @property
    def answer(self) -> str:
        """Return all of it as plain text, for `POST /incident` and the terminal."""
        lines: list[str] = []
        if self.is_structured or not self.text:
            confidence = f" (confidence {self.confidence})" if self.confidence else ""
            lines.append(f"Likely cause: {self.cause}{confidence}")
        if self.guess:
            lines.append(f"Not supported enough: {self.guess}")
        if self.text:
            lines.append(self.text)
        for title, items in (
            ("Evidence", self.evidence),
            ("Against it", self.contrary),
            ("Look at", self.look_at),
            ("Open questions", self.questions),
        ):
            if items:
                lines += [f"{title}:", *(f"- {item}" for item in items)]
        if self.next_steps:
            steps = (f"{number}. {step}" for number, step in enumerate(self.next_steps, 1))
            lines += ["Next steps:", *steps]
        if self.failure:
            lines.append(f"{'Asked first' if self.by_model else 'No model'}: {self.failure}")
        return "\n".join(lines)


def advice_from(body: dict[str, Any]) -> Advice:
    """Build advice from its JSON form (`dataclasses.asdict`)."""
    fields: dict[str, Any] = {
        name: tuple(part) if isinstance(part, list) else part for name, part in body.items()
    }
    return Advice(**fields)


def described(about: Alert | Incident) -> Mapping[str, object]:
    """Return the parts of an alert or incident that a model may see; `raw` never, it can hold
    secrets.
    """
    facts: dict[str, object] = {
        name: getattr(about, name)
        for name in ("title", "source", "env", "region", "service", "category")
    }
    facts["severity"] = about.severity.value
    facts["status"] = about.status.value
    if isinstance(about, Alert):
        facts |= {"name": about.name, "annotations": dict(about.annotations)}
        facts["starts_at"] = utc_text(about.starts_at)
        facts["ends_at"] = utc_text(about.ends_at)
    else:
        facts |= {"alerts_folded": about.alert_count, "opened_at": utc_text(about.opened_at)}
    facts |= {"value": about.value, "threshold": about.threshold, "labels": dict(about.labels)}
    facts["text"] = about.text
    return {name: value for name, value in facts.items() if value not in ("", {}, None)}


def utc_text(at: datetime | None) -> str:
    """Format as RFC 3339 in UTC with Z, '' for None; a naive time is read as UTC."""
    if at is None:
        return ""
    utc = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return utc.isoformat(timespec="seconds").replace("+00:00", "Z")
