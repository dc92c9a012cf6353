"""One file a system that can be acted on; what each of them promises stands here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.gateway.catalogue import Call, TargetConfig
from bot.remediation.contract import Plan


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the system can be acted on now, and one line about it."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """How an execution ended. `tail`: when there is too much output its end matters."""

    status: str
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    tail: bool = False


def succeeded(stdout: str, *, tail: bool = False) -> Result:
    """It did what was asked."""
    return Result("SUCCESS", 0, stdout, tail=tail)


def failed(stderr: str, *, stdout: str = "", exit_code: int = 1) -> Result:
    """It ran and did not reach what was asked."""
    return Result("FAILURE", exit_code, stdout, stderr)


class Executor(Protocol):
    """Acts on declared targets of one kind, by argv or API call, never through a shell."""

    async def start(self) -> None:
        """Make ready; begins what has to run with the gateway."""

    async def stop(self) -> None:
        """Release everything; no process of ours is left behind."""

    async def exchange(self, targets: Mapping[str, TargetConfig]) -> None:
        """Use these targets of its own kind; nothing runs on the ones that change."""

    async def check(self) -> Check:
        """Really ask the system. Never raises."""

    async def plan(self, call: Call) -> Plan:
        """What `run` would do, without a digest. Changes nothing. ExecutorError when it cannot."""

    async def run(self, call: Call, plan: Plan) -> Result:
        """Do what `plan` says.

        ExecutorError: it did not happen. OutcomeLost: it was begun and the end is not known.
        """
