"""Requests that an operator declared: of any service that has an HTTP API."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field

from bot.gateway.actions import Action, Parameters
from bot.gateway.errors import NotAllowed
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.http_sending import HttpCall, HttpHost, body_text, resolved, send
from bot.gateway.executors.remote import REFUSED, RemoteExecutor, label
from bot.gateway.parts import Name
from bot.remediation.contract import Plan, PlannedRequest, TypedAction

_SLACK_SECONDS = 10


class DeclaredCall(HttpCall):
    """A request with a name. `inverse` names the call that takes it back."""

    inverse: Name | None = None


class HttpTarget(HttpHost):
    """One service, and the requests that may be sent to it. Nothing of a request is a parameter."""

    executor: Literal["http"]
    calls: dict[Name, DeclaredCall] = Field(min_length=1, max_length=100)


class CallParameters(Parameters):
    """Names the request."""

    call: str = Field(max_length=100, description="one of the target's calls")


SEND = Action(
    id="http.call",
    verb="call",
    title="Send a declared request that changes something",
    mutating=True,
    parameters=CallParameters,
    blast="as the operator says who declared it",
    verified_by="the service answers with an expected status",
)
READ = Action(
    id="http.read",
    verb="read",
    title="Send a declared request that only reads",
    mutating=False,
    parameters=CallParameters,
    risk="low",
)


class HttpExecutor(RemoteExecutor[HttpTarget]):
    """Sends exactly the declared requests."""

    async def probe(self, name: str, target: HttpTarget) -> str:
        """Send the first declared GET, or else only resolve the name."""
        for call in target.calls.values():
            if call.reads:
                reply = await send(target, call, self.secret(name, "token"))
                return f"{call.method} {call.path} answers {reply.status}"
        return f"resolves to {await resolved(target)}"

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the whole declared request."""
        target, declared = cast("HttpTarget", call.config), _declared(call)
        address = await resolved(target)
        inverse = declared.inverse
        back = TypedAction(id=SEND.id, parameters={"call": inverse}) if inverse else None
        seconds = (target.retries + 1) * (target.timeout_seconds + 2) + _SLACK_SECONDS
        body = body_text(declared.body)
        return Plan(
            action=call.action.id,
            target=call.target,
            executor="http",
            parameters=dict(call.parameters),
            display=f"{declared.method} {target.url}{declared.path}",
            request=PlannedRequest(method=declared.method, path=declared.path),
            steps=(f"send {body}",) if body else (),
            binding={"url": target.url, "call": declared.model_dump(mode="json")},
            mutating=call.action.mutating,
            inverse=back,
            touches=(f"{call.parameters['call']} of {call.target}",),
            current={"address": str(address)},
            deadline_seconds=int(seconds),
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Send it; a redirect is an answer like any other."""
        target, declared = cast("HttpTarget", call.config), _declared(call)
        reply = await send(target, declared, self.secret(call.target, "token"))
        line = f"{plan.display}: {reply.status}"
        if reply.status in declared.expect:
            return succeeded(f"{line}\n{reply.text}".strip())
        if reply.location:
            line += f", a redirect to {label(reply.location)}, which is not followed"
        return failed(line, stdout=reply.text)


def _declared(call: Call) -> DeclaredCall:
    target, name = cast("HttpTarget", call.config), str(call.parameters["call"])
    declared = target.calls.get(name)
    if declared is None:
        known = ", ".join(target.calls)
        raise NotAllowed(REFUSED, f"{call.target} has no call {label(name)}. It has: {known}")
    if declared.reads == call.action.mutating:
        other = READ.id if declared.reads else SEND.id
        raise NotAllowed(REFUSED, f"{label(name)} of {call.target} is for {other}")
    return declared


KIND = Kind(name="http", target=HttpTarget, actions=(SEND, READ), build=HttpExecutor)
