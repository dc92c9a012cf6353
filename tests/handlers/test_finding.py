"""Our own message is told from one that only looks like it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.finding import key_of
from store.rows import OutboxMessage

CARD = OutboxMessage(
    id=1,
    key="card:1",
    kind="card",
    incident_id=1,
    subject="1",
    channel="C0ALERTS01",
    in_thread=False,
    thread_ts=None,
    rank=0,
    wanted=1,
    sent=0,
    ts=None,
    unsure=False,
    attempts=1,
    failed=False,
    error="",
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
)
METADATA = {"event_type": "sopbot.card", "event_payload": {"key": "card:1"}}
POSTED = {"ts": "1.1", "bot_id": "B0SOPBOT", "metadata": METADATA}
WILD = st.none() | st.integers() | st.text() | st.lists(st.none())


def test_our_card_is_found():
    assert key_of(POSTED, "B0SOPBOT") == ("card", "card:1")
    anybody = key_of(POSTED, "")
    assert anybody == ("card", "card:1"), "whoever does not know its own id takes any word for it"


@pytest.mark.parametrize(
    "change",
    [
        {"bot_id": "B0JOKER"},
        {"bot_id": None},
        {"ts": None},
        {"metadata": METADATA | {"event_type": "joker.card"}},
        {"metadata": METADATA | {"event_payload": {"key": "card:2"}}},
    ],
)
def test_a_message_that_only_looks_like_it_is_not(change):
    assert key_of(POSTED | change, "B0SOPBOT") != ("card", "card:1")


@given(WILD)
def test_a_message_of_any_shape_is_simply_not_ours(wild):
    for posted in (
        wild,
        POSTED | {"metadata": wild},
        POSTED | {"metadata": METADATA | {"event_payload": wild}},
    ):
        assert key_of(posted, "B0SOPBOT") is None
