"""Votes: each refusal with its text, and the outcome of a vote that counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.approvals.model import Approval, ApprovalConditions, Choice, Execution, UserStatus, Vote
from bot.approvals.policy import Voter, check_vote, mentions, outcome
from bot.approvals.reasons import VoteProblem
from bot.errors import Refused
from bot.incidents.remediation import Preview, Proposal, RemediationStatus

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
HOME = "T0HOME"
ANA, BEN, CAT, EVE = "U0ANA", "U0BEN", "U0CAT", "U0EVE"


def approval(**changes: Any) -> Approval:
    fields: dict[str, Any] = {
        "id": "0" * 32,
        "incident_id": 1,
        "proposal": Proposal(
            action_id="service.restart",
            title="Restart web",
            target="web",
            parameters=(),
            risk="medium",
            reversible="no",
            intent="restart the service",
        ),
        "preview": Preview(),
        "state": RemediationStatus.AWAITING_APPROVAL,
        "requested_by": CAT,
        "requested_at": NOW,
        "expires_at": NOW + timedelta(seconds=900),
        "needed": 1,
        "approvers": (ANA, BEN, CAT),
        "digest": "",
        "decided_by": "",
        "decided_at": None,
        "reason": None,
        "votes": (),
    }
    return Approval(**{**fields, **changes})


PERSON = UserStatus(problem=None)


def press(
    result: Approval,
    user: str = ANA,
    team: str = HOME,
    at: float = 0,
    user_status: UserStatus = PERSON,
) -> None:
    check_vote(
        result, Voter(user, team, user_status), home_team=HOME, now=NOW + timedelta(seconds=at)
    )


def test_an_approver_who_did_not_ask_may_vote_until_it_expires() -> None:
    press(approval())
    press(approval(), BEN, at=899.9)


@pytest.mark.parametrize(
    ("changes", "who", "text"),
    [
        ({}, {"team": "T0OTHER"}, "Not counted: only people of this workspace can decide here."),
        ({}, {"team": ""}, "Not counted: only people of this workspace can decide here."),
        ({}, {"at": 900}, "Not counted: this approval has expired. Propose it again."),
        (
            {"approvers": ()},
            {},
            (
                "Not counted: nobody may approve this. An operator must name approvers under"
                " remediate.approvers in policy.yaml."
            ),
        ),
        (
            {"approvers": (BEN,)},
            {"user": EVE},
            "Not counted: you are not an approver of this action. Ask <@U0BEN>.",
        ),
        (
            {"terms": ApprovalConditions(editors=(ANA,))},
            {},
            (
                "Not counted: you changed a value of this, so somebody else must approve it."
                " Ask <@U0BEN>."
            ),
        ),
        (
            {},
            {"user_status": UserStatus()},
            "Not counted: Slack did not say who you are. Press again in a minute.",
        ),
        (
            {},
            {"user_status": UserStatus(problem=VoteProblem.GUEST)},
            "Not counted: guests never count. Ask <@U0BEN>.",
        ),
        (
            {"approvers": ("S0SRE", BEN)},
            {},
            "Not counted: you are not an approver of this action. Ask <!subteam^S0SRE>, <@U0BEN>.",
        ),
        (
            {"approvers": ("S0SRE",)},
            {"user_status": UserStatus(problem=None, unread=frozenset({"S0SRE"}))},
            ("Not counted: Slack did not say who is in <!subteam^S0SRE>. Press again in a minute."),
        ),
        (
            {},
            {"at": -3600},
            (
                "Not counted: the bot's clock is before the moment this was asked."
                " Its clock was moved; an operator must look."
            ),
        ),
        (
            {},
            {"user": CAT},
            (
                "Not counted: you asked for this, so somebody else must approve it."
                " Ask <@U0ANA>, <@U0BEN>."
            ),
        ),
        (
            {"approvers": (CAT,)},
            {"user": CAT},
            (
                "Not counted: you asked for this, so somebody else must approve it."
                " policy.yaml names no other approver."
            ),
        ),
    ],
    ids=[
        "another workspace",
        "no workspace",
        "expired",
        "no approvers",
        "a stranger",
        "who changed a value",
        "whom Slack does not know",
        "a guest",
        "not in the group",
        "a group that Slack does not tell about",
        "the clock moved back",
        "who asked",
        "who asked and is the only one",
    ],
)
def test_a_refusal_says_why_and_what_to_do(
    changes: dict[str, Any], who: dict[str, Any], text: str
) -> None:
    with pytest.raises(Refused) as caught:
        press(approval(**changes), **who)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "state", [s for s in RemediationStatus if s is not RemediationStatus.AWAITING_APPROVAL]
)
def test_nobody_votes_on_what_is_decided(state: RemediationStatus) -> None:
    with pytest.raises(Refused, match=f"Not counted: this remediation is {state}"):
        press(approval(state=state))


def test_who_is_in_a_group_of_approvers_may_vote() -> None:
    member = UserStatus(problem=None, groups=frozenset({"S0SRE"}))
    press(approval(approvers=("S0SRE",)), user_status=member)
    press(approval(approvers=("S0DBA", "S0SRE")), EVE, user_status=member)
    press(
        approval(approvers=(ANA, "S0SRE")),
        user_status=UserStatus(None, unread=frozenset({"S0SRE"})),
    )


def test_an_empty_list_means_nobody_even_for_the_one_who_asked() -> None:
    for user in (ANA, BEN, CAT, EVE, ""):
        with pytest.raises(Refused, match="nobody may approve"):
            press(approval(approvers=()), user)


def test_what_an_sop_asked_for_any_approver_may_approve() -> None:
    for user in (ANA, BEN, CAT):
        press(approval(requested_by=""), user)


def test_a_user_id_is_compared_whole() -> None:
    for user in ("U0AN", "U0ANAX", "u0ana", "U0ANA "):
        with pytest.raises(Refused, match="you are not an approver"):
            press(approval(), user)


def yes(user: str) -> Vote:
    return Vote(user, Choice.APPROVE, NOW)


@pytest.mark.parametrize(
    ("needed", "votes", "choice", "state"),
    [
        (1, (), Choice.APPROVE, RemediationStatus.APPROVED),
        (2, (), Choice.APPROVE, None),
        (2, (yes(ANA),), Choice.APPROVE, RemediationStatus.APPROVED),
        (3, (yes(ANA),), Choice.APPROVE, None),
        (1, (), Choice.REJECT, RemediationStatus.REJECTED),
        (3, (yes(ANA), yes(BEN)), Choice.REJECT, RemediationStatus.REJECTED),
    ],
)
def test_enough_votes_approve_and_one_rejection_ends_it(
    needed: int, votes: tuple[Vote, ...], choice: Choice, state: RemediationStatus | None
) -> None:
    assert outcome(approval(needed=needed, votes=votes), choice) is state


def test_mentions_name_each_person_or_nobody() -> None:
    assert mentions([ANA, BEN]) == "<@U0ANA>, <@U0BEN>"
    assert mentions([]) == "nobody"


def test_an_execution_took_seconds_only_once_it_ended() -> None:
    moving = Execution(
        id="e",
        approval_id="a",
        incident_id=1,
        state=RemediationStatus.DISPATCHING,
        owner="",
        created_at=NOW,
        started_at=None,
        finished_at=None,
        answer=None,
        error="",
        verify_until=None,
        verify_note="",
    )
    assert moving.seconds is None
    times = {"started_at": NOW, "finished_at": NOW + timedelta(seconds=2.5)}
    fields = {name: getattr(moving, name) for name in moving.__slots__}
    assert Execution(**{**fields, **times}).seconds == 2.5
