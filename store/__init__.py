"""The bot's memory. `open_store` opens it; `Store` is everything that the bot does with it.

`Store` is made of parts, one a topic. Each part stands in a module of `store.operations`, beside
the SQL that keeps its promise: the docstring of a method states the promise, whichever engine runs
it. Every method is one transaction. What it returns is durable: a killed process or a power cut
loses nothing that was returned. Methods raise `bot.errors.StoreError` when the engine cannot write,
`NotFound` and `Refused` where their docstring says so.
"""

from __future__ import annotations

from bot.configuration import LiveConfiguration
from bot.errors import SettingsError
from store.audit.sealing import AuditKey
from store.engines.protocol import Engine
from store.engines.sqlite import SqliteEngine
from store.engines.urls import engine_of, path_of
from store.operations.action_items import ActionItemsPart
from store.operations.activities import ActivitiesPart
from store.operations.advice import AdvicePart
from store.operations.advice_context import AdviceContextPart
from store.operations.advisor_runs import AdvisorRunsPart
from store.operations.alerts import AlertsPart
from store.operations.approvals import ApprovalsPart
from store.operations.audit import AuditTrailPart
from store.operations.cached_answers import CachedAnswersPart
from store.operations.cards import CardsPart
from store.operations.cascade_steering import CascadeSteeringPart
from store.operations.cited_passages import CitedPassagesPart
from store.operations.closing import ClosingPart
from store.operations.cursors import CursorsPart
from store.operations.deliveries import DeliveriesPart
from store.operations.deploys import DeploysPart
from store.operations.digests import DigestsPart
from store.operations.disputes import DisputesPart
from store.operations.escalations import EscalationsPart
from store.operations.evidence import EvidencePart
from store.operations.executions import ExecutionsPart
from store.operations.export_requests import ExportRequestsPart
from store.operations.feedback import FeedbackPart
from store.operations.flapping import FlappingPart
from store.operations.freezes import FreezesPart
from store.operations.gateway_offers import GatewayOffersPart
from store.operations.grouping import GroupingPart
from store.operations.guards import GuardsPart
from store.operations.handovers import HandoversPart
from store.operations.history import HistoryPart
from store.operations.home import HomePart
from store.operations.housekeeping import HousekeepingPart
from store.operations.identity import IdentityPart
from store.operations.incident_lists import IncidentListsPart
from store.operations.incidents import IncidentsPart
from store.operations.lessons import LessonsPart
from store.operations.log_positions import LogPositionsPart
from store.operations.memory import MemoryPart
from store.operations.mutes import MutesPart
from store.operations.new_approvals import NewApprovalsPart
from store.operations.news import NewsPart
from store.operations.notices import NoticesPart
from store.operations.outbox import OutboxPart
from store.operations.outbox_fetch import OutboxFetchPart
from store.operations.outbox_results import OutboxResultsPart
from store.operations.outcomes import OutcomesPart
from store.operations.outside_notices import OutsideNoticesPart
from store.operations.overdue_work import OverdueWorkPart
from store.operations.postmortems import PostmortemsPart
from store.operations.proposing import ProposalsPart
from store.operations.publications import PublicationsPart
from store.operations.questions import QuestionsPart
from store.operations.reading_cases import ReadingCasesPart
from store.operations.retention import RetentionPart
from store.operations.retries import RetriesPart
from store.operations.running import RunningPart
from store.operations.scoped_freezes import ScopedFreezesPart
from store.operations.service_levels import ServiceLevelsPart
from store.operations.severities import SeveritiesPart
from store.operations.shadow import ShadowPart
from store.operations.shared_questions import SharedQuestionsPart
from store.operations.silence_ends import SilenceEndsPart
from store.operations.silence_reports import SilenceReportsPart
from store.operations.silences import SilencesPart
from store.operations.sizes import SizesPart
from store.operations.sop_usage import SopUsagePart
from store.operations.source_acknowledgements import SourceAcknowledgementsPart
from store.operations.source_silences import SourceSilencesPart
from store.operations.stages import StagesPart
from store.operations.stakeholder_updates import StakeholderUpdatesPart
from store.operations.stale import StalePart
from store.operations.stale_ends import StaleEndsPart
from store.operations.standing_advice import StandingAdvicePart
from store.operations.stats import StatsPart
from store.operations.steering import SteeringPart
from store.operations.traced_steps import TracedStepsPart
from store.operations.track_record import TrackRecordPart
from store.operations.trail_upkeep import TrailUpkeepPart
from store.operations.trust import TrustPart
from store.operations.verification import VerificationPart
from store.operations.votes import VotesPart
from store.operations.wrong_runbooks import WrongRunbooksPart
from store.replica import LEASE

