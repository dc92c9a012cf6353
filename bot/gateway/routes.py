"""The gateway's HTTP endpoints. Every answer is JSON; every refusal tells the caller what to do."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from bot.gateway.auth import Gatekeeper
from bot.gateway.dispatch import Dispatcher
from bot.gateway.errors import ExecutorError, Invalid, NotAllowed, Refusal
from bot.gateway.health import VERSION, HealthCheck
from bot.gateway.journal import Journal
from bot.gateway.metrics import Metrics
from bot.gateway.network import Visitors
from bot.gateway.openapi import document
from bot.gateway.ourselves import OWN_CALLS
from bot.gateway.plan_rate import PlanRate
from bot.remediation import contract
from bot.remediation.contract import Answer, ErrorDetails, ExecuteRequest, ExecutionRecord
from bot.serving import logs
from bot.serving.connections import caller_is_gone
from bot.serving.traces import TRACEPARENT
from bot.validation import field_problems

log = logging.getLogger(__name__)

_KEY = re.compile(contract.KEY_PATTERN)
_TRACKING_ID = re.compile(contract.TRACKING_PATTERN)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """The endpoints and the objects that they use."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        gatekeeper: Gatekeeper,
        journal: Journal,
        health: HealthCheck,
        metrics: Metrics,
        plan_rate: PlanRate,
        dump: Callable[[], Awaitable[dict[str, Any]]],
    ) -> None:
        self._dispatcher = dispatcher
        self._gatekeeper = gatekeeper
        self._journal = journal
        self._health = health
        self._metrics = metrics
        self._plan_rate = plan_rate
        self._dump = dump

    def table(self) -> list[web.RouteDef]:
        """Every endpoint, in one list."""
        return [
            web.get("/health", self.health),
            web.get("/metrics", self.metrics),
            web.get("/openapi.json", self.openapi),
            web.get("/dump", self.dump),
            web.get("/actions", self.actions),
            web.post("/plan", self.plan),
            web.post("/execute", self.execute),
            web.post("/execute-docker-command", self.execute_docker_command),
            web.get("/executions/{key}", self.execution),
            web.post("/executions/{key}/cancel", self.cancel),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """Answer without a signature, because load balancers call it too. 503 when
        nothing can run.
        """
        report = await self._health()
        return _json(report, status=503 if report.status == "unhealthy" else 200)

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer Prometheus text without a signature; no label holds a value that a caller can
        choose.
        """
        return web.Response(
            body=self._metrics.render(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def openapi(self, _: web.Request) -> web.Response:
        """Answer the OpenAPI document without a signature: it names no target."""
        return web.json_response(document(VERSION, signed=not self._gatekeeper.open))

    async def dump(self, request: web.Request) -> web.Response:
        """Return the gateway's health and all running executions, also of other sources: names and
        keys.
        """
        await self._who(request, b"")
        return web.json_response(await self._dump())

    async def actions(self, request: web.Request) -> web.Response:
        """Return the catalogue with its parameters as JSON schemas, and each target with its
        environment and the actions that it offers.
        """
        await self._who(request, b"")
        return _json(self._dispatcher.catalogue.listed())

    async def plan(self, request: web.Request) -> web.Response:
        """Return the exact argv or API request and its digest. Runs nothing."""
        body = await self._read(request)
        self._plan_rate.take(self._metrics.source(body.source_id))
        try:
            return _json(await self._dispatcher.plan(body))
        except (Invalid, ExecutorError) as error:
            status = 422 if isinstance(error, Invalid | NotAllowed) else 502
            raise Refusal(status, error.code, error.message) from error

    async def execute(self, request: web.Request) -> web.Response:
        """Run a typed action whose plan a person has seen: requires its digest and a key."""
        body = await self._read(request)
        if body.action_request.action is None:
            raise Refusal(422, "action_missing", "action_request.action: required")
        if not body.plan_digest:
            raise Refusal(422, "digest_missing", "plan_digest: required; see POST /plan")
        key = _key(request, body)
        if not key:
            raise Refusal(422, "key_missing", f"{contract.IDEMPOTENCY_KEY}: header required")
        return _json(await self._execute(request, body, key=key, digest=body.plan_digest))

    async def execute_docker_command(self, request: web.Request) -> web.Response:
        """Run the older shape. Without a typed action its text is mapped by fixed rules."""
        body = await self._read(request)
        key = _key(request, body) or f"unkeyed-{uuid.uuid4()}"
        answer = await self._execute(request, body, key=key, digest=body.plan_digest)
        return _json(answer, without={"inverse"})  # exactly the fields that this shape has

    async def execution(self, request: web.Request) -> web.Response:
        """Return the state of a key: running, finished or unknown; 404 when it never ran.

        `?bar=SOURCE_ID` bars a key of that source under which nothing has run: a request that is
        still in transit is refused on arrival, so "never ran" stays true.
        """
        source = await self._who(request, b"")
        key = request.match_info["key"]
        bar = request.query.get("bar", "")
        if bar and source not in (None, bar):
            raise Refusal(401, "source_mismatch", "bar is not the source that signed this.")
        if bar and not _KEY.fullmatch(key):
            raise Refusal(422, "key_invalid", "No request can have such a key.")
        if record := self._dispatcher.record_of(key, source):
            return _json(record)
        if bar:
            row = await self._journal.find_or_bar(key, bar, self._dispatcher.now())
        else:
            row = await self._journal.find(key, source)
        if row is None:
            message = "Nothing has run under this key" + (", and nothing will." if bar else ".")
            error = {"code": contract.UNKNOWN_KEY, "message": message}
            return web.json_response(
                {"error": error, "detail": None, "barred": bool(bar)}, status=404
            )
        answer = (
            Answer.model_validate_json(row.answer) if row.answer else _unwritten(row.request_id)
        )
        return _json(
            ExecutionRecord(
                idempotency_key=key,
                state="unknown" if row.state == "running" else row.state,
                received_at=row.received_at,
                finished_at=row.finished_at,
                answer=answer,
            )
        )

    async def cancel(self, request: web.Request) -> web.Response:
        """End a running execution half-way, if it can be; its own answer tells how it ended."""
        source, _ = await self._signed(request)
        self._dispatcher.cancel(request.match_info["key"], source)
        return web.json_response({"state": "cancelling"}, status=202)

    async def _execute(
        self, request: web.Request, body: ExecuteRequest, *, key: str, digest: str
    ) -> Answer:
        source = self._metrics.source(body.source_id)
        tracking_id = tracking_id_of(request)
        began = time.perf_counter()
        with self._metrics.active.track_inprogress():
            answer = await self._dispatcher.execute(
                body,
                key=key,
                digest=digest,
                tracking_id=tracking_id,
                traceparent=request.headers.get(TRACEPARENT, ""),
            )
        self._metrics.duration.labels(source).observe(time.perf_counter() - began)
        self._metrics.requests.labels(source, answer.overall_status).inc()
        return answer

    async def _signed(self, request: web.Request) -> tuple[str | None, bytes]:
        """Return the authorised caller and the body."""
        _refuse_pages(request)
        self._gatekeeper.check_headers(request.headers)  # before the body, which may be large
        try:
            body = await request.read()
        except web.RequestPayloadError as error:  # such as a chunk whose size is wrong
            why = "The body is not what its headers say"
            raise Refusal(400, "body_unreadable", why) from error
        return await self._who(request, body), body

    async def _read(self, request: web.Request) -> ExecuteRequest:
        """Return the body, validated in full, of an authorised caller."""
        source, body = await self._signed(request)
        # A browser page can post text/plain to loopback without a preflight, but not JSON.
        if request.content_type != "application/json":
            raise Refusal(415, "not_json", "Content-Type must be application/json")
        try:
            request_body = ExecuteRequest.model_validate_json(body)
        except ValidationError as error:
            problems = field_problems(error, ExecuteRequest)
            malformed = problems[0].kind == "json_invalid"
            raise Refusal(
                400 if malformed else 422,
                "malformed_json" if malformed else "invalid_request",
                "The body is not JSON" if malformed else "The request does not fit the schema",
                [
                    {"type": problem.kind, "loc": problem.location, "msg": problem.reason}
                    for problem in problems
                ],
            ) from None
        if source is not None and request_body.source_id != source:
            raise Refusal(401, "source_mismatch", "source_id is not the one that signed this.")
        return request_body

    async def _who(self, request: web.Request, body: bytes) -> str | None:
        _refuse_pages(request)
        _refuse_ourselves(request)
        return await self._gatekeeper.check(
            method=request.method, path=request.raw_path, headers=request.headers, body=body
        )


def _refuse_pages(request: web.Request) -> None:
    if "Origin" in request.headers:
        raise Refusal(403, "browser", "This gateway refuses requests from web pages.")


def _refuse_ourselves(request: web.Request) -> None:
    if request.headers.get("User-Agent", "") == OWN_CALLS:
        raise Refusal(403, "itself", "This gateway refuses requests that a gateway sends.")


def tracking_id_of(request: web.Request) -> str:
    """Return the caller's tracking id, or '' if it is malformed: it must not forge a log line."""
    tracking_id = request.headers.get(contract.TRACKING_ID, "")
    return tracking_id if _TRACKING_ID.fullmatch(tracking_id) else ""


def errors_as_json(metrics: Metrics, visitors: Visitors) -> Any:
    """Return the middleware that turns every failure into {"error": {code, message}, "detail"}."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            visitors.check(request)
            about = tracking_id_of(request)
            with logs.bound(**({"tracking_id": about} if about else {})):
                return await handler(request)
        except Refusal as error:
            refusal = error
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        except web.HTTPException as error:
            code = error.reason.lower().replace(" ", "_")
            allow = error.headers.get("Allow")
            refusal = Refusal(error.status, code, error.reason)
            headers = {"Allow": allow} if allow else {}
        except Exception as error:  # the caller gets JSON, the log gets the traceback
            if isinstance(error, ConnectionError) and caller_is_gone(request):
                raise
            log.exception("%s failed", request.path)
            refusal, headers = Refusal(500, "internal", "The gateway failed; see its log."), {}
        metrics.refusals.labels(refusal.code).inc()
        return web.json_response(
            {
                "error": {"code": refusal.code, "message": refusal.message},
                "detail": refusal.detail,
            },
            status=refusal.status,
            headers=headers,
        )

    return middleware


def _json(model: Any, *, status: int = 200, without: set[str] | None = None) -> web.Response:
    body = model.model_dump_json(exclude=without).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def _key(request: web.Request, body: ExecuteRequest) -> str:
    """Return the key of header and body, '' when neither has one.

    The signature covers the body's.
    """
    header = request.headers.get(contract.IDEMPOTENCY_KEY, "")
    if header and body.idempotency_key and header != body.idempotency_key:
        raise Refusal(422, "key_mismatch", "idempotency_key is not the header's")
    key = header or body.idempotency_key
    if key and not _KEY.fullmatch(key):
        raise Refusal(
            422, "key_invalid", f"{contract.IDEMPOTENCY_KEY} is 1 to 200 of A-Za-z0-9._:-"
        )
    return key


def _unwritten(request_id: str) -> Answer:
    return Answer(
        request_id=request_id,
        overall_status=contract.OverallStatus.INTERNAL_ERROR,
        error_details=ErrorDetails(
            error_code=contract.OUTCOME_UNKNOWN,
            error_message="The end of this execution could not be written: outcome unknown.",
        ),
    )
