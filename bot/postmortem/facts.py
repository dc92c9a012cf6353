"""The stored facts from which a post-mortem is drafted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.advice.model import Advice
from bot.approvals.model import Approval, Execution
from bot.enrichment.model import Evidence
from bot.incidents.model import GroupedAlert, Incident, TimelineEntry
from bot.incidents.records import ActionItem


@dataclass(frozen=True, slots=True)
class Remedy:
    """An action that was proposed in an incident, and its execution if there was one."""

    approval: Approval
    execution: Execution | None = None


@dataclass(frozen=True, slots=True)
class GivenAdvice:
    """Advice, with the person's question ('' if the alert alone asked) and the asker."""

    advice: Advice
    at: datetime
    question: str = ""
    asked_by: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """An incident that is a part of this one."""

    incident: Incident
    alerts: Sequence[GroupedAlert] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemFacts:
    """Everything that one draft states. `names` are the display names of Slack users, by id.

    `made_by` asked for this `version` at `made_at`. `thread_url` is '' while the card has no
    address. `alerts_left_out` counts alerts beyond those in `alerts`. `has_sop`: an SOP covers the
    incident. The timeline is complete, oldest first.
    """

    incident: Incident
    version: int
    made_by: str
    made_at: datetime
    timeline: Sequence[TimelineEntry] = ()
    alerts: Sequence[GroupedAlert] = ()
    alerts_left_out: int = 0
    children: Sequence[Child] = ()
    remedies: Sequence[Remedy] = ()
    evidence: Evidence | None = None
    advice: Sequence[GivenAdvice] = ()
    actions: Sequence[ActionItem] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    thread_url: str = ""
    has_sop: bool = False
