"""The output of a reading is kept for the person who ran it, and not for long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bot.approvals.segment import Remediate
from bot.configuration import LiveConfiguration
from bot.errors import Refused
from bot.policy import Policy
from bot.remediation.answers import Outcome
from bot.remediation.contract import ActionInfo, ActionList
from bot.remediation.gateways import Gateways, NamedGateway
from bot.remediation.offers import read_offers
from bot.response.gateway_reads import MOST_BY_PERSON, MOST_KEPT, GatewayReads
from bot.response.gateway_targets import readable

NOW = datetime(2026, 11, 27, tzinfo=UTC)
INCIDENT: Any = SimpleNamespace(id=1, service="web", tracking_id="")


class Gateway:
    async def plan(self, call: Any) -> Any:
        return SimpleNamespace(mutating=False, digest="d")

    async def execute(self, call: Any, *, key: str, digest: str) -> Outcome:
        return Outcome(state="succeeded", overall_status="COMPLETED_SUCCESS", stdout="all of it")


class Store:
    async def record_gateway_use(self, *_: object) -> None:
        pass


async def may(_user: str, _action: object) -> None:
    pass


@pytest.mark.attack("ASI03")
async def test_nobody_opens_the_output_that_another_person_read() -> None:
    config = LiveConfiguration()
    status = ActionInfo(id="service.status", mutating=False, targets=("web",))
    offered = ActionInfo(id="cache.show", mutating=False, targets=("web",))
    config.take_offers(read_offers(ActionList(actions=(status, offered))), {})
    assert [action.id for action in readable(config, "web")] == ["service.status"]
    policy = Policy(remediate=Remediate(reading=("cache.*",)))
    config.current = replace(config.current, policy=policy)
    assert [action.id for action in readable(config, "web")] == ["service.status", "cache.show"]
    parts: Any = SimpleNamespace(
        gateways=Gateways([NamedGateway(Gateway())]),
        config=config,
        store=Store(),
        clock=lambda: NOW,
    )
    reads = GatewayReads(parts, may)
    reading = await reads.run(INCIDENT, "status", "U0ANA", "C1")
    assert reads.output(reading.id, "U0ANA") == "all of it"
    for reading_id, user in ((reading.id, "U0BEN"), ("", ""), ("gone", "U0ANA")):
        with pytest.raises(Refused, match="no longer kept"):
            reads.output(reading_id, user)
    for number in range(MOST_KEPT):
        person = f"U{number // MOST_BY_PERSON}"
        await reads.run(INCIDENT, "status", person, f"C{person}")
    with pytest.raises(Refused, match="no longer kept"):
        reads.output(reading.id, "U0ANA")
