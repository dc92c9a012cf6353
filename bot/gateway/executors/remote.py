"""The base of executors that open a connection for each call and keep none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar, cast

from pydantic import JsonValue

from bot.gateway.errors import ExecutorError, GatewayError, NotAllowed
from bot.gateway.executors import Call, Check, Setup
from bot.gateway.parts import Target
from bot.remediation.contract import capped, printable

UNREACHABLE = "TARGET_UNREACHABLE"
"""The system cannot be reached, does not answer in time, or refuses the credentials."""
REFUSED = "TARGET_REFUSED"
"""The system answered, and does not do this."""
TOO_MUCH = "TOO_MUCH"
"""The action would touch more than the target's declared limit."""

_LABEL_CHARS = 60

T = TypeVar("T", bound=Target)


class RemoteExecutor(ABC, Generic[T]):
    """Holds the declared targets. A call opens a connection, uses it and closes it."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    async def start(self) -> None:
        """Nothing is kept open."""

    async def stop(self) -> None:
        """Nothing is kept open."""

    async def exchange(self, setup: Setup) -> None:
        """Replace the targets and their secrets."""
        self._setup = setup

    @abstractmethod
    async def probe(self, name: str, target: T) -> str:
        """Return one line about the target; raises GatewayError if it cannot be acted on."""

    async def check(self) -> Check | None:
        """Return None: each target is a system of its own."""
        return None

    async def check_target(self, name: str) -> Check:
        """Probe one target."""
        target = self._setup.targets.get(name)
        if target is None:
            return Check(False, f"{name}: is not declared any more")
        try:
            return Check(True, f"{name}: {await self.probe(name, target)}")
        except GatewayError as error:
            return Check(False, str(error) if name in str(error) else f"{name}: {error}")

    def secret(self, target: str, name: str = "password") -> str:
        """Return the resolved secret of this target, '' without one."""
        return self._setup.secrets.get(target, {}).get(name, "")


def unreachable(target: str, error: BaseException) -> ExecutorError:
    """Return the error of a system that could not be asked, with the first line of its reason."""
    lines = printable(str(error)).strip().splitlines()
    unsaid = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
    reason = lines[0] if lines else unsaid
    return ExecutorError(UNREACHABLE, f"{target} cannot be used: {capped(reason, 300)}")


def strings(value: JsonValue) -> list[str]:
    """Return a list of the plan's binding."""
    return [str(item) for item in cast("list[JsonValue]", value)]


def allowed_replicas(call: Call, least: int, most: int) -> int:
    """Return how many replicas a scale asks for. NotAllowed: the target allows no such number."""
    replicas = int(call.parameters["replicas"])
    if not least <= replicas <= most:
        raise NotAllowed(REFUSED, f"{call.target} may have {least} to {most} replicas")
    return replicas


def label(text: Any, chars: int = _LABEL_CHARS) -> str:
    """Return another system's text as a printable part of one line, at most `chars` long."""
    # Cut before it is cleaned too: a hostile system may answer megabytes of terminal escapes.
    line = " ".join(printable(str(text)[: 10 * chars]).split())
    return line if len(line) <= chars else line[: chars - 1] + "…"


def size_text(size: Any) -> str:
    """Return a number of bytes for people."""
    number = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            break
        number /= 1024
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
