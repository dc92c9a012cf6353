"""Every view of the bot, made with one text in every place that a stranger can write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.advice.model import Advice
from bot.approvals.blockers import Blocker
from bot.approvals.model import Approval, Freeze
from bot.approvals.reasons import BlockerKind, from_text
from bot.enrichment.model import RUNBOOK, Evidence, KnownFact, SourceFailure
from bot.incidents.home import HomeFacts, ListedIncidents
from bot.incidents.listing import IncidentPage, ListFilter
from bot.incidents.model import (
    GroupedAlert,
    GroupedAlerts,
    Hyperlink,
    Incident,
    Mute,
    Severity,
    TimelineEntry,
)
from bot.incidents.notices import Burst, Notice
from bot.incidents.records import ActionItem, Handover, HandoverState, StakeholderUpdate
from bot.incidents.remediation import Parameter, Preview, RemediationStatus
from bot.incidents.silences import SilenceReport, SuppressedAlert
from bot.incidents.sops import ProposedAction, Sop
from bot.incidents.stats import IncidentStats, PeriodStats
from bot.incidents.windows import Window
from handlers.views import (
    advice,
    alerts,
    audit,
    card,
    changes,
    escalation,
    evidence,
    handover,
    home,
    incident_list,
    lists,
    modals,
    notices,
    postmortem,
    report_modal,
    result,
    silences,
    sop_lists,
    stakeholders,
    steering,
)
from handlers.views import approval as approval_view
from tests.helpers.builders import alert
from tests.helpers.models import (
    NOW,
    acknowledged,
    approval,
    execution,
    incident,
    resolved,
    vote,
)
from tests.helpers.silences import silence


def every_view(evil: str) -> Iterator[tuple[str, tuple[str, list[dict[str, Any]]]]]:
    """Yield every message and answer of the bot, with `evil` wherever a stranger's text may be."""
    names = "title env region service category source value threshold text sop_id tracking_id"
    texts = dict.fromkeys(names.split(), evil)
    links = (
        Hyperlink(evil, "https://evil.example/Approve"),
        Hyperlink("✅ Approve", "https://EVIL.example:8443/"),
        Hyperlink("Approve ↗", "https://slack.com@evil.example/"),
        Hyperlink("Approve", "https://аpprove.example/"),
    )
    sick = incident(**texts, links=links, posted=False)
    ask = approval(
        proposal=replace(
            approval().proposal,
            title=evil,
            target=evil,
            parameters=(Parameter("target", evil, evil), Parameter("grace_seconds", evil, evil)),
        ),
        preview=Preview(evil, "sha256:1", evil),
        reason=from_text(evil),
        votes=(replace(vote("U0ANA"), reason=evil),),
    )
    ran = execution(
        error=evil,
        verify_note=evil,
        answer={"command": evil, "exit_code": 1, "stdout": evil},
        state=RemediationStatus.NOT_VERIFIED,
    )
    yield "card", card.card(sick, card.CardFacts(runbook="https://runbooks.example/"))
    yield (
        "card",
        card.card(acknowledged(**texts, links=links, posted=False), card.CardFacts(fixed_by=ask)),
    )
    yield (
        "card",
        card.card(resolved(**texts, links=links, posted=False), card.CardFacts(fixed_by=ask)),
    )
    for by_model in (True, False):
        model_advice = Advice(
            source=evil if by_model else "",
            cause=evil,
            text=evil + evil,
            confidence=evil,
            evidence=(evil,),
            next_steps=(evil,),
            look_at=(evil,),
            failure=evil,
            sources=(evil,),
        )
        yield "advice", advice.advice_message(model_advice, evil, "U0ANA")
    fact = KnownFact(evil, evil, evil, NOW, "E1")
    passage = replace(fact, source=RUNBOOK, url=f"https://{evil}")
    failure = SourceFailure(evil, "late", evil)
    yield (
        "evidence",
        evidence.evidence_message(
            Evidence((fact, passage) * 10, (failure,) * 6, ("status", "logs")), 7
        ),
    )
    for kind in BlockerKind:
        blocker = Blocker(kind=kind, user="U0ANA", since=NOW, reason=evil, subject=evil)
        yield "approval", approval_view.approval_card(ask, blocker=blocker)
    yield "approval", approval_view.approval_card(replace(ask, state=RemediationStatus.REVOKED))
    on_its_way = replace(ran, state=RemediationStatus.DISPATCHING, progress=evil, cancellable=True)
    allowed = replace(ask, state=RemediationStatus.APPROVED)
    yield "approval", approval_view.approval_card(allowed, on_its_way)
    yield "card", card.card(sick, card.CardFacts(running=[allowed]))
    for state in (RemediationStatus.NOT_VERIFIED, RemediationStatus.OUTCOME_UNKNOWN):
        yield "result", result.result(replace(ran, state=state), replace(ask, preview=Preview()))
    yield "resolved", result.resolved(resolved(**texts), ran, ask)
    yield "note", notices.note(TimelineEntry(142, NOW, "note", evil, "U0ANA"))
    yield (
        "storm",
        notices.burst_digest(
            Burst(NOW, None, {"high": 1}, 1, 0, ((1, "high", evil),), ((evil, 30, 9),)), 20
        ),
    )
    frozen = {"by": "U0ANA", "why": evil, "lifted_by": "U0BEN"}
    yield "frozen", notices.frozen(Notice(1, "frozen", "C1", frozen, NOW, NOW))
    rows = [["things wait", 3, [evil]]]
    yield "stuck", notices.overdue_work(Notice(1, "stuck", "C1", rows, NOW, None))
    yield "undelivered", notices.undelivered("C0X", evil, card.card(sick))
    yield "audit", audit.head("2026-11-21", 3, "abc", evil)
    hushed = replace(
        silence(**{"service": evil[:200] or "x", "label.pod": evil[:200] or "x"}), id=3, reason=evil
    )
    report = SilenceReport(
        silence=hushed,
        suppressed=2,
        opened=((4, Severity.HIGH, evil),),
        opened_count=30,
        kept_back=((Severity.LOW, evil, 3),),
    )
    yield "silence", silences.silence_message(report)
    over = replace(report, silence=replace(hushed, ended_at=NOW, ended_by="U0BEN"))
    yield "silence", silences.silence_message(over)
    yield "silence_digest", silences.digest(over)
    timeline = [TimelineEntry(142, NOW, "opened", evil, "U0ANA")]
    sop = Sop(
        sop_id="web",
        title=evil,
        keys=(f"svc:{evil}",),
        command=(evil,),
        fix_action=(evil,),
        runbook="https://runbooks.example/",
        actions=(ProposedAction(action="service.restart"),),
    )
    grouped = GroupedAlert(
        name=evil,
        title=evil,
        value=evil,
        severity=Severity.HIGH,
        is_firing=True,
        since=NOW,
        reason=evil,
        source=evil,
        count=2,
        labels={"instance": evil, evil: evil},
        guessed=("service", "env", evil),
    )
    page = alerts.alerts_modal(sick, GroupedAlerts((grouped,), 1, 1), 0)
    yield "modal", ("a modal has no text", page["blocks"])
    yield from _follow_up(sick, evil)
    for change in (
        changes.severity_modal(sick),
        changes.assign_modal(sick, "U0ANA"),
        changes.escalate_modal(sick),
        changes.merge_modal(sick, [sick], [ask]),
    ):
        yield "modal", ("a modal has no text", change["blocks"])
    yield "modal", ("a modal has no text", modals.ask_modal(sick)["blocks"])
    yield "modal", ("a modal has no text", report_modal.report_modal(("qa",), title=evil)["blocks"])
    yield "home", ("a Home tab has no text", home.home_blocks(_home(sick, ask, evil)))
    yield "modal", ("a modal has no text", modals.edit_modal(ask)["blocks"])
    yield "modal", ("a modal has no text", modals.reason_modal(ask)["blocks"])
    listed = incident_list.incident_list(
        ListFilter(), IncidentPage([sick], {}, True, {}), NOW, after=1
    )
    yield "list", ("a table has cells", list(listed.blocks))
    yield "escalation", escalation.message(sick, timeline[0], timeline, "1.1")
    for answer in (
        str(listed),
        steering.noted(sick),
        lists.incident_details(sick, timeline, [ask], "https://slack.example/p1"),
        sop_lists.sop_list([sop], 1, {}),
        sop_lists.sop_details(sop, [sick], NOW + timedelta(hours=1), {}),
        lists.freeze(Freeze("U0ANA", NOW, evil)),
        report_modal.answer(sick, ("C1", "1.1"), opened=True),
        report_modal.answer(sick, None, opened=False),
        silences.made(hushed),
        silences.silence_list([report]),
        silences.suppressed_list(
            [
                SuppressedAlert(
                    alert=replace(alert(), title=evil, env=evil, service=evil),
                    tracking_id=evil,
                    received_at=NOW,
                    silence=hushed,
                )
            ],
            NOW,
        ),
    ):
        yield "answer", (answer, [])


