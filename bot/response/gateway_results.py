"""The result of one request to the gateway: sent, refused, or unknown (never retried)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import chain, repeat
from typing import Any, TypeVar

from bot.errors import GatewayRejected, GatewayUnavailable, OutcomeUnknown, StoreError
from bot.incidents.remediation import RemediationStatus
from bot.language import deferred
from bot.observability.throttled_logger import ThrottledLogger
from bot.remediation.client import ActionCall, NeverSeen, Outcome, Running
from bot.remediation.gateways import SHOWN_DEFAULT, Gateways, NamedGateway, names_of

log = logging.getLogger(__name__)

# Seconds between tries to store the result; the last one repeats.
PAUSES = (0.1, 0.5, 2.0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a dispatch to store: its state, the answer, and a text for people.

    `finished_at` is the gateway's own time where the answer was `looked_up`; None means now.
    `not_run`: nothing ran, for sure, so that it may be sent again. `still_running`: the gateway
    says so; that is no outcome before the caller stops waiting for one. `gateway` was asked.
    """

    state: RemediationStatus
    answer: dict[str, Any] | None = None
    error: str = ""
    finished_at: datetime | None = None
    looked_up: bool = False
    not_run: bool = False
    still_running: bool = False
    gateway: str = SHOWN_DEFAULT


def not_sent(error: Exception, gateway: str) -> Result:
    """Nothing reached the gateway of that name, or it refused the request: nothing ran."""
    why = deferred("Not dispatched: {why}", why=told_by(error))
    return Result(RemediationStatus.FAILED, error=why, not_run=True, gateway=names_of([gateway]))


def told_by(error: Exception) -> str:
    """Return what the error tells a person, so that it can be translated."""
    message, remedy = getattr(error, "translatable", (str(error), ""))
    return deferred("{what} {remedy}", what=message, remedy=remedy) if remedy else message


async def send(gateway: NamedGateway, call: ActionCall, key: str, digest: str) -> Result:
    """Send the request once and return its result."""
    try:
        result = read(await gateway.client.execute(call, key=key, digest=digest or None))
    except (GatewayUnavailable, GatewayRejected) as error:
        result = not_sent(error, gateway.name)
    except OutcomeUnknown as error:
        result = Result(RemediationStatus.OUTCOME_UNKNOWN, error=told_by(error))
    return replace(result, gateway=gateway.shown)


async def look_up(
    gateways: Gateways, name: str, key: str, tracking_id: str, *, bar: bool
) -> Result | NeverSeen:
    """Ask the gateway for the result of a request that was or may have been sent.

    NeverSeen: sending it with the same key is safe. It did not run, and never will, only where the
    key is barred: else the first request may still be on its way.
    """
    try:
        gateway = gateways.named(name)
    except GatewayUnavailable as error:
        return Result(RemediationStatus.OUTCOME_UNKNOWN, error=told_by(error), gateway=name)
    return replace(await _look_up(gateway, key, tracking_id, bar=bar), gateway=gateway.shown)


async def _look_up(
    gateway: NamedGateway, key: str, tracking_id: str, *, bar: bool
) -> Result | NeverSeen:
    try:
        result = await gateway.client.lookup(key, tracking_id=tracking_id, bar=bar)
    except (GatewayUnavailable, OutcomeUnknown) as error:
        return Result(RemediationStatus.OUTCOME_UNKNOWN, error=told_by(error))
    except GatewayRejected as error:
        return Result(
            RemediationStatus.OUTCOME_UNKNOWN,
            error=deferred("Could not look: {why}", why=told_by(error)),
        )
    if isinstance(result, NeverSeen):
        return result
    if isinstance(result, Outcome):
        return replace(read(result), finished_at=result.finished_at, looked_up=True)
    if isinstance(result, Running):
        why = deferred("It is still running at the gateway.")
        return Result(RemediationStatus.OUTCOME_UNKNOWN, error=why, still_running=True)
    why = deferred("This gateway cannot look up what became of it.")
    return Result(RemediationStatus.OUTCOME_UNKNOWN, error=why)


def read(outcome: Outcome) -> Result:
    """Return the gateway's answer as our result."""
    answer = asdict(outcome)
    if outcome.state == "succeeded":
        return Result(RemediationStatus.SUCCEEDED, answer)
    if outcome.state == "escalate":
        return Result(
            RemediationStatus.OUTCOME_UNKNOWN,
            answer,
            deferred("The gateway failed inside: {why}. A person must look.", why=outcome.error),
        )
    if outcome.state == "unknown":
        return Result(
            RemediationStatus.OUTCOME_UNKNOWN,
            answer,
            deferred(
                "The gateway did not see how it ended: {why}. A person must look.",
                why=outcome.error,
            ),
        )
    return Result(RemediationStatus.FAILED, answer, outcome.error, not_run=outcome.nothing_ran)


async def written(write: Callable[[], Awaitable[T]]) -> T:
    """Store a result that only this process knows; retry until the store accepts it.

    StoreError if the store refuses this very write: then another try cannot help.
    """
    throttled = ThrottledLogger(log, logging.WARNING, "what came of it is not written yet: %s")
    for pause in chain(PAUSES, repeat(PAUSES[-1])):
        try:
            return await write()
        except StoreError as error:
            if error.permanent:
                raise
            throttled.log(error)
        await asyncio.sleep(pause)
    raise AssertionError("the last pause comes again and again")
