"""The parts of the fault run: a system with its targets, and a fault of one target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

State = dict[str, object]
"""The state of a system, object by object: containers, processes, sessions, keys, files."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A real fault of one target, and the action that its SOP offers.

    `target` is the target's name at the gateway and the service in the alert. `break_it` breaks the
    real system, `is_healthy` looks at the real system, `clean` ends what is left of the fault; each
    may block. The action may change the objects that fit `changes`, and no others.
    """

    id: str
    what: str
    target: str
    action: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sender: str = "alertmanager"
    break_it: Callable[[], object]
    is_healthy: Callable[[], bool]
    changes: tuple[str, ...]
    clean: Callable[[], None] = _nothing

    def probe(self) -> bool:
        """Return True if the real system is healthy now. A system that cannot be asked is not."""
        try:
            return self.is_healthy()
        except Exception:  # noqa: BLE001 - each client has its own errors for a system that is down
            return False


@dataclass(frozen=True, kw_only=True)
class System:
    """A running system. `targets`, `sections` and `commands` are parts of the gateway's config,
    `environment` holds the secrets of the targets. `is_ready`: the gateway has started what it
    starts.
    """

    name: str
    targets: Mapping[str, Any]
    state: Callable[[], State]
    faults: tuple[Fault, ...]
    sections: Mapping[str, Any] = field(default_factory=dict)
    commands: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] = lambda: True