def _follow_up(sick: Incident, evil: str) -> Iterator[tuple[str, tuple[str, list[dict[str, Any]]]]]:
    """The views of what people keep of an incident."""
    item = ActionItem(id=1, incident_id=142, text=evil, owner="U0BEN", made_by="U0ANA", made_at=NOW)
    yield "action", postmortem.action(item, is_reminder=False)
    yield "action", postmortem.action(replace(item, done_at=NOW, done_by="U0BEN"), is_reminder=True)
    yield "answer", (postmortem.action_list([item], 20, mine=False), [])
    yield "answer", (postmortem.actions_of_incident([item], "INC-142"), [])
    offer = _offer(sick)
    yield "handover", handover.message(offer, [sick], to_taker=True)
    ended = replace(offer, state=HandoverState.ACCEPTED, ended_at=NOW, ended_by="U0BEN")
    yield "handover", handover.message(ended, [sick], to_taker=False)
    yield "handover", handover.late(offer, [sick])
    update = StakeholderUpdate(
        incident_id=142, channel="C1", text=evil, version=2, posted_by="U0ANA", posted_at=NOW
    )
    yield "stakeholders", stakeholders.message(update)
    yield "stakeholders", stakeholders.note(update)
    for modal in (
        postmortem.action_modal(sick, "U0ANA"),
        stakeholders.update_modal(sick, "C1", evil, update),
        stakeholders.update_modal(sick, "C1", evil, None),
    ):
        yield "modal", ("a modal has no text", modal["blocks"])
    run = (142, evil, evil, RemediationStatus.FAILED, NOW)
    yield "answer", (sop_lists.runs("web", [run], {RemediationStatus.FAILED: 1}), [])
    yield "answer", (sop_lists.sop_hits([], evil, {}), [])


def _offer(sick: Incident) -> Handover:
    return Handover(
        id=1,
        giver="U0ANA",
        taker="U0BEN",
        incidents=(sick.id,),
        state=HandoverState.WAITING,
        made_at=NOW,
    )


def _home(sick: Incident, ask: Approval, evil: str) -> home.HomeContent:
    """A Home tab with the incident in every list."""
    listed = ListedIncidents((replace(sick, mute=Mute("U0BEN", None)),), 30)
    facts = HomeFacts(
        mine=listed,
        others=listed.incidents,
        muted=listed,
        resolved=ListedIncidents((resolved(title=evil),), 9),
        severities={Severity.HIGH: 40},
        opened=12,
        places={sick.id: ("C1", "1.1")},
        handovers=[_offer(sick)],
        notice="Not counted: you are not an approver.",
    )
    return home.HomeContent(
        user="U0ANA",
        facts=facts,
        waiting=[home.WaitingApproval(approval=ask, incident=sick)],
        waiting_total=3,
        caveat="",
        frozen=Freeze("U0ANA", NOW, evil),
        week=IncidentStats({}, 0, 0, PeriodStats()),
        window=Window("7d", 168),
    )
