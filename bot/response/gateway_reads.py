"""Runs the gateway's actions that change nothing, for a person: status, logs, reports.

They need no approval. The plan is asked for first: only what the gateway itself plans as reading is
run, and exactly that plan. What the bot, its policy or an SOP takes for a change is never run here,
whatever the gateway says of it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.approvals.segment import GuestAction
from bot.errors import GatewayUnavailable, InputError, Refused
from bot.incidents.model import Incident
from bot.language import deferred
from bot.remediation.catalogue import MOST_NAMED
from bot.remediation.client import ActionCall, Outcome
from bot.remediation.gateways import Gateways
from bot.remediation.offers import OfferedAction
from bot.remediation.schemas import parameters_model
from bot.response.dependencies import Dependencies
from bot.response.gateway_targets import named_by, readable, target_of
from bot.serving.rate_window import RateWindow
from bot.serving.redaction import redacted
from bot.validation import field_problems

PATIENCE = 2.5  # seconds for the plan and the run: a person waits
SPAN = timedelta(minutes=1)
MOST_BY_PERSON, MOST_IN_CHANNEL = 10, 30  # runs in that span
MOST_KEPT = 100  # outputs, each of at most 10,000 characters
_OPTION = re.compile(r"(?<![a-z0-9_])([a-z][a-z0-9_]*)=(\S+)")


class _Values(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """One action that was run, and what it printed. `id` finds the whole output for its person."""

    action: OfferedAction
    target: str
    outcome: Outcome
    id: str


class GatewayReads:
    """Runs reading actions on the targets that the gateway offers."""

    def __init__(
        self,
        dependencies: Dependencies,
        check_person: Callable[[str, GuestAction | None], Awaitable[None]],
    ) -> None:
        self._gateways = dependencies.gateways
        self._config = dependencies.config
        self._store = dependencies.store
        self._clock = dependencies.clock
        self._check_person = check_person
        self._people = RateWindow(MOST_BY_PERSON, SPAN)
        self._channels = RateWindow(MOST_IN_CHANNEL, SPAN)
        self._kept: OrderedDict[str, tuple[str, str]] = OrderedDict()  # id: person, output

    def named(self, text: str, default_target: str) -> tuple[OfferedAction, str, dict[str, Any]]:
        """Return the action, the target and the values that a person's text means.

        `logs checkout-api lines=20`. An action is named by its id or the last part of it.
        InputError lists what the target offers.
        """
        options = dict(_OPTION.findall(text))
        verb, *rest = _OPTION.sub("", text).split() or [""]
        if len(rest) > 1:
            raise InputError(deferred("One target at a time."), field="target")
        target = rest[0] if rest else options.pop("target", default_target)
        action = named_by(readable(self._config, target), verb)
        if action is None:
            raise self._unknown(verb, target)
        model = parameters_model(action.fields or {}, _Values)
        try:
            values = model.model_validate(options).model_dump(mode="json", exclude_none=True)
        except ValidationError as error:
            problem = field_problems(error, model)[0]
            raise InputError(f"{action.id}: {problem}", field=problem.field) from error
        return action, target, values

    async def run(self, incident: Incident, text: str, user: str, channel: str) -> Reading:
        """Run what a person typed, and record it in the timeline. Refused: too often, or not
        reading.
        """
        await self._check_person(user, "fix")  # first: an error names targets and actions
        action, target, values = self.named(text, incident.service)
        now = self._clock()
        if self._people.take(user, now) or self._channels.take(channel, now):
            raise Refused(
                deferred("Not run: that is too often."), remedy=deferred("Wait a minute.")
            )
        call = ActionCall(
            action_id=action.id,
            target=target,
            parameters=values,
            intent=action.title,
            tracking_id=incident.tracking_id,
        )
        state = "no answer that can be used"
        try:
            outcome = await read(self._gateways, call, PATIENCE)
            state = outcome.state
        except Refused:
            state = deferred("not run: the gateway plans a change")
            raise
        finally:
            line = deferred(
                "Ran {action} on {target}: {state}", action=action.id, target=target, state=state
            )
            await self._store.record_gateway_use(incident.id, line, user, self._clock())
        return Reading(action, target, outcome, self._keep(user, outcome))

    async def run_on_target(
        self, incident: Incident, verb: str, user: str, channel: str
    ) -> Reading:
        """Run an action on the incident's target, as it is now."""
        await self._check_person(user, "fix")  # first: an error names targets and actions
        alert = await self._store.latest_alert(incident.id)
        target = target_of(self._config, incident, alert, self._clock())
        if not target:
            raise self._unknown(verb, incident.service)
        return await self.run(incident, f"{verb} {target}", user, channel)

    def output(self, reading_id: str, user: str) -> str:
        """Return the whole output for the person who ran it; Refused once it is not kept."""
        person, output = self._kept.get(reading_id, (None, ""))
        if person != user:
            raise Refused(
                deferred("This output is no longer kept."), remedy=deferred("Run it again.")
            )
        return output

    def _keep(self, user: str, outcome: Outcome) -> str:
        """Keep the output in memory only: logs are not the bot's to store."""
        reading_id = secrets.token_hex(16)
        self._kept[reading_id] = (user, outcome.stdout or outcome.stderr)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return reading_id

    def _unknown(self, verb: str, target: str) -> InputError:
        offered = [action.id for action in readable(self._config, target)]
        if offered:
            return InputError(
                deferred("{target} cannot show {verb}.", target=target[:60], verb=verb[:40])
                if verb
                else deferred("Which action?"),
                field="action",
                remedy=deferred("It shows: {offered}.", offered=_listed(offered)),
            )
        known = [name for name in self._config.offers.targets if readable(self._config, name)]
        return InputError(
            deferred("No target {target} can be read.", target=target[:60] or "—"),
            field="target",
            remedy=deferred("Known: {known}.", known=_listed(sorted(known)) or "—"),
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:MOST_NAMED]) + more


async def read(gateways: Gateways, call: ActionCall, within: float) -> Outcome:
    """Run an action that changes nothing, within so many seconds; the outcome has no secret.

    Refused: the gateway plans a change. InputError: two gateways have its target.
    GatewayUnavailable: it does not answer, or cannot plan.
    """
    gateway = gateways.for_target(call.target).client
    try:
        async with asyncio.timeout(within):
            plan = await gateway.plan(call)
            if plan is None:
                raise GatewayUnavailable(deferred("This gateway cannot show what it would do."))
            if plan.mutating:
                raise Refused(deferred("Not run: the gateway says that this changes something."))
            key = f"read-{secrets.token_hex(16)}"
            outcome = await gateway.execute(call, key=key, digest=plan.digest)
    except TimeoutError as error:
        raise GatewayUnavailable(
            deferred("The gateway did not answer in {seconds:g} s.", seconds=within)
        ) from error
    return replace(
        outcome,
        stdout=redacted(outcome.stdout, ("secrets",)),
        stderr=redacted(outcome.stderr, ("secrets",)),
        error=redacted(outcome.error, ("secrets",)),
    )
