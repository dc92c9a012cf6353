"""Of any incident Slack takes every view, no text is lost, and no stranger's looks like ours."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.simulator import refuse_blocks
from handlers.views.cutting import collect_cut_texts
from handlers.views.full_text import add_button, full_text_modal
from handlers.views.newer_blocks import newer_kinds, plain_form
from handlers.views.text import imitates_bot
from tests.helpers.generated_models import GROUPS, PEOPLE
from tests.helpers.generated_views import Shows, assert_its_surface_takes, generated_views
from tests.helpers.models import assert_slack_takes
from tests.helpers.seeds import SEED

MARKS = "✅🔴🔶👍🔐🚫❌❓⏳*"
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_QUOTED = re.compile(r"“[^”]*”?")
_MENTION = re.compile(r"<(?:@|!subteam\^)([A-Z0-9]+)>")
_MARK = re.compile(r"s[0-9]{5}q")
_TEXT = re.compile(r"s[0-9]{5}q[^\n]*?(?:q[0-9]{5}e|…|\n|$)")
# The messages that the outbox posts, with the button Full text where they cut a text, and the
# modals that have one.
IN_THREAD = frozenset(
    (
        *("card", "folded", "approval", "result", "resolved", "advice", "evidence", "note"),
        *("activity", "steered", "news", "storm", "frozen", "reload", "gateway", "stuck"),
        *("silence", "silence_digest", "undelivered", "audit", "alerts", "children"),
        *("digest", "review", "escalation", "handover", "late handover", "action"),
        *("update", "update note"),
    )
)
BY_PEOPLE = ("action", "actions")  # a member of the workspace wrote them, and may mention anybody
SHOW_ALL = "sopbot.full_text"


def check(seed: int) -> int:
    """Check every view of the incident of this seed; how many there were."""
    wild, honest = generated_views(seed), generated_views(seed, is_honest=True)
    count = 0
    while True:
        with collect_cut_texts() as cut:
            view = next(wild, None)
        usual = next(honest, None)
        if view is None or usual is None:
            assert view is usual
            return count
        count += 1
        blocks = view.blocks
        if view.surface == "file":
            _check_file(view.text)
            continue
        if view.surface == "message" and view.name in IN_THREAD:
            blocks = add_button(blocks, "card:142") if cut else blocks
        elif cut and view.name in ("alerts", "children"):
            assert SHOW_ALL in str(blocks), view.name
        assert_its_surface_takes(view, blocks)
        if newer := newer_kinds(blocks):
            refuse_blocks(plain_form(blocks, newer), surface=view.surface)
        # An answer, a list and the Home tab are about what a thread shows whole.
        whole = _pages(list(cut)) if cut and view.name in IN_THREAD else "\n".join(cut)
        for item in _texts_of(view, blocks):
            _check_text(view, item, blocks, whole)
        shown, expected = _uncoded(view), _uncoded(usual)
        for mark in MARKS:
            assert shown.count(mark) <= expected.count(mark), (view.name, mark)


def _check_file(text: str) -> None:
    """A post-mortem cuts nothing."""
    for begin in _MARK.findall(text):
        assert f"q{begin[1:6]}e" in text, (begin, "is lost")


def _texts_of(view: Shows, blocks: Any) -> list[dict[str, Any]]:
    if view.surface == "answer":
        return [{"type": "mrkdwn", "verbatim": True, "text": view.text}]
    return _text_objects(blocks)


def _check_text(view: Shows, item: dict[str, Any], blocks: Any, whole: str) -> None:
    text = item["text"]
    assert not text.endswith("\n…"), (view.name, "too long for one block")
    for begin in _MARK.findall(text):
        end = f"q{begin[1:6]}e"
        assert end in text or end in str(blocks) or end in whole, (view.name, begin, "is lost")
    if item["type"] != "mrkdwn":
        return
    assert item["verbatim"] is True
    if view.name not in BY_PEOPLE:
        assert set(_MENTION.findall(text)) <= {*PEOPLE, *GROUPS}, view.name
    assert _CODE.sub("", text).count("`") == 0, (view.name, text)
    plain = _QUOTED.sub("", _CODE.sub("", text))
    lines = [line for line in plain.split("\n") if not line.startswith("> ")]
    for line in lines:
        for part in _TEXT.findall(line):
            assert not imitates_bot(part), (view.name, part, text)


def _pages(cut: list[str]) -> str:
    """All that the modal with the full texts shows, each page as Slack takes it."""
    shown, number = "", 0
    while True:
        modal = full_text_modal(cut, "card:142", number)
        assert_slack_takes("a modal has none", modal["blocks"], "modal")
        shown += "".join(item["text"] for item in _text_objects(modal["blocks"]))
        if "sopbot.full_text.more" not in str(modal):
            return shown
        number += 1


def _uncoded(view: Shows) -> str:
    """The texts of a view without what stands in code."""
    return "\n".join(_CODE.sub("", item["text"]) for item in _texts_of(view, view.blocks))


def _text_objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        here = [node] if node.get("type") in ("mrkdwn", "plain_text") else []
        return here + [item for value in node.values() for item in _text_objects(value)]
    if isinstance(node, list):
        return [item for value in node for item in _text_objects(value)]
    return []


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("seed", range(4))
def test_slack_takes_all_views_of_generated_incidents_and_none_loses_or_fakes_a_text(
    seed: int,
) -> None:
    assert sum(check(SEED + 6 * seed + number) for number in range(6)) > 6 * 50


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(10))
def test_slack_takes_all_views_of_ten_thousand_generated_incidents(part: int) -> None:
    for number in range(1000):
        check(SEED * 10_000 + 1000 * part + number)
