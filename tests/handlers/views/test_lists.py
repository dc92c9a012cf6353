"""Answers to commands: short, the newest first, within what Slack takes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given

from bot.incidents.model import TimelineEntry
from bot.incidents.remediation import RemediationStatus
from bot.incidents.sops import ProposedAction, Sop
from handlers.views import lists, sop_lists
from tests.helpers.models import (
    ANA,
    HOSTILE,
    NOW,
    WILD,
    WILD_LISTS,
    approval,
    assert_obeys_nothing,
    incident,
    proposal,
    resolved,
)

MOST = 40_000  # characters of text that Slack takes in one message


def timeline(text: str, count: int) -> list[TimelineEntry]:
    return [TimelineEntry(142, NOW + timedelta(seconds=n), "note", text, ANA) for n in range(count)]


def test_an_incident_shows_its_events_its_thread_and_what_waits() -> None:
    text = lists.incident_details(
        incident(),
        timeline("looked", 20),
        [approval(), approval(state=RemediationStatus.REJECTED)],
        "https://slack.example/archives/C1/p1",
    )
    assert text.startswith("*🔴 CRITICAL · checkout-api error rate above 5 %*   `INC-142`\nopen · ")
    assert "<https://slack.example/archives/C1/p1|Open the thread>" in text
    assert text.count("looked") == 15, "the last ones"
    assert text.count("🔐") == 1
    assert "Restart checkout-api: awaiting approval, expires" in text
    assert "✅ RESOLVED" in lists.incident_details(resolved(), [], [], "")


USES = {"web": (3, 142, "C1", "1.1")}
COUNTS = {RemediationStatus.VERIFIED: 9, RemediationStatus.FAILED: 2}


def test_the_most_used_sop_comes_first_and_runs_are_counted_by_their_end() -> None:
    sops = [Sop(sop_id="db", title="Database"), Sop(sop_id="web", title="Web is down")]
    text = sop_lists.sop_list(sops, 0, USES)
    assert text.index("`web`") < text.index("`db` Database · MIDDLE · never used")
    run = (142, "Restart web", "web-1", RemediationStatus.VERIFIED, NOW)
    text = sop_lists.runs("web", [run], COUNTS)
    assert text.startswith("*11 runs under* `web`: 2 failed · 9 verified")
    assert "`INC-142` Restart web on `web-1` · verified" in text
    assert "The newest 1 are shown" in text
    assert "Nothing ran under `web` yet" in sop_lists.runs("web", [], {})


def test_sops_stand_one_a_line_and_unreadable_lines_are_counted() -> None:
    text = sop_lists.sop_list([Sop(sop_id="web", title="Web is down", priority="HIGH")], 2, {})
    assert "`web` Web is down · HIGH" in text
    assert "2 lines could not be read" in text
    assert "… and 20 more" in sop_lists.sop_list([Sop(sop_id=f"s{n}") for n in range(35)], 0, {})
    assert sop_lists.sop_list([], 0, {}) == "No SOPs are loaded. Put JSONL files into SOP_DIR."


def test_one_sop_shows_its_steps_and_where_it_was_used_last() -> None:
    listed = Sop(
        sop_id="web",
        title="Web is down",
        keys=("svc:web",),
        command=("df -h",),
        fix_action=("restart it",),
        runbook="https://runbooks.example/web",
        actions=(ProposedAction(action="service.restart"),),
    )
    text = sop_lists.sop_details(listed, [resolved()], NOW + timedelta(hours=2), USES)
    for part in (
        "*Web is down*   `web` · MIDDLE",
        "keys: `svc:web`",
        "*Commands*\n• `df -h`",
        "*Fix*\n• restart it",
        "🔐 offers `service.restart`",
        "*Last used* · 3 incidents, last <https://slack.com/archives/C1/p11|INC-142>",
        "`/sop runs web`",
        "Runbook: <https://runbooks.example/web|runbooks.example>",
        "`INC-142` resolved · 2 h ago",
    ):
        assert part in text


@pytest.mark.parametrize("runbook", ["web.md", "https://x|<!channel>", "javascript:x"])
def test_a_runbook_that_is_no_address_is_no_link(runbook: str) -> None:
    assert "Runbook>" not in sop_lists.sop_details(Sop(sop_id="web", runbook=runbook), [], NOW, {})


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_fits_and_is_never_obeyed(text: str) -> None:
    listed = incident(title=text, env=text, service=text, tracking_id=text, sop_id=text)
    waiting = [approval(proposal=proposal(title=text))] * 50
    sop = Sop(
        sop_id="web",
        title=text,
        command=(text,) * 9,
        metric=(text,) * 9,
        log=(text,) * 9,
        fix_action=(text,) * 9,
        runbook=text,
        actions=(ProposedAction(action=text),) * 3,
    )
    for made in (
        lists.incident_details(listed, timeline(text, 40), waiting, ""),
        sop_lists.sop_list([sop] * 40, 1, USES),
        sop_lists.sop_details(sop, [listed] * 10, NOW, USES),
        sop_lists.sop_hits([sop] * 40, text, USES),
        sop_lists.sop_hits([], text, {}),
        sop_lists.runs("web", [(1, text, text, RemediationStatus.FAILED, NOW)] * 10, COUNTS),
    ):
        assert len(made) <= MOST
        assert_obeys_nothing(made)


@given(WILD, WILD, WILD_LISTS)
def test_any_text_in_a_list_is_never_obeyed(title: str, where: str, notes: tuple[str, ...]) -> None:
    listed = incident(title=title, env=where, service=where, region=where)
    entries = [TimelineEntry(142, NOW, "note", note, "") for note in notes]
    assert_obeys_nothing(lists.incident_details(listed, entries, [], ""))
