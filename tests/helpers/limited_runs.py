"""Approves, claims and finishes remediations under limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.reason_text import sentence
from bot.incidents.model import Incident
from bot.incidents.remediation import Parameter, Proposal, RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    TEAM,
    approval,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    voter,
)

SUCCEEDED, FAILED = RemediationStatus.SUCCEEDED, RemediationStatus.FAILED


NOT_VERIFIED, VERIFIED = RemediationStatus.NOT_VERIFIED, RemediationStatus.VERIFIED


UNKNOWN, REVOKED = RemediationStatus.OUTCOME_UNKNOWN, RemediationStatus.REVOKED


COOL = Limits(cooldowns={"service.restart": timedelta(minutes=5)})


async def yes(store: Store, item: Approval, at: float = 1, limits: Limits | None = None) -> None:
    await store.vote(
        item.id, voter(ANA), Choice.APPROVE, TEAM, later(at), limits=limits or Limits()
    )


async def claim(store: Store, at: float = 2, limits: Limits | None = None) -> Execution | None:
    return await claim_execution(store, later(at), limits or Limits())


async def ends(
    store: Store, execution: Execution, state: RemediationStatus, at: float = 3, **how: Any
) -> Execution:
    first = SUCCEEDED if state in (VERIFIED, NOT_VERIFIED) else state
    answer = how.get("answer", {"exit_code": 0})
    done = await store.finish_execution(
        execution, first, answer=answer, error="", now=later(at), verify_until=later(at + 300)
    )
    if first is not state:
        assert await store.conclude(done.id, state, "looked", later(at + 1))
    return await store.execution(done.id)


async def ran(
    store: Store,
    incident: Incident,
    state: RemediationStatus,
    *,
    at: float = 1,
    target: str = "web",
    **how: Any,
) -> Execution:
    """A remediation of the incident that was approved, sent, and ended so."""
    result = await pending_approval(store, incident.id, target=target)
    await yes(store, result, at)
    execution = await claim(store, at)
    assert execution is not None
    return await ends(store, execution, state, at + 1, **how)


def restart(grace: int) -> Proposal:
    """A restart of web that differs by its grace."""
    proposal = approval(1, target="web").proposal
    return replace(proposal, parameters=(Parameter("grace_seconds", grace, "default"),))


async def other(store: Store, name: str = "db") -> Incident:
    return await open_incident(store, service=name, fingerprint=f"fp-{name}")


async def reason(store: Store, item: Approval) -> str:
    result = await store.approval(item.id)
    assert result.state is REVOKED, result.state
    return sentence(result.reason)
