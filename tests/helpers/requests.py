"""Approvals on their way to a request, and the blocker that stops them."""

from __future__ import annotations

from typing import Any

from bot.approvals.blockers import evaluate, requirement_of
from bot.approvals.facts import Config
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, ApprovalConditions, Binding, Choice, Execution
from bot.approvals.reasons import BlockerKind
from store import Store
from tests.helpers.builders import (
    ANA,
    TEAM,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    voter,
)


async def approved(store: Store, **changes: Any) -> Approval:
    incident = await open_incident(store)
    terms = ApprovalConditions(
        bound=Binding(severity=incident.severity, env=incident.env, service="web")
    )
    result = await pending_approval(store, incident.id, **{"terms": terms, **changes})
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    return result


async def claimed(store: Store, at: float = 2) -> Execution:
    execution = await claim_execution(store, later(at), Limits())
    assert execution is not None
    return execution


async def may_send(store: Store, execution: Execution, at: float) -> bool:
    approval = await store.approval(execution.approval_id)
    config = Config(sop="", requirement=requirement_of(approval))
    return await store.record_request(
        execution, approval, later(at), Limits(), config, {"key": execution.id}
    )


async def blocker_of(store: Store, approval: Approval, at: float) -> BlockerKind | None:
    facts = await store.blocker_facts(Limits(), later(at))
    incident = await store.incident(approval.incident_id)
    result = evaluate(approval, incident, facts, Limits(), later(at))
    return result.kind if result else None
