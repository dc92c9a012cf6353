"""A model picks one action of a closed list for words that no rule knows, and never a value."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.gateway.errors import ConfigError

from .conftest import Desk, legacy

INTENT = "the thing is dead, kick it back to life"


class ModelServer:
    """Answers as Ollama or an OpenAI-compatible server: whatever `says` holds."""

    def __init__(self) -> None:
        self.says: Any = {"actions": ["service.restart"]}
        self.raw: bytes | None = None
        self.status = 200
        self.requests: list[tuple[str, dict[str, Any], str]] = []
        self.released = asyncio.Event()
        self.silent = False
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append((request.path, body, request.headers.get("Authorization", "")))
        if self.silent:
            await self.released.wait()
        message = {"role": "assistant", "content": json.dumps(self.says)}
        answer = {"message": message} if "format" in body else {"choices": [{"message": message}]}
        data = json.dumps(answer).encode() if self.raw is None else self.raw
        return web.Response(status=self.status, body=data, headers={"Location": "/elsewhere"})


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    scripted = ModelServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    async with TestServer(app) as server:
        scripted.url = str(server.make_url("/"))
        yield scripted
        scripted.released.set()


Starts = Callable[..., Any]


@pytest.fixture
async def desk(start: Starts, service: Starts, model: ModelServer) -> Desk:
    started: Desk = await start(
        {"checkout-api": service()},
        model={"url": model.url, "name": "llama3.2", "timeout_seconds": 0.5},
    )
    return started


async def post(desk: Desk, intent: str = INTENT, key: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    url = f"{desk.gateway.url}/execute-docker-command"
    async with desk.session.post(
        url, json=legacy("checkout-api", intent), headers=headers
    ) as answer:
        assert answer.status == 200
        value: dict[str, Any] = await answer.json()
        return value


async def test_the_model_chooses_an_action_where_no_rule_knows_the_words(
    desk: Desk, model: ModelServer
) -> None:
    answer = await post(desk)
    assert answer["overall_status"] == "COMPLETED_SUCCESS"
    assert "restarted" in answer["execution_details"]["execution_result"]["stdout"]
    path, body, _ = model.requests[0]
    listed = body["format"]["properties"]["actions"]["items"]["enum"]
    assert path == "/api/chat"
    assert set(listed) == {a.id for a in desk.gateway.dispatcher.catalogue.offered("checkout-api")}
    assert json.loads(body["messages"][1]["content"])["request"] == INTENT


async def test_rules_come_first_and_their_ambiguity_is_never_the_models_to_resolve(
    desk: Desk, model: ModelServer
) -> None:
    assert (await post(desk, "show recent logs"))["overall_status"] == "COMPLETED_SUCCESS"
    unclear = await post(desk, "stop the service and show its logs")
    assert unclear["overall_status"] == "LLM_GENERATION_FAILED"
    assert model.requests == []


async def test_several_choices_run_nothing_and_are_the_candidates(
    desk: Desk, model: ModelServer
) -> None:
    model.says = {"actions": ["service.restart", "service.stop"]}
    answer = await post(desk)
    assert answer["overall_status"] == "LLM_GENERATION_FAILED"
    assert set(answer) == {
        *("request_id", "timestamp_processed_utc", "overall_status"),
        *("execution_details", "error_details"),
    }
    text = answer["error_details"]["error_message"]
    assert "service.restart" in text
    assert "service.stop" in text


async def test_a_repeat_of_a_key_returns_its_answer_though_the_model_would_now_choose_otherwise(
    desk: Desk, model: ModelServer
) -> None:
    first = await post(desk, key="words-1")
    model.says = {"actions": ["service.stop"]}
    assert await post(desk, key="words-1") == first
    assert len(model.requests) == 1, "asked once, and not again under the target's lock"


@pytest.mark.attack("ASI01")
@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"actions": ["docker.prune"]}, "not in its list"),
        ({"actions": ["service.restart; rm -rf /"]}, "not in its list"),
        ({"actions": [{"id": "service.stop", "grace_seconds": 1}]}, "in the schema"),
        ({"actions": ["service.restart"], "parameters": {"grace_seconds": 120}}, "in the schema"),
        ({"actions": "service.restart"}, "in the schema"),
        ({"actions": ["service.stop"] * 101}, "in the schema"),
        ([], "in the schema"),
        (None, "in the schema"),
        ({"actions": []}, "in none of this target's actions"),
    ],
)
async def test_anything_but_one_id_of_the_list_runs_nothing(
    desk: Desk, model: ModelServer, says: object, why: str
) -> None:
    model.says = says
    answer = await post(desk)
    assert (answer["overall_status"], answer["execution_details"]) == ("VALIDATION_ERROR", None)
    assert answer["error_details"]["error_code"] == "UNSUPPORTED_INTENT"
    assert why in answer["error_details"]["error_message"]


@pytest.mark.attack("ASI01")
@pytest.mark.parametrize(
    ("raw", "status", "why"),
    [
        (b"x" * 70_000, 200, "too long an answer"),
        (b"[" * 50_000, 200, "cannot be read"),
        (b'{"message": {"content": 7}}', 200, "cannot be read"),
        (b'{"choices": []}', 200, "cannot be read"),
        (b"<html>", 302, "answered 302"),
        (b"{}", 500, "answered 500"),
    ],
)
async def test_an_answer_of_any_other_form_runs_nothing(
    desk: Desk, model: ModelServer, raw: bytes, status: int, why: str
) -> None:
    model.raw, model.status = raw, status
    answer = await post(desk)
    assert answer["overall_status"] == "VALIDATION_ERROR"
    assert why in answer["error_details"]["error_message"]
    assert len(model.requests) == 1, "a redirect is not followed"


async def test_a_model_that_hangs_or_is_away_costs_its_time_and_runs_nothing(
    desk: Desk, model: ModelServer, start: Starts, service: Starts, free_port: Callable[[], int]
) -> None:
    model.silent = True
    answer = await post(desk)
    assert "did not answer in time" in answer["error_details"]["error_message"]
    away = await start(
        {"checkout-api": service()},
        state="away",
        model={"url": f"http://127.0.0.1:{free_port()}", "name": "m"},
    )
    answer = await post(away)
    assert "cannot be reached" in answer["error_details"]["error_message"]


async def test_the_list_holds_only_what_may_run_without_a_value_and_what_the_operator_allows(
    start: Starts, service: Starts, model: ModelServer
) -> None:
    actions = {"url": model.url, "name": "m", "actions": ["service.*", "cache.*"]}
    commands = {
        "cache.warm": {"argv": ["/bin/true"], "targets": ["*"]},
        "cache.drop": {
            "argv": ["/bin/true", "{part}"],
            "parameters": {"part": {"type": "text", "pattern": "[a-z]+"}},
            "targets": ["*"],
        },
        "queue.purge": {"argv": ["/bin/true"], "targets": ["*"]},
    }
    described = {"title": "Do it", "mutating": True, "risk": "high"}
    desk = await start(
        {"checkout-api": service(actions=["service.status", "cache.*", "queue.*"])},
        model=actions,
        commands={name: command | described for name, command in commands.items()},
    )
    await post(desk)
    listed = model.requests[0][1]["format"]["properties"]["actions"]["items"]["enum"]
    assert set(listed) == {"service.status", "cache.warm"}


async def test_an_openai_server_gets_the_schema_and_its_token_and_a_reader_chooses_no_change(
    start: Starts, service: Starts, model: ModelServer
) -> None:
    desk = await start(
        {"checkout-api": service()},
        secrets={"LLM": "a token of the model"},
        read_only=True,
        model={"url": model.url, "api": "openai", "name": "m", "token_env": "LLM"},
    )
    model.says = {"actions": ["service.status"]}
    assert (await post(desk))["overall_status"] == "COMPLETED_SUCCESS"
    path, body, token = model.requests[0]
    assert (path, token) == ("/v1/chat/completions", "Bearer a token of the model")
    schema = body["response_format"]["json_schema"]["schema"]
    assert "service.restart" not in schema["properties"]["actions"]["items"]["enum"]


async def test_a_token_of_the_model_is_not_sent_in_clear(start: Starts) -> None:
    model = {"url": "http://llm.example", "name": "m", "token_env": "LLM"}
    with pytest.raises(ConfigError, match="https:// only"):
        await start({}, secrets={"LLM": "a token of the model"}, model=model)
    with pytest.raises(ConfigError, match="LLM is not set"):
        await start({}, model=model | {"url": "https://llm.example"})
