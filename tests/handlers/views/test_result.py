"""The result of a dispatch, and the end of an incident."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.model import Resolution
from bot.incidents.remediation import Preview, RemediationStatus
from handlers.views.result import resolved as end
from handlers.views.result import result
from tests.helpers.models import (
    ANA,
    HOSTILE,
    NOW,
    WILD,
    approval,
    assert_slack_takes,
    buttons,
    execution,
    incident,
    proposal,
    resolved,
    shown,
    texts,
)


@pytest.mark.parametrize(
    ("changes", "head"),
    [
        ({}, "▶️ *Restart checkout-api*: ran in 2.4 s, exit 0"),
        (
            {"state": RemediationStatus.VERIFIED},
            "✅ *Restart checkout-api*: ran in 2.4 s, exit 0",
        ),
        (
            {"state": RemediationStatus.FAILED, "answer": {"exit_code": 1}},
            "❌ *Restart checkout-api*: failed in 2.4 s, exit 1",
        ),
        (
            {"state": RemediationStatus.OUTCOME_UNKNOWN, "answer": None},
            "❓ *Restart checkout-api*: outcome unknown in 2.4 s",
        ),
        (
            {"state": RemediationStatus.FAILED, "answer": None, "started_at": None},
            "❌ *Restart checkout-api*: failed",
        ),
    ],
)
def test_the_headline_says_how_it_ended_and_never_more_than_is_known(
    changes: dict[str, Any], head: str
) -> None:
    text, blocks = result(execution(**changes), approval())
    assert texts(blocks)[0] == head
    assert text == head[2:].replace("*", "").strip().removeprefix("\ufe0f ")
    assert "success" not in shown(blocks)
    assert_slack_takes(text, blocks)


def test_the_first_lines_of_output_stand_in_a_code_block() -> None:
    _, blocks = result(execution(answer={"stdout": "a\nb\n", "exit_code": 0}), approval())
    assert "```\na\nb\n```" in texts(blocks)
    _, blocks = result(execution(answer={"stdout": "", "stderr": "bad"}), approval())
    assert "```\nbad\n```" in texts(blocks)


def test_an_action_without_a_preview_is_named_in_its_result() -> None:
    _, blocks = result(execution(), approval(preview=Preview()))
    assert "Ran: `docker restart checkout-api-3`" in shown(blocks)


def test_an_error_is_shown_in_words() -> None:
    failed = execution(state=RemediationStatus.FAILED, error="Not dispatched: no route")
    assert "Not dispatched: no route" in shown(result(failed, approval())[1])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Checking until <!date^"),
        ({"verify_note": "answers 500"}, ": answers 500"),
        (
            {"state": RemediationStatus.VERIFIED, "verify_note": "answers 200"},
            "Verified: answers 200",
        ),
        (
            {"state": RemediationStatus.NOT_VERIFIED, "verify_note": "answers 500"},
            "Not verified: answers 500. The remediation may not have helped.",
        ),
    ],
)
def test_the_state_of_verification_is_shown(changes: dict[str, Any], expected: str) -> None:
    assert expected in shown(result(execution(**changes), approval())[1])


def test_a_failed_action_is_not_verified() -> None:
    failed = execution(state=RemediationStatus.FAILED)
    assert "Watching" not in shown(result(failed, approval())[1])


# The end


@pytest.mark.parametrize(("by", "expected"), [("", "the alert cleared"), (ANA, f"by <@{ANA}>")])
def test_the_resolved_message_says_who_resolved_it_and_how_long_it_lasted(
    by: str, expected: str
) -> None:
    text, blocks = end(resolved(by), None, None)
    assert texts(blocks)[0] == f"✅ *INC-142 resolved*: {expected}"
    assert "lasted 1 h 5 min" in shown(blocks)
    assert text == f"INC-142 resolved: {expected}, lasted 1 h 5 min"
    assert "fixed by" not in shown(blocks)
    assert_slack_takes(text, blocks)


def test_the_resolved_message_of_a_reopened_incident_says_that_it_is_open_again() -> None:
    text, blocks = end(incident(), None, None)
    assert text == "INC-142 was resolved, and is open again."
    assert text in shown(blocks)


def test_a_stale_incident_was_closed_though_nobody_said_that_it_ended() -> None:
    ended = NOW + timedelta(minutes=65)
    stale = resolved(resolution=Resolution.STALE, last_active_at=ended - timedelta(hours=2))
    text, blocks = end(stale, None, None)
    assert text == (
        "💤 INC-142 closed as stale: no alert, reminder or person said anything for 2 h"
    )
    assert "Nobody said that it ended." in shown(blocks)
    assert buttons(blocks) == ["Reopen"]
    assert "resolved" not in shown(blocks)
    assert_slack_takes(text, blocks)


def test_the_resolved_message_gives_the_time_to_acknowledge_and_the_fix() -> None:
    fixed = execution(state=RemediationStatus.VERIFIED)
    _, blocks = end(resolved(), fixed, approval(), timedelta(minutes=2))
    assert "acknowledged after 2 min" in shown(blocks)
    assert "fixed by: Restart checkout-api (verified)" in shown(blocks)


# Wild


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_place_is_shown_and_never_obeyed(text: str) -> None:
    request = approval(proposal=proposal(title=text), preview=Preview())
    answer = {"command": text, "stdout": text, "stderr": text, "exit_code": text}
    for state in RemediationStatus:
        ran = execution(state=state, answer=answer, error=text, verify_note=text)
        assert_slack_takes(*result(ran, request))
        assert_slack_takes(*end(resolved(), ran, request))


@given(
    st.sampled_from(RemediationStatus),
    st.none()
    | st.dictionaries(
        st.sampled_from(["command", "stdout", "stderr", "exit_code"]),
        WILD | st.integers(-(2**63), 2**63) | st.none() | st.lists(WILD, max_size=2),
    ),
    WILD,
    WILD,
    WILD,
)
def test_any_result_makes_a_message_that_slack_takes(state, answer, error, note, title) -> None:  # type: ignore[no-untyped-def]
    ran = execution(state=state, answer=answer, error=error, verify_note=note)
    assert_slack_takes(*result(ran, approval(proposal=proposal(title=title))))


def test_an_unverified_action_offers_its_undo_if_it_has_one() -> None:
    bad = execution(state=RemediationStatus.NOT_VERIFIED, verify_note="503")
    _, blocks = result(bad, approval(proposal=proposal(action_id="service.stop")))
    assert buttons(blocks) == ["Undo"]
    assert blocks[-1]["elements"][0]["value"] == approval().id
    _, blocks = result(bad, approval())
    assert buttons(blocks) == []
    assert "Cannot be undone." in shown(blocks)


@pytest.mark.parametrize(
    "state", [s for s in RemediationStatus if s is not RemediationStatus.NOT_VERIFIED]
)
def test_nothing_else_offers_an_undo(state: RemediationStatus) -> None:
    stop = approval(proposal=proposal(action_id="service.stop"))
    assert buttons(result(execution(state=state), stop)[1]) == []


def test_an_unclear_outcome_is_called_unknown_and_an_undo_undone() -> None:
    ended = execution(concluded_at=NOW, verify_note="a person resolved it")
    _, blocks = result(ended, approval())
    assert "Could not tell whether it helped: a person resolved it" in shown(blocks)
    undone = execution(state=RemediationStatus.UNDONE, verify_note="503")
    text, blocks = result(undone, approval())
    assert "Undone. It was not verified: 503" in shown(blocks)
    assert_slack_takes(text, blocks)


def test_a_result_marked_as_not_run_names_who_marked_it() -> None:
    did_not_run = execution(by_hand=ANA, answer=None, state=RemediationStatus.FAILED)
    text, blocks = result(did_not_run, approval())
    assert f"did not run, says <@{ANA}>" in text
    assert_slack_takes(text, blocks)


def test_a_result_done_by_hand_does_not_say_that_it_ran() -> None:
    text, blocks = result(execution(by_hand=ANA, answer=None), approval())
    assert f"marked done by hand by <@{ANA}>" in text
    assert "ran" not in texts(blocks)[0].replace("Restart", "")
