"""The advisor command: any CLI that reads a prompt on stdin and answers on stdout.

With `{prompt}` in an argument the prompt stands there instead, and with `{output_file}` the answer
is read from that file.

It never runs through a shell, and a run that used a tool has failed whatever it answered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Unpack

from bot.advice.cleaning import clean_answer, strip_terminal
from bot.advice.failures import AT_ONCE, FailureKind, classify, failure_of, start_failure
from bot.advice.kinds.contract import Reply, Schema
from bot.advice.kinds.envelope import unwrap
from bot.advice.kinds.program import Program, ProgramOptions
from bot.advice.prompt import defused
from bot.serving.programs import Run, Stop, run

PROMPT, OUTPUT_FILE = "{prompt}", "{output_file}"  # in an argument
_ARGUMENT_BYTES = 120_000  # Linux takes 131,071 bytes in one argument
_PROBE_SECONDS = 10.0
_PROBE_BYTES = 65_536
_CAN_SAY_WHO = frozenset({"q", "qchat", "kiro-cli"})  # programs with `whoami`


# Their own names say more, and no tool ran in them.
_NO_TOOL = frozenset(
    {FailureKind.APPROVAL_REQUIRED, FailureKind.AGENT_MISSING, FailureKind.TOOL_RAN}
)
# The block that Q and Kiro print for a tool, as it begins and ends.
_TOOL = re.compile(
    r"^(?:> )? {0,9}🛠\ufe0f? {1,9}Using tool: "
    r"|^(?:> )? {0,9}[●•-] Completed in \d{1,9}\.\d{1,9}s {0,9}$"
    r"|\(using tool: [\w-]{1,80}[^\n()]{0,80}\) {0,9}$",
    re.MULTILINE,
)


class CommandAdvisor:
    """Calls one CLI. Many tasks may call `ask` at once.

    Raises SettingsError if the command would let a model run tools without a question.
    """

    def __init__(self, argv: Sequence[str], **options: Unpack[ProgramOptions]) -> None:
        self._program = Program(argv, **options)
        self.name = self._program.name

    def __repr__(self) -> str:
        return f"CommandAdvisor({self._program.argv[0]!r})"

    async def ask(self, prompt: str, *, timeout: float, schema: Schema | None = None) -> Reply:
        """Run the command once; the prompt asks for JSON in words, so `schema` is not needed.

        The prompt's start and every `@` in it are made harmless first.
        """
        del schema
        self._program.ensure_agent()
        text = defused(prompt)
        with TemporaryDirectory(prefix="sopbot-answer-") as folder:
            file = Path(folder) / "answer"
            argv = [word.replace(OUTPUT_FILE, os.fspath(file)) for word in self._program.argv]
            stdin = text.encode("utf-8", "replace")
            if any(PROMPT in word for word in argv):
                if len(stdin) > _ARGUMENT_BYTES:
                    detail = f"a prompt of {len(stdin)} bytes is no argument: give it on stdin"
                    raise failure_of(FailureKind.USAGE, self.name, detail=detail)
                argv = [word.replace(PROMPT, text) for word in argv]
                stdin = b""
            ended = await self._run(argv, stdin, timeout, self._program.max_output)
            answer = self._answer(ended, file)
        return Reply(
            text=self._usable(ended, answer, timeout),
            name=self.name,
            seconds=ended.seconds,
            provider=self.name,
        )

    async def probe(self) -> str:
        """Return the version that the program prints; a login that is missing is an error."""
        program = self._program.argv[0]
        ended = await self._run((program, "--version"), b"", _PROBE_SECONDS, _PROBE_BYTES)
        if ended.stopped:
            detail = f"--version: no end in {_PROBE_SECONDS:g} s"
            raise failure_of(FailureKind.TIMEOUT, self.name, detail=detail)
        if PurePath(program).name in _CAN_SAY_WHO:
            who = await self._run((program, "whoami"), b"", _PROBE_SECONDS, _PROBE_BYTES)
            if who.stopped or who.exit_code != 0:
                raise failure_of(FailureKind.LOGIN, self.name)
        first = next(iter(clean_answer(ended.stdout).splitlines()), "")
        return f"{program}: {first[:60] or 'starts'}"

    async def close(self) -> None:
        """Nothing is held between two questions."""

    async def _run(self, argv: Sequence[str], stdin: bytes, timeout: float, max_output: int) -> Run:
        try:
            return await run(
                argv,
                stdin,
                env=self._program.env,
                timeout=timeout,
                max_output=max_output,
                max_memory=self._program.max_memory,
                forbidden=AT_ONCE,
            )
        except OSError as error:
            raise start_failure(self.name, argv[0], error) from error

    def _answer(self, ended: Run, file: Path) -> bytes:
        """Return what the program wrote: to the file of its arguments, else to stdout."""
        if not any(OUTPUT_FILE in word for word in self._program.argv):
            return ended.stdout
        if not file.is_file() or file.is_symlink():
            return b""
        with file.open("rb") as answer:
            text = answer.read(self._program.max_output + 1)
        if len(text) > self._program.max_output:
            raise failure_of(
                FailureKind.TOO_LONG, self.name, detail=f"{self._program.max_output} bytes"
            )
        return text

    def _usable(self, ended: Run, answer: bytes, timeout: float) -> str:
        if ended.stopped is Stop.DEADLINE:
            detail = f"{timeout:.3g} s, then it was ended"
            raise failure_of(FailureKind.TIMEOUT, self.name, detail=detail)
        if ended.stopped is Stop.TOO_LONG:
            detail = f"{self._program.max_output} bytes"
            raise failure_of(FailureKind.TOO_LONG, self.name, detail=detail)
        text, complaint = unwrap(clean_answer(answer))
        if complaint:
            # These CLIs report an error as JSON on stdout, some with exit code 0.
            stderr = complaint.encode("utf-8", "replace")
            kind = classify(ended.exit_code or 1, stderr, blank=True) or FailureKind.EXIT
            raise failure_of(kind, self.name, stderr=stderr)
        failed = classify(ended.exit_code, ended.stderr, blank=not text)
        if failed not in _NO_TOOL and _TOOL.search(strip_terminal(ended.stdout)):
            raise failure_of(FailureKind.TOOL_SHOWN, self.name)
        if failed:
            detail = f"exit code {ended.exit_code}" if not ended.stderr.strip() else ""
            raise failure_of(failed, self.name, stderr=ended.stderr, detail=detail)
        return text
