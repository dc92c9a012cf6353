"""The operator's policy: policy.yaml as typed segments. Unknown keys are errors.

Closed by default: without a named approver nobody may approve.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.approvals.rules import unknown_environments
from bot.approvals.segment import Approver, Remediate
from bot.enrichment.segment import MOST_SOURCES, EvidenceSource
from bot.errors import InputError, SettingsError
from bot.incidents.planned_silences import Maintenance, QuietHours, dead_maintenance
from bot.incidents.routes import Route, dead_routes
from bot.intake.log_lines import Detect
from bot.regular_files import read_regular
from bot.remediation.catalogue import unknown_actions
from bot.serving.redaction import RuleName
from bot.validation import FieldProblem, field_problems, form, in_file
from bot.yaml_text import YamlDocument, YamlProblem, read_yaml

SHORTEST_STALE_HOURS = 0.1


class _Segment(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Correlate(_Segment):
    """Settings for repeated alerts on the card, for the episodes of an incident, and for cascades.

    `reopen_within_seconds`: an alert that fires so soon after its incident was resolved reopens it;
    0 never does. `flapping_changes`: so many changes between firing and resolved in the window are
    flapping; 0 never is. `stale_after_hours`: 0 never closes or asks. `depends_on`: the services
    that each service calls.
    """

    card_update_seconds: float = Field(default=1.0, ge=0, le=60)
    reopen_within_seconds: int = Field(default=900, ge=0, le=86_400)
    flapping_changes: int = Field(default=4, ge=0, le=100)
    flapping_window_seconds: int = Field(default=1800, ge=60, le=86_400)
    stale_after_hours: float = Field(default=2.0, ge=0, le=720)
    depends_on: Mapping[str, tuple[str, ...]] = Field(default={}, max_length=5000)

    @field_validator("stale_after_hours")
    @classmethod
    def _gives_a_reminder_time(cls, value: float) -> float:
        if 0 < value < SHORTEST_STALE_HOURS:
            raise ValueError(f"must be 0 (never), or at least {SHORTEST_STALE_HOURS}")
        return value


class Notify(_Segment):
    """The rate of posts in a channel: Slack allows one post a second, and a short burst.

    `longest_silence_hours` bounds what a person silences or mutes. `maintenance` and `quiet_hours`
    are silences by time.
    """

    post_interval_seconds: float = Field(default=1.0, ge=0, le=60)
    post_burst: int = Field(default=10, ge=1, le=100)
    storm_limit: int = Field(default=10, ge=1, le=1000)
    sender_incidents_per_minute: int = Field(default=20, ge=1, le=1000)
    unanswered_seconds: int = Field(default=300, ge=0, le=86_400)
    longest_silence_hours: float = Field(default=168.0, ge=0.1, le=720)
    maintenance: tuple[Maintenance, ...] = Field(default=(), max_length=100)
    quiet_hours: QuietHours | None = None


Sender = Annotated[
    str,
    form(
        r"slack:[A-Z0-9]{3,}|http:[a-z0-9][a-z0-9_-]*",
        "must name a sender, as slack:B0123 or http:grafana",
    ),
]
"""Who hands alerts over: a bot id of Slack, or the source in POST /alerts/{source}.

Of CloudWatch with the AWS account, or `-unverified`.
"""


class Ingest(_Segment):
    """The reach of the backfill, the senders that count as one, and the channel of each alert.

    `same_sender`: groups of senders that are one, so that each may clear the others' alerts.
    `routes`: the channels for alerts that come by HTTP; the first route that matches decides.
    `acknowledge_at_source`: an acknowledgement at the sender acknowledges the incident here. It is
    on by default: whoever pressed it there has taken the alert, and should not be reminded here.
    """

    read_back_hours: float = Field(default=24.0, gt=0, le=168)
    same_sender: tuple[Annotated[tuple[Sender, ...], Field(min_length=2)], ...] = ()
    routes: tuple[Route, ...] = Field(default=(), max_length=500)
    acknowledge_at_source: bool = True


class Retention(_Segment):
    """The days for which rows are kept, those of an incident after it is resolved."""

    alerts_days: int = Field(default=30, ge=1, le=3_650)
    deliveries_days: int = Field(default=7, ge=1, le=3_650)
    turns_days: int = Field(default=365, ge=1, le=3_650)
    stats_days: int = Field(default=400, ge=1, le=3_650)
    audit_days: int = Field(default=365, ge=1)


class Llm(_Segment):
    """The sources of evidence for the thread and the advisor, and the time that each one has."""

    sources: tuple[EvidenceSource, ...] = Field(default=(), max_length=MOST_SOURCES)
    source_timeout_ms: int = Field(default=500, ge=50, le=5_000)

    @field_validator("sources")
    @classmethod
    def _have_different_names(cls, value: tuple[EvidenceSource, ...]) -> tuple[EvidenceSource, ...]:
        names = [source.name for source in value]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name")
        return value


class Privacy(_Segment):
    """The rules by which private data is redacted in what the advisor is sent."""

    redact: tuple[RuleName, ...] = ("secrets", "emails", "cards", "phones", "national_ids")


class Slo(_Segment):
    """The times that statistics are compared with: of the card, and of the advice after it."""

    fast_path_p95_ms: int = Field(default=1_500, ge=1)
    fast_path_p99_ms: int = Field(default=3_000, ge=1)
    insight_path_p95_ms: int = Field(default=10_000, ge=1)
    insight_path_p99_ms: int = Field(default=20_000, ge=1)


class Policy(_Segment):
    """The whole policy."""

    schema_version: str = "3.0"
    ingest: Ingest = Ingest()
    detect: Detect = Detect()
    correlate: Correlate = Correlate()
    notify: Notify = Notify()
    remediate: Remediate = Remediate()
    retention: Retention = Retention()
    llm: Llm = Llm()
    privacy: Privacy = Privacy()
    slo: Slo = Slo()

    @model_validator(mode="after")
    def _remembers_what_it_reads(self) -> Self:
        days = min(self.retention.deliveries_days, self.retention.alerts_days)
        if self.ingest.read_back_hours > days * 24:
            raise ValueError(
                "ingest.read_back_hours: alerts that are forgotten by then would come again;"
                " keep it below retention.deliveries_days and retention.alerts_days"
            )
        return self


APPROVERS_FILE = "approvers.yaml"
RoleName = Annotated[
    str, form(r"[a-z][a-z0-9_-]{0,40}", "a role's name is lower case: letters, digits, '_', '-'")
]
"""A role's name; in lower case, so that it is no id."""


