"""Executors: one file for each kind of system. The promises of all of them stand here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.gateway.catalogue import Call, TargetConfig
from bot.remediation.contract import Plan


@dataclass(frozen=True, slots=True)
class Check:
    """States if the system can be acted on now, with one line of text."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """Result of an execution.

    `tail` keeps the end of a too long output, because the end matters.
    """

    status: str
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    tail: bool = False


def succeeded(stdout: str, *, tail: bool = False) -> Result:
    """The action reached its goal."""
    return Result("SUCCESS", 0, stdout, tail=tail)


def failed(stderr: str, *, stdout: str = "", exit_code: int = 1) -> Result:
    """The action ran and did not reach its goal."""
    return Result("FAILURE", exit_code, stdout, stderr)


class Executor(Protocol):
    """Acts on declared targets of one kind, by argv or API call, never through a shell."""

    async def start(self) -> None:
        """Get ready, and start every process that has to run with the gateway."""

    async def stop(self) -> None:
        """Release everything; leave no process of ours running."""

    async def exchange(self, targets: Mapping[str, TargetConfig]) -> None:
        """Replace the targets of this kind; nothing runs on the targets that change."""

    async def check(self) -> Check:
        """Send a real request to the system. Never raises."""

    async def plan(self, call: Call) -> Plan:
        """Return the plan of `run`, without a digest. Changes nothing. Raises ExecutorError."""

    async def run(self, call: Call, plan: Plan) -> Result:
        """Carry out `plan`.

        ExecutorError: the action did not run. OutcomeLost: it was begun and its end is unknown.
        """
