"""Builds the answers of executions: how one ended, or why nothing ran."""

from __future__ import annotations

import uuid
from datetime import datetime

from bot.gateway.errors import ExecutorError, Refusal
from bot.gateway.executors import Result
from bot.gateway.journal import Execution
from bot.remediation import contract
from bot.remediation.contract import (
    Answer,
    ErrorDetails,
    ExecutionDetails,
    ExecutionResult,
    OverallStatus,
    Plan,
)


def ran(plan: Plan, result: Result, row: Execution, at: datetime) -> Answer:
    """Answer with the result of an execution that ended."""
    good = result.status == "SUCCESS" and result.exit_code == 0
    return Answer(
        request_id=row.request_id,
        timestamp_processed_utc=contract.rfc3339(at),
        overall_status=(
            OverallStatus.COMPLETED_SUCCESS if good else OverallStatus.COMPLETED_FAILURE
        ),
        execution_details=ExecutionDetails(
            command=plan.display,
            execution_result=ExecutionResult(
                status=result.status,
                exit_code=result.exit_code,
                stdout=contract.capped(contract.printable(result.stdout), tail=result.tail),
                stderr=contract.capped(contract.printable(result.stderr), tail=result.tail),
            ),
        ),
        inverse=plan.inverse,
    )


def not_run(error: ExecutorError, at: datetime, row: Execution | None = None) -> Answer:
    """Answer that nothing ran.

    Exception: Docker may have begun a request that it then refused.
    """
    message = error.message
    if error.code != "DOCKER_REFUSED" and contract.NOTHING_WAS_RUN not in message:
        message = f"{message.rstrip('.')}. {contract.NOTHING_WAS_RUN}"
    return error_answer(OverallStatus.EXECUTION_ERROR, at, (error.code, message), row)


def outcome_lost(row: Execution, at: datetime, message: str) -> Answer:
    """Answer that it was begun and its end is unknown."""
    return error_answer(OverallStatus.INTERNAL_ERROR, at, (contract.OUTCOME_UNKNOWN, message), row)


def unknown_after_restart(row: Execution, at: datetime) -> str:
    """Return the JSON answer of an execution that ended with the gateway's process."""
    message = (
        f"The gateway ended while {row.action} on {row.target} ran: outcome unknown after restart. "
        "It was not run again."
    )
    return outcome_lost(row, at, message).model_dump_json()


def repeated(row: Execution, body_hash: str, now: datetime) -> Answer:
    """Return the stored answer of an execution that has ended or may have ended."""
    if row.body_hash != body_hash:
        raise key_reused()
    return Answer.model_validate_json(row.answer or unknown_after_restart(row, now))


def error_answer(
    status: OverallStatus, at: datetime, error: tuple[str, str], row: Execution | None = None
) -> Answer:
    """Answer with an error: its code and its message."""
    code, message = error
    return Answer(
        request_id=row.request_id if row else str(uuid.uuid4()),
        timestamp_processed_utc=contract.rfc3339(at),
        overall_status=status,
        error_details=ErrorDetails(
            error_code=code, error_message=contract.capped(contract.printable(message))
        ),
    )


def key_reused() -> Refusal:
    """Refuse a key that belongs to another request."""
    return Refusal(422, "key_reused", "This Idempotency-Key belongs to another request.")
