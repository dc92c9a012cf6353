"""`evaluate` returns the same blocker on the card, at a press and at dispatch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals import reason_text
from bot.approvals.binding import digest_of
from bot.approvals.blockers import HOUR, Blocker, evaluate, requirement_of, signature
from bot.approvals.facts import Config, Facts, LastCheck, PastRun
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, ApprovalConditions, Binding, Freeze
from bot.approvals.reasons import BlockerKind, LostVote, VoteProblem
from bot.approvals.reasons import BlockerKind as Kind
from bot.incidents.model import Incident, IncidentStatus, Severity
from bot.incidents.remediation import RemediationStatus
from bot.incidents.time_windows import TimeWindow
from tests.helpers import models
from tests.helpers.models import ANA, BEN, CAT, NOW

MINUTE = timedelta(minutes=1)


TARGET = models.proposal().target


LIMITS = Limits(cooldowns={"service.restart": 5 * MINUTE}, hourly_budget_per_target=20)


DISPATCHING, UNKNOWN = RemediationStatus.DISPATCHING, RemediationStatus.OUTCOME_UNKNOWN


FAILED, VERIFIED = RemediationStatus.FAILED, RemediationStatus.VERIFIED


NOT_VERIFIED = RemediationStatus.NOT_VERIFIED


def pending(**changes: object) -> Approval:
    """Cat asked for it; Ana and Ben may approve it."""
    terms = ApprovalConditions(bound=Binding(env="prod", service="checkout-api", sop="sop-digest"))
    approval = models.approval(**{"terms": terms, **changes})
    return replace(approval, digest=digest_of(approval))


def approved(**changes: object) -> Approval:
    state = RemediationStatus.APPROVED
    return pending(**{"state": state, "decided_at": NOW, "decided_by": ANA, **changes})


def ran(state: RemediationStatus = VERIFIED, minutes: float = 1, **changes: object) -> PastRun:
    """Something that was sent to the same target so long ago, for another incident."""
    run = PastRun(
        approval_id=f"other-{minutes}-{state}",
        incident_id=7,
        sop_id="sop_other",
        action_id="service.restart",
        target=TARGET,
        state=state,
        started_at=NOW - minutes * MINUTE,
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def config_of(approval: Approval, **changes: object) -> Config:
    return Config("sop-digest", replace(requirement_of(approval), **changes))  # type: ignore[arg-type]


def blocker_of(
    approval: Approval | None = None,
    *runs: PastRun,
    incident: Incident | None = None,
    freeze: Freeze | None = None,
    limits: Limits = LIMITS,
    now: datetime = NOW,
    config: Config | None = None,
    last_check: LastCheck | None = None,
) -> Blocker | None:
    item, facts = approval or pending(), Facts(freeze, runs)
    return evaluate(
        item,
        incident or models.incident(),
        facts,
        limits,
        now,
        config=config,
        last_check=last_check,
    )


def test_nothing_blocks_what_was_asked_a_moment_ago_nor_do_repeats_of_its_alert() -> None:
    incident = replace(models.incident(), alert_count=400, value="9 %", firing=3)
    for status in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        approval = pending()
        assert (
            blocker_of(
                approval, incident=replace(incident, status=status), config=config_of(approval)
            )
            is None
        )


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (Facts(dispute="it is empty, and had 7 rows before"), Kind.TRAIL_DISPUTED),
        (Facts(missing=("an-approval",)), Kind.REQUEST_MISSING),
    ],
    ids=["a disputed trail", "a missing request"],
)
def test_a_store_that_contradicts_its_record_blocks_everything(
    facts: Facts, kind: BlockerKind
) -> None:
    for approval in (pending(), approved()):
        blocker = evaluate(approval, models.incident(), facts, LIMITS, NOW)
        assert blocker is not None
        assert blocker.kind is kind


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("severity", Severity)
def test_a_severity_that_any_sender_may_say_ends_no_approval(severity: Severity) -> None:
    incident = models.incident(severity=severity)
    for approval in (pending(), approved()):
        assert blocker_of(approval, incident=incident, config=config_of(approval)) is None


def test_no_action_of_a_resolved_incident_runs() -> None:
    blocker = blocker_of(incident=models.incident(status=IncidentStatus.RESOLVED))
    assert blocker == Blocker(kind=Kind.INCIDENT_CLOSED, subject=IncidentStatus.RESOLVED)
    assert blocker.is_final


def test_it_expires_at_its_time_and_an_approval_holds_as_long_as_it_would_have_waited() -> None:
    waits, ends = pending(), pending().expires_at
    assert blocker_of(waits, now=ends - timedelta(microseconds=1)) is None
    assert blocker_of(waits, now=ends) == Blocker(kind=Kind.EXPIRED)
    yes = approved(decided_at=NOW + MINUTE)
    assert blocker_of(yes, now=ends + MINUTE - timedelta(microseconds=1)) is None
    assert blocker_of(yes, now=ends + MINUTE) == Blocker(kind=Kind.APPROVED_TOO_LONG_AGO)
    assert blocker_of(yes, now=NOW - MINUTE) == Blocker(kind=Kind.CLOCK_MOVED_BACK)


@pytest.mark.parametrize(
    ("incident", "sop", "needed", "kind"),
    [
        ({"env": "staging"}, "sop-digest", 2, Kind.SCOPE_CHANGED),
        ({"service": "ledger"}, "sop-digest", 2, Kind.SCOPE_CHANGED),
        ({}, "other", 2, Kind.SOP_EDITED),
        ({}, "sop-digest", 1, Kind.REQUIREMENT_CHANGED),
        ({}, "sop-digest", 3, Kind.REQUIREMENT_CHANGED),
    ],
)
def test_what_it_was_proposed_for_has_changed(
    incident: dict[str, str], sop: str, needed: int, kind: BlockerKind
) -> None:
    approval = pending()
    config = replace(config_of(approval, needed=needed), sop=sop)
    blocker = blocker_of(approval, incident=models.incident(**incident), config=config)
    assert blocker is not None
    assert (blocker.kind, blocker.is_final) == (kind, True)


def test_what_the_policy_allows_to_nobody_any_more_is_over() -> None:
    assert blocker_of(config=Config("sop-digest", None)) == Blocker(kind=Kind.REQUIREMENT_CHANGED)


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"approvers": ()}, 0),
        ({"approvers": (CAT,), "needed": 1}, 0),
        ({"approvers": (ANA, CAT)}, 1),
        ({"approvers": (ANA, BEN, CAT), "needed": 3}, 2),
    ],
)
def test_where_too_few_are_left_who_could_approve_it_nobody_can(
    changes: dict[str, object], left: int
) -> None:
    assert blocker_of(pending(**changes)) == Blocker(kind=Kind.NO_APPROVER, count=left)


def test_who_is_in_a_group_only_slack_knows_so_a_group_is_enough() -> None:
    assert blocker_of(pending(approvers=("S0SRE",), needed=9)) is None
    assert blocker_of(pending(votes=(models.vote(ANA),))) is None


def test_while_everything_is_frozen_nothing_runs() -> None:
    freeze = Freeze(BEN, NOW - MINUTE, "a move")
    blocker = blocker_of(freeze=freeze)
    expected = Blocker(kind=Kind.FROZEN, user=BEN, since=freeze.at, reason="a move")
    assert blocker == expected
    assert not expected.is_final


def test_outside_of_its_window_it_says_when_that_opens() -> None:
    hour = (NOW + 2 * HOUR).replace(minute=0, second=0, microsecond=0)
    window = TimeWindow.model_validate({"start": f"{hour:%H:%M}", "end": f"{hour + HOUR:%H:%M}"})
    approval = pending(terms=ApprovalConditions(only_in_windows=True))
    limits = replace(LIMITS, windows=(window,))
    assert blocker_of(approval, limits=limits) == Blocker(kind=Kind.WINDOW_CLOSED, until=hour)
    assert blocker_of(approval) == Blocker(kind=Kind.WINDOW_CLOSED), "no window is declared"
    assert blocker_of(pending(), limits=limits) is None


def test_what_did_not_help_here_is_not_repeated_however_long_ago() -> None:
    here = {"incident_id": pending().incident_id, "minutes": 9_000}
    for state in (NOT_VERIFIED, RemediationStatus.UNDONE):
        blocker = blocker_of(pending(), ran(state, **here))  # type: ignore[arg-type]
        assert blocker == Blocker(kind=Kind.DID_NOT_HELP, subject="Restart checkout-api")
        assert blocker.makes_it_useless
        assert blocker_of(pending(undoes="exec-1"), ran(state, **here)) is None  # type: ignore[arg-type]
    assert blocker_of(pending(), ran(NOT_VERIFIED, 9_000)) is None, "in another incident"
    assert blocker_of(pending(), ran(NOT_VERIFIED, action_id="service.stop", **here)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("undoes", ["", "exec-1"])
@pytest.mark.parametrize(
    ("state", "kind"), [(DISPATCHING, Kind.TARGET_BUSY), (UNKNOWN, Kind.TARGET_UNKNOWN)]
)
def test_one_action_a_target_at_a_time(
    state: RemediationStatus, kind: BlockerKind, undoes: str
) -> None:
    run = ran(state, 600)
    blocker = blocker_of(pending(undoes=undoes), run)
    assert blocker == Blocker(
        kind=kind, subject=TARGET, incident_id=run.incident_id, since=run.started_at
    )
    assert blocker_of(pending(), replace(run, target="elsewhere")) is None
    assert blocker_of(pending(), replace(run, approval_id=pending().id)) is None, "that is this one"


def test_a_target_that_was_acted_on_cools_down_until_a_time_that_is_known() -> None:
    run = ran(minutes=1)
    until = run.started_at + 5 * MINUTE
    assert blocker_of(pending(), run) == Blocker(
        kind=Kind.COOLDOWN, subject=TARGET, since=run.started_at, until=until
    )
    assert blocker_of(pending(), run, now=until) is None
    assert blocker_of(pending(undoes="exec-1"), run) is None
    assert blocker_of(pending(), ran(minutes=-1)) is not None, "the clock was moved back"


def test_the_breaker_of_a_sop_opens_by_its_failures_and_closes_when_one_helped() -> None:
    mine = {"sop_id": models.incident().sop_id, "target": "elsewhere"}
    failures = [ran(FAILED, minutes, **mine) for minutes in (30, 20, 10)]
    blocker = blocker_of(pending(), *failures)
    assert blocker == Blocker(
        kind=Kind.BREAKER_OPEN, subject=mine["sop_id"], count=3, until=NOW + 30 * MINUTE
    )
    assert blocker_of(pending(), *failures, now=NOW + 30 * MINUTE, limits=Limits()) != blocker
    assert blocker_of(pending(), *failures[1:]) is None
    assert blocker_of(pending(), *failures, ran(VERIFIED, 15, **mine)) is None
    assert blocker_of(pending(undoes="exec-1"), *failures) is None


@pytest.mark.parametrize(
    ("limits", "kind", "subject"),
    [
        ({"hourly_budget": 2}, Kind.BUDGET_SPENT, ""),
        ({"hourly_budget_per_sop": 2}, Kind.SOP_BUDGET_SPENT, models.incident().sop_id),
        ({"hourly_budget_per_target": 2}, Kind.TARGET_BUDGET_SPENT, TARGET),
    ],
)
def test_a_budget_that_is_spent_says_when_there_is_some_again(
    limits: dict[str, int], kind: BlockerKind, subject: str
) -> None:
    held = Limits(**limits)  # type: ignore[arg-type]
    runs = [ran(minutes=minutes, sop_id=models.incident().sop_id) for minutes in (40, 30, 20)]
    blocker = blocker_of(pending(), *runs, limits=held)
    until = NOW + 30 * MINUTE
    assert blocker == Blocker(kind=kind, subject=subject, count=3, until=until)
    assert blocker_of(pending(expires_at=until + HOUR), *runs, limits=held, now=until) is None
    none = Limits(**dict.fromkeys(limits, 0))  # type: ignore[arg-type]
    never = blocker_of(pending(), limits=none)
    assert never is not None
    assert (never.kind, never.until) == (kind, None)


GOOD = LastCheck(is_on_record=True, lost_vote=None, plan=models.approval().preview.digest)


@pytest.mark.parametrize(
    ("last_check", "kind"),
    [
        (replace(GOOD, is_on_record=False), Kind.NOT_ON_RECORD),
        (replace(GOOD, lost_vote=LostVote(VoteProblem.BOT, user="U1")), Kind.VOTE_LOST),
        (replace(GOOD, plan="sha256:2"), Kind.PLAN_CHANGED),
    ],
)
def test_the_last_look_before_it_is_sent_ends_what_is_not_what_people_approved(
    last_check: LastCheck, kind: BlockerKind
) -> None:
    assert blocker_of(approved(), last_check=GOOD) is None
    blocker = blocker_of(approved(), last_check=last_check)
    assert blocker is not None
    assert (blocker.kind, blocker.is_final) == (kind, True)


def test_what_is_not_what_was_shown_is_over() -> None:
    approval = replace(pending(), needed=1)
    assert blocker_of(approval, config=config_of(approval)) == Blocker(kind=Kind.NOT_AS_SHOWN)


RUNS = st.lists(
    st.builds(
        ran,
        st.sampled_from([VERIFIED, FAILED, NOT_VERIFIED, DISPATCHING, UNKNOWN]),
        st.floats(-5, 200),
        incident_id=st.sampled_from([7, 142]),
        sop_id=st.sampled_from(["sop_other", models.incident().sop_id]),
        target=st.sampled_from([TARGET, "elsewhere"]),
    ),
    max_size=12,
)


@given(RUNS)
def test_what_ends_at_a_time_has_ended_then(runs: list[PastRun]) -> None:
    """By `until` alone a card gets its buttons back, so at that time this blocker must be gone."""
    approval = pending(expires_at=NOW + 24 * HOUR)
    blocker = blocker_of(approval, *runs)
    while blocker and blocker.until:
        later = blocker_of(approval, *runs, now=blocker.until)
        assert later != blocker
        assert later is None or later.until is None or later.until > blocker.until
        blocker = later


@given(RUNS, st.sampled_from([None, Freeze(BEN, NOW, "{oops} %s <!channel>")]))
def test_every_blocker_has_words_and_a_signature_of_its_own(
    runs: list[PastRun], freeze: Freeze | None
) -> None:
    blocker = blocker_of(pending(), *runs, freeze=freeze)
    assert (signature(blocker) == "") == (blocker is None)
    if blocker:
        assert reason_text.why(blocker)
        assert str(reason_text.refused(blocker, "Not counted")).startswith("Not counted: ")


def test_what_was_asked_before_there_were_terms_is_over_by_its_scope() -> None:
    approval = replace(models.approval(), digest="")
    approval = replace(approval, digest=digest_of(approval))
    blocker = blocker_of(approval, config=config_of(approval))
    assert blocker == Blocker(kind=Kind.SCOPE_CHANGED)
