"""The gateway's errors.

GatewayError
 ├─ ConfigError     the config file is not usable: the process exits with 78
 ├─ Refusal         an HTTP error: the request was not accepted, nothing was run
 ├─ Invalid         understood, but not in the catalogue: overall_status VALIDATION_ERROR
 │   └─ Ambiguous   words that could mean several actions: LLM_GENERATION_FAILED
 ├─ ExecutorError   the executor knows that the action did not run: EXECUTION_ERROR
 │   └─ NotAllowed  … because the target's declaration does not allow these values
 ├─ Cancelled       a person ended it half-way: COMPLETED_FAILURE, its message tells what was done
 ├─ AuditUnwritable the audit file takes no line: nothing starts until it does
 └─ OutcomeLost     the executor began and cannot say how it ended: INTERNAL_ERROR
"""

from __future__ import annotations

import asyncio
from typing import Any

BY_A_PERSON = "by a person"


def by_a_person(error: asyncio.CancelledError) -> bool:
    """Return True if a person cancelled the execution; False if the gateway stops."""
    return error.args == (BY_A_PERSON,)


class GatewayError(Exception):
    """Something the gateway reports to its caller."""


class ConfigError(GatewayError):
    """Lists every problem of the config, one per line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Refusal(GatewayError):
    """`detail` is text or pydantic's list of errors; `code` is for programs.

    `retry_after` is in seconds, 0 without one.
    """

    def __init__(
        self, status: int, code: str, message: str, detail: Any = None, *, retry_after: int = 0
    ) -> None:
        self.status, self.code, self.message = status, code, message
        self.retry_after = retry_after
        self.detail = message if detail is None else detail
        super().__init__(message)


class Invalid(GatewayError):
    """`code` is the answer's error_code: UNKNOWN_SERVICE, UNKNOWN_ACTION …"""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


class Ambiguous(Invalid):
    """Words that could mean several actions: overall_status LLM_GENERATION_FAILED."""

    def __init__(self, message: str) -> None:
        super().__init__("LLM_ERROR", message)


class ExecutorError(GatewayError):
    """`code` is the answer's error_code; the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


class NotAllowed(ExecutorError):
    """The caller asked for what the target's declaration does not allow: /plan answers 422."""


class Cancelled(GatewayError):
    """The message tells truthfully what had been done when it ended, for people."""


class AuditUnwritable(GatewayError):
    """The disk took no line of the audit file; nothing was run."""


class OutcomeLost(GatewayError):
    """The message names the action that was begun."""
