"""Executors: one file for each kind of system. The promises of all of them stand here.

A file declares everything about its system and ends with one `KIND`; `registry.KINDS` lists them.
A file imports no client library at its top: it imports it in the executor's `start`, and `KIND`
names the modules in `requires` and the extra that installs them in `extra`. The config is refused
if a target needs a library that is not installed.

An executor promises:

- `plan` changes nothing. It reads the live state and returns exactly what `run` would send:
  `display` for people, `command` or `request` for programs, `steps` in order, `touches` with counts
  ("12 sessions"), `current` for values that change by themselves. State on which the approval
  relies (an id, a version, the previous number of replicas) stands in `binding`, which the digest
  covers. The gateway sets environment, inverse, verification and digest; an executor that knows the
  inverse's parameters sets `inverse` itself.
- `run` carries out that plan and nothing else. ExecutorError: the action provably did not run.
  OutcomeLost: it was begun and its end is unknown. Anything else that it raises counts as unknown.
- `run` calls `progress.report_progress` after each batch of work that takes long.
- An executor of a `cancellable` action gets `asyncio.CancelledError` when a person cancels it. It
  ends what it started and raises `Cancelled` with what had been done by then; an error that escapes
  counts as unknown. `errors.by_a_person` tells this error from that of a gateway which stops: what
  another system does by itself need not end with the gateway.
- A value that a caller chose is never part of a program, a query or a path: it is one argument, one
  bound value, one encoded path segment.
- Nothing is simulated: a system that lacks an action does not list it in its `KIND`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bot.gateway.actions import Action
from bot.gateway.journal import Journal
from bot.gateway.parts import Limits, Part, Target
from bot.remediation.contract import Plan


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is in the catalogue: every value checked, the target declared.

    `key` is the caller and its idempotency key while it is carried out, '' while it is planned.
    """

    action: Action
    target: str
    config: Target
    parameters: Mapping[str, Any]
    key: str = ""

    @property
    def executor(self) -> str:
        """Return the kind that carries it out."""
        return self.action.executor or self.config.executor


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

    async def exchange(self, setup: Setup) -> None:
        """Replace the targets of this kind; nothing runs on the targets that change."""

    async def check(self) -> Check | None:
        """Send a real request to the system that all targets share; None without such a system.

        Never raises.
        """

    async def check_target(self, name: str) -> Check:
        """Send a real request about one target. Never raises."""

    async def plan(self, call: Call) -> Plan:
        """Return the plan of `run`, without a digest. Changes nothing. Raises ExecutorError."""

    async def run(self, call: Call, plan: Plan) -> Result:
        """Carry out `plan`.

        ExecutorError: the action did not run. OutcomeLost: it was begun and its end is unknown.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Holds everything an executor needs: its kind's targets and the gateway's own things.

    `section` is the kind's part of the config, None without one. `secrets` holds the resolved
    secrets of each target: `secrets["orders-db"]["password"]`. `environ` is the environment of the
    gateway at its start, without secrets.
    """

    targets: Mapping[str, Any]
    section: Any = None
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: Limits
    state_dir: Path
    journal: Journal
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of system: everything that the gateway knows of it.

    `name` is the value of a target's `executor`, and the name of the kind's part of the config if
    it has one (`section`).
    """

    name: str
    target: type[Target]
    actions: tuple[Action, ...]
    build: Callable[[Setup], Executor]
    section: type[Part] | None = None
    requires: tuple[str, ...] = ()
    extra: str = ""
