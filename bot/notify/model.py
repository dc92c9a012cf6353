"""A notice for people outside of Slack, the targets that take it, and how a target can fail.

| error | the notice |
|---|---|
| `NotTaken` | was certainly not taken: it may be sent again |
| `OutcomeUnknown` | may have been taken: it is not sent again |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bot.errors import SopbotError


class NoticeKind(StrEnum):
    """The kinds of notices."""

    TRIGGER = "trigger"  # Slack does not show this
    RETURNED = "returned"  # Slack shows it by now


class NotTaken(SopbotError):
    """The target did not take the notice."""


@dataclass(frozen=True, slots=True)
class OutsideMessage:
    """A notice in plain text. `key` is the same whenever the same is sent again.

    `incidents` are its numbers. `facts` are the same facts by name, for programs. Every text of a
    sender of alerts in it is data.
    """

    kind: NoticeKind
    key: str
    title: str
    text: str
    incidents: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)


class Target(Protocol):
    """One way out."""

    name: str

    async def send(self, message: OutsideMessage) -> None:
        """Send it once. NotTaken or OutcomeUnknown if it fails."""
