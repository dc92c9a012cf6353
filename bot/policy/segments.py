"""The segments of policy.yaml as types. Unknown keys are errors.

Closed by default: without a named approver nobody may approve. A key that an override may change
for some services stands in the class `…ByScope`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from bot.advice.load.segment import AdviceLimits
from bot.approvals.segment import Approver
from bot.detection.segment import Detector
from bot.enrichment.segment import MOST_SOURCES, EvidenceSource
from bot.incidents.digests import Digest
from bot.incidents.follow_up import ActionReminders, WebhookUrl
from bot.incidents.planned_silences import Maintenance, QuietHours
from bot.incidents.routes import Route
from bot.incidents.stakeholders import Stakeholders
from bot.intake.log_lines import CommandPoller, Poller
from bot.policy.outside import Heartbeat, OutsideOfSlack
from bot.serving.redaction import RuleName
from bot.validation import form

SHORTEST_STALE_HOURS = 0.1


class Segment(BaseModel):
    """A part of the policy."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _or_long_enough(value: float) -> float:
    if 0 < value < SHORTEST_STALE_HOURS:
        raise ValueError(f"must be 0 (never), or at least {SHORTEST_STALE_HOURS}")
    return value


class CorrelateByScope(Segment):
    """The times of an incident's episodes.

    `reopen_within_seconds`: an alert that fires so soon after its incident was resolved reopens it;
    0 never does. `flapping_changes`: so many changes between firing and resolved in the window are
    flapping; 0 never is. `stale_after_hours`: 0 never closes or asks.
    """

    card_update_seconds: float = Field(default=1.0, ge=0, le=60)
    reopen_within_seconds: int = Field(default=900, ge=0, le=86_400)
    flapping_changes: int = Field(default=4, ge=0, le=100)
    flapping_window_seconds: int = Field(default=1800, ge=60, le=86_400)
    stale_after_hours: Annotated[float, Field(ge=0, le=720), AfterValidator(_or_long_enough)] = 2.0


class Correlate(CorrelateByScope):
    """Settings for repeated alerts on the card, for the episodes of an incident, and for cascades.

    `depends_on`: the services that each service calls.
    """

    depends_on: Mapping[str, tuple[str, ...]] = Field(default={}, max_length=5000)


class NotifyByScope(Segment):
    """The seconds after which people are reminded of an unacknowledged incident; 0 never does.

    `mentions` are those people; empty are `remediate.approvers`.
    """

    unanswered_seconds: int = Field(default=300, ge=0, le=86_400)
    mentions: tuple[Approver, ...] = Field(default=(), max_length=20)


def _as_list(value: object) -> object:
    """Return one mapping, or none, as a list."""
    if value is None:
        return ()
    return [value] if isinstance(value, dict | QuietHours) else value


class Notify(NotifyByScope):
    """The rate of posts in a channel: Slack allows one post a second, and a short burst.

    `longest_silence_hours` bounds what a person silences or mutes. `maintenance` and `quiet_hours`
    are silences by time. `action_reminders` is when open actions are reminded of, and
    `postmortem_webhook` the address that gets each post-mortem, '' for none. `outside` is when
    e-mail and webhooks replace Slack, and `heartbeat` a dead man's switch.
    `digests` are posted by the clock.
    """

    post_interval_seconds: float = Field(default=1.0, ge=0, le=60)
    post_burst: int = Field(default=10, ge=1, le=100)
    storm_limit: int = Field(default=10, ge=1, le=1000)
    sender_incidents_per_minute: int = Field(default=20, ge=1, le=1000)
    longest_silence_hours: float = Field(default=168.0, ge=0.1, le=720)
    maintenance: tuple[Maintenance, ...] = Field(default=(), max_length=100)
    quiet_hours: Annotated[
        tuple[QuietHours, ...],
        Field(max_length=100),
        BeforeValidator(_as_list, json_schema_input_type=QuietHours | list[QuietHours] | None),
    ] = ()
    action_reminders: ActionReminders | None = ActionReminders()
    postmortem_webhook: WebhookUrl = ""
    stakeholders: Stakeholders | None = None
    outside: OutsideOfSlack | None = None
    heartbeat: Heartbeat | None = None
    digests: tuple[Digest, ...] = Field(default=(), max_length=50)

    @field_validator("digests")
    @classmethod
    def _have_other_names(cls, value: tuple[Digest, ...]) -> tuple[Digest, ...]:
        names = [digest.name for digest in value]
        if len(set(names)) < len(names):
            raise ValueError("two digests have the same name")
        return value


