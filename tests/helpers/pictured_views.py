"""The views that the pictures show: cards, a thread, a Home tab, modals and a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.advice.model import Advice
from bot.approvals.blockers import Blocker
from bot.approvals.model import Approval
from bot.approvals.reasons import BlockerKind
from bot.approvals.record import TrackRecord
from bot.enrichment.model import RUNBOOK, Evidence, KnownFact, SourceFailure
from bot.incidents.correlation import Reason
from bot.incidents.episodes import LastEpisode
from bot.incidents.home import HomeFacts, ListedIncidents
from bot.incidents.listing import IncidentPage, ListFilter
from bot.incidents.model import (
    GroupedAlert,
    GroupedAlerts,
    Incident,
    Mute,
    Resolution,
    Severity,
    TimelineEntry,
)
from bot.incidents.news import News, NewsKind
from bot.incidents.records import Handover, HandoverState
from bot.incidents.remediation import Parameter, Preview, RemediationStatus
from bot.incidents.stats import IncidentStats, PeriodStats
from bot.incidents.windows import Window
from handlers.views import (
    advice,
    alerts,
    approval,
    card,
    cascade,
    changes,
    evidence,
    home,
    incident_list,
    modals,
    news,
    notices,
    report_modal,
    result,
    steering,
)
from handlers.views.text import Block
from tests.helpers.models import (
    ANA,
    BEN,
    NOW,
    acknowledged,
    execution,
    incident,
    proposal,
    resolved,
    vote,
)
from tests.helpers.models import approval as an_approval

View = tuple[str, list[Block]]
CHILDREN = [
    incident(id=143, parent_id=142, title="cart-api answers 503", service="cart-api"),
    incident(id=144, parent_id=142, title="web: slow answers", service="web"),
    replace(
        resolved(id=145, title="edge: 5xx at the load balancer", service="edge-proxy-eu-west-1"),
        parent_id=142,
    ),
]
LAST = LastEpisode(
    98, NOW - timedelta(days=3), Resolution.CLEARED, "", "Restart checkout-api", ("C0", "1795.1")
)
LONG_TITLE = (
    "[prod] KubePodCrashLooping: pod payments/checkout-worker-7f9c6d5b8-x2x4q (checkout-worker) is"
    " restarting 3.21 times / 10 minutes, back-off 5m0s restarting failed container"
)
PREVIEW = Preview(
    "docker restart -t 30 checkout-api-3",
    "sha256:1",
    "1 container, 41 open connections",
    "production",
)


def _incident(**fields: object) -> Incident:
    return replace(incident(), **fields)  # type: ignore[arg-type]


def _news(kind: NewsKind, facts: Mapping[str, str]) -> News:
    return News(
        id=1, incident_id=142, kind=kind, subject="exec-1", facts=facts, mentions=(ANA,), at=NOW
    )


def waiting() -> Approval:
    """An approval that one of two people gave."""
    return an_approval(
        preview=PREVIEW,
        approvers=(ANA, BEN, "U0CAT"),
        votes=(vote(ANA),),
        proposal=proposal(
            parameters=(
                Parameter("target", "checkout-api-3", "alert label container"),
                Parameter("grace_seconds", 30, "SOP checkout-errors"),
            )
        ),
    )


def cards() -> Mapping[str, View]:
    """The cards of the channel, by what they show."""
    failed = _news(NewsKind.FAILED, {"title": "Restart checkout-api"})
    ran = an_approval(state=RemediationStatus.APPROVED, preview=PREVIEW, decided_by=BEN)
    quiet = _incident(id=7, alert_count=1, value="", links=(), severity=Severity.LOW, region="")
    return {
        "quiet": card.card(replace(quiet, title="backup of ledger is late", service="ledger")),
        "long": card.card(
            _incident(id=12, title=LONG_TITLE, text="Back-off restarting failed container", env=""),
            card.CardFacts(runbook="https://runbooks.example/kube/crash-loop", last_time=LAST),
        ),
        "grouped": card.card(acknowledged(), card.CardFacts(children=CHILDREN)),
        "running": card.card(acknowledged(), card.CardFacts(running=[ran])),
        "with approval": card.card(
            acknowledged(), card.CardFacts(waiting=[waiting()], last_time=LAST)
        ),
        "helped": card.card(acknowledged(), card.CardFacts(fixed_by=ran)),
        "failed": card.card(acknowledged(mute=Mute(ANA, None)), card.CardFacts(bad_news=[failed])),
        "resolved": card.card(resolved(by=BEN), card.CardFacts(fixed_by=ran, last_time=LAST)),
    }


def thread() -> Sequence[View]:
    """The replies of one incident, from what is known to the end."""
    request = waiting()
    facts = (
        KnownFact("prom", "error-rate", "now 0.078 (p50 0.004, p95 0.009 over 24 h)", NOW, "E1"),
        KnownFact("loki", "errors", "upstream timed out (110: Connection timed out)", NOW, "E2"),
        replace(
            KnownFact(RUNBOOK, "Checkout errors", "Restart the pod that leaks.", NOW, "E3"),
            url="https://runbooks.example/checkout",
        ),
    )
    suggestion = Advice(
        source="Amazon Q",
        seconds=8,
        cause="The connection pool of checkout-api-3 is exhausted",
        confidence="likely",
        evidence=("E1: the error rate rose at 03:02, with the deploy of 03:01",),
        next_steps=("Restart checkout-api-3", "Look at the pool's size in the last deploy"),
        sources=("error-rate", "errors", "Checkout errors"),
    )
    ran = execution(state=RemediationStatus.SUCCEEDED)
    over = execution(
        state=RemediationStatus.NOT_VERIFIED,
        verify_note="the health check answers 503, 3 checks in a row",
        answer={"command": "x", "exit_code": 1, "stdout": "checkout-api-3\n" * 12},
        error="exit 1: no such container",
    )
    worse = _news(NewsKind.WORSE, {"before": "high", "after": "critical"})
    return [
        evidence.evidence_message(Evidence(facts, (SourceFailure("kube", "late", ""),)), 142),
        approval.approval_card(
            request, None, TrackRecord(runs=9, verified=7, came_back=1, median_recovery=240.0)
        ),
        advice.advice_message(suggestion, advice_id=3),
        notices.note(TimelineEntry(142, NOW, "note", "I look at the pool.", ANA)),
        news.news(worse, incident()),
        approval.approval_card(
            replace(request, state=RemediationStatus.APPROVED, decided_by=BEN, decided_at=NOW),
            execution(state=RemediationStatus.DISPATCHING, running_at=NOW),
        ),
        result.result(ran, request),
        result.result(over, request),
        result.resolved(resolved(), over, request, timedelta(minutes=3)),
    ]


def home_view() -> Block:
    """The Home tab of a person with an approval, two incidents and a busy night."""
    blocker = Blocker(kind=BlockerKind.FROZEN, user=ANA, since=NOW, reason="the release")
    others = [
        _incident(id=150, title=LONG_TITLE),
        _incident(id=151, title="disk 97 % full on db-1", severity=Severity.HIGH, service="db"),
    ]
    offer = Handover(
        id=7,
        giver=ANA,
        taker=BEN,
        incidents=(143, 144),
        state=HandoverState.WAITING,
        made_at=NOW,
    )
    facts = HomeFacts(
        mine=ListedIncidents([acknowledged()], 1),
        others=others,
        muted=ListedIncidents([replace(others[1], mute=Mute(BEN, None))], 1),
        resolved=ListedIncidents([resolved(id=140), resolved(id=139, title="ledger is slow")], 2),
        severities={Severity.CRITICAL: 2, Severity.HIGH: 1},
        opened=5,
        places={142: ("C0", "1.1"), 150: ("C0", "1.2")},
        handovers=[offer],
        notice="Resolved INC-139.",
    )
    blocked = home.WaitingApproval(
        approval=an_approval(id="f" * 32, preview=PREVIEW), incident=others[1], blocker=blocker
    )
    content = home.HomeContent(
        user="U0BEN",
        facts=facts,
        waiting=[home.WaitingApproval(approval=waiting(), incident=incident()), blocked],
        waiting_total=2,
        caveat="",
        frozen=None,
        week=IncidentStats({}, 3, 2, PeriodStats()),
        window=Window("7d", 168),
    )
    return home.home_view(home.home_blocks(content), NOW)


def modal_views() -> Mapping[str, Block]:
    """A modal of each kind."""
    grouped = [
        GroupedAlert(
            name="HighErrorRate",
            title=f"checkout-api-{number}: error rate above 5 %",
            value="7.8 %",
            severity=Severity.CRITICAL,
            is_firing=number != 3,
            since=NOW,
            reason=Reason.SAME_SCOPE,
            source="alertmanager",
            count=number,
            labels={"pod": f"checkout-api-{number}", "node": "ip-10-0-3-17.eu-west-1"},
            facts={"env": "prod", "service": "checkout_api", "category": "errors"},
        )
        for number in range(1, 4)
    ]
    calls = {"incident": "INC-142", "caller": "web", "callee": "checkout_api"}
    first = [[replace(grouped[0], reason=Reason.CALLS, facts=calls)]] * 3
    joined = {143: "Child of INC-142: INC-144 is linked with both"}
    return {
        "alerts": alerts.alerts_modal(incident(), GroupedAlerts(tuple(grouped), 14, 11), 0),
        "children": cascade.children_modal(incident(), CHILDREN, first, joined),
        "report": report_modal.report_modal(("prod", "staging")),
        "edit": modals.edit_modal(waiting()),
        "severity": changes.severity_modal(incident()),
        "escalate": changes.escalate_modal(incident()),
        "resolve": steering.resolve_modal(incident(), [waiting()], CHILDREN[:2]),
    }


def list_view() -> View:
    """A page of the list of open incidents."""
    rows = [
        incident(),
        replace(acknowledged(id=141, title="cart-api answers 503"), service="cart-api"),
        _incident(id=140, title=LONG_TITLE, severity=Severity.HIGH),
    ]
    places = {item.id: ("C0", f"1795.{item.id:06d}") for item in rows}
    counts = {Severity.CRITICAL: 2, Severity.HIGH: 1, Severity.LOW: 61}
    page = IncidentPage(rows, places, True, counts)
    answer = incident_list.incident_list(ListFilter(), page, NOW + timedelta(minutes=6))
    return str(answer), list(answer.blocks)
