"""The Home tab: within Slack's limits at its fullest, each list as said, approvals whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.blocks import Block as SlackBlock

from bot.approvals.blockers import Blocker
from bot.approvals.model import Freeze
from bot.approvals.reasons import BlockerKind
from bot.incidents.home import HomeFacts, ListedIncidents
from bot.incidents.model import Mute, Severity
from bot.incidents.records import Handover, HandoverState
from bot.incidents.remediation import Preview, RemediationStatus
from bot.incidents.stats import IncidentStats, PeriodStats
from bot.incidents.windows import Window
from bot.simulator import checked_view, menu_entries
from handlers.views import home
from handlers.views.text import Block
from tests.helpers.models import (
    HOSTILE,
    NOW,
    acknowledged,
    approval,
    assert_obeys_nothing,
    buttons,
    incident,
    resolved,
    shown,
    texts,
    vote,
)


def content(facts: HomeFacts | None = None, **changes: Any) -> home.HomeContent:
    fields: dict[str, Any] = {
        "user": "U0ANA",
        "facts": facts or HomeFacts(severities={}, places={}),
        "waiting": (),
        "waiting_total": 0,
        "caveat": "",
        "frozen": None,
        "week": IncidentStats({}, 0, 0, PeriodStats()),
        "window": Window("7d", 168),
    }
    return home.HomeContent(**{**fields, **changes})


def offer(*incidents: int) -> Handover:
    return Handover(
        id=7,
        giver="U0BEN",
        taker="U0ANA",
        incidents=incidents,
        state=HandoverState.WAITING,
        made_at=NOW,
    )


def fullest(text: str) -> home.HomeContent:
    """Every list longer than the tab shows, `text` in all of them, and the longest approvals."""
    many = [incident(id=n, title=text, service=text, env=text, region=text) for n in range(1, 40)]
    muted = [replace(item, mute=Mute("U0BEN", NOW)) for item in many]
    ended = [replace(resolved(title=text), id=n) for n in range(50, 90)]
    facts = HomeFacts(
        mine=ListedIncidents(
            [replace(acknowledged(title=text), id=n) for n in range(100, 140)], 40
        ),
        others=many,
        muted=ListedIncidents(muted, 40),
        resolved=ListedIncidents(ended, 5000),
        severities=dict.fromkeys(Severity, 2500),
        opened=9000,
        places={n: ("C0ALERTS01", f"1795.{n:06d}") for n in range(200)},
        handovers=[offer(*range(100, 140))] * 20,
        notice="Not counted: you are not an approver.",
    )
    ask = approval(preview=Preview(text[:2500], "sha256:1", text), votes=(vote("U0ANA"),))
    blocker = Blocker(kind=BlockerKind.FROZEN, user="U0ANA", since=NOW, reason=text)
    waiting = [home.WaitingApproval(approval=ask, incident=many[0], blocker=blocker)] * 30
    frozen = Freeze("U0ANA", NOW, text)
    return content(
        facts, waiting=waiting, waiting_total=30, caveat="There may be more: x.", frozen=frozen
    )


@pytest.mark.parametrize("text", ["CPU at 93 %", "x" * 30_000, "测试 🔥 ", "", *HOSTILE])
def test_the_fullest_tab_is_within_slacks_limits(text: str) -> None:
    view = home.home_view(home.home_blocks(fullest(text)), NOW)
    checked_view(view, home=True)  # as the local Slack checks it: 100 blocks, 250 KB, each block
    for block in view["blocks"]:
        parsed = SlackBlock.parse(block)
        assert parsed is not None
        parsed.to_dict()
        for shown_text in texts([block]):
            assert_obeys_nothing(shown_text)


def test_an_empty_tab_says_that_nothing_is_open_and_nothing_waits() -> None:
    blocks = home.home_blocks(content())
    assert "No open incidents." in shown(blocks)
    assert "Nothing waits for your approval." in shown(blocks)
    assert buttons(blocks) == []


def test_each_incident_has_the_buttons_that_can_succeed() -> None:
    mine, free = replace(acknowledged(), id=1), incident(id=2)
    taken = replace(acknowledged(), id=3, acknowledged_by="U0CAT")
    facts = HomeFacts(
        mine=ListedIncidents([mine], 1),
        others=[free, taken],
        severities={Severity.HIGH: 3},
        places={1: ("C1", "1.1"), 2: ("C1", "1.2")},
    )
    blocks = home.home_blocks(content(facts))
    rows = [b for b in blocks if b["type"] == "actions"]
    assert [buttons([row]) for row in rows] == [
        ["Resolve", "Open thread"],
        ["Acknowledge", "Open thread"],
        [],
    ]
    assert all(menu_entries({"blocks": [row]})[0] == "Change severity…" for row in rows)
    assert "<@U0CAT>" in shown(blocks)
    assert rows[1]["elements"][1]["url"] == "https://slack.com/archives/C1/p12"


def test_an_approval_shows_its_whole_command_and_while_it_is_blocked_no_approve_button() -> None:
    def tab(blocker: Blocker | None) -> list[Block]:
        item = home.WaitingApproval(approval=approval(), incident=incident(), blocker=blocker)
        return home.home_blocks(content(waiting=[item], waiting_total=1))

    assert "Approve" in buttons(tab(None))
    command = approval().preview.command
    assert any(
        command in text and block.get("expand") for block in tab(None) for text in [shown([block])]
    )
    frozen = tab(Blocker(kind=BlockerKind.FROZEN, user="U0ANA", since=NOW))
    assert "Approve" not in buttons(frozen)
    assert "Frozen by <@U0ANA>" in shown(frozen)


def test_the_digest_of_a_tab_does_not_change_with_the_time_of_its_update() -> None:
    blocks = home.home_blocks(fullest("x"))
    assert blocks == home.home_view(blocks, NOW)["blocks"][:-1]


def test_an_offered_handover_is_accepted_by_its_taker_and_cancelled_by_its_giver() -> None:
    facts = HomeFacts(severities={}, places={}, handovers=[offer(3, 4)])
    blocks = home.home_blocks(content(facts))
    assert "<@U0BEN> hands 2 incidents over to you" in shown(blocks)
    assert "`INC-3`, `INC-4`" in shown(blocks)
    assert buttons(blocks) == ["Accept", "Decline"]
    assert buttons(home.home_blocks(content(facts, user="U0BEN"))) == ["Cancel"]


def test_the_answer_to_a_vote_says_whether_it_runs_or_what_is_missing() -> None:
    two = approval(needed=2, votes=(vote("U0BEN"),))
    assert home.voted(two) == "Your approval counts: Restart checkout-api needs 1 more."
    done = approval(state=RemediationStatus.APPROVED, votes=(vote("U0BEN"),))
    assert home.voted(done).startswith("Approved: Restart checkout-api. Its result is posted in")
    rejected = approval(state=RemediationStatus.REJECTED)
    assert home.voted(rejected) == "Rejected: Restart checkout-api. Nothing runs."
