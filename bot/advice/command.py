"""The advisor command: any CLI that reads a prompt on stdin and answers on stdout.

It never runs through a shell. A few runs at a time, a bounded queue before them, one deadline for
all tries of one question, and a pause when only a person can help (login, monthly limit).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.advice.cleaning import clean_answer
from bot.advice.envelope import unwrap
from bot.advice.environment import child_environment, display_name, objections
from bot.advice.failures import (
    AGENT_MISSING,
    PAUSED_SECONDS,
    RETRIED,
    FailureKind,
    classify,
    failure_of,
)
from bot.advice.process import Run, Stop, run
from bot.advice.prompt import defused
from bot.advice.slots import NoSlotError, Slots
from bot.errors import AdvisorBusy, AdvisorError, SettingsError

_LONGEST_DELAY = 60.0
_FIRST_GUESS = 10.0  # assumed seconds of a run, until the first one has been measured

# (kind, seconds): "started" once for each question that got a slot, with its seconds in the queue;
# then exactly one of "answered" or a FailureKind or "cancelled", with the seconds since the start;
# "retried" with the pause before it; "busy" and "paused" for a question that never started.
Observer = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """A usable answer: cleaned text, never blank. `seconds` is the time of all tries together."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CommandHealth:
    """Health of the command. `state` is unknown (never called), ok, failing or paused.

    `reason` states the cause and the remedy; `paused_for` is in seconds.
    """

    state: str
    reason: str = ""
    paused_for: float = 0.0
    active: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLimits:
    """Limits on one CLI.

    `timeout` (seconds) limits one question from its slot to its answer, with all tries and pauses.
    `retry_delay` doubles with each try, plus up to a quarter of jitter, 60 s at most. `max_output`
    is in bytes; more output is a failure and not a cut answer, because the conclusion stands at the
    end. `max_memory_mb` limits each process of the command. `max_waiting` questions wait for a
    slot, for at most `timeout` seconds; one more is refused.
    """

    timeout: float = 120.0
    max_output: int = 1_048_576
    max_retries: int = 3
    retry_delay: float = 1.0
    max_concurrent: int = 2
    max_memory_mb: int | None = None
    max_waiting: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time and chance; a test gives its own."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic


