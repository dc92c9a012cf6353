"""The advisor `acp`: nothing is offered and nothing granted, and no process stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.advice.kinds.acp import AcpAdvisor
from bot.errors import AdvisorError, SettingsError
from tests.advice.agents import agent, messages_of
from tests.helpers.waiting import until


def cwd_of(start: dict[str, Any]) -> Path:
    return Path(start["cwd"])


async def test_an_agent_gets_one_prompt_in_an_empty_folder_and_no_capability(
    tmp_path: Path,
) -> None:
    reply = await agent("answer", tmp_path).ask("!id @/etc/passwd", timeout=60)
    assert (reply.text, reply.cut, reply.tokens) == ("The disk is full.", "", 31)
    start, hello, session, prompt = messages_of(tmp_path)
    capabilities = hello["params"]["clientCapabilities"]
    assert capabilities["terminal"] is False
    assert capabilities["fs"] == {"readTextFile": False, "writeTextFile": False}
    assert session["params"] == {"cwd": start["cwd"], "mcpServers": []}
    assert start["files"] == []
    assert not cwd_of(start).exists()
    (block,) = prompt["params"]["prompt"]
    assert block["text"].startswith("You advise the people")
    assert "@" not in block["text"]


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("permission", {"outcome": "selected", "optionId": "reject_once"}),
        ("permission without a no", {"outcome": "cancelled"}),
    ],
)
async def test_every_permission_is_refused_and_counted_and_the_answer_is_used(
    tmp_path: Path, behaviour: str, outcome: dict[str, str]
) -> None:
    refusals: list[str] = []
    reply = await agent(behaviour, tmp_path, on_refusal=refusals.append).ask("why", timeout=60)
    assert reply.text == "The disk is full."
    assert refusals == ["Kiro"]
    assert messages_of(tmp_path)[-1]["result"] == {"outcome": outcome}


@pytest.mark.attack("ASI02")
async def test_an_agent_can_read_no_file_through_us(tmp_path: Path) -> None:
    refusals: list[str] = []
    await agent("reads files", tmp_path, on_refusal=refusals.append).ask("why", timeout=60)
    assert messages_of(tmp_path)[-1]["error"]["code"] == -32601
    assert refusals == ["Kiro"]


@pytest.mark.parametrize("behaviour", ["failed tool", "thinking", "some noise"])
async def test_other_messages_change_nothing(tmp_path: Path, behaviour: str) -> None:
    reply = await agent(behaviour, tmp_path).ask("why", timeout=60)
    assert reply.text == "The disk is full."


async def test_a_cancelled_question_leaves_no_process(
    tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    question = asyncio.create_task(agent("timeout", tmp_path).ask("why", timeout=600))
    await until(lambda: any("child" in message for message in messages_of(tmp_path)))
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    start, *_, last = messages_of(tmp_path)
    assert gone(last["child"])
    assert not cwd_of(start).exists()


async def test_a_probe_opens_no_session(tmp_path: Path) -> None:
    assert (await agent("answer", tmp_path).probe()).endswith(": fake-agent 1.2.3")
    assert len(messages_of(tmp_path)) == 2


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(AdvisorError, match="could not be started") as failed:
        await AcpAdvisor(["/no/such/agent"]).ask("why", timeout=9)
    assert failed.value.kind == "not_found"


def test_the_representation_shows_no_argument() -> None:
    assert "s3cret" not in repr(AcpAdvisor(["agent", "s3cret"]))


@pytest.mark.attack("ASI05")
@pytest.mark.parametrize(
    "argv",
    [
        ["kiro-cli", "acp", "-a"],
        ["kiro-cli", "acp", "--trust-all-tools"],
        ["kiro-cli", "acp", "--agent", "mine"],
        ["kiro-cli", "chat"],
        ["gemini", "--acp", "--yolo"],
        ["gemini", "--acp", "--approval-mode", "yolo"],
        ["codex-acp", "-c", "sandbox_mode=danger-full-access"],
        ["sh", "-c", "kiro-cli acp"],
        [],
    ],
)
def test_an_agent_that_may_run_tools_unasked_is_refused(argv: list[str]) -> None:
    with pytest.raises(SettingsError, match="ADVISOR_ACP_COMMAND: "):
        AcpAdvisor(argv)


@pytest.mark.parametrize(
    "argv",
    [
        ["kiro-cli", "acp", "--agent", "sopbot-advisor"],
        ["gemini", "--experimental-acp", "-m", "flash"],
        ["claude-code-acp"],
        ["codex-acp", "-c", 'sandbox_mode="read-only"'],
    ],
)
def test_agents_that_ask_first_are_taken(argv: list[str]) -> None:
    assert AcpAdvisor(argv).name in ("Kiro", "Gemini", "Claude Code", "Codex")