Roles = Mapping[str, tuple[str, ...]]
"""Slack user ids and user groups, by the name of their role."""


def parse_policy(text: str, *, file: str, roles: Roles | None = None) -> Policy:
    """Parse policy.yaml's text.

    InputError names the file, the line and the key, one problem a line. A role among the approvers
    stands for its users in `roles`.
    """
    name = PurePath(file).name
    document = _mapping(text, name, "segments")
    raw = _with_people(document.value or {}, roles or {})
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        problems = [*field_problems(error, Policy), *_unknown_beside(raw, error)]
        raise _refused(problems, name, document) from error
    problems = _unknown_names(policy.remediate)
    problems += dead_routes(policy.ingest.routes, policy.remediate.declared)
    problems += dead_maintenance(policy.notify.maintenance, policy.remediate.declared)
    if problems:
        raise _refused(problems, name, document)
    return policy


def _refused(problems: list[FieldProblem], name: str, document: YamlDocument) -> InputError:
    lines = in_file(name, problems, lambda at: _line(document, at))
    return InputError("\n".join(lines), field="policy")


def _unknown_names(remediate: Remediate) -> list[FieldProblem]:
    return [*unknown_actions(remediate), *unknown_environments(remediate)]


def _unknown_beside(raw: dict[Any, Any], error: ValidationError) -> list[FieldProblem]:
    """Return unknown names in the keys of `remediate` without errors, so that one check reports
    everything.

    Environments cannot be checked while `environments` itself has an error.
    """
    remediate = raw.get("remediate")
    if not isinstance(remediate, dict):
        return []
    places = [problem["loc"] for problem in error.errors(include_url=False)]
    bad = {key for at in places if at[:1] == ("remediate",) for key in at[1:2]}
    try:
        usable = Remediate.model_validate({k: v for k, v in remediate.items() if k not in bad})
    except ValidationError:  # the keys contradict each other, which `error` reports
        return []
    return unknown_actions(usable) if "environments" in bad else _unknown_names(usable)


def _line(document: YamlDocument, location: tuple[str | int, ...]) -> int:
    """Return the line; an item of `approvers` has another index than in the file after a role is
    replaced.
    """
    known = location.index("approvers") + 1 if "approvers" in location else len(location)
    return document.line_of(location[:known])


def parse_roles(text: str, *, file: str) -> Roles:
    """Parse approvers.yaml's text: ids by role.

    InputError names the file, the line and the role.
    """
    name = PurePath(file).name
    document = _mapping(text, name, "roles")
    try:
        return TypeAdapter(dict[RoleName, tuple[Approver, ...]]).validate_python(
            document.value or {}
        )
    except ValidationError as error:
        lines = in_file(name, field_problems(error), document.line_of)
        raise InputError("\n".join(lines), field="policy") from error


def _mapping(text: str, name: str, of: str) -> YamlDocument:
    try:
        document = read_yaml(text)
    except YamlProblem as problem:
        raise InputError(problem.at(name), field="policy") from problem
    if not isinstance(document.value, dict | None):
        raise InputError(f"{name}: must be a mapping of {of}", field="policy")
    return document


def _with_people(raw: dict[Any, Any], roles: Roles) -> dict[Any, Any]:
    """Replace roles by their users in the policy. Any other name stays, for the check."""
    remediate = raw.get("remediate")
    if not isinstance(remediate, dict):
        return raw

    def people(part: Any) -> Any:
        named = part.get("approvers") if isinstance(part, dict) else None
        if not isinstance(named, list):
            return part
        meant = [user for name in named for user in roles.get(str(name), (name,))]
        return {**part, "approvers": list(dict.fromkeys(meant))}

    rules = remediate.get("rules")
    full = people(remediate)
    if isinstance(rules, list):
        full = {**full, "rules": [people(rule) for rule in rules]}
    return {**raw, "remediate": full}


def read_policy(path: Path) -> Policy:
    """Read the policy file, with the roles of approvers.yaml beside it, if that exists.

    A missing policy is an error: nothing is allowed by accident.
    """
    approvers = path.with_name(APPROVERS_FILE)
    try:
        text = read_regular(path)
        roles = read_regular(approvers) if approvers.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"POLICY_FILE: {path} cannot be read"]) from error
    return parse_policy(text, file=str(path), roles=parse_roles(roles, file=str(approvers)))