Sender = Annotated[
    str,
    form(
        r"slack:[A-Z0-9]{3,}|http:[a-z0-9][a-z0-9_-]*",
        "must name a sender, as slack:B0123 or http:grafana",
    ),
]
"""The sender of alerts: a bot id of Slack, or the source in POST /alerts/{source}.

Of CloudWatch with the AWS account, or `-unverified`.
"""


class Ingest(Segment):
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


class Detect(Segment):
    """The files, programs and values in which the bot itself looks for alerts; none by default."""

    pollers: tuple[Poller, ...] = Field(default=(), max_length=100)
    commands: tuple[CommandPoller, ...] = Field(default=(), max_length=100)
    detectors: tuple[Detector, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _have_names_of_their_own(self) -> Self:
        names = [item.name for item in (*self.pollers, *self.commands)]
        names += [item.name for item in self.detectors]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(
                f"pollers, commands, detectors: two are called {min(twice)}: alerts have the name"
            )
        return self


class Retention(Segment):
    """The days for which rows are kept, those of an incident after it is resolved."""

    alerts_days: int = Field(default=30, ge=1, le=3_650)
    deliveries_days: int = Field(default=7, ge=1, le=3_650)
    turns_days: int = Field(default=365, ge=1, le=3_650)
    stats_days: int = Field(default=400, ge=1, le=3_650)
    silences_days: int = Field(default=180, ge=7, le=3_650)
    corrections_days: int = Field(default=730, ge=30, le=3_650)
    audit_days: int = Field(default=365, ge=1)


class LlmByScope(Segment):
    """The sources of evidence for the thread and the advisor, and the time that each one has.

    `confidence_floor`: a cause of which a model is less sure is not the verdict.
    """

    sources: tuple[EvidenceSource, ...] = Field(default=(), max_length=MOST_SOURCES)
    source_timeout_ms: int = Field(default=500, ge=50, le=5_000)
    confidence_floor: Literal["low", "medium", "high"] = "medium"

    @field_validator("sources")
    @classmethod
    def _have_different_names(cls, value: tuple[EvidenceSource, ...]) -> tuple[EvidenceSource, ...]:
        names = [source.name for source in value]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name")
        if sum(source.kind == "gateway" for source in value) > 1:
            raise ValueError("there is one gateway: name it once")
        return value


class Llm(LlmByScope):
    """The sources of evidence, and the limits of the questions to the advisors."""

    limits: AdviceLimits = AdviceLimits()


class Privacy(Segment):
    """The rules by which private data is redacted in what the advisor is sent."""

    redact: tuple[RuleName, ...] = ("secrets", "emails", "cards", "phones", "national_ids")


class Slo(Segment):
    """The times that statistics are compared with: of the card, and of the advice after it."""

    fast_path_p95_ms: int = Field(default=1_500, ge=1)
    fast_path_p99_ms: int = Field(default=3_000, ge=1)
    insight_path_p95_ms: int = Field(default=10_000, ge=1)
    insight_path_p99_ms: int = Field(default=20_000, ge=1)


class Features(Segment):
    """Parts of the bot that may be switched off.

    `advice`: a new incident gets advice without being asked for. `evidence`: the declared sources
    are asked about it. `cascades`: incidents of one fault become one card.
    """

    advice: bool = True
    evidence: bool = True
    cascades: bool = True
