"""The gateway's client. It never retries: a request that may have been sent is never repeated.

It decides by the answer's body, as the contract defines. Other gateways work too: they accept POST
/execute-docker-command and ignore unknown fields.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from bot.errors import GatewayRejected, GatewayUnavailable, InputError, OutcomeUnknown
from bot.language import N_, Deferred, deferred
from bot.remediation import answers, contract
from bot.remediation.answers import GatewayHealth, NeverSeen, Outcome, Running
from bot.remediation.contract import Plan, Priority
from bot.remediation.transport import NoAnswer, NotSent, Reply, Transport

__all__ = ["ActionCall", "GatewayClient", "GatewayHealth", "NeverSeen", "Outcome", "Running"]

Model = TypeVar("Model", bound=BaseModel)

_KEY = re.compile(contract.KEY_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCall:
    """One action on one target. `intent` and `context` are texts for people and other gateways.

    `tracking_id` is the incident's: every request about the incident carries it.
    """

    action_id: str
    target: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    intent: str = ""
    context: str = ""
    priority: Priority = Priority.NORMAL
    tracking_id: str = ""


_NO_ANSWER = N_("The gateway at {address} {why}.")
_SENT = N_("The gateway {why} after the request was sent. Outcome unknown.")


class GatewayClient:
    """Sends requests to one gateway at `url`; each takes at most `timeout` seconds.

    An empty `secret` means unsigned; then `token` is sent as a bearer token, if there is one. `tls`
    says how to check an https gateway's certificate, None: in the usual way. With `traced` a
    dispatch names its span. The caller closes the session.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        timeout: float,
        source_id: str,
        secret: str = "",
        token: str = "",
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime],
        traced: bool = False,
    ) -> None:
        self._source_id = source_id
        base = URL(url.rstrip("/"))
        self._transport = Transport(
            session,
            base,
            timeout=timeout,
            secret=secret,
            token=token,
            tls=tls,
            clock=clock,
            traced=traced,
        )

    @property
    def _address(self) -> str:
        return self._transport.address

    async def health(self) -> GatewayHealth:
        """Return the gateway's health if it can run something; else GatewayUnavailable names the
        reason.

        `degraded` is such a health: one kind of executor cannot work, the others can.
        """
        try:
            reply = await self._transport.ask("GET", "/health")
            report = contract.HealthReport.model_validate_json(reply.body)
        except ValidationError:
            raise GatewayUnavailable(
                deferred(
                    "The gateway at {address} answered {status}, but not with its health.",
                    address=self._address,
                    status=reply.status,
                ),
                remedy=deferred("Is AI_COMMAND_GATEWAY_URL the gateway's own address?"),
            ) from None
        except (NotSent, NoAnswer) as error:
            raise GatewayUnavailable(self._says(_NO_ANSWER, error)) from error
        if reply.status != 200 or report.status not in ("healthy", "degraded"):
            raise GatewayUnavailable(answers.unhealthy(self._address, reply.status, report))
        return GatewayHealth(report.status, report.version, dict(report.checks))

    async def offers(self) -> contract.ActionList | None:
        """Return the catalogue with the targets' environments, or None if the gateway has no such
        list.
        """
        reply = await self._ask_safely("GET", "/actions")
        return self._read(contract.ActionList, reply) if reply else None

    async def plan(self, call: ActionCall) -> Plan | None:
        """Return the exact plan; nothing runs. None if the gateway cannot plan.

        GatewayRejected: the gateway refuses the action, or the plan does not match its own digest.
        """
        body = self._body(call, key="", digest="")
        reply = await self._ask_safely("POST", "/plan", body, tracking_id=call.tracking_id)
        if reply is None:
            return None
        plan = self._read(Plan, reply)
        if plan.digest != plan.expected_digest():
            raise GatewayRejected(
                deferred("The gateway's plan does not match the plan's own digest.")
            )
        if plan.action != call.action_id or plan.target != call.target:
            raise GatewayRejected(
                deferred(
                    "Asked for {action} on {target}, the gateway planned {planned} on {other}.",
                    action=call.action_id,
                    target=call.target,
                    planned=answers.short_line(plan.action),
                    other=answers.short_line(plan.target),
                )
            )
        return plan

    def request_of(
        self, call: ActionCall, *, key: str, digest: str | None = None
    ) -> dict[str, str]:
        """Return the fields that `execute` would send, for the audit trail: none of them
        is secret.
        """
        body = self._body(call, key=_checked(key), digest=digest or "")
        return {
            "gateway": f"{self._transport.base.host}:{self._transport.base.port}",
            "path": _path_of(digest),
            "key": key,
            "sha256": hashlib.sha256(body).hexdigest(),
        }

    async def execute(self, call: ActionCall, *, key: str, digest: str | None = None) -> Outcome:
        """Run the action once.

        With `digest` (of an approved plan) the gateway refuses any other plan. GatewayUnavailable:
        nothing was sent or accepted. GatewayRejected: nothing ran. OutcomeUnknown: it may have run;
        call `lookup` with the same `key`, never `execute` again.
        """
        body = self._body(call, key=_checked(key), digest=digest or "")
        try:
            reply = await self._transport.ask(
                "POST", _path_of(digest), body, key=key, tracking_id=call.tracking_id
            )
        except NotSent as error:
            raise GatewayUnavailable(
                self._says(N_("The gateway at {address} {why}. Nothing was sent."), error)
            ) from error
        except NoAnswer as error:
            raise OutcomeUnknown(self._says(_SENT, error)) from error
        if reply.status == 503 and answers.error_code(reply.body) in contract.NOT_TAKEN:
            raise GatewayUnavailable(answers.rejection(503, reply.body))
        if reply.status >= 500:
            return answers.escalated(reply.status, reply.body)
        # From a proxy before the gateway, which may have forwarded the request already.
        if reply.status == 408:
            raise OutcomeUnknown(
                deferred("{answer} Outcome unknown.", answer=answers.rejection(408, reply.body))
            )
        if not 200 <= reply.status < 300:
            raise _rejected(reply)
        try:
            return answers.outcome(contract.Answer.model_validate_json(reply.body))
        except ValidationError as error:
            raise OutcomeUnknown(
                deferred(
                    "The gateway answered {status} with something that cannot be read. Outcome"
                    " unknown.",
                    status=reply.status,
                )
            ) from error

    async def cancel(self, key: str, *, tracking_id: str = "") -> bool:
        """Cancel a running execution. False if nothing runs under the key, or no more.

        GatewayRejected: it cannot be cancelled. None of these says how it ended: look it up.
        """
        path = f"/executions/{_checked(key)}/cancel"
        reply = await self._ask_safely("POST", path, b"{}", tracking_id=tracking_id)
        return reply is not None

    async def lookup(
        self, key: str, *, tracking_id: str = "", bar: bool = False
    ) -> Outcome | Running | NeverSeen | None:
        """Return the state of the execution with this key. None if the gateway cannot look up.

        NeverSeen: nothing had run under the key when the gateway answered. With `bar` the gateway
        is asked to refuse the key from then on; `barred` confirms that it does.
        """
        query = f"?bar={quote(self._source_id, safe='')}" if bar else ""
        reply = await self._ask_safely(
            "GET",
            f"/executions/{_checked(key)}{query}",
            missing=contract.UNKNOWN_KEY,
            tracking_id=tracking_id,
        )
        if reply is None:
            return None
        if reply.status == 404:
            return NeverSeen(barred=bar and answers.is_barred(reply.body))
        record = self._read(contract.ExecutionRecord, reply)
        if record.idempotency_key != key:
            raise GatewayRejected(deferred("The gateway answered about another execution."))
        if record.state == "running" or record.answer is None:
            return answers.running_of(record)
        return answers.outcome(record.answer)

    def _body(self, call: ActionCall, *, key: str, digest: str) -> bytes:
        request = {
            "source_id": self._source_id,
            "target_resource": {"name": call.target},
            "action_request": {
                "intent": contract.printable(call.intent)[: contract.INTENT_LIMIT_CHARS],
                "context": contract.printable(call.context)[: contract.CONTEXT_LIMIT_CHARS],
                "priority": str(call.priority),
                "action": {"id": call.action_id, "parameters": dict(call.parameters)},
            },
        }
        if key:
            request["idempotency_key"] = key
        if digest:
            request["plan_digest"] = digest
        try:
            return contract.canonical_json(request)
        except (TypeError, ValueError) as error:
            raise InputError(
                deferred("This request cannot be written as JSON: {why}", why=error),
                field="parameters",
            ) from error

    async def _ask_safely(
        self,
        method: Literal["GET", "POST"],
        path: str,
        body: bytes = b"",
        *,
        missing: str = "",
        tracking_id: str = "",
    ) -> Reply | None:
        """Send a request that changes nothing: every transport failure is GatewayUnavailable.

        Returns None for 404 and 405, because the gateway then has no such endpoint, unless a 404
        carries the error code `missing`.
        """
        try:
            reply = await self._transport.ask(method, path, body, tracking_id=tracking_id)
        except (NotSent, NoAnswer) as error:
            raise GatewayUnavailable(self._says(_NO_ANSWER, error)) from error
        if reply.status == 404 and missing and answers.error_code(reply.body) == missing:
            return reply
        if reply.status in (404, 405):
            return None
        if reply.status >= 500:
            raise GatewayUnavailable(answers.rejection(reply.status, reply.body))
        if not 200 <= reply.status < 300:
            raise _rejected(reply)
        return reply

    def _says(self, message: str, error: Exception) -> Deferred:
        """The message with the gateway's address and why it gave no answer."""
        return deferred(message, address=self._address, why=error.args[0])

    def _read(self, model: type[Model], reply: Reply) -> Model:
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            raise GatewayUnavailable(
                deferred(
                    "The gateway at {address} answered {status} with something that cannot be"
                    " read.",
                    address=self._address,
                    status=reply.status,
                )
            ) from error


def _rejected(reply: Reply) -> GatewayRejected:
    return GatewayRejected(
        answers.rejection(reply.status, reply.body),
        status=reply.status,
        code=answers.error_code(reply.body),
    )


def _path_of(digest: str | None) -> str:
    return "/execute" if digest else "/execute-docker-command"


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InputError(
            deferred("An idempotency key is 1 to 200 letters, digits and . _ : - only."),
            field="key",
        )
    return key
