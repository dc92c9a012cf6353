"""The order of messages in a channel, and the wait before the first post of a quiet one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.incidents.model import Severity
from handlers.outbound.channel_claim import CARDS_BEFORE_DIGEST, MOST_GATHERS, QUIET, Channel
from handlers.outbound.rate_limiter import RateLimiter
from store.operations.leases import ChannelClaim
from tests.handlers.outbox_cards import CARD, NOW


def channel():
    return Channel(ChannelClaim("C0ALERTS01", 0, None, NOW), RateLimiter())


def message(number, kind="card", severity=Severity.CRITICAL, ts=None):
    return replace(CARD, id=number, key=f"{kind}:{number}", kind=kind, severity=severity, ts=ts)


def keys(messages):
    return [message.key for message in messages]


def cards(count, severity=Severity.CRITICAL):
    return [message(number, severity=severity) for number in range(1, count + 1)]


STORM = message(99, "storm", -2)


def test_the_digest_of_a_burst_follows_the_first_critical_cards():
    order = keys(channel().in_order([STORM, *cards(20)]))
    assert order.index("storm:99") == CARDS_BEFORE_DIGEST
    assert order[CARDS_BEFORE_DIGEST + 1 :] == [
        f"card:{number}" for number in range(CARDS_BEFORE_DIGEST + 1, 21)
    ]


def test_a_digest_goes_first_once_enough_cards_of_its_burst_are_posted():
    one_channel = channel()
    for card in cards(CARDS_BEFORE_DIGEST):
        one_channel.posted(card, NOW)
    assert keys(one_channel.in_order([STORM, *cards(20)]))[0] == "storm:99"


def test_a_digest_waits_for_no_card_that_is_not_critical():
    assert keys(channel().in_order([STORM, *cards(20, severity=Severity.HIGH)]))[0] == "storm:99"


@pytest.mark.parametrize("kind", ["frozen", "stuck"])
def test_other_notices_of_the_bot_wait_for_no_card(kind):
    own = message(99, kind, -2)
    assert keys(channel().in_order([own, *cards(20)]))[0] == f"{kind}:99"


def test_the_first_post_of_a_quiet_channel_waits_as_long_as_more_comes_in():
    one_channel = channel()
    assert one_channel.should_gather(cards(1, severity=Severity.HIGH), NOW)
    assert one_channel.should_gather(cards(2, severity=Severity.HIGH), NOW), "one more came"
    assert not one_channel.should_gather(cards(2, severity=Severity.HIGH), NOW), "nothing more came"


def test_the_first_post_of_a_quiet_channel_waits_only_so_long():
    one_channel = channel()
    waits = [
        one_channel.should_gather(cards(number, severity=Severity.HIGH), NOW)
        for number in range(1, MOST_GATHERS + 2)
    ]
    assert waits == [True] * MOST_GATHERS + [False]


def test_a_critical_card_waits_for_nothing():
    assert not channel().should_gather(cards(1), NOW)


def test_a_channel_that_is_not_quiet_waits_for_nothing():
    one_channel = channel()
    one_channel.posted(message(1), NOW)
    assert not one_channel.should_gather(cards(1, severity=Severity.HIGH), NOW + QUIET / 2)
    assert one_channel.should_gather(
        cards(1, severity=Severity.HIGH), NOW + QUIET + timedelta(seconds=1)
    )


def test_a_sender_is_over_its_share_for_a_minute_after_so_many_new_cards():
    one_channel = channel()
    for number in range(3):
        card = replace(message(number), sender="http:alertmanager")
        one_channel.posted(card, NOW + timedelta(seconds=10 * number))
    one_channel.posted(replace(message(9), sender="slack:B0GRAFANA"), NOW)
    assert one_channel.senders_over(3, NOW + timedelta(seconds=59)) == ["http:alertmanager"]
    assert one_channel.senders_over(4, NOW + timedelta(seconds=59)) == []
    assert one_channel.senders_over(3, NOW + timedelta(seconds=61)) == []
    assert one_channel.senders_over(1, NOW + timedelta(minutes=5)) == []
    assert one_channel.cards_of == {}, "and nothing is kept of who sends no more"
