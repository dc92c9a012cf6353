"""A model's answer as advice: its parts under old and new names, its faults, its verdict."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.advice.answer import read_answer
from bot.advice.kinds.contract import Reply
from bot.advice.model import UNDETERMINED, Advice, Fact, Flaw, Guidance, Shortfall, Subject, Turn
from bot.advice.prompt import build_prompt, ids_of
from bot.advice.rules import advice_from_rules
from bot.advice.verdict import judged
from bot.incidents.model import Alert, AlertStatus

ALERT = Alert(
    source="alertmanager",
    status=AlertStatus.FIRING,
    name="HighMemory",
    title="memory of checkout-api over 90 %",
    fingerprint="f",
)
SUBJECT = Subject(
    incident_key="prod|checkout-api|memory|high",
    sop_id="sop_memory",
    about=ALERT,
    guidance=Guidance(sop_id="sop_memory", commands=("docker stats checkout-api",)),
    facts=(Fact("Prometheus: memory", "97 %, usual p95 60 %", "E1"), Fact("Loki", "OOM", "E2")),
)
PROMPT = build_prompt(SUBJECT, "", nonce="0123456789abcdef")
WHOLE = {
    "root_cause": "checkout-api leaks memory",
    "confidence": "high",
    "evidence": ["E1", "[E2] the kernel killed it"],
    "contrary_evidence": ["[A1] it began without a deploy"],
    "suggested_actions": ["Restart checkout-api"],
    "questions": ["Is the load higher than yesterday?"],
    "summary": "The heap grows until the limit [E1].",
}


def answer(parts: dict[str, Any] | str, floor: str = "medium") -> Advice:
    text = parts if isinstance(parts, str) else json.dumps(parts)
    return judged(read_answer(Reply(text=text, name="Amazon Q"), SUBJECT, PROMPT), SUBJECT, floor)


def test_an_answer_is_read_with_all_its_parts() -> None:
    advice = answer(WHOLE)
    assert (advice.cause, advice.confidence, advice.shortfall) == (WHOLE["root_cause"], "high", "")
    assert advice.evidence == (
        "[E1] Prometheus: memory: 97 %, usual p95 60 %",
        "[E2] the kernel killed it",
    )
    assert advice.contrary == ("[A1] it began without a deploy",)
    assert advice.next_steps == ("Restart checkout-api",)
    assert advice.questions == ("Is the load higher than yesterday?",)
    assert advice.text == WHOLE["summary"]
    assert advice.cited == ("E1", "E2")
    assert advice.ids == ("A1", "S1", "E1", "E2")
    assert advice.flaws == ()


def test_the_names_of_before_are_read_too() -> None:
    older = {
        "root_cause": "a leak",
        "confidence": 0.82,
        "evidence": [{"id": "E1", "text": "97 %"}],
        "next_steps": ["restart it"],
        "analysis_summary": "It leaks [E1].",
    }
    advice = answer(older)
    assert (advice.confidence, advice.next_steps) == ("high", ("restart it",))
    assert advice.text == "It leaks [E1]."
    assert advice.cited == ("E1",)


@pytest.mark.parametrize(
    ("change", "floor", "shortfall"),
    [
        ({"confidence": "low"}, "medium", Shortfall.CONFIDENCE),
        ({"confidence": None}, "medium", Shortfall.CONFIDENCE),
        ({"confidence": "medium"}, "high", Shortfall.CONFIDENCE),
        ({"confidence": "low"}, "low", ""),
        ({"evidence": []}, "medium", Shortfall.EVIDENCE),
        ({"evidence": ["E9", "it is obvious"]}, "medium", Shortfall.EVIDENCE),
        ({"evidence": ["H1"]}, "medium", Shortfall.EVIDENCE),
        ({"evidence": [], "root_cause": "a leak [E1]"}, "medium", ""),
    ],
)
def test_a_cause_without_confidence_or_evidence_is_undetermined_with_what_to_check(
    change: dict[str, Any], floor: str, shortfall: str
) -> None:
    advice = answer(WHOLE | change, floor)
    assert advice.shortfall == shortfall
    if shortfall:
        assert (advice.cause, advice.guess) == (UNDETERMINED, WHOLE["root_cause"])
        assert advice.look_at == ("command: docker stats checkout-api",)


def test_earlier_answers_are_no_evidence() -> None:
    turn = Turn("advisor", datetime(2026, 1, 1, tzinfo=UTC), "It leaks.")
    subject = Subject(incident_key="k", sop_id="s", about=ALERT, history=(turn,))
    assert ids_of(subject) == ("A1", "H1")
    reply = Reply(text=json.dumps(WHOLE | {"evidence": ["H1"]}))
    advice = read_answer(reply, subject, PROMPT)
    assert judged(advice, subject, "low").shortfall == Shortfall.EVIDENCE


def test_undetermined_is_a_good_answer_and_its_reason_is_kept() -> None:
    advice = answer(WHOLE | {"root_cause": "Undetermined: two deploys came at once"})
    assert (advice.cause, advice.guess, advice.shortfall) == (UNDETERMINED, "", "")
    assert advice.text.startswith("two deploys came at once")
    assert advice.look_at


def test_prose_is_shown_as_it_came_with_nothing_added() -> None:
    advice = answer("It was the disk [E1].")
    assert (advice.text, advice.look_at) == ("It was the disk [E1].", ())
    assert advice.answer == "It was the disk [E1]."


def test_advice_from_rules_is_not_judged() -> None:
    advice = advice_from_rules(SUBJECT, failure="no model")
    assert judged(advice, SUBJECT, "high") == advice


WHOLE_TEXT = json.dumps(WHOLE, indent=1)
PROSE = "The heap is full [E1].\n\n1. Look at the heap.\n2. Restart it."


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        (WHOLE_TEXT, ()),
        (PROSE, ()),
        ("HELLO", ()),
        ("Delete old logs", ()),
        ("```\ndf -h\n```", ()),
        ("Here it is:\n\njson\n" + WHOLE_TEXT + "\n\nLet me know", ()),
        # It repeats what it was sent.
        (PROMPT, (Flaw.ECHO,)),
        (PROMPT[200:], (Flaw.ECHO,)),
        (PROMPT.replace("0123456789abcdef", ""), (Flaw.ECHO,)),
        ('{"root_cause": "one sentence", "confidence": "low"}', (Flaw.ECHO,)),
        ("> " + PROMPT[:1500], (Flaw.ECHO,)),
        # It ends in the middle.
        (WHOLE_TEXT[: WHOLE_TEXT.index("kernel")], (Flaw.CUT,)),
        (WHOLE_TEXT[:-1], (Flaw.CUT,)),
        (WHOLE_TEXT[: WHOLE_TEXT.index('"questions"')], (Flaw.CUT,)),
        ("```json\n" + WHOLE_TEXT[:80], (Flaw.CUT,)),
        ("Run this:\n```\nkubectl get pods", (Flaw.CUT,)),
        ("The heap is full, because the", (Flaw.CUT,)),
        ("The heap is full,", (Flaw.CUT,)),
        ("Look at `kubectl", (Flaw.CUT,)),
        ("The heap grows. " * 150 + "Then it sto", (Flaw.CUT,)),
        # A renderer changed it.
        (WHOLE_TEXT.replace("_", ""), (Flaw.DAMAGED,)),
        (WHOLE_TEXT.replace('"high",', '"high"'), (Flaw.DAMAGED,)),
        ("\u2502 Runbook says: check HPA first\n\nLook at it.", (Flaw.DAMAGED,)),
        ("The pod is throttled.\n" + "\u2501" * 40 + "\nLook.", (Flaw.DAMAGED,)),
        ("The caf\ufffd service is down.", (Flaw.DAMAGED,)),
    ],
)
def test_an_answer_that_echoes_is_cut_or_damaged_says_so(text: str, flaws: object) -> None:
    assert answer(text).flaws == flaws


def test_an_advisor_that_says_that_it_stopped_early_is_believed() -> None:
    reply = Reply(text=WHOLE_TEXT, cut="max_tokens")
    assert read_answer(reply, SUBJECT, PROMPT).flaws == (Flaw.CUT,)


def test_an_echo_is_no_cause_and_the_answer_behind_one_is_read() -> None:
    echo = answer('{"root_cause": "one sentence", "confidence": "high", "evidence": ["E1"]}')
    assert echo.shortfall == Shortfall.ECHO
    both = answer(f"{PROMPT}\n\n{WHOLE_TEXT}")
    assert (both.cause, both.flaws) == (WHOLE["root_cause"], ())


def test_a_renderer_that_drops_underscores_loses_no_part() -> None:
    advice = answer(json.dumps(WHOLE).replace("_", ""))
    assert advice.next_steps == ("Restart checkout-api",)
    assert advice.contrary == ("[A1] it began without a deploy",)