class AdvisorCommand:
    """Calls one CLI. Many tasks may call `ask` at once.

    Raises SettingsError if the command would let a model run tools without a question.
    """

    def __init__(
        self,
        argv: Sequence[str],
        limits: CommandLimits | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        name: str = "",
        allow_unknown_flags: bool = False,
        observe: Observer | None = None,
        timing: Timing | None = None,
    ) -> None:
        problems = objections(argv, allow_unknown_flags=allow_unknown_flags)
        if problems:
            raise SettingsError(problems)
        program = argv[0]
        if os.sep in program:  # the run uses another working directory
            program = str(Path(program).absolute())
        self._argv = (program, *argv[1:])
        self.name = name or display_name(argv)
        self._env = child_environment(os.environ if environ is None else environ, program)
        self._limits = limits = limits or CommandLimits()
        self._slots = Slots(
            limits.max_concurrent, max_waiting=limits.max_waiting, timeout=limits.timeout
        )
        self._observe = observe or (lambda _kind, _seconds: None)
        timing = timing or Timing()
        self._sleep, self._random, self._clock = timing.sleep, timing.random, timing.clock
        self._last_seconds = 0.0
        self._last_failure: AdvisorError | None = None
        self._called = False
        self._paused_until = 0.0
        self._paused_by: AdvisorError | None = None

    def __repr__(self) -> str:
        return f"AdvisorCommand({self._argv[0]!r})"

    async def ask(self, prompt: str) -> CommandAnswer:
        """Return the command's answer to `prompt`.

        Raises AdvisorBusy if no slot becomes free, AdvisorError otherwise; its `kind` is a
        FailureKind. The prompt's start and every `@` in it are made harmless first.
        """
        self._refuse_while_paused()
        arrived = self._clock()
        try:
            async with self._slots.acquire():
                self._refuse_while_paused()  # an earlier run may have detected the missing login
                self._observe("started", self._clock() - arrived)
                return await self._counted(prompt)
        except NoSlotError:
            raise self._busy() from None

    def health(self) -> CommandHealth:
        """Return the health of the command without calling it."""
        paused_for, reason = self._pause()
        if paused_for:
            state = "paused"
        elif self._last_failure:
            state, reason = "failing", self._last_failure
        else:
            state = "ok" if self._called else "unknown"
        return CommandHealth(
            state=state,
            reason=str(reason or ""),
            paused_for=paused_for,
            active=self._slots.active,
            waiting=self._slots.waiting,
        )

    def _pause(self) -> tuple[float, AdvisorError | None]:
        left = self._paused_until - self._clock()
        return (left, self._paused_by) if left > 0 else (0.0, None)

    def _refuse_while_paused(self) -> None:
        left, why = self._pause()
        if why is None:
            return
        self._observe("paused", 0.0)
        raise AdvisorError(
            why.kind, why.message, permanent=True, retry_after=left, remedy=why.remedy
        )

    def _busy(self) -> AdvisorBusy:
        self._observe("busy", 0.0)
        slots = self._slots
        each = self._last_seconds or _FIRST_GUESS
        retry_after = each * (slots.waiting + 1) / slots.places
        return AdvisorBusy(
            "busy",
            f"{self.name} is busy: {slots.active} running, {slots.waiting} waiting.",
            retry_after=max(1.0, min(retry_after, self._limits.timeout)),
            remedy="Ask again later, or raise QCHAT_MAX_CONCURRENT.",
        )

    async def _counted(self, prompt: str) -> CommandAnswer:
        began = self._clock()
        outcome = "cancelled"
        try:
            answer = await self._try_until(began + self._limits.timeout, prompt)
            outcome = "answered"
            return answer
        except AdvisorError as error:
            outcome = error.kind
            raise
        finally:
            self._observe(outcome, self._clock() - began)

    async def _try_until(self, deadline: float, prompt: str) -> CommandAnswer:
        began = self._clock()
        stdin = defused(prompt).encode("utf-8", "replace")
        seen: list[FailureKind] = []
        while True:
            try:
                text = await self._try_once(stdin, deadline - self._clock())
            except AdvisorError as error:
                self._remember(error)
                seen.append(FailureKind(error.kind))
                pause = self._pause_before_next(seen)
                if pause is None or self._clock() + pause >= deadline:
                    raise
                self._observe("retried", pause)
                await self._sleep(pause)
                continue
            self._last_failure = None
            self._paused_until = 0.0
            self._last_seconds = self._clock() - began
            return CommandAnswer(text=text, seconds=self._last_seconds)

    def _pause_before_next(self, seen: Sequence[FailureKind]) -> float | None:
        """Return the seconds before the next try, or None if a retry cannot help."""
        kind, tries = seen[-1], len(seen)
        if kind not in RETRIED or tries > self._limits.max_retries:
            return None
        if kind is FailureKind.LOCKED and seen.count(kind) > 1:
            return None  # two starts collided once; a second time another process holds the file
        delay = self._limits.retry_delay * 2 ** (tries - 1) * (1 + self._random() / 4)
        return float(min(_LONGEST_DELAY, delay))

    def _remember(self, error: AdvisorError) -> None:
        self._called = True
        self._last_failure = error
        pause = PAUSED_SECONDS.get(FailureKind(error.kind))
        if pause:
            self._paused_until, self._paused_by = self._clock() + pause, error

    async def _try_once(self, stdin: bytes, timeout: float) -> str:
        self._called = True
        memory = self._limits.max_memory_mb
        try:
            ended = await run(
                self._argv,
                stdin,
                env=self._env,
                timeout=timeout,
                max_output=self._limits.max_output,
                max_memory=memory and memory * 1024 * 1024,
                forbidden=AGENT_MISSING,
            )
        except OSError as error:
            detail = f"{Path(self._argv[0]).name}: {(error.strerror or type(error).__name__)}"
            kind = FailureKind.NOT_FOUND
            if isinstance(error, BlockingIOError):  # the host has no free process
                kind = FailureKind.TRANSIENT
            raise failure_of(kind, self.name, detail=detail) from error
        return self._usable(ended)

    def _usable(self, ended: Run) -> str:
        if ended.stopped is Stop.DEADLINE:
            detail = f"{self._limits.timeout:g} s, then it was ended"
            raise failure_of(FailureKind.TIMEOUT, self.name, detail=detail)
        if ended.stopped is Stop.TOO_LONG:
            detail = f"{self._limits.max_output} bytes"
            raise failure_of(FailureKind.TOO_LONG, self.name, detail=detail)
        text, complaint = unwrap(clean_answer(ended.stdout))
        if complaint:
            # These CLIs report an error as JSON on stdout, some with exit code 0.
            stderr = complaint.encode("utf-8", "replace")
            kind = classify(ended.exit_code or 1, stderr, blank=True) or FailureKind.EXIT
            raise failure_of(kind, self.name, stderr=stderr)
        failed = classify(ended.exit_code, ended.stderr, blank=not text)
        if failed:
            detail = f"exit code {ended.exit_code}" if not ended.stderr.strip() else ""
            raise failure_of(failed, self.name, stderr=ended.stderr, detail=detail)
        return text
