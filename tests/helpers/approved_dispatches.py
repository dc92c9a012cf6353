"""Approves remediations on several targets of a bench."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.binding import bound_to, digest_of
from bot.approvals.model import ApprovalConditions, Choice, UserStatus
from bot.approvals.policy import Voter
from bot.approvals.segment import Remediate
from bot.configuration import Configuration
from bot.incidents.remediation import Parameter
from bot.policy import Policy
from tests.helpers.builders import (
    ANA,
    BEN,
    CAT,
    TEAM,
    approval,
    later,
    open_incident,
)
from tests.helpers.incident_bench import Bench

PEOPLE = (ANA, BEN, CAT)


async def approved(bench: Bench, *targets: str) -> list[str]:
    """An approved restart of each target, each for an incident of its own; their keys."""
    keys = []
    asks = Remediate(approvers=PEOPLE, actions={"service.restart": {"cooldown_seconds": 0}})
    bench.service.config.current = Configuration(Policy(remediate=asks))
    for number, target in enumerate(targets):
        incident = await open_incident(
            bench.store, service=f"s{number}", fingerprint=f"fp-{number}"
        )
        bound = bound_to(incident, bench.service.config.current.written(incident.sop_id))
        result = approval(incident.id, terms=ApprovalConditions(bound=bound), target=target)
        probe = Parameter("probe_url", f"http://{target}/health", "SOP")
        parameters = (*result.proposal.parameters, probe)
        result = replace(result, proposal=replace(result.proposal, parameters=parameters))
        result = replace(result, digest=digest_of(result))
        await bench.store.ask(result, f"test-{number}")
        known = UserStatus(problem=None)
        await bench.store.vote(
            result.id, Voter(ANA, TEAM, known), Choice.APPROVE, TEAM, later(1 + number / 10)
        )
        keys.append(f"exec-{result.id}")
    return keys
