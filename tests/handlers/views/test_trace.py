"""The answer to `/incident trace`: one line a stage, however many there are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.incidents.trace import RepeatedAlert, Stage
from bot.language import deferred
from handlers.views.trace import SHOWN, stages
from tests.helpers.models import ANA, HOSTILE, NOW, assert_obeys_nothing


def test_each_stage_stands_on_a_line_with_its_time_since_the_first() -> None:
    steps = [
        Stage(NOW, "received", "from alertmanager"),
        Stage(NOW + timedelta(milliseconds=412), "card posted"),
        Stage(NOW + timedelta(minutes=3), "acknowledged", actor=ANA),
    ]
    head, repeated, first, second, third = stages(
        "req-1", "INC-7", steps, RepeatedAlert(3, NOW)
    ).splitlines()
    assert head == "*Trace of* `req-1` · INC-7"
    assert repeated.startswith("Repeated by its sender 3 times, last ")
    assert first.endswith("*received*: from alertmanager")
    assert second == "+0.412 s  *card posted*"
    assert third == f"+3 min  *acknowledged* <@{ANA}>"


def test_the_middle_of_a_long_trace_is_left_out_and_counted() -> None:
    steps = [Stage(NOW + timedelta(seconds=n), f"stage {n}") for n in range(100)]
    lines = stages("req-1", "", steps, None).splitlines()
    assert len(lines) == SHOWN + 2
    assert "75 more" in lines[9]
    assert "*stage 99*" in lines[-1]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_obeys_nothing(text: str) -> None:
    assert_obeys_nothing(stages(text, "INC-1", [Stage(NOW, "decided", text)], None))


def test_a_sentence_of_ours_is_not_quoted_and_not_said_twice() -> None:
    steps = [
        Stage(NOW, "acknowledged", deferred("Acknowledged"), ANA),
        Stage(NOW, "proposed", deferred("Proposed: {title}", title="Restart web"), ""),
    ]
    first, second = stages("req-1", "INC-1", steps, None).splitlines()[-2:]
    assert first.endswith(f"*acknowledged* <@{ANA}>")
    assert second.endswith("*proposed*: Proposed: Restart web")
