"""Evidence from the gateway: the state of the incident's target, its report, the end of its log."""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.configuration import LiveConfiguration
from bot.enrichment.gathering import ERROR_CHARS
from bot.enrichment.model import FACT_CHARS, KnownFact, SourceFailure
from bot.errors import GatewayUnavailable, SopbotError
from bot.incidents.model import Incident
from bot.remediation.client import ActionCall
from bot.remediation.gateways import Gateways
from bot.remediation.offers import OfferedAction
from bot.response.gateway_reads import read
from bot.response.gateway_targets import BUTTONS, named_by, readable

EVIDENCE = (*BUTTONS, "report", "disk_report", "state")
"""The reading actions that tell how a target is and need no parameters, by the last part of their
ids. Of databases, caches and folders that is their report, of a feature flag its state.
"""


async def facts_about(
    gateways: Gateways,
    config: LiveConfiguration,
    source: str,
    incident: Incident,
    target: str,
    now: datetime,
    *,
    seconds: float,
) -> list[KnownFact | SourceFailure]:
    """Read status, logs and reports at the same time, each within `seconds`; nothing without a
    target.
    """

    async def answered(action: OfferedAction) -> KnownFact | SourceFailure:
        call = ActionCall(
            action_id=action.id,
            target=target,
            intent=action.title,
            tracking_id=incident.tracking_id,
        )
        try:
            outcome = await read(gateways, call, seconds)
        except SopbotError as error:
            return SourceFailure(source, _word(error), f"{action.id}: {error}"[:ERROR_CHARS])
        if outcome.state != "succeeded":
            return SourceFailure(source, "failed", f"{action.id}: {outcome.error}"[:ERROR_CHARS])
        text = _end_of((outcome.stdout or outcome.stderr).strip())
        return KnownFact(source, f"{action.id} on {target}", text, now)

    actions = readable(config, target)
    named = [named_by(actions, verb) for verb in EVIDENCE]
    return await asyncio.gather(*[answered(action) for action in named if action is not None])


def _word(error: SopbotError) -> str:
    if isinstance(error.__cause__, TimeoutError):
        return "late"
    return "unreachable" if isinstance(error, GatewayUnavailable) else "failed"


def _end_of(text: str) -> str:
    """Return the whole lines at the end that fit into a fact: the end of a log matters."""
    if len(text) <= FACT_CHARS:
        return text
    _cut, _sep, lines = text[-FACT_CHARS:].partition("\n")
    return lines or text[-FACT_CHARS:]
