"""An agent by the Agent Client Protocol: Kiro, Claude Code, Gemini, Codex, over its stdio.

The text comes without a terminal's rendering, the turn has an explicit end, and what the agent
wants to do is asked for, and refused. Needs the extra `acp`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, Unpack

from acp.connection import Connection
from acp.exceptions import RequestError
from acp.schema import PromptResponse

from bot.advice.agent_file import without_agent
from bot.advice.cleaning import clean_answer
from bot.advice.failures import (
    AT_ONCE,
    FailureKind,
    classify,
    excerpt,
    failure_of,
    start_failure,
)
from bot.advice.kinds.acp_session import Lines, Turn, initialize, one_prompt
from bot.advice.kinds.contract import Reply, Schema
from bot.advice.kinds.program import Program, ProgramOptions
from bot.advice.prompt import defused
from bot.errors import AdvisorError
from bot.serving.programs import Child, Stop, started

T = TypeVar("T")

_PROBE_SECONDS = 20.0
_WIRE = 32  # bytes on stdout for one of the answer: there is an object around each word
_ENVELOPE_BYTES = 65_536
_LAST_SECONDS = 0.5  # for the answer of an agent that has ended, or its exit code
_AUTH_REQUIRED = -32000
_CUT = {"max_tokens": "max_tokens", "max_turn_requests": "max_turn_requests"}


class AcpAdvisor:
    """Starts the agent for each question, and ends its whole process tree afterwards.

    `on_refusal` is called with the name for each request of the agent that was refused. Raises
    SettingsError if the command would let a model run tools without a question.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        on_refusal: Callable[[str], None] = lambda _name: None,
        **options: Unpack[ProgramOptions],
    ) -> None:
        self._program = Program(argv, acp=True, **options)
        self.name = self._program.name
        self._on_refusal = on_refusal

    def __repr__(self) -> str:
        return f"AcpAdvisor({self._program.argv[0]!r})"

    async def ask(self, prompt: str, *, timeout: float, schema: Schema | None = None) -> Reply:
        """Ask once; the prompt asks for JSON in words, so `schema` is not needed.

        An answer counts only if the turn ended and no tool ran in it.
        """
        del schema
        self._program.ensure_agent()
        text = defused(prompt)

        async def turn_of(connection: Connection, cwd: Path) -> PromptResponse:
            return await one_prompt(connection, cwd, text)

        turn, end = await self._turn(turn_of, timeout, self._program.argv)
        if turn.tool_may_have_run:
            raise failure_of(FailureKind.TOOL_RAN, self.name)
        if end.stop_reason == "refusal":
            raise failure_of(FailureKind.REFUSED, self.name)
        if end.stop_reason == "cancelled":
            raise failure_of(FailureKind.TRANSIENT, self.name, detail="it cancelled its turn")
        clean = clean_answer("".join(turn.text))
        if not clean:
            raise failure_of(FailureKind.EMPTY, self.name, detail=f"stopped: {end.stop_reason}")
        return Reply(
            text=clean,
            cut=_CUT.get(end.stop_reason, ""),
            tokens=end.usage.total_tokens if end.usage else None,
            input_tokens=end.usage.input_tokens if end.usage else None,
            output_tokens=end.usage.output_tokens if end.usage else None,
            provider=self.name,
        )

    async def probe(self) -> str:
        """Return the agent's own name and version; no session is opened."""
        argv = without_agent(
            self._program.argv
        )  # `check` runs before the first start, and writes nothing
        _, hello = await self._turn(
            lambda connection, _cwd: initialize(connection), _PROBE_SECONDS, argv
        )
        info = hello.agent_info
        who = f"{info.name} {info.version}" if info else "speaks the protocol"
        return f"{self._program.argv[0]}: {clean_answer(who)[:60]}"

    async def close(self) -> None:
        """Nothing is held between two questions."""

    async def _turn(
        self,
        talk: Callable[[Connection, Path], Awaitable[T]],
        timeout: float,
        argv: Sequence[str],
    ) -> tuple[Turn, T]:
        turn = Turn(self._program.max_output)
        lines = Lines(turn, self._program.max_output + _ENVELOPE_BYTES)
        try:
            async with (
                asyncio.timeout(timeout),
                started(
                    argv,
                    env=self._program.env,
                    max_output=_WIRE * (self._program.max_output + _ENVELOPE_BYTES),
                    max_memory=self._program.max_memory,
                    forbidden=AT_ONCE,
                    reader=lines.read,
                ) as child,
            ):
                turn.begin(child)
                connection = Connection(turn.handle, lines)
                try:
                    result = await self._finished(child, turn, talk(connection, _cwd(child)))
                finally:
                    await connection.close()
                    for _ in range(turn.refused):
                        self._on_refusal(self.name)
                return turn, result
        except TimeoutError:
            detail = f"{timeout:.3g} s, then it was ended"
            raise failure_of(FailureKind.TIMEOUT, self.name, detail=detail) from None
        except OSError as error:
            raise start_failure(self.name, self._program.argv[0], error) from error

    async def _finished(self, child: Child, turn: Turn, talk: Awaitable[T]) -> T:
        """Return what `talk` returns, or raise why it cannot come to its end."""
        talking = asyncio.ensure_future(talk)
        ending = asyncio.ensure_future(child.ended.wait())
        try:
            await asyncio.wait({talking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not talking.done() and child.stopped is None:
                await asyncio.wait({talking}, timeout=_LAST_SECONDS)
            if child.stopped is not None or not talking.done():
                raise self._ended(child, turn)
            result = talking.result()
            late = classify(0, bytes(child.stderr), blank=False)
            if late:  # said beside the answer: it decides nevertheless
                raise failure_of(late, self.name)
            return result
        except RequestError as error:
            raise self._error(error) from error
        except ConnectionError as error:  # its stdout ended: its exit code comes next
            await asyncio.wait({ending}, timeout=_LAST_SECONDS)
            raise self._ended(child, turn) from error
        except ValueError as error:  # pydantic's too: it is no answer of the protocol
            detail = str(error) if type(error) is ValueError else "its answer has another form"
            raise failure_of(FailureKind.GARBLED, self.name, detail=detail) from error
        finally:
            for task in (talking, ending):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    def _error(self, error: RequestError) -> AdvisorError:
        text = str(error).encode("utf-8", "replace")
        if error.code == _AUTH_REQUIRED:
            return failure_of(FailureKind.LOGIN, self.name)
        kind = classify(1, text, blank=True) or FailureKind.EXIT
        return failure_of(kind, self.name, stderr=text)

    def _ended(self, child: Child, turn: Turn) -> AdvisorError:
        """Return why the agent ended, or was ended, in the middle of its turn."""
        if turn.tool_ran:
            return failure_of(FailureKind.TOOL_RAN, self.name)
        if turn.too_long or child.stopped is Stop.TOO_LONG:
            detail = f"{self._program.max_output} bytes"
            return failure_of(FailureKind.TOO_LONG, self.name, detail=detail)
        stderr = bytes(child.stderr)
        kind = classify(child.exit_code, stderr, blank=True) or FailureKind.EXIT
        if child.stopped is Stop.FORBIDDEN and kind not in _AT_ONCE_KINDS:
            kind = FailureKind.APPROVAL_REQUIRED if turn.refused else FailureKind.GARBLED
        elif turn.stray and kind in (FailureKind.EXIT, FailureKind.EMPTY):
            kind = FailureKind.GARBLED
        detail = excerpt(turn.stray) if kind is FailureKind.GARBLED else ""
        if not detail and not stderr.strip():
            detail = "in the middle of its turn"
        return failure_of(kind, self.name, stderr=stderr, detail=detail)


_AT_ONCE_KINDS = (FailureKind.AGENT_MISSING, FailureKind.TOOL_RAN)


def _cwd(child: Child) -> Path:
    assert child.cwd is not None  # noqa: S101 - `started` made one
    return child.cwd
