"""A few faults of `make faults`, from the alert to the record."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.incidents.remediation import RemediationStatus
from bot.simulator import Message, Names
from handlers.views.result import result
from tests.faults.play import differences, ended
from tests.faults.run import run, summary
from tests.faults.systems import missing
from tests.helpers.models import NOW, approval, execution, proposal

_SOME = ("process-leaks", "process-exited", "redis-keys-without-expiry")


@pytest.mark.services
async def test_real_faults_are_repaired_on_the_right_target_and_nothing_else_changes() -> None:
    if reason := missing("redis"):
        pytest.skip(reason)
    verdicts = await run(("process", "redis"), only=_SOME, proved=False)
    for verdict in verdicts:
        assert verdict.is_good, (verdict.fault.id, verdict)
    assert "service.status on checkout-api" in verdicts[0].evidence
    assert "redis.report on page-cache" in verdicts[2].evidence
    assert summary(verdicts).startswith("3 of 3 faults had the right target, 3 were repaired.")


def test_every_object_that_changed_is_named_unless_the_action_may_change_it() -> None:
    before = {"process process web": 7, "redis keys page": 9, "redis keys session": 5, "file a": 1}
    after = {"process process web": 8, "redis keys session": 4, "file b": 1}
    assert differences(before, after, ("process process web", "redis keys page")) == [
        "file a: 1 → None",
        "file b: None → 1",
        "redis keys session: 5 → 4",
    ]
    assert differences(before, dict(before), ()) == []


@pytest.mark.parametrize(
    ("state", "concluded", "is_over"),
    [
        (RemediationStatus.SUCCEEDED, None, False),
        (RemediationStatus.SUCCEEDED, NOW, True),
        (RemediationStatus.VERIFIED, NOW, True),
        (RemediationStatus.NOT_VERIFIED, NOW, True),
        (RemediationStatus.FAILED, None, True),
        (RemediationStatus.OUTCOME_UNKNOWN, None, True),
    ],
)
def test_a_result_has_ended_by_its_steps_whatever_its_title_says(
    state: RemediationStatus, concluded: datetime | None, is_over: bool
) -> None:
    about = approval(proposal=proposal(title="Verified: clear the failed tasks of unknown runs"))
    _, blocks = result(execution(state=state, concluded_at=concluded), about)
    message = Message("alerts", {"ts": "1", "blocks": blocks}, Names())
    assert (ended([message]) is message) is is_over
