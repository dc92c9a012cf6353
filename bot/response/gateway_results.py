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
from bot.observability.throttled_logger import ThrottledLogger
from bot.remediation.client import ActionCall, NeverSeen, Outcome, Running
from bot.remediation.gateways import SHOWN_DEFAULT, Gateways, NamedGateway

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


def not_sent(error: Exception) -> Result:
    """Nothing reached the gateway, or it refused the request: nothing ran."""
    return Result(RemediationStatus.FAILED, error=f"Not dispatched: {error}", not_run=True)


async def send(gateway: NamedGateway, call: ActionCall, key: str, digest: str) -> Result:
    """Send the request once and return its result."""
    try:
        result = read(await gateway.client.execute(call, key=key, digest=digest or None))
    except (GatewayUnavailable, GatewayRejected) as error:
        result = not_sent(error)
    except OutcomeUnknown as error:
        result = Result(RemediationStatus.OUTCOME_UNKNOWN, error=str(error))
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
        return Result(RemediationStatus.OUTCOME_UNKNOWN, error=str(error), gateway=name)
    return replace(await _look_up(gateway, key, tracking_id, bar=bar), gateway=gateway.shown)


async def _look_up(
    gateway: NamedGateway, key: str, tracking_id: str, *, bar: bool
) -> Result | NeverSeen:
    try:
        result = await gateway.client.lookup(key, tracking_id=tracking_id, bar=bar)
    except (GatewayUnavailable, OutcomeUnknown) as error:
        return Result(RemediationStatus.OUTCOME_UNKNOWN, error=str(error))
    except GatewayRejected as error:
        return Result(RemediationStatus.OUTCOME_UNKNOWN, error=f"Could not look: {error}")
    if isinstance(result, NeverSeen):
        return result
    if isinstance(result, Outcome):
        return replace(read(result), finished_at=result.finished_at, looked_up=True)
    if isinstance(result, Running):
        why = "It is still running at the gateway."
        return Result(RemediationStatus.OUTCOME_UNKNOWN, error=why, still_running=True)
    why = "This gateway cannot look up what became of it."
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
            f"The gateway failed inside: {outcome.error}. A person must look.",
        )
    if outcome.state == "unknown":
        return Result(
            RemediationStatus.OUTCOME_UNKNOWN,
            answer,
            f"The gateway did not see how it ended: {outcome.error}. A person must look.",
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
