"""Episodes: whether a firing alert continues an incident that is resolved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.incidents.correlation import Decision, IdentifiedAlert, Reason, Verdict
from bot.incidents.episodes import EndedIncident, continue_or_open
from bot.incidents.model import Alert, AlertStatus, Resolution, Severity
from bot.incidents.subject import Scope

START = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
END = START + timedelta(minutes=10)
WITHIN = timedelta(minutes=15)
SOON, LATE = END + timedelta(minutes=5), END + timedelta(hours=5)
NEXT_DAY = END + timedelta(hours=25)
OURS = Scope("production", "-", "web", "cpu")
PERSON, CLEARED, STALE = Resolution.PERSON, Resolution.CLEARED, Resolution.STALE


def alert(starts_at: datetime | None = START, **changes: Any) -> Alert:
    return Alert(
        source="test",
        status=AlertStatus.FIRING,
        name="HighCpu",
        title="CPU",
        fingerprint="fp",
        starts_at=starts_at,
        **changes,
    )


def ended(number: int = 1, resolution: Resolution = PERSON, **changes: Any) -> EndedIncident:
    fields: dict[str, Any] = {"scope": OURS, "resolved_at": END, "last": alert(), **changes}
    return EndedIncident(id=number, resolution=resolution, **fields)


def named(firing: Alert, scope: Scope = OURS) -> IdentifiedAlert:
    return IdentifiedAlert(
        alert=firing,
        scope=scope,
        incident_key="k",
        sop_id="ours",
        tracking_id="t",
        dedup_key="d",
        sop_matched=True,
    )


def decided(
    firing: Alert,
    *incidents: EndedIncident,
    now: datetime = SOON,
    scope: Scope = OURS,
    open_scopes: tuple[Scope, ...] = (),
) -> tuple[Verdict, int | None, Reason]:
    decision = continue_or_open(named(firing, scope), incidents, open_scopes, now, WITHIN)
    return decision.verdict, decision.incident_id, decision.reason


OPENS = (Verdict.OPEN, None, Reason.OPENED)
REMINDS = (Verdict.KEEP, None, Reason.REMINDER_AFTER_RESOLVE)
STILL_FIRES = (Verdict.REOPEN, 1, Reason.STILL_FIRES)
FIRES_AGAIN = (Verdict.REOPEN, 1, Reason.FIRES_AGAIN)
SCOPE_FIRES_AGAIN = (Verdict.REOPEN, 1, Reason.SCOPE_FIRES_AGAIN)


@pytest.mark.parametrize(
    ("resolution", "starts_at", "now", "expected"),
    [
        (PERSON, START, SOON, REMINDS),
        (PERSON, START, LATE, STILL_FIRES),
        (PERSON, SOON, SOON, FIRES_AGAIN),
        (PERSON, LATE, LATE, OPENS),
        (STALE, START, SOON, STILL_FIRES),
        (STALE, START, NEXT_DAY, STILL_FIRES),
        (CLEARED, START, SOON, FIRES_AGAIN),
        (CLEARED, START, LATE, OPENS),
    ],
    ids=[
        "the same start soon after a person's resolve is a reminder",
        "the same start later still fires",
        "another start soon fires again",
        "another start later is another incident",
        "the same start soon after it became stale still fires",
        "so it does a day later",
        "a cleared alert that comes soon fires again",
        "a cleared alert that comes later is another incident",
    ],
)
def test_the_same_alert_continues_its_incident_by_its_start_and_the_time_since_the_end(
    resolution: Resolution,
    starts_at: datetime,
    now: datetime,
    expected: tuple[Verdict, int | None, Reason],
) -> None:
    assert decided(alert(starts_at), ended(resolution=resolution), now=now) == expected


def test_a_reminder_with_another_severity_reopens_what_a_person_resolved() -> None:
    assert decided(alert(severity=Severity.CRITICAL), ended()) == STILL_FIRES


@pytest.mark.parametrize(
    ("resolution", "now", "expected"),
    [(STALE, LATE, STILL_FIRES), (STALE, NEXT_DAY, OPENS), (PERSON, SOON, FIRES_AGAIN)],
)
def test_an_alert_without_a_start_is_a_reminder_only_within_a_day_after_it_became_stale(
    resolution: Resolution, now: datetime, expected: tuple[Verdict, int | None, Reason]
) -> None:
    incident = ended(resolution=resolution, last=alert(None))
    assert decided(alert(None), incident, now=now) == expected


@pytest.mark.parametrize(("now", "expected"), [(SOON, SCOPE_FIRES_AGAIN), (LATE, OPENS)])
def test_another_alert_of_the_scope_reopens_its_incident_only_soon(
    now: datetime, expected: tuple[Verdict, int | None, Reason]
) -> None:
    assert decided(alert(now), ended(last=None), now=now) == expected


def test_an_alert_that_began_before_the_resolve_counts_from_its_arrival() -> None:
    assert decided(alert(START), ended(last=None), now=LATE) == OPENS


def test_of_several_incidents_the_one_that_was_resolved_last_is_reopened() -> None:
    earlier = ended(2, last=None, resolved_at=END - timedelta(minutes=2))
    assert decided(alert(SOON), earlier, ended(last=None)) == SCOPE_FIRES_AGAIN


def test_the_incident_of_the_alert_itself_comes_before_a_later_one_of_its_scope() -> None:
    later = ended(2, last=None, resolved_at=END + timedelta(minutes=2))
    assert decided(alert(SOON), later, ended()) == FIRES_AGAIN


def test_an_unknown_environment_reopens_only_if_all_that_fits_is_at_one_place() -> None:
    unknown, staging = Scope("-", "-", "web", "cpu"), Scope("staging", "-", "web", "cpu")
    production = ended(last=None)
    assert decided(alert(SOON), production, scope=unknown) == SCOPE_FIRES_AGAIN
    both = production, ended(2, last=None, scope=staging)
    assert decided(alert(SOON), *both, scope=unknown) == OPENS
    assert decided(alert(SOON), production, scope=unknown, open_scopes=(staging,)) == OPENS


def test_a_decision_to_reopen_says_how_the_incident_had_ended() -> None:
    incident = ended(7, CLEARED)
    facts = {"incident": "INC-7", "resolution": "cleared"}
    expected = Decision(Verdict.REOPEN, 7, Reason.FIRES_AGAIN, facts)
    assert continue_or_open(named(alert(SOON)), [incident], (), SOON, WITHIN) == expected
