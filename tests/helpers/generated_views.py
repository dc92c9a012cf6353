"""Incidents from a seed, in every state, and all that the bot shows about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from bot.approvals.record import TrackRecord
from bot.incidents.model import (
    GroupedAlerts,
    Incident,
    TimelineEntry,
)
from bot.incidents.news import NewsKind
from bot.incidents.notices import Notice
from bot.incidents.remediation import RemediationStatus
from bot.simulator import checked_view
from handlers.views import (
    activity,
    advice,
    alerts,
    approval,
    audit,
    card,
    cascade,
    changes,
    evidence,
    modals,
    news,
    notices,
    result,
    silences,
    steering,
)
from handlers.views.text import Block
from tests.helpers.generated_answers import elsewhere
from tests.helpers.generated_models import Maker
from tests.helpers.models import ANA, BEN, NOW, assert_slack_takes
from tests.helpers.strangers_texts import Stranger

LONGEST_ANSWER = 40_000  # Slack's, for a text


@dataclass(frozen=True)
class Shows:
    """Something that a person sees. `text` is the fallback text of a message, '' for a modal.

    The answer to a command and a file are text without blocks.
    """

    name: str
    text: str
    blocks: list[Block]
    surface: str = "message"


def assert_its_surface_takes(view: Shows, blocks: list[Block]) -> None:
    """Slack takes these blocks of it, or its text, where it shows them."""
    if view.surface == "answer":
        assert len(view.text) <= LONGEST_ANSWER, view.name
    elif view.surface == "home":
        checked_view({"type": "home", "blocks": blocks}, home=True)
    else:
        assert_slack_takes(view.text or "a modal has none", blocks, view.surface)


def generated_views(seed: int, *, is_honest: bool = False) -> Iterator[Shows]:
    """All views of one incident of this seed; `is_honest` changes only what strangers write."""
    made = Maker(Random(seed), Stranger(seed, is_honest=is_honest))
    sick = made.incident(142)
    children = [made.incident(1000 + n, 142) for n in range(made.random.choice((0, 0, 1, 3, 40)))]
    sick = replace(
        sick, cause_id=children[-1].id if children and made.random.random() < 0.5 else None
    )
    for name, message in _messages(made, sick, children):
        yield Shows(name, *message)
    for name, view in _modals(made, sick, children):
        assert len(view["title"]["text"]) <= 24
        yield Shows(name, "", view["blocks"], "modal")
    for shown in elsewhere(made, sick, children):
        yield Shows(*shown)


def _messages(
    made: Maker, sick: Incident, children: list[Incident]
) -> Iterator[tuple[str, tuple[str, list[Block]]]]:
    random, text = made.random, made.stranger.text
    waiting = [made.approval(RemediationStatus.AWAITING_APPROVAL)]
    requests = [*waiting, made.approval(random.choice(list(RemediationStatus)))]
    reports = [made.news(kind) for kind in random.sample(list(NewsKind), 3)]
    yield (
        "card",
        card.card(
            sick,
            card.CardFacts(
                runbook=random.choice(("", "https://runbooks.example/" + "a" * 200)),
                fixed_by=random.choice((None, requests[0])),
                waiting=waiting * random.choice((0, 1, 3)),
                bad_news=random.sample(reports, random.choice((0, 1, 3))),
                children=children,
                related=random.choice((None, made.incident(9))),
                last_time=random.choice((None, made.last_episode())),
                posted={
                    request.id: ("C0ALERTS01", "1795.000002", "1795.000001") for request in waiting
                },
            ),
        ),
    )
    yield "folded", cascade.folded_card(sick, made.incident(8), "https://slack.example/p1")
    for request in requests:
        ran = made.execution()
        blocker = random.choice((None, made.blocker()))
        record = random.choice((None, TrackRecord(), made.track_record()))
        yield "approval", approval.approval_card(request, None, record, blocker)
        yield "approval", approval.approval_card(request, ran)
        yield "result", result.result(ran, request)
    yield "resolved", result.resolved(sick, made.execution(), requests[0], timedelta(minutes=3))
    yield "advice", advice.advice_message(made.advice(), text(2000), random.choice(("", ANA)), 12)
    yield "evidence", evidence.evidence_message(made.evidence(), 142)
    yield "note", notices.note(TimelineEntry(142, NOW, "note", text(4000, least=1), ANA))
    yield "activity", activity.activity(made.activity())
    yield "steered", steering.steered(TimelineEntry(142, NOW, "assigned", f"@{ANA} has it", ANA))
    for item in reports:
        yield "news", news.news(item, sick)
    if random.random() < 0.5:
        yield from _notices(made, sick)


def _notices(made: Maker, sick: Incident) -> Iterator[tuple[str, tuple[str, list[Block]]]]:
    random, text = made.random, made.stranger.text
    yield "storm", notices.burst_digest(made.burst(), 20)
    end = random.choice((None, NOW))
    frozen = {"by": ANA, "why": text(300), "lifted_by": BEN}
    yield "frozen", notices.frozen(Notice(1, "frozen", "C1", frozen, NOW, end))
    problems = [made.stranger.operator(500) for _ in range(random.choice((1, 30)))]
    yield "reload", notices.refused_reload(Notice(1, "reload", "C1", problems, NOW, end))
    down = {"why": text(800, least=1)}
    yield "gateway", notices.gateway(Notice(1, "gateway", "C1", down, NOW, end))
    rows = [["things wait", 9, [text(200, least=1) for _ in range(5)]] for _ in range(6)]
    yield "stuck", notices.overdue_work(Notice(1, "stuck", "C1", rows, NOW, end))
    report = made.silence_report(end is not None)
    yield "silence", silences.silence_message(report)
    yield "silence_digest", silences.digest(report)
    yield "undelivered", notices.undelivered("C0X", made.stranger.operator(400), card.card(sick))
    yield "audit", audit.head("2026-11-21", 3, "abc", made.stranger.operator(400))


def _modals(made: Maker, sick: Incident, children: list[Incident]) -> Iterator[tuple[str, Block]]:
    random = made.random
    total = random.choice((1, 10, 100))
    offset = random.randrange(0, total, alerts.PAGE)
    page = tuple(made.grouped() for _ in range(min(total, alerts.PAGE)))
    yield "alerts", alerts.alerts_modal(sick, GroupedAlerts(page, total, 1), offset)
    if children:
        offset = random.randrange(0, len(children), cascade.PAGE)
        first = [[made.grouped()] for _ in range(cascade.PAGE)]
        yield "children", cascade.children_modal(sick, children, first, {}, offset)
    request = made.approval(RemediationStatus.AWAITING_APPROVAL)
    yield "ask", modals.ask_modal(sick)
    yield "edit", modals.edit_modal(request)
    yield "reason", modals.reason_modal(request)
    yield "severity", changes.severity_modal(sick)
    yield "assign", changes.assign_modal(sick, BEN)
    yield "escalate", changes.escalate_modal(sick)
    yield "merge", changes.merge_modal(sick, children, [request] * 5)
    yield "resolve", steering.resolve_modal(sick, [request] * 5, children)
