"""Brings executions to a state: approved, dispatching, finished."""

from __future__ import annotations

from typing import Any

from bot.approvals.limits import Limits
from bot.approvals.model import Choice, Execution
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from bot.incidents.time_windows import TimeWindow
from store import Store
from tests.helpers.builders import (
    ANA,
    TEAM,
    claim_execution,
    later,
    pending_approval,
    voter,
)

DONE = RemediationStatus.SUCCEEDED


OPEN = Limits(windows=(TimeWindow.model_validate({"start": "03:00", "end": "23:00"}),))


async def approved(store: Store, incident: Incident, at: float = 1, **changes: Any) -> Execution:
    """An execution that waits to be claimed."""
    result = await pending_approval(store, incident.id, **changes)
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(at), limits=OPEN)
    execution = await store.execution_of(result.id)
    assert execution is not None
    return execution


async def dispatching(store: Store, incident: Incident, **changes: Any) -> Execution:
    """An execution that this store's owner has claimed."""
    await approved(store, incident, **changes)
    execution = await claim_execution(store, later(2), OPEN)
    assert execution is not None
    return execution


async def finish(
    store: Store, execution: Execution, state: RemediationStatus, at: float = 5, error: str = ""
) -> Execution:
    return await store.finish_execution(
        execution,
        state,
        answer={"exit_code": 0, "stdout": "ok"},
        error=error,
        now=later(at),
        verify_until=later(at + 300) if state is DONE else None,
    )


async def version_of(store: Store, key: str) -> int:
    message = await store.outbox_message(key)
    return message.desired_version if message else 0
