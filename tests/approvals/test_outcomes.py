"""The ledger counts what became of an action, and its confidence fades with time."""

from __future__ import annotations

from datetime import timedelta

from bot.approvals.outcomes import HALF_LIFE, Attempt, outcomes
from bot.incidents.remediation import RemediationStatus as State
from tests.helpers.builders import NOW


def attempt(state: State | None, days: float = 0, **changes: bool) -> Attempt:
    started = state not in (None, State.APPROVED, State.REVOKED)
    at = NOW - timedelta(days=days)
    return Attempt("restart", "web", at, state, **{"started": started, **changes})


def test_each_step_is_counted_by_action_and_service() -> None:
    other = Attempt("restart", "shop", NOW)
    tries = [
        attempt(None),
        attempt(State.REVOKED),
        attempt(State.VERIFIED),
        attempt(State.VERIFIED),
        attempt(State.VERIFIED, came_back=True),
        attempt(State.NOT_VERIFIED),
        attempt(State.SUCCEEDED),
    ]
    web, shop = outcomes([*tries, other], NOW)
    assert (web.service, web.proposed, web.approved, web.ran) == ("web", 7, 6, 5)
    assert (web.helped, web.did_not_help) == (2, 2), "what came back did not help"
    assert (web.confidence, web.word) == (0.5, "medium")
    assert (shop.service, shop.proposed, shop.confidence, shop.word) == ("shop", 1, None, "")


def test_one_lucky_run_proves_little_and_an_old_one_less() -> None:
    def confidence(*tries: Attempt) -> float:
        (row,) = outcomes(tries, NOW)
        assert row.confidence is not None
        return row.confidence

    once = confidence(attempt(State.VERIFIED))
    often = confidence(*[attempt(State.VERIFIED)] * 9)
    assert 0.5 < once < 0.7 < often
    old = HALF_LIFE.days
    assert 0.5 < confidence(attempt(State.VERIFIED, days=old)) < once
    turned = [attempt(State.VERIFIED, days=4 * old)] * 3 + [attempt(State.NOT_VERIFIED)] * 2
    assert confidence(*turned) < 0.4, "what fails now counts more than what helped a year ago"
