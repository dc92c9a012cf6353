"""One table says how a remediation lives; whatever else knows its states agrees with it."""

import re
from pathlib import Path

import pytest

from bot.approvals.transitions import (
    APPROVAL_TRANSITIONS,
    EXECUTION_TRANSITIONS,
    TRANSITIONS,
    ApprovalEvent,
    ExecutionEvent,
    sources,
    target,
)
from bot.incidents.remediation import RemediationStatus as Status
from store.audit.proof import course
from store.operations.transitions import EFFECTS, STATES_ON_RECORD
from tests import state_diagram

ROOT = Path(__file__).parent.parent.parent
EVENTS = [*ApprovalEvent, *ExecutionEvent]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_leads_to_one_state_and_has_its_effects(event):
    states = {state for (_, what), state in TRANSITIONS.items() if what is event}
    assert states == {target(event)}
    assert event in EFFECTS


@pytest.mark.parametrize("transitions", [APPROVAL_TRANSITIONS, EXECUTION_TRANSITIONS])
def test_every_state_is_reached_from_the_beginning(transitions):
    reached, before = {None}, set()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in transitions.items() if state in reached}
    assert reached - {None} == set(transitions.values())


def test_every_status_belongs_to_an_approval_or_to_an_execution():
    assert set(TRANSITIONS.values()) == set(Status)


def test_what_ended_without_an_approval_never_goes_on():
    ends = {Status.REJECTED, Status.EXPIRED}
    assert not [event for event in EVENTS if ends.intersection(sources(event))]


def test_only_an_approved_execution_is_claimed_and_only_a_claimed_one_is_sent():
    assert sources(ExecutionEvent.CLAIM) == (Status.APPROVED,)
    assert sources(ExecutionEvent.REQUEST) == (Status.DISPATCHING,)


def test_the_proof_that_stands_alone_has_the_states_of_the_table():
    approvals = {
        str(EFFECTS[event].kinds[-1]): str(state)
        for (_, event), state in APPROVAL_TRANSITIONS.items()
        if EFFECTS[event].kinds
    }
    assert approvals == course.APPROVAL_STATES
    by_kind = {str(kind): states for kind, states in STATES_ON_RECORD.items()}
    executions = {
        kind: str(next(iter(states))) for kind, states in by_kind.items() if len(states) == 1
    }
    assert executions == course.EXECUTION_STATES
    assert {*approvals, *by_kind} == course.APPROVAL_KINDS


def test_the_state_diagram_in_the_docs_is_drawn_from_the_table():
    page = state_diagram.PAGE.read_text(encoding="utf-8")
    assert state_diagram.between_marks(page) == state_diagram.drawn(), (
        "run `python -m tests.state_diagram`"
    )


def test_nothing_else_writes_a_state():
    writes = re.compile(r"UPDATE (approvals|executions) SET (?:(?!WHERE)[^\"])*\bstate =")
    files = {
        file.name
        for file in (ROOT / "store").rglob("*.py")
        if writes.search(file.read_text(encoding="utf-8"))
    }
    assert not files, "use `store.operations.transitions.transition`"
