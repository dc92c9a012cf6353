"""Runs one planned action: on record before it begins, within its deadline, ended on request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.gateway.answering import not_run, outcome_lost, ran, repeated
from bot.gateway.audit import AuditEvent, AuditFile, shown_parameters
from bot.gateway.errors import AuditUnwritable, Cancelled, ExecutorError, OutcomeLost, Refusal
from bot.gateway.events import Event, emit
from bot.gateway.executors import Call, Executor, Result
from bot.gateway.executors.progress import reporter
from bot.gateway.journal import Execution, Journal
from bot.gateway.metrics import Metrics
from bot.gateway.running import Running
from bot.gateway.tracing import span_of
from bot.remediation import contract
from bot.remediation.contract import Answer, ExecuteRequest, OverallStatus, Plan, Progress
from bot.serving.span_export import SpanSink

log = logging.getLogger(__name__)

CANCELLED_CODE = 130  # as a shell reports a program that SIGINT ended


class Runner:
    """Carries out planned actions by their executors."""

    def __init__(
        self,
        *,
        executors: Mapping[str, Executor],
        journal: Journal,
        audit: AuditFile,
        metrics: Metrics,
        clock: Callable[[], datetime],
        spans: SpanSink | None = None,
    ) -> None:
        self.executors = executors
        self.journal = journal
        self.audit = audit
        self.metrics = metrics
        self.clock = clock
        self._spans = spans

    async def run(
        self, request: ExecuteRequest, call: Call, plan: Plan, key: str, running: Running
    ) -> Answer:
        """Run the plan once, or return the answer that its key already has.

        Refusal 503: the audit file cannot be written, so nothing was run.
        """
        row = Execution(
            source_id=request.source_id,
            key=key,
            request_id=str(uuid.uuid4()),
            body_hash=running.body_hash,
            action=call.action.id,
            target=call.target,
            state="running",
            received_at=contract.rfc3339(self.clock()),
            finished_at="",
            answer="",
        )
        known = await self.journal.begin(row, plan.digest)
        if known is not None:
            return repeated(known, running.body_hash, self.clock())
        await self._announce(row, call, plan, running)
        about = {"action": call.action.id, "target": call.target, "key": key}
        emit(Event.EXECUTION_STARTED, source=request.source_id, **about)
        began, began_at = time.perf_counter(), self.clock()
        carried_out = replace(call, key=f"{request.source_id} {key}")
        answer = await self._answer(carried_out, plan, row, running)
        seconds = time.perf_counter() - began
        emit(Event.EXECUTION_FINISHED, status=str(answer.overall_status), **about)
        success = answer.overall_status == OverallStatus.COMPLETED_SUCCESS
        self.metrics.ended(call.action.verb, success=success, seconds=seconds)
        if self._spans is not None:
            self._spans.add([span_of(row, running, began_at, self.clock(), failed=not success)])
        await self._conclude(row, plan, answer, seconds, running)
        return answer

    async def _announce(self, row: Execution, call: Call, plan: Plan, running: Running) -> None:
        try:
            await self.audit.record(
                AuditEvent.STARTED,
                **_about(row, running),
                parameters=shown_parameters(dict(call.parameters)),
                digest=plan.digest,
            )
        except AuditUnwritable as error:
            # If the disk is full, this fails too: then a repeat is answered "outcome unknown".
            with contextlib.suppress(sqlite3.Error):
                await self.journal.give_back(row)
            raise Refusal(
                503,
                contract.AUDIT_UNWRITABLE,
                f"The gateway cannot write its audit file. {contract.NOTHING_WAS_RUN}",
            ) from error

    async def _conclude(
        self, row: Execution, plan: Plan, answer: Answer, seconds: float, running: Running
    ) -> None:
        try:
            await self.journal.finish(row, answer.model_dump_json(), self.clock())
        except sqlite3.Error:
            # The caller still gets the true answer; a later repeat gets "outcome unknown".
            log.exception("the end of execution %s could not be written", row.key)
        error = answer.error_details
        await self.audit.record_end(
            AuditEvent.FINISHED,
            **_about(row, running),
            success=answer.overall_status == OverallStatus.COMPLETED_SUCCESS,
            status=str(answer.overall_status),
            error_code=error.error_code if error else "",
            command_executed=contract.capped(plan.display, 2_000),
            execution_time_ms=round(seconds * 1000),
        )

    async def _answer(self, call: Call, plan: Plan, row: Execution, running: Running) -> Answer:
        status = "ERROR"
        try:
            async with asyncio.timeout(plan.deadline_seconds):
                result = await self._work(call, plan, running)
            status = result.status
            return ran(plan, result, row, self.clock())
        except ExecutorError as error:  # an executor raises it only before it has changed anything
            return not_run(error, self.clock(), row)
        except TimeoutError:
            status = "TIMEOUT"
            message = f"{plan.display} did not end in {plan.deadline_seconds} s"
            if not call.action.mutating:
                return ran(plan, Result(status, -1, stderr=message), row, self.clock())
            return outcome_lost(row, self.clock(), f"{message}; it may have been done")
        except OutcomeLost as error:
            return outcome_lost(row, self.clock(), str(error))
        except Exception as error:
            # For any failure, the caller must learn that the outcome is unknown.
            log.exception("%s on %s failed", call.action.id, call.target)
            why = f"The gateway failed while running it ({type(error).__name__})"
            return outcome_lost(row, self.clock(), why)
        finally:
            self.metrics.execution.labels(call.action.verb, status).inc()

    async def _work(self, call: Call, plan: Plan, running: Running) -> Result:
        """Run the executor's part as a task of its own, which a person can cancel."""

        def report(progress: Progress) -> None:
            running.progress = progress

        token = reporter.set(report)  # the task keeps a copy of this context
        running.work = asyncio.create_task(self.executors[call.executor].run(call, plan))
        reporter.reset(token)
        running.cancellable = plan.cancellable
        try:
            return await running.work
        except Cancelled as error:
            if not running.cancelled:
                raise OutcomeLost(str(error)) from error
            return Result(contract.CANCELLED, CANCELLED_CODE, stderr=f"Cancelled. {error}")
        except asyncio.CancelledError:
            if not running.cancelled:  # the gateway stops, or the deadline has passed
                raise
            raise OutcomeLost(f"{plan.display} was cancelled; a part may have been done") from None
        finally:
            running.cancellable = False


def _about(row: Execution, running: Running) -> dict[str, str]:
    return {
        "source": row.source_id,
        "operation": row.action,
        "target": row.target,
        "key": row.key,
        "request_id": row.request_id,
        "tracking_id": running.tracking_id,
    }
