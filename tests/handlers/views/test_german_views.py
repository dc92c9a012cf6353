"""Every view in German: Slack takes it, and no sentence of the catalogue is left in English."""

from __future__ import annotations

import json

import pytest

from bot.incidents.records import Handover, HandoverState
from bot.language import speaking
from handlers.views import handover
from tests.helpers.builders import NOW
from tests.helpers.generated_views import assert_its_surface_takes, generated_views
from tests.helpers.languages import english_parts, left_in_english
from tests.helpers.seeds import SEED


@pytest.mark.parametrize("seed", range(SEED, SEED + 8))
def test_slack_takes_every_view_in_german_and_reads_no_english_in_it(seed) -> None:
    with speaking("de"):
        for view in generated_views(seed, is_honest=True):
            if view.surface == "file":
                continue  # a post-mortem is written in English
            assert_its_surface_takes(view, view.blocks)
            shown = f"{view.text}\n{json.dumps(view.blocks, ensure_ascii=False)}"
            assert left_in_english(shown, "de") == [], view.name


def test_the_search_finds_an_english_sentence_in_a_text() -> None:
    assert len(english_parts("de")) > 400
    assert left_in_english("🔶 HOCH · Nobody has acknowledged INC-7", "de") == [
        "Nobody has acknowledged"
    ]


@pytest.mark.parametrize(("count", "verb"), [(1, "1 hatte inzwischen"), (2, "2 hatten inzwischen")])
def test_a_handover_in_german_counts_what_stayed_in_the_right_number(count: int, verb: str) -> None:
    offer = Handover(
        id=1,
        giver="U0ANA00001",
        taker="U0BEN00001",
        incidents=tuple(range(1, count + 2)),
        state=HandoverState.ACCEPTED,
        made_at=NOW,
        moved=(1,),
    )
    with speaking("de"):
        assert verb in handover.message(offer, [], to_taker=True)[0]
