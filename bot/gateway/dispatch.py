"""Turns one request into one execution: plan it again, journal it, run it once, repeat
its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.gateway.catalogue import Call, TargetConfig, resolve
from bot.gateway.errors import ExecutorError, Invalid, OutcomeLost, Refusal
from bot.gateway.events import Event, emit
from bot.gateway.executors import Executor, Result
from bot.gateway.journal import Execution, Journal
from bot.gateway.metrics import Metrics
from bot.remediation import contract
from bot.remediation.contract import (
    Answer,
    ErrorDetails,
    ExecuteRequest,
    ExecutionDetails,
    ExecutionResult,
    OverallStatus,
    Plan,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    body_hash: str
    received_at: str
    task: asyncio.Task[Answer]


class Dispatcher:
    """Owns everything that runs now.

    A target runs one execution at a time; a key runs once for ever.
    """

    def __init__(
        self,
        *,
        targets: Mapping[str, TargetConfig],
        executors: Mapping[str, Executor],
        journal: Journal,
        metrics: Metrics,
        clock: Callable[[], datetime],
        queue_seconds: float,
    ) -> None:
        self.targets = targets
        self._executors = executors
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._queue_seconds = queue_seconds
        self._locks = {name: asyncio.Lock() for name in targets}
        self._running: dict[tuple[str, str], _Running] = {}
        self._closing = False

    async def plan(self, request: ExecuteRequest) -> Plan:
        """Return the plan with its digest.

        Raises Invalid or ExecutorError when it cannot be planned.
        """
        return await self._plan(resolve(request, self.targets))

    async def execute(self, request: ExecuteRequest, *, key: str, digest: str) -> Answer:
        """Run the request, or return the answer that this key already has.

        Refusal 409 plan_drift: `digest` is set and the plan has changed since. 422: the key belongs
        to another request. 503: the gateway is stopping. A caller who disconnects does not stop the
        execution.
        """
        body_hash = _identity(request)
        slot = (request.source_id, key)
        running = self._running.get(slot)
        if running is None:
            if self._closing:
                return await self._while_closing(key, request.source_id, body_hash)
            task = asyncio.create_task(self._once(request, key, body_hash, digest))
            running = _Running(body_hash, contract.rfc3339(self._clock()), task)
            self._running[slot] = running
            task.add_done_callback(lambda done: self._ended(slot, done))
        elif running.body_hash != body_hash:
            raise _key_reused()
        return await asyncio.shield(running.task)

    async def _while_closing(self, key: str, source_id: str, body_hash: str) -> Answer:
        known = await self._journal.find(key, source_id)
        if known is None:
            why = "The gateway is stopping. Nothing was run."
            raise Refusal(503, contract.SHUTTING_DOWN, why)
        return _repeated(known, body_hash, self._clock())

    def now(self) -> datetime:
        """Return the time of the gateway's clock."""
        return self._clock()

    def running_since(self, key: str, source_id: str | None) -> str | None:
        """Return the time since which this key runs or waits for its target; None if it does
        neither.
        """
        for (source, name), running in self._running.items():
            if name == key and source_id in (None, source):
                return running.received_at
        return None

    def running(self) -> list[dict[str, str]]:
        """List the executions that run or wait for their target: the caller, its key and the start
        time.
        """
        return [
            {"source": source, "key": key, "since": running.received_at}
            for (source, key), running in self._running.items()
        ]

    async def exchange(
        self, targets: Mapping[str, TargetConfig], fit: Callable[[], Awaitable[None]]
    ) -> None:
        """Replace the targets once nothing runs on those that change; `fit` adapts the
        executors.
        """
        changed = [name for name, old in self.targets.items() if targets.get(name) != old]
        async with contextlib.AsyncExitStack() as held:
            for name in sorted(changed):
                await held.enter_async_context(self._locks[name])
            await fit()
            for name in targets:
                self._locks.setdefault(name, asyncio.Lock())
            self.targets = targets

    async def drain(self, seconds: float) -> None:
        """Accept nothing more and wait for running executions; give up on the rest after
        `seconds`.
        """
        self._closing = True
        tasks = {running.task for running in self._running.values()}
        if not tasks:
            return
        _, left = await asyncio.wait(tasks, timeout=seconds)
        for task in left:
            task.cancel()
        if left:
            log.error(
                "%d executions did not end in %g s; their outcome is unknown", len(left), seconds
            )
            await asyncio.wait(left)

    async def _once(self, request: ExecuteRequest, key: str, body_hash: str, digest: str) -> Answer:
        known = await self._journal.find(key, request.source_id)
        if known is not None:
            return _repeated(known, body_hash, self._clock())
        try:
            call = resolve(request, self.targets)
        except Invalid as error:
            self._metrics.generation.labels("failed").inc()
            return self._answer(OverallStatus.VALIDATION_ERROR, error=(error.code, error.message))
        self._metrics.generation.labels("success").inc()
        if not call.action.mutating:
            return await self._planned(request, call, key, body_hash, digest)
        lock = self._locks[call.target]
        try:
            async with asyncio.timeout(self._queue_seconds):
                await lock.acquire()
        except TimeoutError:
            return self._answer(
                OverallStatus.EXECUTION_ERROR,
                error=("TARGET_BUSY", f"Another execution holds {call.target}. Nothing was run."),
            )
        try:
            return await self._planned(request, call, key, body_hash, digest)
        finally:
            lock.release()

    async def _planned(
        self, request: ExecuteRequest, call: Call, key: str, body_hash: str, digest: str
    ) -> Answer:
        try:
            plan = await self._plan(call)
        except ExecutorError as error:
            return self._not_run(error)
        if digest and not hmac.compare_digest(digest.encode(), plan.digest.encode()):
            raise Refusal(
                409,
                contract.PLAN_DRIFT,
                f"The plan for {call.action.id} on {call.target} is not the approved one any more. "
                "Nothing was run. Plan it again.",
            )
        row = Execution(
            source_id=request.source_id,
            key=key,
            request_id=str(uuid.uuid4()),
            body_hash=body_hash,
            action=call.action.id,
            target=call.target,
            state="running",
            received_at=contract.rfc3339(self._clock()),
            finished_at="",
            answer="",
        )
        known = await self._journal.begin(row, plan.digest)
        if known is not None:
            return _repeated(known, body_hash, self._clock())
        about = {"action": call.action.id, "target": call.target, "key": key}
        emit(Event.EXECUTION_STARTED, source=request.source_id, **about)
        answer = await self._run(call, plan, row)
        emit(Event.EXECUTION_FINISHED, status=str(answer.overall_status), **about)
        try:
            await self._journal.finish(row, answer.model_dump_json(), self._clock())
        except sqlite3.Error:
            # The caller still gets the true answer; a later repeat gets "outcome unknown".
            log.exception("the end of execution %s could not be written", key)
        return answer

    async def _run(self, call: Call, plan: Plan, row: Execution) -> Answer:
        status = "ERROR"
        try:
            async with asyncio.timeout(plan.deadline_seconds):
                result = await self._executors[plan.executor].run(call, plan)
            status = result.status
            return self._ran(plan, result, row)
        except ExecutorError as error:
            return self._not_run(error, row)
        except TimeoutError:
            status = "TIMEOUT"
            message = f"{plan.display} did not end in {plan.deadline_seconds} s"
            if not call.action.mutating:
                return self._ran(plan, Result(status, -1, stderr=message), row)
            return self._outcome_lost(row, f"{message}; it may have been done")
        except OutcomeLost as error:
            return self._outcome_lost(row, str(error))
        # For any failure, the caller must learn that the outcome is unknown.
        except Exception as error:
            log.exception("%s on %s failed", call.action.id, call.target)
            return self._outcome_lost(
                row, f"The gateway failed while running it ({type(error).__name__})"
            )
        finally:
            self._metrics.execution.labels(call.action.verb, status).inc()

    async def _plan(self, call: Call) -> Plan:
        plan = await self._executors[call.config.executor].plan(call)
        plan = plan.model_copy(update={"environment": call.config.environment})
        return plan.model_copy(update={"digest": plan.expected_digest()})

    def _ran(self, plan: Plan, result: Result, row: Execution) -> Answer:
        good = result.status == "SUCCESS" and result.exit_code == 0
        return Answer(
            request_id=row.request_id,
            timestamp_processed_utc=contract.rfc3339(self._clock()),
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
        )

    def _not_run(self, error: ExecutorError, row: Execution | None = None) -> Answer:
        """Answer that nothing ran.

        Exception: Docker may have begun a request that it then refused.
        """
        message = error.message
        if error.code != "DOCKER_REFUSED" and contract.NOTHING_WAS_RUN not in message:
            message = f"{message.rstrip('.')}. {contract.NOTHING_WAS_RUN}"
        return self._answer(OverallStatus.EXECUTION_ERROR, row=row, error=(error.code, message))

    def _outcome_lost(self, row: Execution, message: str) -> Answer:
        return self._answer(
            OverallStatus.INTERNAL_ERROR, row=row, error=(contract.OUTCOME_UNKNOWN, message)
        )

    def _answer(
        self, status: OverallStatus, *, error: tuple[str, str], row: Execution | None = None
    ) -> Answer:
        return _error_answer(
            status, row.request_id if row else str(uuid.uuid4()), self._clock(), error
        )

    def _ended(self, slot: tuple[str, str], task: asyncio.Task[Answer]) -> None:
        self._running.pop(slot, None)
        if not task.cancelled():
            # Marks the exception as retrieved, also when every caller has disconnected.
            task.exception()


