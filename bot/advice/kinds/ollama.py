"""Ollama's own API: `POST /api/chat` as a stream, the answer's JSON schema in `format`."""

from __future__ import annotations

from typing import Any

from bot.advice.cleaning import clean_answer
from bot.advice.failures import FailureKind
from bot.advice.kinds.contract import Reply, Schema
from bot.advice.kinds.http import Endpoint, error_text

_PROBE_SECONDS = 10.0
_ANSWER_TOKENS = 2_000


class OllamaAdvisor:
    """Asks one model of one Ollama server."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._model = model

    @property
    def name(self) -> str:
        return self._endpoint.name

    async def ask(self, prompt: str, *, timeout: float, schema: Schema | None = None) -> Reply:
        """Ask once; a stream that ends before its `done` is a failure and no answer."""
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "stream": True,
            "options": {"temperature": 0, "num_predict": _ANSWER_TOKENS},
        }
        if schema is not None:
            body["format"] = dict(schema)
        endpoint = self._endpoint
        text: list[str] = []
        left = endpoint.max_output
        last: dict[str, Any] = {}
        async with endpoint.request("POST", "/api/chat", body, timeout=timeout) as answer:
            async for line in endpoint.lines(answer):
                last = endpoint.document(line)
                if "error" in last:
                    raise endpoint.failed(FailureKind.TRANSIENT, error_text(line))
                message = last.get("message")
                word = message.get("content") if isinstance(message, dict) else None
                if isinstance(word, str) and word:
                    text.append(word)
                    left -= len(word.encode("utf-8", "replace"))
                if left < 0:
                    raise endpoint.too_long()
                if last.get("done") is True:
                    break
        if last.get("done") is not True:
            raise endpoint.failed(FailureKind.TRANSIENT, "the answer ended in the middle")
        clean = clean_answer("".join(text))
        if not clean:
            raise endpoint.failed(FailureKind.EMPTY)
        counts = [last.get("prompt_eval_count"), last.get("eval_count")]
        known = [count for count in counts if isinstance(count, int)]
        return Reply(
            text=clean,
            cut="length" if last.get("done_reason") == "length" else "",
            tokens=sum(known) if known else None,
            input_tokens=counts[0] if isinstance(counts[0], int) else None,
            output_tokens=counts[1] if isinstance(counts[1], int) else None,
            provider="ollama",
            model=self._model,
        )

    async def probe(self) -> str:
        """Return the model and the host. AdvisorError if the server does not have the model."""
        endpoint = self._endpoint
        async with endpoint.request("GET", "/api/tags", timeout=_PROBE_SECONDS) as answer:
            models = endpoint.document(await endpoint.body(answer)).get("models")
        listed = models if isinstance(models, list) else []
        names = {str(each.get("name")) for each in listed if isinstance(each, dict)}
        if not names & {self._model, f"{self._model}:latest"}:
            detail = f"{self._model} is not among its {len(names)} models"
            raise endpoint.failed(FailureKind.MODEL_MISSING, detail)
        return f"{self._model} at {endpoint.host}"

    async def close(self) -> None:
        """Nothing is held: the session is the bot's."""
