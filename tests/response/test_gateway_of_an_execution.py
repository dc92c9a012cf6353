"""A request and every question about it go to the gateway that planned it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.approvals.binding import digest_of
from bot.errors import GatewayUnavailable
from bot.incidents.remediation import Preview, RemediationStatus
from bot.language import speaking, translated
from bot.remediation.client import Outcome
from bot.remediation.gateways import Gateways, NamedGateway
from bot.response.gateway_results import Result, look_up
from store import open_store
from tests.helpers.builders import AUDIT_KEY, approval, later
from tests.helpers.incident_bench import Bench, Gateway
from tests.helpers.stores import executions_of

AT_PAYMENTS = Preview("docker restart web", "sha256:1", "1 container", gateway="payments")


@pytest.fixture
async def bench() -> AsyncIterator[tuple[Bench, Gateway]]:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    other = Gateway()
    yield Bench(store, other=other), other
    await store.close()


async def test_it_is_sent_to_the_one_that_planned_it(bench: tuple[Bench, Gateway]) -> None:
    at, other = bench
    await at.approved(preview=AT_PAYMENTS)
    assert await at.dispatch()
    assert (len(at.gateway.sent), len(other.sent)) == (0, 1)


async def test_it_is_looked_up_where_it_was_sent_though_the_other_one_never_saw_it(
    bench: tuple[Bench, Gateway],
) -> None:
    at, other = bench
    other.lookup_result = Outcome(state="succeeded", overall_status="COMPLETED_SUCCESS")
    await at.approved(preview=AT_PAYMENTS)
    execution = await at.store.claim_dispatch(later(2), at.service.config.current.limits)
    assert execution is not None
    at.now = later(600)
    await at.service.dispatches.look_up_unknown()
    assert await at.state() is RemediationStatus.SUCCEEDED


async def test_nothing_is_sent_to_another_one_once_its_gateway_is_not_declared_any_more(
    bench: tuple[Bench, Gateway],
) -> None:
    at, other = bench
    await at.approved(preview=AT_PAYMENTS)
    at.service.dispatches._gateways = Gateways([NamedGateway(at.gateway)])  # type: ignore[arg-type]
    assert await at.dispatch()
    assert (at.gateway.sent, other.sent) == ([], [])
    (execution,) = await executions_of(at.store, 1)
    assert "payments is not declared any more" in execution.error


async def test_a_request_that_was_not_sent_counts_against_its_own_gateway(
    bench: tuple[Bench, Gateway],
) -> None:
    at, other = bench

    async def away() -> None:
        raise GatewayUnavailable("The gateway is away.")

    other.while_asked = away
    await at.approved(preview=AT_PAYMENTS)
    assert await at.dispatch()
    rate = at.service.dispatches._metrics.registry.get_sample_value
    names = ("payments", "default")
    assert [rate("gateway_success_rate", {"gateway": name}) for name in names] == [0, None]


async def test_an_outcome_at_a_gateway_that_is_not_declared_any_more_is_told_in_any_language(
    bench: tuple[Bench, Gateway],
) -> None:
    at, _ = bench
    left = Gateways([NamedGateway(at.gateway)])  # type: ignore[arg-type]
    result = await look_up(left, "payments", "key", "req", bar=False)
    assert isinstance(result, Result)
    with speaking("de"):
        assert "Das Gateway payments ist nicht mehr deklariert" in translated(result.error)


def test_the_digest_of_an_approval_covers_the_gateway_and_is_as_before_without_a_name() -> None:
    plain = approval(1)
    named = replace(plain, preview=replace(plain.preview, gateway="payments"))
    assert digest_of(plain) != digest_of(named)
    assert plain.preview.values == ["docker restart web", "sha256:1", "1 container", ""]
