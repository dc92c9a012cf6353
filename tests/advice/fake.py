"""Makes scenarios for `fakeq.py`, and reads its records."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bot.advice.chain import AdvisorChain, ChainLimits
from bot.advice.kinds.command import CommandAdvisor
from bot.advice.member import Member, Timing

FAKEQ = Path(__file__).with_name("fakeq.py")


def as_q_prints(text: str) -> bytes:
    """`text` the way Q 1.19 writes it to a pipe."""
    lines = text.split("\n")
    return b"\x1b[38;5;10m> \x1b[0m" + b"".join(
        line.encode() + b"\x1b[0m\x1b[0m\n" for line in lines
    )


def step(
    answer: str | None = None,
    *,
    stdout: list[bytes] | None = None,
    stderr: str = "",
    **more: Any,
) -> dict[str, Any]:
    """One entry of a scenario of fakeq."""
    chunks = [as_q_prints(answer)] if answer is not None else (stdout or [])
    return {
        "stdout": [chunk.hex() for chunk in chunks],
        "stderr": [stderr.encode().hex()] if stderr else [],
        **more,
    }


@dataclass
class FakeQ:
    """A scenario on disk, the command that plays it, and what it recorded."""

    folder: Path
    pauses: list[float] = field(default_factory=list)
    seen: list[tuple[str, float]] = field(default_factory=list)

    @property
    def argv(self) -> list[str]:
        scenario = str(self.folder / "scenario.json")
        return [sys.executable, "-I", "-S", str(FAKEQ), scenario, "chat", "--no-interactive"]

    def plays(self, *steps: dict[str, Any]) -> None:
        (self.folder / "scenario.json").write_text(json.dumps(steps))

    def calls(self) -> list[dict[str, Any]]:
        path = self.folder / "calls.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]  # no half-written one

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.seen]

    def command(self, *flags: str, **options: Any) -> AdvisorChain:
        """A chain of this one command."""

        async def no_sleep(seconds: float) -> None:
            self.pauses.append(seconds)

        def observe(kind: str, seconds: float) -> None:
            self.seen.append((kind, seconds))

        def taken(*names: str) -> dict[str, Any]:
            return {name: options.pop(name) for name in names if name in options}

        timing = Timing(
            **{"sleep": no_sleep, "random": lambda: 0.0, **taken("sleep", "random", "clock")}
        )
        limits = ChainLimits(
            **{"timeout": 30.0, **taken(*(each.name for each in fields(ChainLimits)))}
        )
        retries = taken("max_retries", "retry_delay")
        kind = CommandAdvisor([*self.argv, *flags], name="Amazon Q", **options)
        member = Member(
            kind, timing=timing, on_retry=lambda pause: observe("retried", pause), **retries
        )
        return AdvisorChain([member], limits, observe=observe, timing=timing)
