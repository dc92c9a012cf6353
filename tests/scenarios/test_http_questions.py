"""POST /incident: a question by HTTP gets advice, or says why it got none."""

from __future__ import annotations

import asyncio

import pytest

from tests.scenarios.http_caller import StartWithHttp, advisor
from tests.scenarios.world import SERVICE, World

pytestmark = pytest.mark.one_engine


async def test_a_prompt_is_answered_with_its_sop_id(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http(**advisor(world, "answers"))
    fields = {"incident_key": "sdn5_cpu_high", "prompt": "why is checkout-api down?"}
    status, body = await at.post("/incident", fields)
    assert status == 200
    assert body["answer"] == "it was the disk: checkout-api"
    assert body["sop_id"] == "sop_e0397b31b8d1"
    assert body["incident_key"] == "sdn5_cpu_high"
    assert body["tracking_id"].startswith("req-")
    assert body["source"]
    plain = {"Content-Type": "text/plain"}
    path = "/incident?incident_key=sdn5_cpu_high&sop_id=sop_mine"
    status, body, _ = await at.ask("POST", path, b"and checkout-api?", **plain)
    assert (status, body["answer"]) == (200, "it was the disk: checkout-api")
    assert body["sop_id"] == "sop_mine"
    status, body, _ = await at.ask("POST", "/incident", b"42", **plain)
    assert (status, "incident_key: required" in body["error"]["message"]) == (400, True)
    long = {"incident_key": "k", "prompt": "x" * 99_980 + " at checkout-api"}
    assert (await at.post("/incident", long))[1]["answer"].endswith(": checkout-api"), "all of it"
    await world.quiet()
    assert world.cards() == [], "a question opens no incident"


async def test_an_alert_is_answered_with_the_advice_of_its_thread(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http(**advisor(world, "answers"))
    alert = {"service": SERVICE, "env": "prod", "severity": "critical", "title": "it is down"}
    status, body = await at.post("/incident", alert)
    assert status == 200
    assert body["answer"].startswith("it was the disk: checkout-api")
    assert body["sop_id"] == "sop_checkout_down"
    advice = await world.advice("it was the disk: checkout-api")
    assert "not verified" in advice.text
    assert body["tracking_id"] in (await world.card()).text


async def test_a_missing_field_of_a_request_is_named(start_with_http: StartWithHttp) -> None:
    at = await start_with_http()
    status, body = await at.post("/incident", {"incident_key": "a"})
    assert (status, body["error"]["code"]) == (400, "invalid")
    assert "prompt: required" in body["error"]["message"]
    status, body = await at.post("/incident", {"prompt": "why?"})
    assert (status, "incident_key: required" in body["error"]["message"]) == (400, True)


async def test_an_advisor_that_fails_is_a_502_and_the_thread_gets_the_sop(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http(**advisor(world, "fails"))
    status, body = await at.post("/incident", {"incident_key": "k", "prompt": "why?"})
    assert (status, body["error"]["code"]) == (502, "advisor_failed")
    assert "ended with an error" in body["error"]["message"]
    await world.alert()
    advice = await world.advice("No model answer")
    assert "Restart checkout-api" in advice.text


async def test_an_advisor_that_takes_too_long_is_a_504(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http(**advisor(world, "waits") | {"QCHAT_TIMEOUT": "0.5"})
    status, body = await at.post("/incident", {"incident_key": "k", "prompt": "why?"})
    assert (status, body["error"]["code"]) == (504, "timeout")


async def test_a_saturated_advisor_is_a_503_that_says_when_to_come_back(
    start_with_http: StartWithHttp, world: World
) -> None:
    world.write_policy(segments={"llm": {"limits": {"waiting": 8}}})
    at = await start_with_http(**advisor(world, "waits") | {"QCHAT_MAX_CONCURRENT": "1"})
    questions = [{"incident_key": "k", "prompt": f"why {number}?"} for number in range(30)]
    asking = [asyncio.create_task(at.ask("POST", "/incident", question)) for question in questions]
    done, _ = await asyncio.wait(asking, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    refused = [task.result() for task in done]
    assert refused
    for status, body, headers in refused:
        assert (status, body["error"]["code"]) == (503, "saturated")
        assert int(headers["Retry-After"]) >= 1
    # While it is saturated, alerts still get their cards.
    await world.alert()
    await world.card()
    (world.folder / "gate").touch()
    answers = [await task for task in asking]
    assert {status for status, _, _ in answers} == {200, 503}
    assert (world.folder / "gate.asked").exists()


async def test_the_tracking_id_of_a_question_is_known_to_trace(
    start_with_http: StartWithHttp,
) -> None:
    at = await start_with_http()
    status, answer = await at.post("/incident", {"incident_key": "k1", "prompt": "why"})
    assert status == 200
    status, trace = await at.get(f"/api/v3/trace/{answer['tracking_id']}")
    assert (status, trace["tracking_id"]) == (200, answer["tracking_id"])
    assert [stage["stage"] for stage in trace["stages"]] == ["asked", "answered"]
    assert answer["sop_id"] in trace["stages"][0]["text"]


async def test_a_key_keeps_the_sop_id_that_its_caller_named(start_with_http: StartWithHttp) -> None:
    at = await start_with_http()
    fields = {"incident_key": "k2", "prompt": "why", "sop_id": "sop_mine"}
    assert (await at.post("/incident", fields))[1]["sop_id"] == "sop_mine"
    del fields["sop_id"]
    assert (await at.post("/incident", fields))[1]["sop_id"] == "sop_mine"
    other = fields | {"sop_id": "sop_other"}
    await at.post("/incident", other)
    assert (await at.post("/incident", fields))[1]["sop_id"] == "sop_mine", "nobody takes it over"


async def test_an_advisor_that_fails_is_in_the_health_answer(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http(**advisor(world, "fails"))
    assert (await at.get("/readyz"))[1]["checks"]["advisor"]["state"] == "ok"
    await at.post("/incident", {"incident_key": "k3", "prompt": "why"})
    await at.bot.health.check("advisor")
    status, ready = await at.get("/readyz")
    assert (status, ready["checks"]["advisor"]["state"]) == (200, "failing")
