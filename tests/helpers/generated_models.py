"""Models from a seed: incidents, approvals and the rest, in every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from bot.advice.model import CONFIDENCE_LEVELS, FROM_NOTHING, FROM_SOP, Advice
from bot.approvals.blockers import Blocker
from bot.approvals.model import (
    Approval,
    ApprovalConditions,
    Binding,
    Choice,
    Execution,
    Vote,
)
from bot.approvals.reasons import BlockerKind, EndKind, Reason, to_text
from bot.approvals.record import TrackRecord
from bot.enrichment.model import Evidence, KnownFact, SourceFailure
from bot.incidents.correlation import Reason as JoinReason
from bot.incidents.episodes import LastEpisode
from bot.incidents.model import (
    GroupedAlert,
    Hyperlink,
    Incident,
    IncidentStatus,
    Mute,
    Resolution,
    Severity,
    Shown,
)
from bot.incidents.news import News, NewsKind
from bot.incidents.notices import Burst
from bot.incidents.remediation import Parameter, Preview, Proposal, RemediationStatus
from bot.incidents.silences import SilenceReport
from bot.intake.reading import ActivityKind, StoredActivity
from bot.remediation.catalogue import CATALOGUE
from tests.helpers.models import ANA, BEN, CAT, NOW
from tests.helpers.silences import silence
from tests.helpers.strangers_texts import Stranger

PEOPLE = (ANA, BEN, CAT, *(f"U0P{number:04}" for number in range(20)))
GROUPS = ("S0SRE", "S0DBA")


class Maker:
    """Makes models: every choice is of `random`, and every text a stranger's."""

    def __init__(self, random: Random, stranger: Stranger) -> None:
        self.random = random
        self.stranger = stranger

    def incident(self, number: int, parent: int | None = None) -> Incident:
        random, text = self.random, self.stranger.text
        status = random.choice(list(IncidentStatus))
        is_over = status is IncidentStatus.RESOLVED
        by = random.choice(("", ANA))
        return Incident(
            id=number,
            incident_key=self.stranger.word(),
            sop_id="sop_5616d3719856",
            status=status,
            severity=random.choice(list(Severity)),
            title=text(200),
            env=text(200),
            region=text(200),
            service=text(200),
            category=text(200),
            channel="C0ALERTS",
            source=self.stranger.word(),
            alert_count=random.choice((1, 2, 100)),
            firing=0 if is_over else random.choice((0, 1, 100)),
            value=text(1000),
            threshold=text(1000),
            text=text(10_000),
            labels={},
            links=tuple(
                Hyperlink(self.stranger.word(), f"https://h{n % 2}.example/{'x' * n * 100}")
                for n in range(random.choice((0, 1, 5)))
            ),
            tracking_id=random.choice(("req-20261121-030412-9f2c1ab0", text(80, least=1))),
            opened_at=NOW,
            updated_at=NOW,
            acknowledged_at=random.choice((None, NOW)),
            acknowledged_by=by,
            resolved_at=NOW + timedelta(minutes=65) if is_over else None,
            resolved_by=by,
            fixed_by="",
            posted=random.choice((True, False)),
            shown=random.choice((None, Shown(text(200), text(200), text(200), NOW))),
            last_active_at=random.choice((None, NOW)),
            mute=random.choice((None, Mute(ANA, None), Mute(ANA, NOW))),
            parent_id=parent,
            resolution=random.choice(list(Resolution)) if is_over else None,
            flapping_changes=random.choice((0, 9)),
        )

    def approval(self, state: RemediationStatus) -> Approval:
        random, text = self.random, self.stranger.text
        is_decided = state is not RemediationStatus.AWAITING_APPROVAL
        voters = random.sample(PEOPLE, random.choice((0, 1, 12)))
        target = text(200, least=1)
        names = ["target", *(f"name_{n}" for n in range(random.choice((0, 3, 20))))]
        return Approval(
            id="0123456789abcdef" * 2,
            incident_id=142,
            proposal=Proposal(
                action_id=random.choice([*CATALOGUE, "gone.action"]),
                title=text(200, least=1),
                target=target,
                parameters=(
                    Parameter("grace_seconds", 30, "default"),
                    *(
                        Parameter(
                            name,
                            text(random.choice((40, 900)), least=1),
                            random.choice(("alert: service", f"edited by @{ANA}", "⚠ from model")),
                        )
                        for name in names
                    ),
                ),
                risk="medium",
                reversible="no",
                intent=text(100, least=1),
            ),
            preview=Preview(text(random.choice((100, 5000))), "sha256:1", text(300), text(60)),
            state=state,
            requested_by=random.choice(("", CAT)),
            requested_at=NOW,
            expires_at=NOW + timedelta(minutes=15),
            needed=random.choice((1, 2, 5)),
            approvers=(*random.sample(PEOPLE, random.choice((0, 3, 20))), *GROUPS),
            digest="digest",
            decided_by=ANA if is_decided else "",
            decided_at=NOW if is_decided else None,
            reason=random.choice((None, self.reason())) if is_decided else None,
            votes=tuple(Vote(user, random.choice(list(Choice)), NOW, text(500)) for user in voters),
            terms=ApprovalConditions(
                reason_required=random.choice((True, False)),
                seen=random.choice((True, False)),
                environments=random.choice(((), ("production",), ("unknown", "staging"))),
                bound=Binding(env=text(60)),
            ),
        )

    def reason(self) -> Reason:
        return self.blocker(self.random.choice([*EndKind, *BlockerKind]))

    def blocker(self, kind: BlockerKind | EndKind | None = None) -> Blocker:
        kind = kind or self.random.choice(list(BlockerKind))
        subject, reason = self.stranger.text(200, least=1), self.stranger.text(500, least=1)
        return Reason(
            kind=kind,
            until=self.random.choice((None, NOW, NOW + timedelta(days=1))),
            subject="resolved" if kind is BlockerKind.INCIDENT_CLOSED else subject,
            user=ANA,
            reason=self.stranger.operator(500) if kind is EndKind.WRITTEN else reason,
            incident_id=7,
            since=NOW,
            count=3,
        )

    def execution(self) -> Execution:
        random, text = self.random, self.stranger.text
        answer: Any = random.choice(
            (
                None,
                {
                    "command": text(900),
                    "exit_code": 1,
                    "stdout": text(random.choice((900, 30_000))),
                    "stderr": "e",
                },
            )
        )
        return Execution(
            id="exec-1",
            approval_id="0123456789abcdef" * 2,
            incident_id=142,
            state=random.choice(list(RemediationStatus)),
            owner="bot-a",
            created_at=NOW,
            started_at=random.choice((None, NOW)),
            finished_at=random.choice((None, NOW)),
            answer=answer,
            error=text(3000),
            verify_until=random.choice((None, NOW)),
            verify_note=random.choice(("", self.stranger.operator(500))),
            by_hand=random.choice(("", ANA)),
            retry_until=random.choice((None, NOW)),
            concluded_at=random.choice((None, NOW)),
            running_at=random.choice((None, NOW)),
        )

    def track_record(self) -> TrackRecord:
        return TrackRecord(
            runs=9,
            verified=7,
            came_back=1,
            median_recovery=240.0,
            last_failed_at=NOW,
            last_failed_by=ANA,
        )

    def advice(self) -> Advice:
        text, many = self.stranger.text, self.random.choice((0, 3, 12))
        return Advice(
            source=self.random.choice((self.stranger.word(), FROM_SOP, FROM_NOTHING)),
            seconds=8.0,
            cause=text(1000),
            confidence=self.random.choice(("", *CONFIDENCE_LEVELS)),
            evidence=tuple(text(500, least=1) for _ in range(many)),
            next_steps=tuple(text(500, least=1) for _ in range(many)),
            look_at=tuple(text(500, least=1) for _ in range(many)),
            text=text(self.random.choice((100, 30_000))),
            sources=tuple(text(200, least=1) for _ in range(many)),
            failure=text(1000),
        )

    def evidence(self) -> Evidence:
        text, many = self.stranger.text, self.random.choice((0, 1, 20))
        facts = tuple(
            KnownFact(text(40, least=1), text(60, least=1), text(600, least=1), NOW, f"E{n}")
            for n in range(many)
        )
        failures = tuple(SourceFailure(text(60, least=1), "late", "") for _ in range(many // 2))
        return Evidence(facts, failures)

    def activity(self) -> StoredActivity:
        text = self.stranger.text
        return StoredActivity(
            id=1,
            incident_id=142,
            source=text(60, least=1),
            sender=text(200),
            kind=self.random.choice(list(ActivityKind)),
            actor=text(200),
            text=text(10_000),
            fingerprint="f",
            acknowledges=self.random.choice((True, False)),
            received_at=NOW,
        )

    def news(self, kind: NewsKind) -> News:
        facts = {
            "title": self.stranger.text(200, least=1),
            "fix": self.stranger.text(200),
            "why": self.stranger.text(3000),
            "reason": to_text(self.reason()),
            "part": "INC-9",
            "before": "medium",
            "after": "critical",
            "changes": "4",
            "window": "1800",
            "resolved_at": NOW.isoformat(),
            "resolution": self.random.choice(list(Resolution)),
        }
        mentioned = (*self.random.sample(PEOPLE, self.random.choice((0, 2, 20))), *GROUPS)
        subject = NOW.isoformat() if kind is NewsKind.STALE else "exec-1"
        return News(
            id=7,
            incident_id=142,
            kind=kind,
            subject=subject,
            facts=facts,
            mentions=mentioned,
            at=NOW,
        )

    def last_episode(self) -> LastEpisode:
        resolution = self.random.choice(list(Resolution))
        return LastEpisode(8, NOW - timedelta(days=3), resolution, ANA, self.stranger.text(200))

    def grouped(self) -> GroupedAlert:
        random, text = self.random, self.stranger.text
        named = random.choices(("instance", "host", "pod", "device", "queue", "zone"), k=4)
        return GroupedAlert(
            name=text(200),
            title=text(200),
            value=text(1000),
            severity=random.choice(list(Severity)),
            is_firing=random.choice((True, False)),
            since=NOW,
            reason=random.choice((*JoinReason, text(200))),
            source=self.stranger.word(),
            count=random.choice((1, 9)),
            labels={**{name: text(1000) for name in named}, text(60, least=1): "x"},
            facts={"service": text(200), "incident": "INC-7", "seconds": 4, "node": text(200)},
            alternatives=((7, "same scope"),) * random.choice((0, 5)),
            guessed=("service", "env"),
        )

    def burst(self) -> Burst:
        text = self.stranger.text
        return Burst(
            began_at=NOW,
            ended_at=self.random.choice((None, NOW)),
            severities={"critical": 500, "high": 3},
            hidden=self.random.choice((0, 400)),
            resolved=3,
            most_severe=tuple((n, "high", text(200)) for n in range(10)),
            senders=tuple((text(200, least=1), 30, 9) for _ in range(3)),
        )

    def silence_report(self, is_over: bool) -> SilenceReport:
        text = self.stranger.text
        made = replace(
            silence(**{"service": "web*", "label.pod": "x" * 150}),
            id=3,
            reason=text(200, least=1),
            ended_at=NOW if is_over else None,
            ended_by=BEN if is_over else "",
        )
        return SilenceReport(
            silence=made,
            suppressed=2,
            opened=tuple((n, Severity.HIGH, text(200)) for n in range(10)),
            opened_count=30,
            kept_back=tuple((Severity.LOW, text(200), 3) for _ in range(10)),
        )
