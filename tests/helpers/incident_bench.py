"""The incident service with a gateway that remembers, a store that can fail, and a fake clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.approvals.binding import bound_to, digest_of
from bot.approvals.model import Approval, ApprovalConditions, Choice, Execution, UserStatus
from bot.approvals.policy import Voter
from bot.approvals.segment import Remediate
from bot.configuration import Configuration, LiveConfiguration
from bot.errors import StoreError
from bot.incidents.remediation import RemediationStatus
from bot.observability.metrics import Metrics
from bot.policy import Policy
from bot.remediation.client import ActionCall, NeverSeen, Outcome
from bot.remediation.contract import Plan
from bot.remediation.gateways import Gateways, NamedGateway
from bot.response import Dependencies, IncidentService
from store import Store
from store.operations import outcomes
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    OPS,
    TEAM,
    approval,
    claim_execution,
    later,
    open_incident,
)
from tests.helpers.stores import executions_of


class Gateway:
    """Remembers what it was sent; says of everything its `lookup_result`."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.digest = "sha256:1"
        self.while_asked: Callable[[], Awaitable[None]] | None = None
        self.while_sent: Callable[[], None] = lambda: None
        self.lookup_result: object = NeverSeen()

    async def execute(self, _call: object, *, key: str, digest: str | None) -> Outcome:
        self.sent.append(key)
        self.while_sent()
        return Outcome(state="succeeded", overall_status="SUCCESS")

    async def plan(self, call: ActionCall) -> Plan:
        if self.while_asked:
            await self.while_asked()
        plan = Plan(action=call.action_id, target=call.target, executor="x", display="restart")
        return plan.model_copy(update={"digest": self.digest})

    def request_of(self, _call: object, *, key: str, digest: str | None) -> dict[str, str]:
        return {"key": key}

    async def lookup(self, _key: str, *, tracking_id: str = "", bar: bool = False) -> object:
        return self.lookup_result


class Flaky:
    """An engine whose disk is full for the next few outcomes."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.refusals = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        if args and getattr(args[0], "func", None) is outcomes.finish and self.refusals:
            self.refusals -= 1
            raise StoreError("The disk is full.")
        return await self._engine.write(operation, *args, **kwargs)


class Bench:
    """The incident service with a gateway of ours, and a clock that is set by hand.

    With `other` there is a second gateway, named payments.
    """

    def __init__(
        self, store: Store, gateway: Gateway | None = None, other: Gateway | None = None
    ) -> None:
        self.flaky = Flaky(store._engine)
        self.store = Store(self.flaky, owner="bot-a", audit_key=AUDIT_KEY)
        self.dead = Store(store._engine, owner="bot-dead", audit_key=AUDIT_KEY)
        self.gateway = gateway or Gateway()
        named = [NamedGateway(self.gateway)]
        if other:
            named.append(NamedGateway(other, "payments"))
        self.now = later(10)
        self.presser = UserStatus(problem=None)
        self.service = IncidentService(
            Dependencies(
                store=self.store,
                config=LiveConfiguration(),
                advisor=None,
                gateways=Gateways(named),
                probe=None,
                user_status=self.user_status,
                clock=self.clock,
                metrics=Metrics(),
                home_team=TEAM,
                ops_channel=OPS,
            )
        )

    def clock(self) -> datetime:
        return self.now

    async def user_status(self, _user: str, _groups: object) -> UserStatus:
        """Return what Slack says of everybody."""
        return self.presser

    async def pending(self, **changes: Any) -> Approval:
        """Return what waits for a yes."""
        incident = await open_incident(self.store)
        written = self.service.config.current.written(incident.sop_id)
        result = approval(
            incident.id, terms=ApprovalConditions(bound=bound_to(incident, written)), **changes
        )
        result = replace(result, digest=digest_of(result))
        asks = Remediate(approvers=result.approvers, approvals_required=result.needed)
        self.service.config.current = Configuration(Policy(remediate=asks))
        return await self.store.ask(result, "test")

    async def approved(self, **changes: Any) -> None:
        """A yes of 1 second after NOW."""
        item = await self.pending(**changes)
        known = UserStatus(problem=None, groups=frozenset({"S0SRE"}))
        await self.store.vote(item.id, Voter(ANA, TEAM, known), Choice.APPROVE, TEAM, later(1))

    async def claimed_by(self, store: Store) -> Execution:
        await self.approved()
        execution = await claim_execution(store, later(2))
        assert execution is not None
        return execution

    async def dispatch(self) -> bool:
        """Send the oldest that waits; False where none does."""
        execution = await self.service.dispatches.claim()
        if execution is None:
            return False
        await self.service.dispatches.send(execution)
        return True

    async def state(self) -> RemediationStatus:
        (execution,) = await executions_of(self.store, 1)
        return execution.state
