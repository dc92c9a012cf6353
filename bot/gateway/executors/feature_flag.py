"""A feature flag that is switched by HTTP: a declared pair of requests, and how to read it."""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from pydantic import Field, JsonValue

from bot.gateway.actions import Action
from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.http_sending import HttpCall, HttpHost, HttpPath, body_text, send
from bot.gateway.executors.remote import UNREACHABLE, RemoteExecutor, label
from bot.gateway.parts import Part
from bot.remediation.contract import Plan, PlannedRequest

_SLACK_SECONDS = 10


class FlagState(Part):
    """The JSON field that tells the flag's state: `field` goes down by names, `a.b.c`."""

    path: HttpPath
    field: str = Field(min_length=1, max_length=200)
    on: JsonValue = True


class FlagTarget(HttpHost):
    """One flag. `state` is read before and after each change."""

    executor: Literal["feature-flag"]
    on: HttpCall
    off: HttpCall
    state: FlagState


ON = Action(
    id="flag.on",
    verb="on",
    title="Switch the flag on",
    mutating=True,
    inverse="flag.off",
    risk="medium",
    blast="every user of the feature gets it",
    verified_by="the gateway reads the flag again",
)
OFF = Action(
    id="flag.off",
    verb="off",
    title="Switch the flag off",
    mutating=True,
    inverse="flag.on",
    risk="medium",
    blast="nobody has the feature",
    verified_by="the gateway reads the flag again",
)
STATE = Action(
    id="flag.state", verb="state", title="Show whether the flag is on", mutating=False, risk="low"
)


class FlagExecutor(RemoteExecutor[FlagTarget]):
    """Switches the declared flag by its declared requests."""

    async def probe(self, name: str, target: FlagTarget) -> str:
        """Read the flag."""
        return await self._state(name, target)

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the flag's state and to both requests."""
        target = cast("FlagTarget", call.config)
        state = await self._state(call.target, target)
        request = _request(call, target)
        seconds = 3 * (target.retries + 1) * (target.timeout_seconds + 2) + _SLACK_SECONDS
        body = body_text(request.body)
        return Plan(
            action=call.action.id,
            target=call.target,
            executor="feature-flag",
            display=f"{request.method} {target.url}{request.path}",
            request=PlannedRequest(method=request.method, path=request.path),
            steps=(f"send {body}", "read the flag again") if body else ("read the flag again",),
            binding={"url": target.url, "call": request.model_dump(mode="json"), "state": state},
            mutating=call.action.mutating,
            touches=(f"flag {call.target}: {state}",),
            deadline_seconds=int(seconds),
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Send the request, unless the flag is in that state already; then read the flag."""
        target = cast("FlagTarget", call.config)
        before = await self._state(call.target, target)
        if not plan.mutating:
            return succeeded(f"{call.target} is {before}")
        if before == call.action.verb:
            return succeeded(f"{call.target} was {before} already")
        request = _request(call, target)
        reply = await send(target, request, self.secret(call.target, "token"))
        if reply.status not in request.expect:
            return failed(f"{plan.display}: {reply.status}", stdout=reply.text)
        try:
            after = await self._state(call.target, target)
        except ExecutorError as error:
            raise OutcomeLost(f"{plan.display} was answered, then: {error.message}") from error
        if after != call.action.verb:
            return failed(f"{plan.display}: {reply.status}, but {call.target} is {after}")
        return succeeded(f"{call.target} is {after}")

    async def _state(self, name: str, target: FlagTarget) -> str:
        call = HttpCall(method="GET", path=target.state.path)
        reply = await send(target, call, self.secret(name, "token"))
        try:
            value: Any = json.loads(reply.text)
            for key in target.state.field.split("."):
                value = value[key]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            why = f"{target.state.path} answered {reply.status} without {label(target.state.field)}"
            raise ExecutorError(UNREACHABLE, f"{name}: {why}") from error
        return "on" if value == target.state.on else "off"


def _request(call: Call, target: FlagTarget) -> HttpCall:
    if call.action is STATE:
        return HttpCall(method="GET", path=target.state.path)
    return target.on if call.action is ON else target.off


KIND = Kind(name="feature-flag", target=FlagTarget, actions=(ON, OFF, STATE), build=FlagExecutor)
