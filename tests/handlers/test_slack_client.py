"""The client turns each shape of answer into an error."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import OutcomeUnknown, SlackRefused
from bot.simulator import rate_limited
from handlers.outbound.slack_client import SlackClient, failure_of, seconds_to_wait
from tests.handlers.conftest import ALERTS, OPS


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
def test_a_call_that_slack_failed_half_way_may_be_done(error):
    failure = failure_of("chat_postMessage", answered({"ok": False, "error": error}))
    assert isinstance(failure, OutcomeUnknown)


@pytest.mark.parametrize(
    "error", ["msg_too_long", "invalid_arguments", "restricted_action_read_only_channel"]
)
def test_an_error_that_no_retry_helps_is_permanent(error):
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


@pytest.fixture
def limited(desk):
    """A client of a Slack that limits one call, for half a minute."""
    desk.faults.script["chat.postMessage"] = [rate_limited(30)]
    desk.faults.script["chat.update"] = [rate_limited(30)]
    return SlackClient(desk.client, desk.metrics, desk.clock)


async def test_a_limit_holds_for_that_channel_until_it_is_over(desk, limited):
    with pytest.raises(SlackRefused, match="ratelimited"):
        await limited.call("chat_postMessage", channel=ALERTS, text="one")
    assert limited.wait("chat_postMessage", ALERTS) == 30
    with pytest.raises(SlackRefused, match="ratelimited"):
        await limited.call("chat_postMessage", channel=ALERTS, text="two")
    assert len(desk.posts()) == 1, "Slack is not asked before it is time"
    await limited.call("chat_postMessage", channel=OPS, text="elsewhere")
    desk.clock.forward(30)
    assert not limited.wait("chat_postMessage", ALERTS)
    await limited.call("chat_postMessage", channel=ALERTS, text="two")


async def test_a_limit_on_changes_holds_in_every_channel_and_lets_posts_pass(desk, limited):
    with pytest.raises(SlackRefused, match="ratelimited"):
        await limited.call("chat_update", channel=ALERTS, ts="1.1", text="one")
    assert limited.wait("chat_update", OPS) == 30
    assert not limited.wait("chat_postMessage", ALERTS)


async def test_a_clock_that_is_set_back_does_not_prolong_a_limit(desk, limited):
    with pytest.raises(SlackRefused, match="ratelimited"):
        await limited.call("chat_update", channel=ALERTS, ts="1.1", text="one")
    desk.clock.forward(-3600)
    assert not limited.wait("chat_update", ALERTS)
