"""The approval card shows exactly what will run, and has its buttons only while pending."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model import ApprovalConditions, Choice, Vote
from bot.approvals.reasons import (
    INCIDENT_RESOLVED,
    from_text,
)
from bot.approvals.record import TrackRecord
from bot.incidents.remediation import FROM_MODEL, Parameter, Preview, RemediationStatus
from handlers.views.approval import approval_card as view
from handlers.views.approval_head import status_of
from handlers.views.modals import edit_modal
from tests.helpers.models import (
    ANA,
    BEN,
    CAT,
    HOSTILE,
    NOW,
    WILD,
    approval,
    assert_slack_takes,
    buttons,
    execution,
    proposal,
    shown,
    texts,
    vote,
)

UNDECIDED = ["Approve", "Reject", "Dry run", "Edit"]
DECIDED = [s for s in RemediationStatus if s is not RemediationStatus.AWAITING_APPROVAL]


def test_a_pending_approval_shows_exactly_what_will_run_and_the_origin_of_each_value() -> None:
    text, blocks = view(approval())
    facts = "checkout-api-3 · grace_seconds 30"
    assert text == f"Restart checkout-api · INC-142 · {facts}: awaiting approval"
    assert texts(blocks)[0] == (
        f"🔐 *Restart checkout-api* · `INC-142` · {facts} · awaiting approval"
    )
    assert texts(blocks)[1] == "```\ndocker restart -t 30 checkout-api-3\n```"
    assert "`target`  checkout-api-3   ← alert label container" in shown(blocks)
    assert f"`grace_seconds`  30   ← asked by <@{CAT}>" in shown(blocks)
    assert "Touches 1 container. Risk: medium. Reversible: no." in shown(blocks)
    assert f"Needs 2 approvals: <@{ANA}>, <@{BEN}> · expires" in shown(blocks)
    assert_slack_takes(text, blocks)


def test_the_first_line_tells_two_waiting_cards_of_one_action_apart() -> None:
    title = "Restart the service"
    longer = (*proposal().parameters[:1], Parameter("grace_seconds", 60, "edited by @U0CAT"))
    cards = [
        approval(proposal=proposal(title=title)),
        approval(proposal=proposal(title=title), incident_id=143),
        approval(proposal=proposal(title=title, target="checkout-api-4")),
        approval(proposal=proposal(title=title, parameters=longer)),
    ]
    shown_cards = [view(card) for card in cards]
    assert len({texts(blocks)[0] for _, blocks in shown_cards}) == len(cards)
    assert len({text for text, _ in shown_cards}) == len(cards), "a notification shows only this"


def test_the_first_line_leaves_out_defaults_and_a_target_that_the_title_names() -> None:
    values = (
        Parameter("target", "checkout-api", "alert: service"),
        Parameter("grace_seconds", 30, "default"),
        *(Parameter(f"value_{number}", "x" * 200, "SOP checkout") for number in range(5)),
    )
    _, blocks = view(approval(proposal=proposal(target="checkout-api", parameters=values)))
    first = texts(blocks)[0]
    assert first.count("checkout-api") == 1
    assert "grace_seconds" not in first
    assert "value_0 xxx" in first
    assert "value_3" not in first
    assert first.endswith(f"…{'x' * 16} · +2 · awaiting approval")
    assert len(first) < 300


def test_an_address_in_the_first_line_is_no_link() -> None:
    url = Parameter("probe_url", "https://checkout.example.com/a/long/path/healthz", "SOP checkout")
    text, blocks = view(approval(proposal=proposal(parameters=(url,))))
    assert "probe_url https chec…ong/path/healthz" in texts(blocks)[0]
    assert "://" not in text + texts(blocks)[0]
    assert url.value in shown(blocks), "the plan shows all of it"


def test_the_first_line_hides_no_address_behind_a_later_one() -> None:
    both = Parameter("args", "--from s3://a --to s3://b", "a person")
    _, blocks = view(approval(proposal=proposal(parameters=(both,))))
    assert "args --from s3 a --to s3 b" in texts(blocks)[0]


def test_slack_never_collapses_the_command_that_will_run() -> None:
    _, blocks = view(approval())
    command, parameters = blocks[1], blocks[2]
    assert command["text"]["text"].startswith("```")
    assert "grace_seconds" in parameters["text"]["text"]
    assert command["expand"] is True
    assert parameters["expand"] is True


def test_the_two_buttons_are_called_exactly_approve_and_reject_and_carry_only_the_id() -> None:
    _, blocks = view(approval())
    assert buttons(blocks) == UNDECIDED
    elements = blocks[-1]["elements"]
    assert [element["action_id"] for element in elements[:2]] == ["sopbot.approve", "sopbot.reject"]
    assert {element["value"] for element in elements} == {approval().id}


@pytest.mark.parametrize("state", DECIDED)
def test_a_decided_approval_has_neither_button_and_shows_its_status(
    state: RemediationStatus,
) -> None:
    text, blocks = view(approval(state=state, votes=(vote(ANA), vote(BEN, Choice.REJECT))))
    assert not {"Approve", "Reject"} & set(buttons(blocks))
    assert str(state) in texts(blocks)[0]
    assert text.endswith(f": {state}")
    assert f"<@{ANA}> approved" in shown(blocks)
    assert f"<@{BEN}> rejected" in shown(blocks)
    assert_slack_takes(text, blocks)


@pytest.mark.parametrize("state", DECIDED)
def test_once_it_runs_the_status_is_that_of_the_execution(state: RemediationStatus) -> None:
    remediation, moving = approval(state=RemediationStatus.APPROVED), execution(state=state)
    assert status_of(remediation, moving) is state
    text, blocks = view(remediation, moving)
    assert str(state) in texts(blocks)[0]
    assert_slack_takes(text, blocks)


def test_a_revoked_approval_says_why() -> None:
    remediation = approval(state=RemediationStatus.REVOKED, reason=INCIDENT_RESOLVED)
    _, blocks = view(remediation, execution(state=RemediationStatus.DISPATCHING))
    assert "revoked" in texts(blocks)[0]
    assert "Why: the incident resolved" in shown(blocks)


def test_an_unknown_outcome_can_be_checked_again() -> None:
    remediation = approval(state=RemediationStatus.APPROVED)
    _, blocks = view(remediation, execution(state=RemediationStatus.OUTCOME_UNKNOWN))
    assert buttons(blocks) == ["Check again", "Mark done by hand", "It did not run"]


def test_an_action_that_runs_shows_how_far_it_is_and_cancel_only_where_it_can_be_ended() -> None:
    remediation = approval(state=RemediationStatus.APPROVED)
    sent = execution(state=RemediationStatus.DISPATCHING)
    _, blocks = view(remediation, sent)
    assert "plan" not in {block["type"] for block in blocks}, "the gateway has not said anything"
    runs = replace(sent, progress="deleted `4,000` of 10,000 keys", cancellable=True)
    _, blocks = view(remediation, runs)
    (steps,) = [block for block in blocks if block["type"] == "plan"]
    assert [task["status"] for task in steps["tasks"]] == ["complete", "in_progress"]
    assert "4,000" in shown(blocks)
    assert buttons(blocks) == ["Cancel"]
    (cancel,) = [block["elements"][0] for block in blocks if block["type"] == "actions"]
    assert cancel["confirm"]["deny"]["text"] == "Let it run"
    assert cancel["value"] == remediation.id
    assert buttons(view(remediation, replace(runs, cancellable=False))[1]) == []
    ended = replace(runs, state=RemediationStatus.FAILED)
    assert buttons(view(remediation, ended)[1]) == []


def test_earlier_approvers_are_shown_while_more_are_needed() -> None:
    _, blocks = view(approval(votes=(vote(ANA),)))
    assert f"<@{ANA}> approved" in shown(blocks)
    assert "1 more needed" in shown(blocks)
    assert buttons(blocks) == UNDECIDED


def test_without_approvers_the_card_says_that_nobody_may_approve() -> None:
    _, blocks = view(approval(approvers=()))
    assert "Nobody may approve this: policy.yaml names no approvers." in shown(blocks)


def test_a_gateway_without_previews_still_gets_the_intent_and_target_shown() -> None:
    _, blocks = view(approval(preview=Preview()))
    assert "restart the service: checkout-api-3   (this gateway shows no preview)" in shown(blocks)


@pytest.mark.parametrize("length", [2800, 2801])
def test_a_command_too_long_to_be_shown_whole_cannot_be_approved(length: int) -> None:
    text, blocks = view(approval(preview=Preview("x" * length)))
    assert ("x" * 2800 in shown(blocks)) == (length == 2800)
    assert buttons(blocks) == (UNDECIDED if length == 2800 else ["Reject"])
    assert ("nobody can approve it" in shown(blocks)) == (length == 2801)
    assert_slack_takes(text, blocks)


def test_a_value_too_long_to_be_shown_whole_cannot_be_approved() -> None:
    long = proposal(parameters=(Parameter("probe_url", "https://x.example/" + "y" * 600, "SOP a"),))
    _, blocks = view(approval(proposal=long))
    assert buttons(blocks) == ["Reject"]


def test_a_token_in_the_address_to_probe_is_not_shown() -> None:
    url = "https://web.example/health?token=s3cret"
    probe = proposal(parameters=(Parameter("probe_url", url, "SOP a"),))
    text, blocks = view(approval(proposal=probe))
    assert "https://web.example/health?token=…" in shown(blocks)
    assert "s3cret" not in text + str(blocks)


def test_many_approvers_are_named_as_far_as_there_is_room() -> None:
    text, blocks = view(approval(approvers=tuple(f"U0P{n:08}" for n in range(300))))
    assert "and 290 more" in shown(blocks)
    assert_slack_takes(text, blocks)


def test_the_card_shows_the_track_record_of_the_sop() -> None:
    record = TrackRecord(
        runs=9,
        verified=7,
        came_back=1,
        median_recovery=240.0,
        last_failed_at=NOW,
        last_failed_by=BEN,
    )
    text, blocks = view(approval(), record=record)
    assert (
        "This SOP: run 9×, verified 7×, reopened within an hour 1×, median recovery 4 min,"
        f" last failed <!date^{int(NOW.timestamp())}^{{date_short}}|21 Nov 2026>, approved by"
        f" <@{BEN}>"
    ) in shown(blocks)
    assert_slack_takes(text, blocks)


@pytest.mark.parametrize("record", [None, TrackRecord()])
def test_an_sop_without_a_track_record_says_so(record: TrackRecord | None) -> None:
    assert "This action has never run for this SOP" in shown(view(approval(), record=record)[1])


def test_the_edit_modal_says_edit() -> None:
    view = edit_modal(approval())
    assert (view["title"]["text"], view["submit"]["text"]) == ("Edit INC-142", "Propose")


def test_the_card_says_what_the_policy_asks() -> None:
    terms = ApprovalConditions(
        reason_required=True, only_in_windows=True, seen=False, editors=(BEN,)
    )
    text, blocks = view(approval(approvers=("S0SRE",), terms=terms))
    assert f"Needs 2 approvals: <!subteam^S0SRE> (not <@{BEN}>, <@{CAT}>)" in shown(blocks)
    assert "asks for a reason · only in a maintenance window" in shown(blocks)
    assert "No alert of this incident names checkout-api-3." in shown(blocks)
    assert "Meanwhile the service is away while it restarts." in shown(blocks)
    assert_slack_takes(text, blocks)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"approvers": (ANA, BEN), "requested_by": ANA}, f"Needs 1 approval: <@{BEN}> ·"),
        ({"approvers": (ANA, BEN, CAT), "requested_by": ""}, "Needs 1 approval: "),
        ({"needed": 2, "votes": (vote(ANA),)}, f"Needs 1 more approval: <@{BEN}> ·"),
        ({"needed": 3, "approvers": ("S0SRE", BEN)}, f"3 approvals: <@{BEN}>, <!subteam^S0SRE>"),
        ({"approvers": ("S0SRE",), "requested_by": ""}, "Needs 1 approval: <!subteam^S0SRE> ·"),
        (
            {"needed": 2, "approvers": ("S0SRE",), "votes": (vote(ANA),)},
            f"Needs 1 more approval: <!subteam^S0SRE> (not <@{ANA}>, <@{CAT}>)",
        ),
    ],
)
def test_only_who_can_still_approve_is_named(changes: dict[str, Any], expected: str) -> None:
    assert expected in shown(view(approval(**{"needed": 1, **changes}))[1])


def test_a_vote_with_a_reason_shows_it_and_a_value_from_a_model_is_marked() -> None:
    vote = Vote(ANA, Choice.APPROVE, NOW, "it is <broken>")
    model = proposal(parameters=(Parameter("grace_seconds", 4, FROM_MODEL),))
    _, blocks = view(approval(votes=(vote,), proposal=model))
    assert "it is &lt;broken&gt;" in shown(blocks)
    assert "`grace_seconds`  4   ← ⚠ from model" in shown(blocks)


def test_an_outcome_marked_done_by_hand_names_who_marked_it() -> None:
    remediation = approval(state=RemediationStatus.APPROVED)
    _, blocks = view(remediation, execution(by_hand=BEN))
    assert f"Marked done by hand by <@{BEN}>" in shown(blocks)


def test_an_outcome_marked_as_not_run_names_who_marked_it() -> None:
    remediation = approval(state=RemediationStatus.APPROVED)
    _, blocks = view(remediation, execution(state=RemediationStatus.FAILED, by_hand=BEN))
    assert f"It did not run, says <@{BEN}>" in shown(blocks)


WILD_APPROVALS = st.builds(
    lambda title, target, values, preview, reason, state, votes: approval(
        proposal=proposal(
            title=title,
            target=target,
            parameters=tuple(Parameter("target", value, origin) for value, origin in values),
        ),
        preview=Preview(*preview),
        reason=from_text(reason),
        state=state,
        votes=votes,
    ),
    WILD,
    WILD,
    st.lists(st.tuples(WILD | st.integers() | st.booleans(), WILD), max_size=3),
    st.tuples(WILD, WILD, WILD),
    WILD,
    st.sampled_from(RemediationStatus),
    st.lists(
        st.builds(vote, st.sampled_from([ANA, BEN]), st.sampled_from(Choice)), max_size=10
    ).map(tuple),
)


@given(WILD_APPROVALS, st.none() | st.builds(execution, state=st.sampled_from(RemediationStatus)))
def test_any_approval_makes_a_card_that_slack_takes(remediation, moving) -> None:  # type: ignore[no-untyped-def]
    text, blocks = view(remediation, moving)
    assert_slack_takes(text, blocks)
    assert ("Reject" in buttons(blocks)) == (not remediation.decided)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_place_is_shown_and_never_obeyed(text: str) -> None:
    wild = proposal(title=text, target=text, parameters=(Parameter("target", text, text),))
    for state in RemediationStatus:
        remediation = approval(
            proposal=wild, preview=Preview(text, text, text), state=state, reason=from_text(text)
        )
        assert_slack_takes(*view(remediation))
    assert approval().expires_at > NOW
