"""Every kind of advisor on a stand-in that behaves, or fails, as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.advice.kinds.command import CommandAdvisor
from bot.advice.kinds.contract import AdvisorKind
from tests.advice.agents import agent
from tests.advice.fake import FakeQ, step
from tests.advice.model_servers import ANSWER, MOST, ModelServer, ollama, openai

HTTP = ("ollama", "openai")
PROGRAMS = ("command", "acp")
EVERY = (*PROGRAMS, *HTTP)


@asynccontextmanager
async def started(kind: str, behaviour: str, folder: Path) -> AsyncIterator[AdvisorKind]:
    """The advisor of this kind, whose stand-in behaves so."""
    if kind == "acp":
        yield agent(behaviour, folder)
        return
    if kind == "command":
        yield command(behaviour, folder)
        return
    async with (ollama if kind == "ollama" else openai)(ModelServer(behaviour)) as advisor:
        yield advisor


def command(behaviour: str, folder: Path) -> AdvisorKind:
    fakeq = FakeQ(folder)
    fakeq.plays(
        {
            "cut": step("The disk", stderr="error: The model is temporarily unavailable", exit=1),
            "empty": step(""),
            "login": step(stderr="error: You are not logged in", exit=1),
            "throttled": step(stderr="rate limit reached"),
            "timeout": step("The disk", hang="half"),
            "tool_ran": step(ANSWER, stderr="All tools are now trusted (!)."),
            "too_long": step(flood=50_000_000),
            "transient": step(stderr="The model is temporarily unavailable"),
            "usage": step(stderr="error: unexpected argument", exit=2),
        }.get(behaviour, step(ANSWER))
    )
    return CommandAdvisor(fakeq.argv, name="Amazon Q", max_output=MOST)
