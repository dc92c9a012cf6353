"""The figures beside the button, from what really ran."""

from datetime import UTC, datetime, timedelta

from bot.approvals.record import Run, TrackRecord, track_record
from bot.incidents.remediation import RemediationStatus

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
OK, BAD = RemediationStatus.VERIFIED, RemediationStatus.NOT_VERIFIED


def run(state=OK, minutes=4, day=0, by="U0ANA", came_back=False):
    began = NOW + timedelta(days=day)
    recovered = began + timedelta(minutes=minutes) if state is OK else None
    return Run(state, began, recovered, by, came_back)


def test_what_never_ran_has_no_figures():
    assert track_record([]) == TrackRecord()


def test_runs_are_counted_and_the_last_failure_names_who_approved_it():
    result = track_record(
        [
            run(minutes=2, day=0),
            run(BAD, day=1, by="U0BEN"),
            run(minutes=4, day=2, came_back=True),
            run(RemediationStatus.FAILED, day=3, by="U0LI"),
            run(minutes=30, day=4),
        ]
    )
    assert (result.runs, result.verified, result.came_back) == (5, 3, 1)
    assert result.median_recovery == 240
    assert (result.last_failed_at, result.last_failed_by) == (NOW + timedelta(days=3), "U0LI")


def test_what_only_ran_counts_as_neither():
    result = track_record([run(RemediationStatus.SUCCEEDED)])
    assert (result.runs, result.verified, result.last_failed_at) == (1, 0, None)
    assert result.median_recovery is None
