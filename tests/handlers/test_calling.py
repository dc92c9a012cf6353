"""What an answer of Slack means, whatever its shape."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import OutcomeUnknown, SlackRefused
from handlers.calling import failure_of, seconds_to_wait


def answered(data, status=200, headers=None):
    return SimpleNamespace(data=data, status_code=status, headers=headers or {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON | st.dictionaries(st.just("error"), JSON), st.none() | st.integers(100, 599))
def test_any_answer_is_refused_or_unknown(data, status):
    failure = failure_of("chat_postMessage", answered(data, status))
    assert isinstance(failure, SlackRefused | OutcomeUnknown)
    if status is not None and status >= 500:
        assert isinstance(failure, OutcomeUnknown) or failure.error == "ratelimited"


@pytest.mark.parametrize(
    "error", ["internal_error", "fatal_error", "request_timeout", "service_unavailable"]
)
def test_what_slack_failed_half_way_may_be_done(error):
    failure = failure_of("chat_postMessage", answered({"ok": False, "error": error}))
    assert isinstance(failure, OutcomeUnknown)


@pytest.mark.parametrize(
    "error", ["msg_too_long", "invalid_arguments", "restricted_action_read_only_channel"]
)
def test_what_slack_never_takes_is_permanent(error):
    failure = failure_of("chat_postMessage", answered({"ok": False, "error": error}))
    assert isinstance(failure, SlackRefused)
    assert failure.permanent


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7),
        ("0", 0),
        ("-5", 0),
        ("1e99", 3600),
        ("inf", 3600),
        ("nan", 30),
        ("soon", 30),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 30),
    ],
)
def test_a_wait_is_a_number_of_seconds_up_to_an_hour(header, wait):
    assert seconds_to_wait({"Retry-After": header}) == wait


def test_a_rate_limit_without_a_wait_is_waited_for_half_a_minute():
    failure = failure_of("chat_postMessage", answered("slow down", 429))
    assert isinstance(failure, SlackRefused)
    assert failure.retry_after == 30
