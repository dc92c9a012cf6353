"""Home, lists, answers, direct messages and the post-mortem of a generated incident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bot.approvals.model import Approval, Freeze
from bot.incidents.digests import Day, DigestFacts, DigestKind, DueDigest, Frequent, Review
from bot.incidents.digests import Unmatched as WithoutSop
from bot.incidents.home import HomeFacts, ListedIncidents
from bot.incidents.listing import IncidentPage, ListFilter
from bot.incidents.model import Incident, IncidentChange, Severity, TimelineEntry
from bot.incidents.records import ActionItem, Handover, HandoverState, StakeholderUpdate
from bot.incidents.remediation import RemediationStatus
from bot.incidents.stats import IncidentStats, PeriodStats, TypeCount
from bot.incidents.trace import RepeatedAlert, Stage
from bot.incidents.windows import Window
from bot.language import _
from bot.postmortem.draft import draft
from bot.postmortem.facts import Child, GivenAdvice, PostmortemFacts, Remedy
from handlers.views import (
    cascade,
    changes,
    digest,
    escalation,
    handover,
    home,
    incident_list,
    lists,
    postmortem,
    report_modal,
    review,
    silences,
    sop_lists,
    stakeholders,
    stats,
    steering,
    trace,
)
from handlers.views.text import Block
from tests.helpers.generated_models import Maker
from tests.helpers.models import ANA, BEN, NOW

Shown = tuple[str, str, list[Block], str]  # name, text, blocks, surface
STATS = IncidentStats({}, 3, 0, PeriodStats())


def elsewhere(made: Maker, sick: Incident, children: list[Incident]) -> Iterator[Shown]:
    """Each as (name, text, blocks, surface); an answer and a file have no blocks."""
    requests = [made.approval(RemediationStatus.AWAITING_APPROVAL) for _ in range(2)]
    yield _home(made, sick, children, requests)
    yield from _digests(made, sick, children, requests)
    yield from _direct_messages(made, sick, children)
    yield from _modals(made, sick, children, requests)
    yield from _lists(made, sick, children, requests)
    yield from _answers(made, sick)
    yield "postmortem", draft(_postmortem(made, sick, children, requests)), [], "file"


def _facts(made: Maker, sick: Incident, children: list[Incident]) -> HomeFacts:
    all_of = [sick, *children]
    ended = [replace(item, resolved_at=NOW) for item in all_of]
    return HomeFacts(
        mine=ListedIncidents(all_of, len(all_of)),
        others=all_of,
        muted=ListedIncidents(all_of, 90),
        resolved=ListedIncidents(ended, len(ended)),
        severities={Severity.HIGH: 400},
        opened=12,
        places={item.id: ("C0ALERTS01", f"1795.{item.id:06}") for item in all_of[::2]},
        handovers=[_offer(all_of)] * made.random.choice((0, 1, 3)),
        notice=made.random.choice(("", _("you are not an approver of this action"))),
    )


def _offer(incidents: list[Incident]) -> Handover:
    return Handover(
        id=1,
        giver=ANA,
        taker=BEN,
        incidents=tuple(item.id for item in incidents),
        state=HandoverState.WAITING,
        made_at=NOW,
    )


def _home(made: Maker, sick: Incident, children: list[Incident], requests: list[Approval]) -> Shown:
    random = made.random
    count = random.choice((0, 1, 30))
    waiting = [
        home.WaitingApproval(
            approval=random.choice(requests),
            incident=sick,
            record=random.choice((None, made.track_record())),
            blocker=random.choice((None, made.blocker())),
        )
        for _ in range(count)
    ]
    content = home.HomeContent(
        user=made.random.choice((ANA, BEN)),
        facts=_facts(made, sick, children),
        waiting=waiting,
        waiting_total=count,
        caveat=random.choice(("", "There may be more.")),
        frozen=random.choice((None, Freeze(ANA, NOW, made.stranger.text(300)))),
        week=STATS,
        window=Window("7d", 168),
    )
    return "home", "", list(home.home_view(home.home_blocks(content), NOW)["blocks"]), "home"


def _digests(
    made: Maker, sick: Incident, children: list[Incident], requests: list[Approval]
) -> Iterator[Shown]:
    text = made.stranger.text
    due = DueDigest("night", DigestKind.DIGEST, "C1", "", NOW, NOW - timedelta(days=7))
    facts = _facts(made, sick, children)
    short = replace(
        facts,
        mine=replace(facts.mine, incidents=facts.mine.incidents[:8]),
        others=facts.others[:8],
    )
    waiting = [(142, request.proposal.title) for request in requests]
    frozen = made.random.choice((None, Freeze(ANA, NOW, text(300))))
    yield (
        "digest",
        *digest.digest_message(due, DigestFacts(short, waiting, 9, 3), frozen),
        "message",
    )
    frequent = [Frequent(text(200), text(200), 900, 9) for _ in range(5)]
    without = [WithoutSop(text(200), 4) for _ in range(5)]
    days = [Day(f"2026-11-{n + 1:02}", n, 60.0) for n in range(7)]
    seen = Review(frequent, (), without, 90, days)
    yield "review", *review.review_message(due, seen, STATS, lambda _: ""), "message"


def _direct_messages(made: Maker, sick: Incident, children: list[Incident]) -> Iterator[Shown]:
    random, text = made.random, made.stranger.text
    note = TimelineEntry(142, NOW, "note", text(2000), ANA)
    escalated = TimelineEntry(142, NOW, "escalated", f"@{ANA} asks @{BEN} for help", ANA)
    yield "escalation", *escalation.message(sick, escalated, [note] * 5, "1.1"), "message"
    state = random.choice(list(HandoverState))
    ended = NOW if state is not HandoverState.WAITING else None
    incidents = [sick, *children]
    ended_by = BEN if ended else ""
    offer = replace(_offer(incidents), state=state, ended_at=ended, ended_by=ended_by)
    yield "handover", *handover.message(offer, incidents, to_taker=random.random() < 0.5), "message"
    yield "late handover", *handover.late(offer, incidents), "message"
    task = ActionItem(
        id=1, incident_id=142, text=text(2000, least=1), owner=BEN, made_by=ANA, made_at=NOW
    )
    yield "action", *postmortem.action(task, is_reminder=random.random() < 0.5), "message"
    yield "actions", postmortem.action_list([task] * 3, 3, mine=False), [], "answer"
    update = StakeholderUpdate(
        incident_id=142, channel="C1", text=text(2500), version=2, posted_by=ANA, posted_at=NOW
    )
    yield "update", *stakeholders.message(update), "message"
    yield "update note", *stakeholders.note(update), "message"


def _modals(
    made: Maker, sick: Incident, children: list[Incident], requests: list[Approval]
) -> Iterator[Shown]:
    text = made.stranger.text
    update = StakeholderUpdate(
        incident_id=142, channel="C1", text=text(2500), version=2, posted_by=ANA, posted_at=NOW
    )
    draft_text, title, seen = text(2500), text(500), text(10_000)
    posted = made.random.choice((None, update))
    for make in (
        lambda: changes.severity_modal(sick),
        lambda: changes.assign_modal(sick, ANA),
        lambda: changes.escalate_modal(sick),
        lambda: changes.merge_modal(sick, [*children, sick] * 3, requests),
        lambda: postmortem.action_modal(sick, ANA),
        lambda: stakeholders.update_modal(sick, "C1", draft_text, posted),
        lambda: report_modal.report_modal(("prod", "qa"), title=title, text=seen),
    ):
        view = make()
        assert len(view["title"]["text"]) <= 24
        yield str(view["callback_id"]), "", list(view["blocks"]), "modal"


def _lists(
    made: Maker, sick: Incident, children: list[Incident], requests: list[Approval]
) -> Iterator[Shown]:
    text = made.stranger.text
    incidents = [sick, *children][:10]
    places = {item.id: ("C0ALERTS01", f"1795.{item.id:06}") for item in incidents}
    page = IncidentPage(incidents, places, made.random.random() < 0.5, {Severity.LOW: 900})
    chosen = ListFilter(terms=(text(60),))
    answer = incident_list.incident_list(chosen, page, NOW)
    yield "list", str(answer), list(answer.blocks), "message"
    answer = incident_list.incident_list(chosen, page, NOW)
    yield "list in other Slacks", str(answer), list(answer.simple), "message"
    entry = TimelineEntry(142, NOW, "note", text(4000), ANA)
    grouped = [made.grouped() for _ in range(5)]
    details = lists.incident_details(sick, [entry] * 15, requests, "https://s.example/p1", grouped)
    yield "details", details, [], "answer"
    reports = [made.silence_report(is_over=False) for _ in range(3)]
    yield "silences", silences.silence_list(reports), [], "answer"
    runs = [(142, text(200), text(200), RemediationStatus.FAILED, NOW)] * 3
    yield "runs", sop_lists.runs("web", runs, {RemediationStatus.FAILED: 10}), [], "answer"
    types = [TypeCount(text(200), 9, 3, {Severity.HIGH: 9}) for _ in range(5)]
    yield "stats", stats.overview(STATS, types, Window("24h", 24)), [], "answer"
    stages = [Stage(NOW, "decided", text(500), ANA)] * 26
    repeated = RepeatedAlert(900, NOW)
    yield "trace", trace.stages(text(80), "INC-142", stages, repeated), [], "answer"


def _answers(made: Maker, sick: Incident) -> Iterator[Shown]:
    change = IncidentChange(sick, made.random.random() < 0.5)
    frozen = Freeze(ANA, NOW, made.stranger.text(500))
    for name, answer in (
        ("acknowledged", lambda: steering.acknowledged(change, BEN, NOW)),
        ("reopened", lambda: steering.reopened(change)),
        ("noted", lambda: steering.noted(sick)),
        ("resolved", lambda: steering.resolved_by_command(sick)),
        ("muted", lambda: silences.muted(change)),
        ("split", lambda: cascade.was_split(change)),
        ("merged", lambda: cascade.merged(change, 7)),
        ("reported", lambda: report_modal.answer(sick, ("C1", "1.1"), opened=True)),
        ("freeze", lambda: lists.freeze(frozen)),
    ):
        yield name, answer(), [], "answer"


def _postmortem(
    made: Maker, sick: Incident, children: list[Incident], requests: list[Approval]
) -> PostmortemFacts:
    random, text = made.random, made.stranger.text
    kinds = ("opened", "note", "assigned", "resolved", "joined", "escalated")
    timeline = [
        TimelineEntry(142, NOW, random.choice(kinds), text(4000), random.choice(("", ANA)))
        for _ in range(random.choice((0, 3, 20)))
    ]
    return PostmortemFacts(
        incident=sick,
        version=2,
        made_by=ANA,
        made_at=NOW,
        timeline=timeline,
        alerts=[made.grouped() for _ in range(random.choice((0, 1, 20)))],
        alerts_left_out=random.choice((0, 7)),
        children=[Child(child, [made.grouped()]) for child in children],
        remedies=[Remedy(request, made.execution()) for request in requests],
        evidence=random.choice((None, made.evidence())),
        advice=[GivenAdvice(made.advice(), NOW, text(2000), ANA)],
        actions=[],
        names={ANA: text(60)},
        has_sop=random.random() < 0.5,
    )
