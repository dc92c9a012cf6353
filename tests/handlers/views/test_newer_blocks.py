"""Steps and folded details are newer blocks, each with a plain form that says the same."""

from __future__ import annotations

import pytest

from bot.enrichment.model import Evidence, KnownFact
from bot.incidents.remediation import RemediationStatus
from bot.simulator import Names, full_text
from handlers.views.card import card
from handlers.views.evidence import evidence_message
from handlers.views.newer_blocks import NEWER, plain_form
from handlers.views.result import result
from handlers.views.text import Block
from tests.helpers.models import NOW, approval, execution, incident, resolved, shown


def folded(blocks: list[Block]) -> str:
    """The text in the closed containers."""
    closed = [block for block in blocks if block.get("default_collapsed")]
    return shown([child for block in closed for child in block["child_blocks"]])


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"verify_until": NOW}, ["✓ Approved", "✓ Ran", "◐ Check whether it helped"]),
        (
            {"state": RemediationStatus.VERIFIED},
            ["✓ Approved", "✓ Ran", "✓ Checked: it helped"],
        ),
        (
            {"state": RemediationStatus.NOT_VERIFIED},
            ["✓ Approved", "✓ Ran", "✗ Checked: not verified"],
        ),
        ({"state": RemediationStatus.FAILED}, ["✓ Approved", "✗ Did not run, or failed"]),
        (
            {"state": RemediationStatus.OUTCOME_UNKNOWN, "answer": None},
            ["✓ Approved", "✗ Sent; the outcome is unknown"],
        ),
    ],
)
def test_a_result_shows_its_steps_and_their_states_in_either_form(
    changes: dict[str, object], steps: list[str]
) -> None:
    _, blocks = result(execution(**changes), approval())
    text = full_text({"blocks": blocks}, Names())
    for step in steps:
        assert f"  {step} (" in text
    plain = plain_form(blocks, NEWER)
    assert not NEWER & {block["type"] for block in plain}
    assert "\n".join(steps) in shown(plain)


def test_the_output_of_a_failure_is_open_and_that_of_a_success_is_folded_away() -> None:
    answer = {"stdout": "a line", "exit_code": 0}
    _, blocks = result(execution(answer=answer), approval())
    assert "a line" in folded(blocks)
    for changes in ({"exit_code": 1}, {"exit_code": 0}):
        failed = execution(state=RemediationStatus.FAILED, answer=answer | changes)
        _, blocks = result(failed, approval())
        assert "a line" in shown(blocks)
        assert folded(blocks) == ""
    _, blocks = result(execution(answer=answer | {"exit_code": 2}), approval())
    assert folded(blocks) == ""


def test_a_resolved_card_folds_its_ids_away_and_an_open_one_shows_them() -> None:
    _, blocks = card(resolved("U0ANA"))
    assert "req-20261121-030412-9f2c1ab0" in folded(blocks)
    assert "lasted" not in folded(blocks)
    assert "lasted" in shown(blocks)
    assert folded(card(incident())[1]) == ""
    plain = shown(plain_form(blocks, NEWER))
    assert "*Details*" in plain
    assert "req-20261121-030412-9f2c1ab0" in plain


def test_the_first_facts_are_open_and_the_others_are_folded_away() -> None:
    facts = tuple(KnownFact("logs", f"n{n}", f"fact {n}", NOW, f"E{n}") for n in range(1, 13))
    _, blocks = evidence_message(Evidence(facts, ()), 142)
    assert [block["type"] for block in blocks].count("section") == 5, "the head and four facts"
    assert "8 more facts" in shown(blocks)
    assert "fact 4" not in folded(blocks)
    assert "fact 5" in folded(blocks)
    assert "fact 12" in folded(blocks)
    _, blocks = evidence_message(Evidence(facts[:4], ()), 142)
    assert folded(blocks) == ""
