"""Scripts for `fake_agent.py`, written with the schema of the Agent Client Protocol."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from acp.schema import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Implementation,
    InitializeResponse,
    NewSessionResponse,
    PermissionOption,
    PermissionOptionKind,
    PromptResponse,
    ReadTextFileRequest,
    RequestPermissionRequest,
    SessionNotification,
    StopReason,
    TextContentBlock,
    ToolCallProgress,
    ToolCallStart,
    ToolCallStatus,
    ToolCallUpdate,
    Usage,
)
from pydantic import BaseModel

from bot.advice.kinds.acp import AcpAdvisor
from tests.advice.model_servers import MOST

FAKE_AGENT = Path(__file__).with_name("fake_agent.py")
SESSION = "s1"
Step = dict[str, Any]


def sent(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def update(change: Any) -> Step:
    notification = SessionNotification(session_id=SESSION, update=change)
    return {"send": {"method": "session/update", "params": sent(notification)}}


def says(text: str) -> Step:
    content = TextContentBlock(type="text", text=text)
    return update(AgentMessageChunk(session_update="agent_message_chunk", content=content))


def thinks(text: str) -> Step:
    content = TextContentBlock(type="text", text=text)
    return update(AgentThoughtChunk(session_update="agent_thought_chunk", content=content))


def ends(reason: StopReason = "end_turn") -> Step:
    usage = Usage(input_tokens=26, output_tokens=5, total_tokens=31)
    return {"result": sent(PromptResponse(stop_reason=reason, usage=usage))}


def error(code: int, message: str) -> Step:
    return {"error": {"code": code, "message": message}}


def announces() -> Step:
    return update(
        ToolCallStart(
            session_update="tool_call", tool_call_id="t1", title="rm -rf /", status="pending"
        )
    )


def tool_is(status: ToolCallStatus) -> Step:
    progress = ToolCallProgress(session_update="tool_call_update", tool_call_id="t1", status=status)
    return update(progress)


def asks_to_run(*options: PermissionOptionKind) -> Step:
    request = RequestPermissionRequest(
        session_id=SESSION,
        tool_call=ToolCallUpdate(tool_call_id="t1", title="rm -rf /"),
        options=[PermissionOption(option_id=kind, name=kind, kind=kind) for kind in options],
    )
    return {"ask": {"method": "session/request_permission", "params": sent(request)}}


def asks_to_read() -> Step:
    request = ReadTextFileRequest(session_id=SESSION, path="/etc/passwd")
    return {"ask": {"method": "fs/read_text_file", "params": sent(request)}}


def hello(version: int = 1) -> Step:
    info = Implementation(name="fake-agent", version="1.2.3")
    return {"result": sent(InitializeResponse(protocol_version=version, agent_info=info))}


ANSWER = (says("The disk"), says(" is full."))
PROMPTS: dict[str, tuple[Step, ...]] = {
    "empty": (says(" "), ends()),
    "cut": (says("The disk"), {"exit": 1}),
    "cut with code 0": (says("The disk"), {"exit": 0}),
    "length": (*ANSWER, ends("max_tokens")),
    "cancelled": (*ANSWER, ends("cancelled")),
    "refused": (ends("refusal"),),
    "timeout": (*ANSWER, {"child": True}, {"hang": True}),
    "throttled": (error(-32603, "Amazon Q rate limit reached: Too Many Requests"),),
    "transient": (error(-32603, "The model is temporarily unavailable"),),
    "too_long": ({"flood": json.dumps({"jsonrpc": "2.0"} | says("x" * 4096)["send"]) + "\n"},),
    "long line": ({"flood": "x" * 65_536},),
    "permission": (
        announces(),
        asks_to_run("allow_once", "allow_always", "reject_once", "reject_always"),
        tool_is("failed"),
        *ANSWER,
        ends(),
    ),
    "permission without a no": (asks_to_run("allow_once"), *ANSWER, ends()),
    "approval_required": ({"repeat": [asks_to_run("allow_once", "reject_once")]},),
    "reads files": (asks_to_read(), *ANSWER, ends()),
    "tool_ran": (announces(), tool_is("in_progress"), tool_is("completed"), *ANSWER, ends()),
    "announced tool": (announces(), *ANSWER, ends()),
    "failed tool": (announces(), tool_is("failed"), *ANSWER, ends()),
    "thinking": (thinks("Hm."), *ANSWER, ends()),
    "trusted late": (*ANSWER, {"stderr": "All tools are now trusted (!).\n"}, ends()),
    "wrong end": (*ANSWER, {"result": {"stopReason": "tired"}}),
}
STARTS: dict[str, tuple[Step, ...]] = {
    "garbled": ({"raw": "<html>It works!</html>\n"}, {"exit": 0}),
    "endless garbage": ({"flood": "DEBUG starting\n"},),
    "some noise": (
        {"raw": 'DEBUG starting\n\n[]\n1\n{"jsonrpc":"2.0"}\n{"id":0,"error":"no"}\n{"id":[1]}\n'},
    ),
    "trusted": ({"stderr": "All tools are now trusted (!).\n"},),
    "agent_missing": ({"stderr": "Error: no agent with name sopbot-advisor found\n"},),
}


def agent(behaviour: str, folder: Path, **options: Any) -> AcpAdvisor:
    """An advisor whose agent behaves so."""
    opened = {"result": sent(NewSessionResponse(session_id=SESSION))}
    script = {
        "start": STARTS.get(behaviour, ()),
        "initialize": [hello(99 if behaviour == "another version" else 1)],
        "session/new": [error(-32000, "x") if behaviour == "login" else opened],
        "session/prompt": PROMPTS.get(behaviour, (*ANSWER, ends())),
    }
    file = folder / "script.json"
    file.write_text(json.dumps(script))
    argv = [sys.executable, "-I", "-S", os.fspath(FAKE_AGENT), os.fspath(file)]
    return AcpAdvisor(argv, name="Kiro", **{"max_output": MOST, **options})


def messages_of(folder: Path) -> list[dict[str, Any]]:
    """The agent's notes, in order."""
    file = folder / "notes.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]  # no half-written one
