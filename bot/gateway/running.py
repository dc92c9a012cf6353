"""One execution that runs or waits now, and what makes two requests the same."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from bot.gateway.executors import Result
from bot.remediation import contract
from bot.remediation.contract import Answer, ExecuteRequest, Progress


@dataclass(slots=True)
class Running:
    """A key that runs or waits. `work` is the executor's part, None while it waits.

    `choice` is the action that the model chose for its words, '' without one."""

    body_hash: str
    received_at: str
    tracking_id: str = ""
    traceparent: str = ""
    task: asyncio.Task[Answer] | None = None
    work: asyncio.Task[Result] | None = None
    progress: Progress | None = None
    cancellable: bool = False
    cancelled: bool = False
    choice: str = ""


def identity_of(request: ExecuteRequest) -> str:
    """Return equal text for equal requests, however their JSON is formatted.

    Beside a typed action the text is only a label, so a repeat may carry a newer context.
    """
    body = request.model_dump(mode="json")
    if request.action_request.action is not None:
        for label in ("intent", "context", "priority"):
            del body["action_request"][label]
    return hashlib.sha256(contract.canonical_json(body)).hexdigest()
