"""The metadata of our messages: Slack keeps it, and it names the store that sent them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator import kept_content, kept_metadata
from handlers.outbound.metadata import Sender, event_type, key_of, kind_of, metadata_for, time_of
from handlers.outbound.rendered import Rendered
from handlers.outbound.rendering import Renderer, _marked
from store.messages import OutboxMessage
from tests.handlers.outbox_cards import CARD

US = Sender("B0SOPBOT", "our-store")
OURS = {"event_type": "sopbot_card", "event_payload": {"key": "card:1", "store": "our-store"}}
OLD = {"event_type": "sopbot.card", "event_payload": {"key": "card:1", "incident": 1}}
POSTED = {"ts": "1.1", "bot_id": "B0SOPBOT", "metadata": OURS}
WILD = st.none() | st.integers() | st.text() | st.lists(st.none())
KINDS = sorted(Renderer(SimpleNamespace(store=None))._kinds)  # type: ignore[arg-type]


def message(kind: str = "card", incident_id: int | None = 1) -> OutboxMessage:
    return replace(CARD, key=f"{kind}:1", kind=kind, incident_id=incident_id)


def kept_by_slack(metadata: dict[str, Any]) -> dict[str, Any] | None:
    return kept_metadata({"metadata": metadata})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("incident_id", [None, 1])
def test_slack_keeps_the_metadata_of_every_kind_of_message(
    kind: str, incident_id: int | None
) -> None:
    given_to_slack = metadata_for(message(kind, incident_id), "our-store")
    assert given_to_slack["event_type"] == f"sopbot_{kind}", "the name says the kind as it is"
    kept = kept_by_slack(given_to_slack)
    assert kept == given_to_slack
    assert key_of(POSTED | {"metadata": kept}, US, in_own_thread=False) == f"{kind}:1"


@given(st.text())
def test_slack_keeps_the_metadata_of_a_kind_with_any_name(kind: str) -> None:
    assert kept_by_slack(metadata_for(message(kind), "our-store")) is not None


def test_metadata_holds_the_key_and_the_store_and_no_null() -> None:
    assert metadata_for(message(incident_id=None), "s")["event_payload"] == {
        "key": "card:1",
        "store": "s",
    }
    assert metadata_for(message(), "s")["event_payload"]["incident"] == 1


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("sopbot_card", "card"),
        ("sopbot.card", "card"),
        (event_type("audit_head"), "audit_head"),
        ("joker_card", ""),
        ("sopbotcard", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_the_kind_is_read_from_both_forms_of_the_name(mark: object, kind: str) -> None:
    assert kind_of(mark) == kind


@pytest.mark.parametrize("ts", ["", "soon", None, {}, "nan", "inf", "1e400", "1e18", "-1e18"])
def test_an_invalid_slack_ts_is_none(ts: object) -> None:
    assert time_of(ts) is None


def test_a_slack_ts_is_read_as_utc() -> None:
    assert time_of("1795230245.000100") == datetime(2026, 11, 21, 3, 4, 5, 100, tzinfo=UTC)


def test_our_message_is_known_by_its_store() -> None:
    assert key_of(POSTED, US, in_own_thread=False) == "card:1"
    anybody = Sender("", "our-store")
    assert key_of(POSTED, anybody, in_own_thread=False) == "card:1", "Slack gave no bot_id"


@pytest.mark.parametrize("thread", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        {"bot_id": "B0JOKER"},
        {"bot_id": None},
        {"ts": None},
        {"metadata": OURS | {"event_type": "joker.card"}},
        {"metadata": OURS | {"event_payload": {"key": "card:1", "store": "another-store"}}},
        {"metadata": OURS | {"event_payload": {"key": "card:1", "store": 7}}},
        {"metadata": OLD | {"event_payload": {"key": "card:1", "store": ""}}},
        {"metadata": {"event_type": "sopbot_card"}},
    ],
)
def test_a_message_that_only_looks_like_ours_is_not(change: dict[str, Any], thread: bool) -> None:
    assert key_of(POSTED | change, US, in_own_thread=thread) is None


def test_a_message_without_a_store_id_is_ours_only_below_our_own_card() -> None:
    old = POSTED | {"metadata": OLD}
    assert key_of(old, US, in_own_thread=True) == "card:1"
    assert key_of(old, US, in_own_thread=False) is None, "it may be another store's card"


@given(WILD)
def test_a_message_of_any_shape_is_simply_not_ours(wild: object) -> None:
    for posted in (
        wild,
        POSTED | {"metadata": wild},
        POSTED | {"metadata": OURS | {"event_payload": wild}},
    ):
        assert key_of(posted, US, in_own_thread=False) is None


def test_the_owner_is_in_the_id_of_the_first_block_that_slack_keeps() -> None:
    """Another sopbot in the channel passes it over by that, for events tell no metadata."""
    answer = {"type": "markdown", "text": "*Likely cause*"}
    small = {"type": "context", "elements": [{"type": "mrkdwn", "text": "8 s"}]}
    marked = _marked(Rendered("t", [answer, small, small]), "advice").blocks
    kept = kept_content({"text": "t", "blocks": marked})["blocks"]
    assert [block["block_id"] == "sopbot_advice" for block in kept] == [False, True, False]