def unknown_after_restart(row: Execution, at: datetime) -> str:
    """Return the JSON answer of an execution that ended with the gateway's process."""
    message = (
        f"The gateway ended while {row.action} on {row.target} ran: outcome unknown after restart. "
        "It was not run again."
    )
    error = (contract.OUTCOME_UNKNOWN, message)
    return _error_answer(OverallStatus.INTERNAL_ERROR, row.request_id, at, error).model_dump_json()


def _repeated(row: Execution, body_hash: str, now: datetime) -> Answer:
    """Return the stored answer of an execution that has ended or may have ended."""
    if row.body_hash != body_hash:
        raise _key_reused()
    return Answer.model_validate_json(row.answer or unknown_after_restart(row, now))


def _error_answer(
    status: OverallStatus, request_id: str, at: datetime, error: tuple[str, str]
) -> Answer:
    code, message = error
    return Answer(
        request_id=request_id,
        timestamp_processed_utc=contract.rfc3339(at),
        overall_status=status,
        error_details=ErrorDetails(
            error_code=code, error_message=contract.capped(contract.printable(message))
        ),
    )


def _key_reused() -> Refusal:
    return Refusal(422, "key_reused", "This Idempotency-Key belongs to another request.")


def _identity(request: ExecuteRequest) -> str:
    """Return equal text for equal requests, however their JSON is formatted.

    Beside a typed action the text is only a label, so a repeat may carry a newer context.
    """
    body = request.model_dump(mode="json")
    if request.action_request.action is not None:
        for label in ("intent", "context", "priority"):
            del body["action_request"][label]
    return hashlib.sha256(contract.canonical_json(body)).hexdigest()
