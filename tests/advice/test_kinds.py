"""Every kind of advisor against a stand-in that fails in every way it can: one contract."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.advice.kinds.http import Endpoint
from bot.advice.kinds.ollama import OllamaAdvisor
from bot.advice.kinds.openai import OpenAiAdvisor
from bot.advice.schema import ANSWER_SCHEMA
from bot.errors import AdvisorError
from tests.advice.model_servers import ANSWER, KEY, MODEL, ModelServer, ollama, openai
from tests.advice.stand_ins import EVERY, HTTP, PROGRAMS, started
from tests.helpers.http_servers import served
from tests.helpers.ports import kept_port

# What the stand-in does; the kinds that can; what the caller is told.
TABLE = [
    *((kind, "empty", "empty") for kind in EVERY),
    *((kind, "too_long", "too_long") for kind in EVERY),
    *((kind, "login", "login") for kind in EVERY),
    *((kind, "throttled", "throttled") for kind in EVERY),
    *((kind, "transient", "transient") for kind in EVERY),
    *((kind, "cut", "transient") for kind in ("command", *HTTP)),
    *((kind, "usage", "usage") for kind in ("command", *HTTP)),
    *((kind, "garbled", "garbled") for kind in ("acp", *HTTP)),
    *((kind, "tool_ran", "tool_ran") for kind in PROGRAMS),
    *((kind, "model_missing", "model_missing") for kind in HTTP),
    ("acp", "agent_missing", "agent_missing"),
    ("acp", "announced tool", "tool_ran"),
    ("acp", "another version", "garbled"),
    ("acp", "approval_required", "approval_required"),
    ("acp", "cut", "exit"),
    ("acp", "cut with code 0", "empty"),
    ("acp", "endless garbage", "garbled"),
    ("acp", "long line", "too_long"),
    ("acp", "refused", "refused"),
    ("acp", "trusted", "tool_ran"),
    ("acp", "trusted late", "tool_ran"),
    ("acp", "wrong end", "garbled"),
    ("acp", "cancelled", "transient"),
    *((kind, "redirect", "usage") for kind in HTTP),
    ("ollama", "long line", "too_long"),
    ("ollama", "error in the middle", "transient"),
    ("openai", "endless stream", "too_long"),
    ("openai", "quota", "quota"),
    ("openai", "refused", "refused"),
    ("openai", "approval_required", "approval_required"),
]


@pytest.mark.parametrize(("kind", "behaviour", "failure"), TABLE)
async def test_each_failure_has_its_name_a_remedy_and_no_secret(
    tmp_path: Path, kind: str, behaviour: str, failure: str
) -> None:
    async with started(kind, behaviour, tmp_path) as advisor:
        with pytest.raises(AdvisorError) as failed:
            await advisor.ask("why", timeout=60)
    error = failed.value
    assert error.kind == failure
    assert error.message.startswith(f"{advisor.name} ")
    assert error.remedy
    assert KEY not in str(error)
    told_to_wait = kind in HTTP and behaviour in ("throttled", "quota")
    assert error.retry_after == (7 if told_to_wait else None)


@pytest.mark.parametrize("kind", EVERY)
async def test_the_deadline_ends_a_question(tmp_path: Path, kind: str) -> None:
    async with started(kind, "timeout", tmp_path) as advisor:
        with pytest.raises(AdvisorError, match="did not answer in time") as failed:
            await advisor.ask("why", timeout=0.2)
    assert failed.value.kind == "timeout"


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(("behaviour", "cut"), [("answer", ""), ("length", "length")])
async def test_an_answer_says_whether_it_is_whole_and_what_it_cost(
    tmp_path: Path, kind: str, behaviour: str, cut: str
) -> None:
    async with started(kind, behaviour, tmp_path) as advisor:
        reply = await advisor.ask("why", timeout=60)
    assert reply.text == ANSWER
    if kind != "command":  # a program's output says neither
        assert bool(reply.cut) == bool(cut)
        assert reply.tokens == 31


@pytest.mark.parametrize("kind", HTTP)
async def test_a_probe_names_what_answers(tmp_path: Path, kind: str) -> None:
    async with started(kind, "answer", tmp_path) as advisor:
        assert MODEL in await advisor.probe()
        await advisor.close()


# Servers alone.


@pytest.mark.parametrize("make", [ollama, openai])
async def test_a_probe_of_a_server_without_the_model_says_so(make: object) -> None:
    async with make(ModelServer(), "qwen3") as advisor:  # type: ignore[operator]
        with pytest.raises(AdvisorError, match="qwen3 is not among its 1 models"):
            await advisor.probe()


async def test_a_probe_finds_a_wrong_key() -> None:
    async with openai(ModelServer("login")) as advisor:
        with pytest.raises(AdvisorError, match="needs a login"):
            await advisor.probe()


async def test_a_server_that_does_not_run_could_not_be_reached() -> None:
    says = r"could not be reached.*ADVISOR_X_URL"
    with kept_port() as port:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port}"
            endpoint = Endpoint(session=session, name="x", url=url, variable="ADVISOR_X_URL")
            for advisor in (OllamaAdvisor(endpoint, MODEL), OpenAiAdvisor(endpoint, MODEL)):
                with pytest.raises(AdvisorError, match=says) as failed:
                    await advisor.ask("why", timeout=60)
                assert failed.value.kind == "unreachable"
                assert "127.0.0.1" not in failed.value.message


async def test_ollama_gets_the_schema_and_its_thoughts_are_no_answer() -> None:
    server = ModelServer("thinking")
    async with ollama(server) as advisor:
        await advisor.ask("prose", timeout=60)
        reply = await advisor.ask("why", timeout=60, schema=ANSWER_SCHEMA)
    assert reply.text == ANSWER
    prose, structured = server.questions
    assert "format" not in prose
    assert structured["format"] == ANSWER_SCHEMA
    assert structured["messages"] == [{"role": "user", "content": "why"}]


async def test_openai_gets_the_schema_and_the_key() -> None:
    server = ModelServer()
    async with openai(server) as advisor:
        await advisor.ask("why", timeout=60, schema=ANSWER_SCHEMA)
    assert server.keys == [f"Bearer {KEY}"]
    sent = server.questions[0]["response_format"]
    assert sent["json_schema"]["schema"] == ANSWER_SCHEMA


@pytest.mark.parametrize(
    ("behaviour", "formats"),
    [
        ("without json_schema", ["json_schema", "json_object", "json_object"]),
        ("without json_schema and json_object", ["json_schema", "json_object", None, None]),
    ],
)
async def test_a_server_without_response_format_is_asked_with_less_and_that_is_remembered(
    behaviour: str, formats: list[str | None]
) -> None:
    server = ModelServer(behaviour)
    async with openai(server) as advisor:
        for _ in range(2):
            assert (await advisor.ask("why", timeout=60, schema=ANSWER_SCHEMA)).text == ANSWER
    assert [each.get("response_format", {}).get("type") for each in server.questions] == formats


async def test_a_server_that_streams_unasked_is_understood() -> None:
    async with openai(ModelServer("stream")) as advisor:
        assert (await advisor.ask("why", timeout=60)).text == ANSWER


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("length", [128, 135, 16_384 - 10 - 37])
async def test_no_part_of_the_key_is_in_a_refusal_that_is_cut(length: int) -> None:
    key = "q7.Zk29.mQ4x.Lw81"  # of no known form

    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=400, text=f"{'y ' * 10}key {key} {'x ' * (length // 2)}{key}")

    async with served(echo) as url, aiohttp.ClientSession() as session:
        endpoint = Endpoint(session=session, name="x", url=url, variable="X", key=key)
        assert key not in repr(endpoint)
        with pytest.raises(AdvisorError) as failed:
            await OpenAiAdvisor(endpoint, MODEL).ask("why", timeout=60)
    parts = {key[start : start + 5] for start in range(len(key) - 4)}
    assert not [part for part in parts if part in str(failed.value)]


class _Drops:
    """An answer that comes a few bytes at a time."""

    def __init__(self, count: int) -> None:
        self.content = self
        self._count = count

    async def iter_any(self) -> AsyncIterator[bytes]:
        while drop := await self.read(64):
            yield drop

    async def read(self, _most: int) -> bytes:
        self._count -= 1
        return b"x" * 64 if self._count >= 0 else b""


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize("is_stream", [True, False])
async def test_an_answer_in_drops_costs_no_square_of_its_length(is_stream: bool) -> None:
    async with aiohttp.ClientSession() as session:
        endpoint = Endpoint(session=session, name="x", url="http://x.example", variable="X")
        used = []
        for count in (4_000, 16_000):
            began = time.thread_time()
            drops: Any = _Drops(count)
            if is_stream:
                [text] = [line async for line in endpoint.lines(drops)]
            else:
                text = await endpoint.body(drops)
            used.append(time.thread_time() - began)
            assert len(text) == 64 * count
    assert used[1] < 9 * max(used[0], 0.005)
