"""One turn with an agent by the Agent Client Protocol: what it says, and what it tries to do.

JSON-RPC 2.0, one object a line. The library matches requests and answers; here every message is
checked first, because it would otherwise log what it cannot read.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from acp.connection import Connection
from acp.exceptions import RequestError
from acp.meta import AGENT_METHODS, CLIENT_METHODS, PROTOCOL_VERSION
from acp.schema import (
    ClientCapabilities,
    InitializeRequest,
    InitializeResponse,
    NewSessionRequest,
    NewSessionResponse,
    PromptRequest,
    PromptResponse,
    RequestPermissionRequest,
    TextContentBlock,
)
from pydantic import BaseModel

from bot.serving.programs import Child, Stop

_MOST_STRAY_LINES = 200  # lines on stdout that are no message
_MOST_REQUESTS = 50  # requests of one agent in one turn
# What a tool call says of itself when it runs, or has run. "failed" alone is a refusal.
_RUNS = frozenset({"in_progress", "completed"})


class Turn:
    """The state of one turn with the agent in `child`.

    `text` is the agent's answer so far. `tool_ran` is True if a tool may have run, `refused` counts
    the requests of the agent that were refused, `stray` is the first line that was no message.
    """

    def __init__(self, max_output: int) -> None:
        self.text: list[str] = []
        self.too_long = False
        self.tool_ran = False
        self.refused = 0
        self.stray = b""
        self._left = max_output
        self._child: Child | None = None
        self._stop_at_once: Stop | None = None
        self._announced: set[str] = set()  # tool calls that neither failed nor were refused

    def begin(self, child: Child) -> None:
        """Take the child that was started; it may have written something already."""
        self._child = child
        if self._stop_at_once:
            child.stop(self._stop_at_once)

    def stop(self, why: Stop) -> None:
        """End the child."""
        if self._child:
            self._child.stop(why)
        else:
            self._stop_at_once = why

    def feed(self, line: bytes) -> None:
        """Write to the agent."""
        if self._child:
            self._child.feed(line)

    @property
    def tool_may_have_run(self) -> bool:
        """Return True also for a tool call of which nothing more was said."""
        return self.tool_ran or bool(self._announced)

    async def handle(self, method: str, params: Any, is_notification: bool) -> Any:
        """Answer a request of the agent, or note what it says. Nothing is ever granted."""
        if is_notification:
            if method == CLIENT_METHODS["session_update"] and isinstance(params, dict):
                self._update(params.get("update"))
            return None
        self.refused += 1
        if self.refused > _MOST_REQUESTS:
            self.stop(Stop.FORBIDDEN)
        if method == CLIENT_METHODS["session_request_permission"]:
            return self._refusal(params)
        raise RequestError.method_not_found(method)  # no file system and no terminal is offered

    def _refusal(self, params: Any) -> dict[str, Any]:
        request = RequestPermissionRequest.model_validate(params)
        self._announced.discard(request.tool_call.tool_call_id)
        options = {option.kind: option.option_id for option in request.options}
        option = options.get("reject_once") or options.get("reject_always")
        if option is None:
            return {"outcome": {"outcome": "cancelled"}}
        return {"outcome": {"outcome": "selected", "optionId": option}}

    def _update(self, update: Any) -> None:
        if not isinstance(update, dict):
            return
        kind = update.get("sessionUpdate")
        if kind in ("tool_call", "tool_call_update"):
            self._tool(str(update.get("toolCallId")), str(update.get("status") or ""))
        content = update.get("content")
        if kind != "agent_message_chunk" or not isinstance(content, dict):
            return
        word = content.get("text")
        if content.get("type") != "text" or not isinstance(word, str):
            return
        self._left -= len(word.encode("utf-8", "replace"))
        if self._left < 0:
            self.too_long = True
            self.stop(Stop.FORBIDDEN)
        else:
            self.text.append(word)

    def _tool(self, call: str, status: str) -> None:
        if status in _RUNS:
            self.tool_ran = True
            self.stop(Stop.FORBIDDEN)
        elif status == "failed":
            self._announced.discard(call)
        elif call not in self._announced:
            if len(self._announced) < _MOST_REQUESTS:
                self._announced.add(call)
            self.text.append("\n")


class Lines:
    """The library's transport over the pipes of a child: messages in, lines out."""

    def __init__(self, turn: Turn, longest: int) -> None:
        self._turn = turn
        self._longest = longest
        self._kept = bytearray()
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._stray = 0

    def read(self, data: bytes) -> None:
        """Take a piece of stdout; b"" is its end."""
        if not data:
            self._messages.put_nowait(None)
            return
        first, *more = data.split(b"\n")
        self._kept += first
        for piece in more:
            self._take(bytes(self._kept))
            self._kept = bytearray(piece)
        if len(self._kept) > self._longest:
            self._turn.stop(Stop.TOO_LONG)

    async def send(self, message: dict[str, Any]) -> None:
        self._turn.feed(json.dumps(message).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        return await self._messages.get()

    async def close(self) -> None:
        """The pipes are the child's."""

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        message = _message(line)
        if message is not None:
            self._messages.put_nowait(message)
            return
        self._turn.stray = self._turn.stray or line[:400]
        self._stray += 1
        if self._stray > _MOST_STRAY_LINES:
            self._turn.stop(Stop.FORBIDDEN)


def _message(line: bytes) -> dict[str, Any] | None:
    """Return the JSON-RPC message, None if the line is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if not isinstance(value.get("id", 0), int | str | None):
        return None
    if "method" in value:
        return value if isinstance(value["method"], str) else None
    if "id" not in value:
        return None
    error = value.get("error")
    if "result" not in value and not (
        isinstance(error, dict)
        and isinstance(error.get("code"), int)
        and isinstance(error.get("message"), str)
    ):
        return None
    return value


async def initialize(connection: Connection) -> InitializeResponse:
    """Begin: without capabilities of ours. ValueError for another version of the protocol."""
    request = InitializeRequest(
        protocol_version=PROTOCOL_VERSION, client_capabilities=ClientCapabilities()
    )
    answer = await connection.send_request(AGENT_METHODS["initialize"], _sent(request))
    hello = InitializeResponse.model_validate(answer)
    if hello.protocol_version != PROTOCOL_VERSION:
        raise ValueError(f"it speaks version {hello.protocol_version} of the protocol")
    return hello


async def one_prompt(connection: Connection, cwd: Path, prompt: str) -> PromptResponse:
    """Open a session without any tool server, send the prompt, and wait for the end of the turn."""
    await initialize(connection)
    request = NewSessionRequest(cwd=str(cwd), mcp_servers=[])
    answer = await connection.send_request(AGENT_METHODS["session_new"], _sent(request))
    session = NewSessionResponse.model_validate(answer).session_id
    block = TextContentBlock(type="text", text=prompt)
    answer = await connection.send_request(
        AGENT_METHODS["session_prompt"], _sent(PromptRequest(session_id=session, prompt=[block]))
    )
    return PromptResponse.model_validate(answer)


def _sent(request: BaseModel) -> dict[str, Any]:
    return request.model_dump(mode="json", by_alias=True, exclude_none=True)
