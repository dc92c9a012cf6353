"""From a subject to advice, with a command, without one, and when it fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.advice.advisor import Advisor
from bot.advice.model import Fact, Guidance, Subject
from bot.errors import AdvisorError
from handlers.views.advice import advice_message
from tests.advice.fake import FakeQ, step

SOP = Guidance(
    sop_id="sop_cpu",
    title="CPU too high",
    commands=("top",),
    metrics=("rate(cpu[5m])",),
    logs=("/var/log/web",),
    parameters=("limit",),
    fix_actions=("scale out", "restart"),
    runbook="cpu.md",
)
SUBJECT = Subject(
    incident_key="prod|web|cpu|high",
    sop_id="sop_cpu",
    guidance=SOP,
    facts=(Fact("Prometheus", "cpu 0.98"), Fact("Prometheus", "up 1")),
)


def answered(**parts: Any) -> dict[str, Any]:
    return step("Here it is:\n\n" + json.dumps({"root_cause": "throttled"} | parts, indent=1))


async def test_a_structured_answer_becomes_advice_with_its_sources(fakeq: FakeQ) -> None:
    fakeq.plays(
        answered(
            confidence="High",
            evidence=["cpu 0.98", {"metric": "up", "value": 1}],
            next_steps=["scale out"],
            analysis_summary="Load grew.",
        )
    )
    advice = await Advisor(fakeq.command(), "Be brief.").ask(SUBJECT)
    assert (advice.source, advice.cause, advice.confidence) == ("Amazon Q", "throttled", "high")
    assert advice.evidence == ("cpu 0.98", "up · 1")
    assert advice.next_steps == ("scale out",)
    assert advice.text == "Load grew."
    assert advice.sources == ("SOP sop_cpu: CPU too high", "Prometheus"), "a runbook is an address"
    assert advice.label.startswith("Amazon Q · ")
    assert advice.label.endswith(" · 2 sources")
    assert advice.failure == ""
    assert "Be brief." in fakeq.calls()[0]["stdin"]


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(0.82, "high"), (0.5, "medium"), (0.1, "low"), ("certain", ""), (True, ""), (None, "")],
)
async def test_confidence_is_one_of_three_words_or_none(
    fakeq: FakeQ, confidence: object, word: str
) -> None:
    fakeq.plays(answered(confidence=confidence))
    assert (await Advisor(fakeq.command()).ask(SUBJECT)).confidence == word


async def test_the_older_key_for_next_steps_is_read_too(fakeq: FakeQ) -> None:
    fakeq.plays(answered(suggestedactions=["raise the limit"]))
    advice = await Advisor(fakeq.command()).ask(SUBJECT)
    assert advice.next_steps == ("raise the limit",)


async def test_prose_is_shown_as_it_came(fakeq: FakeQ) -> None:
    fakeq.plays(step("The disk is full.\nDelete old logs."))
    advice = await Advisor(fakeq.command()).ask(SUBJECT)
    assert advice.text == "The disk is full.\nDelete old logs."
    assert (advice.cause, advice.next_steps) == ("Undetermined", ())
    assert advice.answer == advice.text


async def test_wild_values_in_the_answer_never_break_the_advice(fakeq: FakeQ) -> None:
    wild = {"root_cause": ["a", 1], "evidence": "one", "next_steps": {"do": "\x1b[31mit\x00"}}
    fakeq.plays(step(json.dumps(wild | {"analysis_summary": None})))
    advice = await Advisor(fakeq.command()).ask(SUBJECT)
    assert advice.evidence == ("one",)
    assert advice.next_steps == ("it",)
    assert advice.text == ""


async def test_long_parts_are_cut_and_the_whole_answer_is_kept(fakeq: FakeQ) -> None:
    fakeq.plays(step("x" * 50_000), answered(root_cause="y" * 9_000, evidence=["z" * 5_000] * 40))
    advisor = Advisor(fakeq.command())
    prose, structured = await advisor.ask(SUBJECT), await advisor.ask(SUBJECT)
    assert len(prose.text) == 50_000
    assert len(structured.cause) == 2_000
    assert [len(item) for item in structured.evidence] == [2_000] * 30
    assert structured.raw.count("z") == 200_000


async def test_without_a_command_the_advice_is_the_sop() -> None:
    advice = await Advisor(None).ask(SUBJECT)
    assert advice.label == "From the SOP, no model"
    assert advice.cause == "Undetermined"
    assert advice.next_steps == ("scale out", "restart")
    assert advice.look_at == (
        "command: top",
        "metric: rate(cpu[5m])",
        "log: /var/log/web",
        "parameter: limit",
        "runbook: cpu.md",
    )
    assert not advice.by_model
    assert "1. scale out" in advice.answer


async def test_without_a_command_and_a_sop_the_steps_are_generic_and_say_so() -> None:
    advice = await Advisor(None).ask(Subject(incident_key="k", sop_id="sop_1"))
    assert advice.label == "No SOP, no model"
    assert advice.cause == "Undetermined"
    assert advice.next_steps
    assert advice.sources == ()


async def test_a_question_gets_the_error_itself(fakeq: FakeQ) -> None:
    fakeq.plays(step(stderr="error: it broke", exit=1))
    with pytest.raises(AdvisorError) as failed:
        await Advisor(fakeq.command()).ask(SUBJECT)
    assert failed.value.kind == "exit"


async def test_a_question_without_a_command_is_answered_from_the_sop() -> None:
    answer = await Advisor(None).ask(SUBJECT)
    assert answer.source == "SOP"
    assert "scale out" in answer.answer


async def test_the_advisor_is_as_healthy_as_its_command(fakeq: FakeQ) -> None:
    fakeq.plays(step("HELLO"))
    advisor = Advisor(fakeq.command())
    await advisor.ask(SUBJECT)
    health = advisor.health()
    assert health is not None
    assert health.state == "ok"
    assert Advisor(None).health() is None


async def test_rules_say_what_the_facts_show() -> None:
    long = Fact("Loki", "x" * 900 + "\nsecond line", id="E2")
    facts = (Fact("Prometheus", "cpu 0.98", id="E1"), long, *[Fact("Loki", "more")] * 9)
    for guidance in (SOP, None):
        subject = Subject(incident_key="k", sop_id="sop_1", guidance=guidance, facts=facts)
        advice = await Advisor(None).ask(subject)
        assert advice.evidence[0] == "[E1] Prometheus: cpu 0.98"
        assert "second line" not in advice.evidence[1]
        assert [len(item) <= 305 for item in advice.evidence] == [True] * 5
        assert advice.sources[-2:] == ("Prometheus", "Loki")
        assert advice.cause == "Undetermined"
        assert "[E1] Prometheus: cpu 0.98" in advice.answer
        assert "[E1] Prometheus: cpu 0.98" in str(advice_message(advice)[1])