__all__ = ["Store", "open_engine", "open_store"]


class Store(
    AlertsPart,  # the alerts that arrive
    ActivitiesPart,
    DeliveriesPart,
    ReadingCasesPart,
    CursorsPart,
    GroupingPart,
    HistoryPart,
    IncidentsPart,  # incidents
    IncidentListsPart,
    SteeringPart,
    SopUsagePart,
    SeveritiesPart,
    EscalationsPart,
    ClosingPart,
    CascadeSteeringPart,
    CardsPart,
    LogPositionsPart,
    NewsPart,
    StalePart,
    StaleEndsPart,
    ShadowPart,
    FlappingPart,
    StatsPart,
    MutesPart,
    SilencesPart,
    SilenceEndsPart,
    StagesPart,
    TracedStepsPart,
    SilenceReportsPart,
    SourceSilencesPart,
    FeedbackPart,
    OutsideNoticesPart,
    SourceAcknowledgementsPart,
    AdvicePart,  # advice
    AdviceContextPart,
    StandingAdvicePart,
    CachedAnswersPart,
    SharedQuestionsPart,
    AdvisorRunsPart,
    EvidencePart,
    DeploysPart,
    CitedPassagesPart,
    WrongRunbooksPart,
    LessonsPart,
    MemoryPart,
    QuestionsPart,
    GatewayOffersPart,
    ProposalsPart,  # approvals
    NewApprovalsPart,
    ApprovalsPart,
    VotesPart,
    FreezesPart,
    ScopedFreezesPart,
    GuardsPart,
    TrustPart,
    TrackRecordPart,
    ExecutionsPart,  # executions
    RunningPart,  # executions
    OutcomesPart,
    RetriesPart,
    VerificationPart,
    OutboxPart,  # Slack
    OutboxFetchPart,
    OutboxResultsPart,
    HomePart,
    DigestsPart,
    PostmortemsPart,  # what people keep of an incident
    ActionItemsPart,
    ExportRequestsPart,
    HandoversPart,
    StakeholderUpdatesPart,
    PublicationsPart,  # NATS
    AuditTrailPart,  # the audit trail
    TrailUpkeepPart,
    DisputesPart,
    NoticesPart,  # the bot itself
    OverdueWorkPart,
    IdentityPart,
    RetentionPart,
    HousekeepingPart,
    SizesPart,
    ServiceLevelsPart,
):
    """Everything the bot remembers. `owner` names this process in what it claims.

    A claim lasts as long as this process's lease: `lease_seconds` after each renewal. Without
    `audit_key` every method that must write to the audit trail raises StoreError.
    """


async def open_store(
    url: str,
    *,
    owner: str,
    config: LiveConfiguration | None = None,
    lease_seconds: float = LEASE,
    exclusive: bool = False,
    audit_key: AuditKey | None = None,
) -> Store:
    """Open the store that STORE_URL names and bring its schema up to date.

    `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` (in memory) or
    `postgresql://user:password@host/database`. SettingsError for any other scheme, StoreError when
    the database cannot be used. `exclusive` keeps every other process that asks for the same away
    from a file, until the store is closed or this process is gone; a server is there to be shared.
    """
    engine = await open_engine(url, exclusive=exclusive)
    return Store(
        engine,
        owner=owner,
        config=config,
        lease_seconds=lease_seconds,
        audit_key=audit_key,
    )


async def open_engine(url: str, *, exclusive: bool = False) -> Engine:
    """The engine of `open_store`, started."""
    if engine_of(url) == "sqlite":
        file = SqliteEngine(path_of(url), exclusive=exclusive)
        await file.start()
        return file
    try:
        from store.engines.postgres import PostgresEngine
    except ImportError as error:
        why = "PostgreSQL needs its driver; install it with `make postgres`"
        raise SettingsError([f"STORE_URL: {why}"]) from error
    server = PostgresEngine(url)
    await server.start()
    return server
