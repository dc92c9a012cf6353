"""Any server with OpenAI's `POST /chat/completions`: OpenAI, vLLM, llama.cpp, LiteLLM, a proxy.

The answer's JSON schema goes as `response_format`. A server that refuses it is asked again with
less, and from then on with less at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bot.advice.cleaning import clean_answer
from bot.advice.failures import FailureKind
from bot.advice.kinds.contract import Reply, Schema
from bot.advice.kinds.http import Endpoint
from bot.errors import AdvisorError

_PROBE_SECONDS = 10.0
_FORMATS = ("json_schema", "json_object", "")  # in the order in which they are given up
_CUT = frozenset({"length", "max_tokens"})


class OpenAiAdvisor:
    """Asks one model of one server. Many tasks may call `ask` at once."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._model = model
        self._refused = 0  # formats that the server has refused

    @property
    def name(self) -> str:
        return self._endpoint.name

    async def ask(self, prompt: str, *, timeout: float, schema: Schema | None = None) -> Reply:
        """Ask once; with a refused `response_format` again with less, in the same `timeout`."""
        clock = asyncio.get_running_loop().time
        ends = clock() + timeout
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "stream": False,
        }
        if schema is None:
            return await self._ask(body, timeout)
        while True:
            refused = self._refused
            name = _FORMATS[refused]
            request = body | ({"response_format": _format(name, schema)} if name else {})
            try:
                return await self._ask(request, max(0.001, ends - clock()))
            except AdvisorError as error:
                if not name or error.kind != FailureKind.USAGE or not _is_about_format(error):
                    raise
                self._refused = max(self._refused, refused + 1)

    async def probe(self) -> str:
        """Return the model and the host. AdvisorError if the server refuses the key."""
        endpoint = self._endpoint
        where = f"{self._model} at {endpoint.host}"
        try:
            async with endpoint.request("GET", "/models", timeout=_PROBE_SECONDS) as answer:
                models = endpoint.document(await endpoint.body(answer)).get("data")
        except AdvisorError as error:
            if error.kind != FailureKind.MODEL_MISSING:  # 404: a server without a list
                raise
            return f"{where}, which lists no models"
        listed = models if isinstance(models, list) else []
        names = {str(each.get("id")) for each in listed if isinstance(each, dict)}
        if names and self._model not in names:
            detail = f"{self._model} is not among its {len(names)} models"
            raise endpoint.failed(FailureKind.MODEL_MISSING, detail)
        return where

    async def close(self) -> None:
        """Nothing is held: the session is the bot's."""

    async def _ask(self, body: dict[str, Any], timeout: float) -> Reply:
        endpoint = self._endpoint
        async with endpoint.request("POST", "/chat/completions", body, timeout=timeout) as answer:
            if answer.content_type == "text/event-stream":
                whole = _Whole()
                left = endpoint.max_output
                async for line in endpoint.lines(answer):
                    if not line.startswith(b"data:") or line.endswith(b"[DONE]"):
                        continue
                    left -= whole.add(endpoint.document(line[5:]), "delta")
                    if left < 0:
                        raise endpoint.too_long()
            else:
                whole = _Whole()
                whole.add(endpoint.document(await endpoint.body(answer)), "message")
        return self._usable(whole)

    def _usable(self, whole: _Whole) -> Reply:
        endpoint = self._endpoint
        if whole.wants_tool:
            raise endpoint.failed(FailureKind.APPROVAL_REQUIRED)
        if whole.reason == "content_filter" or (whole.refusal and not whole.text):
            raise endpoint.failed(FailureKind.REFUSED)
        if not whole.reason:
            raise endpoint.failed(FailureKind.TRANSIENT, "the answer ended in the middle")
        text = clean_answer("".join(whole.text))
        if not text:
            raise endpoint.failed(FailureKind.EMPTY)
        cut = "length" if whole.reason in _CUT else ""
        return Reply(
            text=text,
            cut=cut,
            tokens=whole.tokens.get("total_tokens"),
            input_tokens=whole.tokens.get("prompt_tokens"),
            output_tokens=whole.tokens.get("completion_tokens"),
            provider="openai",
            model=self._model,
        )


class _Whole:
    """Collects an answer from one document, or from the events of a stream."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reason = ""
        self.refusal = False
        self.wants_tool = False
        self.tokens: dict[str, int] = {}

    def add(self, document: dict[str, Any], part: str) -> int:
        """Add the first choice of `document`; return the bytes of text that it brought."""
        usage = document.get("usage")
        if isinstance(usage, dict):
            self.tokens |= {name: n for name, n in usage.items() if isinstance(n, int)}
        choices = document.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return 0
        if isinstance(choice.get("finish_reason"), str):
            self.reason = choice["finish_reason"]
        message = choice.get(part)
        if not isinstance(message, dict):
            return 0
        self.wants_tool |= bool(message.get("tool_calls") or message.get("function_call"))
        self.refusal |= bool(message.get("refusal"))
        content = message.get("content")
        if not isinstance(content, str):
            return 0
        self.text.append(content)
        return len(content.encode("utf-8", "replace"))


def _format(name: str, schema: Schema) -> dict[str, Any]:
    if name == "json_schema":
        described = {"name": "advice", "schema": dict(schema)}
        return {"type": name, "json_schema": described}
    return {"type": name}


def _is_about_format(error: AdvisorError) -> bool:
    """Return True if the server refused the request because of its `response_format`."""
    text = error.message.lower()
    return any(word in text for word in ("response_format", "json_schema", "json_object"))
