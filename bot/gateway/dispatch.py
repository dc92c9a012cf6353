"""Turns one request into one execution: plan it again, journal it, run it once, repeat
its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.gateway.answering import error_answer, key_reused, not_run, repeated
from bot.gateway.audit import AuditEvent
from bot.gateway.catalogue import Catalogue
from bot.gateway.chooser import UNSUPPORTED, Chooser
from bot.gateway.errors import (
    BY_A_PERSON,
    Ambiguous,
    AuditUnwritable,
    ExecutorError,
    GatewayError,
    Invalid,
    Refusal,
)
from bot.gateway.execution import Runner
from bot.gateway.executors import Call
from bot.gateway.running import Running, identity_of
from bot.remediation import contract
from bot.remediation.contract import (
    Answer,
    ExecuteRequest,
    ExecutionRecord,
    OverallStatus,
    Plan,
    TypedAction,
)

log = logging.getLogger(__name__)


class Dispatcher:
    """Owns everything that runs now.

    A target runs one execution at a time; a key runs once for ever.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        runner: Runner,
        queue_seconds: float,
        concurrent: int = 16,
        chooser: Chooser | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._runner = runner
        self._journal = runner.journal
        self._metrics = runner.metrics
        self._clock = runner.clock
        self._queue_seconds = queue_seconds
        self._chooser = chooser
        self._slots = asyncio.Semaphore(concurrent)
        self._locks = {name: asyncio.Lock() for name in catalogue.targets}
        self._running: dict[tuple[str, str], Running] = {}
        self._closing = False

    async def plan(self, request: ExecuteRequest) -> Plan:
        """Return the plan with its digest.

        Raises Invalid or ExecutorError when it cannot be planned.
        """
        return await self._plan(self.catalogue.resolve(request))

    async def execute(
        self,
        request: ExecuteRequest,
        *,
        key: str,
        digest: str,
        tracking_id: str = "",
        traceparent: str = "",
    ) -> Answer:
        """Run the request, or return the answer that this key already has.

        Refusal 409 plan_drift: `digest` is set and the plan has changed since. 422: the key belongs
        to another request. 503: the gateway is stopping. A caller who disconnects does not stop the
        execution.
        """
        body_hash = identity_of(request)
        slot = (request.source_id, key)
        running = self._running.get(slot)
        if running is None:
            if self._closing:
                return await self._while_closing(key, request.source_id, body_hash)
            received_at = contract.rfc3339(self._clock())
            running = Running(body_hash, received_at, tracking_id, traceparent)
            task = asyncio.create_task(self._once(request, key, digest, running))
            running.task, self._running[slot] = task, running
            task.add_done_callback(lambda done: self._ended(slot, done))
        elif running.body_hash != body_hash:
            raise key_reused()
        assert running.task is not None  # noqa: S101 - set above, before anything waits
        return await asyncio.shield(running.task)

    async def _while_closing(self, key: str, source_id: str, body_hash: str) -> Answer:
        known = await self._journal.find(key, source_id)
        if known is None:
            why = "The gateway is stopping. Nothing was run."
            raise Refusal(503, contract.SHUTTING_DOWN, why)
        return repeated(known, body_hash, self._clock())

    def now(self) -> datetime:
        """Return the time of the gateway's clock."""
        return self._clock()

    def record_of(self, key: str, source_id: str | None) -> ExecutionRecord | None:
        """Return the state of a key that runs or waits for its target; None if it does neither."""
        running = self._find(key, source_id)
        if running is None:
            return None
        return ExecutionRecord(
            idempotency_key=key,
            state="running",
            received_at=running.received_at,
            progress=running.progress,
            cancellable=running.work is not None and running.cancellable and not running.cancelled,
        )

    def cancel(self, key: str, source_id: str | None) -> None:
        """Cancel a running execution; its answer tells how it ended.

        Refusal 404: nothing runs under the key. 409: it cannot be cancelled, or not yet.
        """
        running = self._find(key, source_id)
        if running is None:
            raise Refusal(404, contract.UNKNOWN_KEY, "Nothing runs under this key.")
        if running.work is None or not running.cancellable:
            why = "waits for its target" if running.work is None else "cannot be ended half-way"
            raise Refusal(409, contract.NOT_CANCELLABLE, f"It {why}. It was not cancelled.")
        if not running.cancelled:
            running.cancelled = True
            running.work.cancel(BY_A_PERSON)

    def _find(self, key: str, source_id: str | None) -> Running | None:
        for (source, name), running in self._running.items():
            if name == key and source_id in (None, source):
                return running
        return None

    def running(self) -> list[dict[str, str]]:
        """List the executions that run or wait for their target: the caller, its key and the start
        time.
        """
        return [
            {"source": source, "key": key, "since": running.received_at}
            for (source, key), running in self._running.items()
        ]

    async def exchange(self, catalogue: Catalogue, fit: Callable[[], Awaitable[None]]) -> None:
        """Replace the catalogue once nothing runs on the targets that change; `fit` adapts the
        executors.
        """
        targets = catalogue.targets
        changed = [name for name, old in self.catalogue.targets.items() if targets.get(name) != old]
        async with contextlib.AsyncExitStack() as held:
            for name in sorted(changed):
                await held.enter_async_context(self._locks[name])
            await fit()
            for name in targets:
                self._locks.setdefault(name, asyncio.Lock())
            self.catalogue = catalogue

    async def drain(self, seconds: float) -> None:
        """Accept nothing more and wait for running executions; give up on the rest after
        `seconds`.
        """
        self._closing = True
        tasks = {running.task for running in self._running.values() if running.task}
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

    async def _once(
        self, request: ExecuteRequest, key: str, digest: str, running: Running
    ) -> Answer:
        known = await self._journal.find(key, request.source_id)
        if known is not None:
            return repeated(known, running.body_hash, self._clock())
        call = await self._resolved(request, key, running)
        if isinstance(call, Answer):
            return call
        self._metrics.generation.labels("success").inc()
        async with contextlib.AsyncExitStack() as held:
            if busy := await self._take_turn(call, held):
                await self._note_refusal(request, key, busy[0], running)
                return error_answer(OverallStatus.EXECUTION_ERROR, self._clock(), busy)
            # A reload while it waited may have taken away the target, the action or the right.
            had_lock, call = call.action.mutating, await self._resolved(request, key, running)
            if isinstance(call, Answer):
                return call
            if call.action.mutating and not had_lock:
                busy = "TARGET_BUSY", f"The config was replaced. {contract.NOTHING_WAS_RUN}"
                await self._note_refusal(request, key, busy[0], running)
                return error_answer(OverallStatus.EXECUTION_ERROR, self._clock(), busy)
            return await self._planned(request, call, key, digest, running)

    async def _resolved(self, request: ExecuteRequest, key: str, running: Running) -> Call | Answer:
        """Return the call that the request means now, or the answer that refuses it."""
        try:
            return await self._call_of(request, running)
        except Invalid as error:
            self._metrics.generation.labels("failed").inc()
            await self._note_refusal(request, key, error.code, running)
            unclear = isinstance(error, Ambiguous)
            status = (
                OverallStatus.LLM_GENERATION_FAILED if unclear else OverallStatus.VALIDATION_ERROR
            )
            return error_answer(status, self._clock(), (error.code, error.message))

    async def _call_of(self, request: ExecuteRequest, running: Running) -> Call:
        """Return the call; words that no rule knows are the model's to choose, and only once."""
        try:
            return self.catalogue.resolve(request, running.choice)
        except Invalid as error:
            if error.code != UNSUPPORTED or self._chooser is None:
                raise
        name = request.target_resource.name
        offered = self.catalogue.usable(name)
        running.choice = await self._chooser.choose(request.action_request.intent, name, offered)
        return self.catalogue.resolve(request, running.choice)

    async def _take_turn(
        self, call: Call, held: contextlib.AsyncExitStack
    ) -> tuple[str, str] | None:
        """Wait for the target, if the action changes it, and for one of the gateway's slots.

        Returns the error if one of them stays taken.
        """
        waits: list[tuple[str, str, asyncio.Lock | asyncio.Semaphore]] = [
            ("GATEWAY_BUSY", "The gateway runs as many executions as it may.", self._slots)
        ]
        if call.action.mutating:
            lock = self._locks[call.target]
            waits.insert(0, ("TARGET_BUSY", f"Another execution holds {call.target}.", lock))
        for code, message, turn in waits:
            try:
                async with asyncio.timeout(self._queue_seconds):
                    await turn.acquire()
            except TimeoutError:
                return code, f"{message} {contract.NOTHING_WAS_RUN}"
            held.callback(turn.release)
        return None

    async def _planned(
        self, request: ExecuteRequest, call: Call, key: str, digest: str, running: Running
    ) -> Answer:
        try:
            plan = await self._plan(call)
        except ExecutorError as error:
            await self._note_refusal(request, key, error.code, running)
            return not_run(error, self._clock())
        if digest and not hmac.compare_digest(digest.encode(), plan.digest.encode()):
            await self._note_refusal(request, key, contract.PLAN_DRIFT, running)
            raise Refusal(
                409,
                contract.PLAN_DRIFT,
                f"The plan for {call.action.id} on {call.target} is not the approved one any more. "
                "Nothing was run. Plan it again.",
            )
        return await self._runner.run(request, call, plan, key, running)

    async def _note_refusal(
        self, request: ExecuteRequest, key: str, code: str, running: Running
    ) -> None:
        typed = request.action_request.action
        with contextlib.suppress(AuditUnwritable):  # nothing runs, and the failure is logged
            await self._runner.audit.record(
                AuditEvent.REFUSED,
                source=request.source_id,
                operation=typed.id if typed else "",
                target=request.target_resource.name,
                key=key,
                error_code=code,
                tracking_id=running.tracking_id,
            )

    async def _plan(self, call: Call) -> Plan:
        """Return the plan. ExecutorError also for an answer of the system that breaks the code."""
        try:
            return await self._complete_plan(call)
        except GatewayError:
            raise
        except Exception as error:
            # A plan changes nothing, so that even this failure is no outcome that is unknown.
            log.exception("%s on %s cannot be planned", call.action.id, call.target)
            why = f"{call.target} gave an answer that cannot be read ({type(error).__name__})"
            raise ExecutorError("UNREADABLE_ANSWER", why) from error

    async def _complete_plan(self, call: Call) -> Plan:
        plan = await self._runner.executors[call.executor].plan(call)
        inverse = plan.inverse
        if inverse is None and call.action.inverse:
            takes = self.catalogue.actions[call.action.inverse].parameters.model_fields
            values = {name: v for name, v in call.parameters.items() if name in takes}
            inverse = TypedAction(id=call.action.inverse, parameters=values)
        plan = plan.model_copy(
            update={
                "environment": call.config.environment,
                "mutating": call.action.mutating,
                "inverse": inverse,
                "reversible": inverse is not None,
                "verified_by": plan.verified_by or call.action.verified_by,
                "cancellable": call.action.cancellable,
            }
        )
        return plan.model_copy(update={"digest": plan.expected_digest()})

    def _ended(self, slot: tuple[str, str], task: asyncio.Task[Answer]) -> None:
        self._running.pop(slot, None)
        if not task.cancelled():
            # Marks the exception as retrieved, also when every caller has disconnected.
            task.exception()
