"""Faults of databases that are made of sessions: an application opens them and never ends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tests.faults.fault import Fault


class Sessions(Protocol):
    """The sessions of the applications of one server."""

    def wait_for(self, database: str, number: int) -> None:
        """Wait until so many sessions have been in their state for long enough."""

    def close(self) -> None:
        """End all of them."""


@dataclass(frozen=True)
class SessionFaults:
    """The faults of one server, with what they have in common.

    `changes` names the sessions of a `{database}` that an action may end, and `parameters` are
    those of each action.
    """

    sessions: Sessions
    databases: Mapping[str, str]
    action: str
    changes: str
    parameters: Mapping[str, object]

    def fault(
        self,
        id_: str,
        what: str,
        target: str,
        sender: str,
        opens: Callable[[str], int],
        is_healthy: Callable[[], bool],
        action: str = "",
        **parameters: object,
    ) -> Fault:
        """Return a fault of the target; `opens` opens the sessions, and returns how many."""
        database = self.databases[target]
        return Fault(
            id=id_,
            what=what,
            target=target,
            sender=sender,
            action=action or self.action,
            parameters={**self.parameters, **parameters},
            break_it=lambda: self.sessions.wait_for(database, opens(database)),
            is_healthy=is_healthy,
            changes=(self.changes.format(database=database),),
            clean=self.sessions.close,
        )
