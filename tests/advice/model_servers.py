"""Ollama's and OpenAI's APIs as real servers, from their documents, each with a way to fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from bot.advice.kinds.contract import AdvisorKind
from bot.advice.kinds.http import Endpoint
from bot.advice.kinds.ollama import OllamaAdvisor
from bot.advice.kinds.openai import OpenAiAdvisor
from tests.helpers.http_servers import served

MODEL = "llama3.2"
KEY = "sk-test-0123456789abcdefghijklmnop"
ANSWER = "The disk is full."
MOST = 65_536  # bytes of an answer that the advisors of these tests accept


@dataclass
class ModelServer:
    """A server of one model. `behaviour` is what it does with the next questions."""

    behaviour: str = "answer"
    questions: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def ollama(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/api/tags":
            return web.json_response({"models": [{"name": f"{MODEL}:latest"}]})
        return await self._answer(request, "/api/chat")

    async def openai(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Authorization", ""))
        if request.path == "/v1/models":
            if self.behaviour == "login":
                return self._refusal(401, "Incorrect API key provided", "/v1/")
            return web.json_response({"object": "list", "data": [{"id": MODEL}]})
        return await self._answer(request, "/v1/chat/completions")

    async def _answer(self, request: web.Request, path: str) -> web.StreamResponse:
        assert request.path == path
        body = await request.json()
        self.questions.append(body)
        refused = {
            "login": (401, f"Incorrect API key provided: {KEY}"),
            "usage": (400, "temperature is not a number"),
            "model_missing": (404, f"model '{MODEL}' not found"),
            "throttled": (429, "Rate limit reached"),
            "quota": (429, "You exceeded your current quota"),
            "transient": (500, "CUDA error: out of memory"),
        }
        if self.behaviour in refused:
            return self._refusal(*refused[self.behaviour], path)
        if self.behaviour == "redirect":
            raise web.HTTPTemporaryRedirect("http://169.254.169.254/latest/meta-data")
        if self.behaviour == "timeout":
            await asyncio.Event().wait()
        if self.behaviour == "garbled":
            return web.Response(text="<html>It works!</html>", content_type="text/html")
        format_type = body.get("response_format", {}).get("type")
        if format_type and format_type in self.behaviour.removeprefix("without ").split(" and "):
            return self._refusal(
                400, f"response_format of type {format_type} is not supported", path
            )
        return await (self._chat if path == "/api/chat" else self._completion)(request)

    def _refusal(self, status: int, text: str, path: str) -> web.Response:
        error: Any = text
        if path.startswith("/v1"):
            code = "insufficient_quota" if self.behaviour == "quota" else "some_code"
            error = {"message": text, "type": "invalid_request_error", "code": code}
        headers = {"Retry-After": "7"} if status == 429 else {}
        return web.json_response({"error": error}, status=status, headers=headers)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        """Ollama: one object a line, the last one with `done`."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)

        async def send(word: str, **more: Any) -> None:
            line = {"model": MODEL, "message": {"role": "assistant", "content": word}, **more}
            await response.write(json.dumps({"done": False, **line}).encode() + b"\n")

        end = {"done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 5}
        match self.behaviour:
            case "empty":
                await send(" ", **end)
            case "too_long":
                await _flood(send)
            case "long line":
                await _flood(response.write, b"x" * 65_536)
            case "cut":
                await send("The disk")
                assert request.transport
                request.transport.abort()
            case "error in the middle":
                await send("The disk")
                await response.write(b'{"error":"an error was encountered while running"}\n')
            case "length":
                await send(ANSWER, **end | {"done_reason": "length"})
            case "thinking":
                await response.write(
                    b'{"message":{"role":"assistant","content":"","thinking":"Hm."},"done":false}\n'
                )
                await send(ANSWER, **end)
            case _:
                for word in ("The disk", " is full."):
                    await send(word)
                await send("", **end)
        return response

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        """OpenAI: one document, or events if the server streams whatever was asked."""
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER},
            "finish_reason": "stop",
        }
        message = choice["message"]
        match self.behaviour:
            case "empty":
                message["content"] = " "
            case "too_long":
                message["content"] = "x" * 4 * MOST
            case "length":
                choice["finish_reason"] = "length"
            case "refused":
                message |= {"content": None, "refusal": "I cannot help with that."}
            case "approval_required":
                call = {"id": "1", "type": "function", "function": {"name": "bash"}}
                message |= {"content": None, "tool_calls": [call]}
                choice["finish_reason"] = "tool_calls"
            case "cut" | "stream" | "endless stream":
                return await self._events(request)
        usage = {"prompt_tokens": 26, "completion_tokens": 5, "total_tokens": 31}
        return web.json_response({"id": "1", "choices": [choice], "usage": usage})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)

        async def send(word: str, reason: str | None = None) -> None:
            choice = {"index": 0, "delta": {"content": word}, "finish_reason": reason}
            await response.write(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")

        if self.behaviour == "endless stream":
            await _flood(send)
            return response
        await send("The disk")
        if self.behaviour == "cut":
            return response
        await send(" is full.", "stop")
        await response.write(b"data: [DONE]\n\n")
        return response


async def _flood(send: Any, piece: Any = "x" * 4096) -> None:
    """50 MB, unless the client hangs up."""
    with suppress(ConnectionError):
        for _ in range(50_000_000 // len(piece)):
            await send(piece)


@asynccontextmanager
async def ollama(server: ModelServer, model: str = MODEL) -> AsyncIterator[AdvisorKind]:
    async with served(server.ollama) as url, aiohttp.ClientSession() as session:
        yield OllamaAdvisor(
            Endpoint(
                session=session,
                name="Ollama",
                url=url,
                variable="ADVISOR_OLLAMA_URL",
                max_output=MOST,
            ),
            model,
        )


@asynccontextmanager
async def openai(server: ModelServer, model: str = MODEL) -> AsyncIterator[AdvisorKind]:
    async with served(server.openai) as url, aiohttp.ClientSession() as session:
        yield OpenAiAdvisor(
            Endpoint(
                session=session,
                name="OpenAI",
                url=f"{url}/v1",
                variable="ADVISOR_OPENAI_URL",
                key=KEY,
                max_output=MOST,
            ),
            model,
        )
